"""Read a weights file whole, or say in a sentence why not."""

from __future__ import annotations

from pathlib import Path

from dnnexplain.contract import DnnExplainError

__all__ = ["MAX_BYTES", "read_bytes"]

MAX_BYTES = 1 << 30
"""Larger files are not weights of a controller."""


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file that exists, is a file, is not empty and is of a sane size."""
    file = Path(path)
    try:
        size = file.stat().st_size
        if file.is_dir():
            msg = f"{file} is a directory; name the weights file in it"
            raise DnnExplainError(msg)
        if size == 0:
            msg = f"{file} is empty; its copying or download did not finish"
            raise DnnExplainError(msg)
        if size > MAX_BYTES:
            msg = f"{file} has {size / 1e9:.3g} GB; a controller's weights are below {MAX_BYTES / 1e9:.3g} GB"
            raise DnnExplainError(msg)
        return file.read_bytes()
    except FileNotFoundError:
        msg = f"there is no file {file}; check the path"
        raise DnnExplainError(msg) from None
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}"
        raise DnnExplainError(msg) from None
