"""Read a weights file whole, write one whole or not at all, and say in a sentence why not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dnnexplain.contract import DnnExplainError

__all__ = ["MAX_BYTES", "read_bytes", "write_bytes"]

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


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write through a temporary file beside it, so that ``path`` is the old file or the new, never a part."""
    file, temporary = Path(path), None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(file)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        msg = f"{file} cannot be written: {error.strerror or error}"
        raise DnnExplainError(msg) from None
    return file
