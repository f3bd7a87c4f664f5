"""The one way in for files: bounded in bytes, unpacked bytes, objects, depth, and seconds.

A small file can ask for much: 437 kB of gzip unpack to 6.5 GB, ``/dev/zero`` never ends, a pipe may stay
silent, ten thousand brackets nest too deeply for any program. Every reader of the package takes its input
from here, where packed files are known by their first bytes, not by their names, and where each bound can
be raised: by :func:`limits` in Python, by the environment variable that the message names elsewhere.
"""

from __future__ import annotations

import bz2
import csv
import io
import json
import lzma
import os
import re
import select
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.files import reason

__all__ = [
    "Limits",
    "check_count",
    "csv_rows",
    "current_limits",
    "limits",
    "open_zip",
    "parse_json",
    "parse_xml",
    "read_bytes",
    "read_json",
    "read_start",
    "read_text",
    "unpack",
]

CHUNK = 1 << 20
DIGITS = 400
"""A number with more digits in a row is refused; float64 ends at 309 before the point."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take. Each has an environment variable, ``DNNEXPLAIN_MAX_`` and its name.

    Attributes:
        bytes: of the file as it lies on the disk.
        unpacked: bytes after gzip, bzip2, xz or zip are undone.
        objects: rows of a table, values of a JSON file, elements of an XML file.
        depth: how deep JSON and XML may nest.
        nodes: of a topology; pairs and paths grow with its square.
        seconds: until a pipe has said everything, or a packed file is unpacked.
    """

    bytes: int = 1 << 30
    unpacked: int = 1 << 28
    objects: int = 2_000_000
    depth: int = 100
    nodes: int = 400
    seconds: float = 30.0

    def over(self, where: str | Path, limit: str, what: str) -> DnnExplainError:
        """The error for a bound that a file breaks: ``what`` it does, and how to allow it."""
        variable = f"DNNEXPLAIN_MAX_{limit.upper()}"
        return DnnExplainError(f"{where} {what}; if that is right, raise the limit: {variable}=N")


_CHANGED: ContextVar[dict[str, Any] | None] = ContextVar("_CHANGED", default=None)


def current_limits() -> Limits:
    """The limits that hold now: the defaults, changed by the environment, changed by :func:`limits`.

    Raises:
        DnnExplainError: an environment variable is no number above 0.
    """
    changes: dict[str, Any] = {}
    for part in fields(Limits):
        name = f"DNNEXPLAIN_MAX_{part.name.upper()}"
        if (given := os.environ.get(name)) is None:
            continue
        if not re.fullmatch(r"\d{1,15}(\.\d{1,6})?", given) or float(given) <= 0:
            msg = f"the environment variable {name} must be a number above 0, not {given[:40]!r}"
            raise DnnExplainError(msg)
        changes[part.name] = float(given) if part.name == "seconds" else int(float(given))
    return replace(Limits(), **{**changes, **(_CHANGED.get() or {})})


@contextmanager
def limits(**changes: float) -> Iterator[Limits]:
    """Other limits inside a block.

    Example:
        >>> with limits(unpacked=8 << 30):
        ...     log = read_swf("a-long-one.swf.gz")

    Raises:
        DnnExplainError: a name that :class:`Limits` does not have.
    """
    known = [part.name for part in fields(Limits)]
    if unknown := sorted(set(changes) - set(known)):
        msg = f"there is no limit {unknown[0]!r}; there are: {', '.join(known)}"
        raise DnnExplainError(msg)
    token = _CHANGED.set({**(_CHANGED.get() or {}), **changes})
    try:
        yield current_limits()
    finally:
        _CHANGED.reset(token)


def check_count(count: int, where: str | Path, what: str) -> None:
    """Refuse more than ``limits.objects`` of something: ``check_count(rows, path, "rows")``."""
    bound = current_limits()
    if count > bound.objects:
        raise bound.over(where, "objects", f"holds more than {bound.objects:,} {what}")


# --- bytes and text -----------------------------------------------------------------------------


def read_bytes(path: str | Path, what: str = "", *, packed: bool = False) -> bytes:
    """The content of a file or a pipe, unpacked if it is gzip, bzip2 or xz.

    Args:
        path: a file, or a pipe such as a shell's ``<(command)``; other devices are refused.
        what: what it should be, for messages: ``"a list of jobs"``.
        packed: leave it as it is; for formats that are packed in their own way.

    Raises:
        DnnExplainError: no such file, a folder, a device, no permission, damaged, or beyond :class:`Limits`.
    """
    where = f"{what} {path}".strip()
    data = _raw(path, where)
    return data if packed else unpack(data, where)


def read_start(path: str | Path, count: int) -> bytes:
    """The first ``count`` bytes of a file, or all of a shorter one; as they are.

    Raises:
        DnnExplainError: as :func:`read_bytes`.
    """
    return _raw(path, str(path), count)


def _raw(path: str | Path, where: str, most: int | None = None) -> bytes:
    bound = current_limits()
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb", buffering=0) as stream:
            status = os.fstat(handle)
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(None, None, str(path))
            if stat.S_ISFIFO(status.st_mode):
                return _from_pipe(stream, where, bound)
            if not stat.S_ISREG(status.st_mode):
                msg = f"{where} is a device, not a file; name a file"
                raise DnnExplainError(msg)
            if most is not None:
                return stream.read(most)
            if status.st_size > bound.bytes:
                raise bound.over(where, "bytes", f"has {status.st_size / 1e9:.3g} GB")
            return _whole(stream, where, bound)
    except OSError as error:
        msg = f"{where} cannot be read: {reason(error)}"
    except ValueError as error:
        if isinstance(error, DnnExplainError):
            raise
        msg = f"{where!r} cannot be read: it is no path ({error})"
    raise DnnExplainError(msg) from None


def _whole(stream: io.FileIO, where: str, bound: Limits) -> bytes:
    """Everything, also where a file grows while it is read or a system's file tells no size."""
    parts: list[bytes] = []
    size = 0
    while part := stream.read(CHUNK):
        parts.append(part)
        size += len(part)
        if size > bound.bytes:
            raise bound.over(where, "bytes", f"has more than {bound.bytes:,} bytes")
    return b"".join(parts)


def _from_pipe(stream: io.FileIO, where: str, bound: Limits) -> bytes:
    end = time.monotonic() + bound.seconds
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    parts: list[bytes] = []
    size = 0
    while True:
        left = end - time.monotonic()
        if left <= 0 or not waiting.poll(max(1, int(1000 * left))):
            raise bound.over(where, "seconds", f"is a pipe that did not end within {bound.seconds:g} s")
        part = stream.read(CHUNK)
        if part is None:
            continue
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > bound.bytes:
            raise bound.over(where, "bytes", f"has more than {bound.bytes:,} bytes")


def read_text(path: str | Path, what: str = "") -> str:
    """The text of a UTF-8 file (packed or not); ``what`` it should be goes into the error.

    Raises:
        DnnExplainError: as :func:`read_bytes`, or it is not UTF-8; the line is named.
    """
    data = read_bytes(path, what)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        msg = (
            f"{f'{what} {path}'.strip()} is not UTF-8 text (line {line}, byte 0x{data[error.start]:02x}); "
            "is it another kind of file? If it is text, save it as UTF-8"
        )
        raise DnnExplainError(msg) from None


# --- packed files -------------------------------------------------------------------------------

_PACKERS = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lambda: lzma.LZMADecompressor(memlimit=1 << 28)),
)
"""First bytes, name, and how to start unpacking."""


def unpack(data: bytes, where: str | Path) -> bytes:
    """Undo gzip, bzip2 or xz, known by the first bytes; other data come back as they are.

    Raises:
        DnnExplainError: damaged, cut off, or it unpacks to more than :class:`Limits` allow.
    """
    for magic, name, start in _PACKERS:
        if data.startswith(magic):
            return _unpacked(data, where, name, magic, start)
    return data


def _unpacked(data: bytes, where: str | Path, name: str, magic: bytes, start: Callable[[], Any]) -> bytes:
    bound = current_limits()
    parts: list[bytes] = []
    size, end = 0, time.monotonic() + bound.seconds
    try:
        for part in _parts(data, magic, start):
            parts.append(part)
            size += len(part)
            if size > bound.unpacked:
                break
            if time.monotonic() > end:
                raise bound.over(where, "seconds", f"({name}) takes longer than {bound.seconds:g} s to unpack")
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        msg = f"{where} is a damaged or truncated {name} file; fetch it again"
        raise DnnExplainError(msg) from None
    if size > bound.unpacked:
        what = f"({name}, {counted(len(data), 'byte')}) unpacks to more than {bound.unpacked:,} bytes"
        raise bound.over(where, "unpacked", what)
    return b"".join(parts)


def _parts(data: bytes, magic: bytes, start: Callable[[], Any]) -> Iterator[bytes]:
    """Unpacked pieces of at most ``CHUNK`` bytes; several packed files in a row count as one."""
    rest = data
    while rest:
        if not rest.startswith(magic):
            raise EOFError  # bytes behind the end that are no further file
        packer, fed = start(), rest
        while not packer.eof:
            part, given = packer.decompress(fed, CHUNK), fed
            fed = getattr(packer, "unconsumed_tail", b"")
            if not (part or given or packer.eof):
                raise EOFError
            yield part
        rest = packer.unused_data.lstrip(b"\0")


def open_zip(data: bytes, where: str | Path) -> zipfile.ZipFile:
    """A zip archive in memory whose members, all together, stay within :class:`Limits`.

    Raises:
        DnnExplainError: damaged, encrypted, or too large unpacked.
    """
    bound = current_limits()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except Exception as error:  # noqa: BLE001 - a damaged directory of an archive may raise nearly anything
        words = " ".join(str(error).split())[:100]
        msg = f"{where} is a truncated or damaged zip archive ({words}); copy it again"
        raise DnnExplainError(msg) from None
    unpacked = sum(entry.file_size for entry in entries)
    most = max(bound.unpacked, 2 * len(data))  # what is hardly packed is no bomb
    if unpacked > most:
        raise bound.over(where, "unpacked", f"unpacks to {unpacked / 1e6:,.3g} MB, far above its size")
    check_count(len(entries), where, "members")
    if any(entry.flag_bits & 1 for entry in entries):
        msg = f"{where} is encrypted; unpack it first"
        raise DnnExplainError(msg)
    return archive


# --- JSON and XML -------------------------------------------------------------------------------


def read_json(path: str | Path, what: str = "") -> Any:
    """What a JSON file holds; see :func:`parse_json`."""
    return parse_json(read_text(path, what), f"{what} {path}".strip())


def parse_json(text: str, where: str | Path, *, finite: bool = True) -> Any:
    """What a JSON text holds; NaN and infinities are refused, for JSON has none, unless ``finite`` is false.

    Args:
        text: at most ``limits.objects`` values, nested at most ``limits.depth`` deep.
        where: for messages.
        finite: false leaves it to the caller to say which quantity is no number.

    Raises:
        DnnExplainError: not JSON, a name that stands twice in an object, or beyond :class:`Limits`.
    """
    bound = current_limits()
    check_count(sum(map(text.count, "[{,")), where, "values")
    if re.search(rf"\d{{{DIGITS}}}", text):
        msg = f"{where} holds a number of {DIGITS} digits or more; no quantity here needs them"
        raise DnnExplainError(msg)

    def refuse(constant: str) -> None:
        msg = f"{where} has a {constant}, which is no number in JSON"
        raise DnnExplainError(msg)

    def named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            msg = f"{where} gives {twice[:80]!r} more than once in the same object; which one is meant? Leave one"
            raise DnnExplainError(msg)
        return made

    try:
        parsed = json.loads(text, parse_constant=refuse if finite else None, object_pairs_hook=named_once)
    except json.JSONDecodeError as error:
        cut = bool(text.strip()) and (error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"))
        words = "the file ends too early" if cut else error.msg
        msg = f"{where} is not valid JSON: {words} in line {error.lineno}, column {error.colno}"
        raise DnnExplainError(msg) from None
    except RecursionError:
        raise _too_deep(where, bound) from None
    level = [parsed]
    for _ in range(bound.depth):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return parsed
    raise _too_deep(where, bound)


def _too_deep(where: str | Path, bound: Limits) -> DnnExplainError:
    return bound.over(where, "depth", f"is nested too deeply (more than {counted(bound.depth, 'level')})")


def parse_xml(data: bytes, where: str | Path) -> ET.Element:
    """The root of an XML document that declares no entities.

    Raises:
        DnnExplainError: not XML, it declares a document type or entities, or it is beyond :class:`Limits`.
    """
    bound = current_limits()
    if b"<!DOCTYPE" in data[:65536] or b"<!ENTITY" in data:
        msg = (
            f"{where} declares a document type or entities, which can make a small file huge; remove the <!DOCTYPE ...>"
        )
        raise DnnExplainError(msg)
    check_count(data.count(b"<") // 2, where, "elements")
    parser: Any = ET.XMLPullParser(("start", "end"))
    depth = 0
    root: ET.Element | None = None
    try:
        for first in range(0, len(data), CHUNK):
            parser.feed(data[first : first + CHUNK])
            for event, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                if depth > bound.depth:
                    raise _too_deep(where, bound)
        parser.close()
    except (ET.ParseError, LookupError, ValueError) as error:
        if isinstance(error, DnnExplainError):
            raise
        msg = f"{where} is not valid XML: {' '.join(str(error).split())[:120]}"
        raise DnnExplainError(msg) from None
    if root is None:
        msg = f"{where} is not valid XML: it is empty"
        raise DnnExplainError(msg)
    return root


def csv_rows(lines: Iterable[str], where: str | Path, delimiter: str = ",") -> list[list[str]]:
    """The rows of a table with separators, as the csv module reads them.

    Raises:
        DnnExplainError: a cell of more characters than that module takes, or a null character.
    """
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        msg = f"{where} is no table with {delimiter!r} between its columns ({error})"
        raise DnnExplainError(msg) from None
