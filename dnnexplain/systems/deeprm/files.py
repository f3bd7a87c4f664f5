"""Reading a text file with one clear sentence for whatever is wrong with it."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from dnnexplain.contract import DnnExplainError

__all__ = ["decode", "read_bytes"]


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, unpacked if it is gzip (told by its first bytes, whatever it is called).

    Raises:
        DnnExplainError: no such file, a directory, no permission, or a damaged gzip file.
    """
    where = Path(path)
    try:
        data = where.read_bytes()
    except FileNotFoundError:
        msg = f"{where}: there is no such file"
    except IsADirectoryError:
        msg = f"{where} is a directory; name a file in it"
    except OSError as error:
        msg = f"{where} cannot be read: {error.strerror or error}"
    else:
        return _unpacked(where, data)
    raise DnnExplainError(msg)


def _unpacked(where: Path, data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error):
        msg = f"{where} is a damaged or truncated gzip file; fetch it again"
        raise DnnExplainError(msg) from None


def decode(where: str | Path, data: bytes) -> str:
    """Text in UTF-8 (a byte order mark is dropped).

    Raises:
        DnnExplainError: the bytes are not UTF-8; the message names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        msg = f"{where}: line {line} is not UTF-8 text (byte 0x{data[error.start]:02x}); save the file as UTF-8"
        raise DnnExplainError(msg) from None
