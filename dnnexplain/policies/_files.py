"""Read a weights file whole, or say in a sentence why not."""

from __future__ import annotations

from pathlib import Path

from dnnexplain import reading
from dnnexplain.contract import DnnExplainError

__all__ = ["read_bytes"]


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a weights file, which is there, is not empty and is not too large to be one.

    Raises:
        DnnExplainError: as :func:`dnnexplain.reading.read_bytes`, or it is empty.
    """
    data = reading.read_bytes(path, packed=True)
    if not data:
        msg = f"{path} is empty; its copying or download did not finish"
        raise DnnExplainError(msg)
    return data
