"""Files that a visitor brings: checked before anything is made of them, and without a path in what is said of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError

__all__ = ["MOST_BYTES", "brought", "checked", "text_of"]

MOST_BYTES = 60_000_000
"""Of a file; ``widgets/page/src/panel/controls.js`` refuses a larger one before it is sent."""

_LONGEST_NAME = 120


def checked(given: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """The control, the file's name, and its content; a page may send anything in their place.

    Raises:
        DnnExplainError: it is no file, or too large.
    """
    name, file, content = (given.get(key) for key in ("name", "file", "content"))
    if not (isinstance(name, str) and isinstance(file, str) and isinstance(content, bytes | bytearray | memoryview)):
        msg = "that is no file: its content must be bytes, with a name"
        raise DnnExplainError(msg)
    size = content.nbytes if isinstance(content, memoryview) else len(content)
    if size > MOST_BYTES:
        msg = f"the file has {size / 1e6:,.0f} MB; a page takes at most {MOST_BYTES / 1e6:,.0f} MB: give a smaller one"
        raise DnnExplainError(msg)
    return name, _safe_name(file), bytes(content)


def text_of(file: str, content: bytes, what: str = "is no saved result") -> str:
    """The content as text.

    Raises:
        DnnExplainError: it is not text; ``what`` says in the message what the file was to be.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        msg = f"{file} {what}: it is not text"
        raise DnnExplainError(msg) from None


def _safe_name(file: str) -> str:
    """A file's name that can be written to a folder of ours, with its ending."""
    plain = re.sub(r"[^\w .()+@=-]", "_", file.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return plain[-_LONGEST_NAME:].strip(". ") or "file"


@contextmanager
def brought(file: str, content: bytes) -> Iterator[Path]:
    """The file in a folder of its own, for readers that need a path; it is gone afterwards.

    A refusal names the file as its owner knows it, not the folder on the server.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(file).name
        path.write_bytes(content)
        try:
            yield path
        except DnnExplainError as error:
            raise DnnExplainError(_without(str(error), folder)) from None


def _without(text: str, folder: str) -> str:
    for form in (str(Path(folder).resolve()), folder):
        text = text.replace(f"{form}/", "").replace(form, "the file")
    return text
