"""Write a file whole or not at all; how files are read is in :mod:`dnnexplain.reading`."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from dnnexplain.contract import DnnExplainError

__all__ = ["atomic_write", "check_folder", "check_writable", "existing_folder", "made_folder", "reason", "write_bytes"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when the block has ended well.

    Until then the data are in a hidden file beside it (``.NAME.….part``), which an error or Ctrl-C
    removes; a file that was there before stays as it was. Pipes and devices are written directly.

    Args:
        path: where the file shall be; its folder must exist.
        mode: ``"w"`` for UTF-8 text or ``"wb"`` for bytes.

    Raises:
        DnnExplainError: the folder is missing or read-only, the disk is full, ``path`` is a folder.
    """
    file = Path(path)
    encoding = None if "b" in mode else "utf-8"
    if _is_device(file):
        with _refused(path), file.open(mode, encoding=encoding) as stream:
            yield stream
        return
    with _refused(path):
        file = file.resolve()
        temporary = _beside(file)
    try:
        with _refused(path, FULL), temporary.open(mode, encoding=encoding) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        with _refused(path):
            temporary.replace(file)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write bytes by :func:`atomic_write`; the folder is made if it is not there.

    Raises:
        DnnExplainError: the folder cannot be made, or ``path`` cannot be written.
    """
    file = Path(path)
    with _refused(path):
        file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file, "wb") as stream:
        stream.write(data)
    return file


def existing_folder(path: str | Path, advice: str = "give one that exists") -> Path:
    """The folder at a path.

    Raises:
        DnnExplainError: nothing is there, or something else is; ``advice`` ends the sentence.
    """
    folder = Path(path)
    if folder.is_dir():
        return folder
    what = f"{folder} is a file, not a folder" if folder.exists() else f"there is no folder {folder}"
    msg = f"{what}; {advice}"
    raise DnnExplainError(msg)


def made_folder(path: str | Path, option: str = "--out") -> Path:
    """The folder at a path, made with those above it where they are not there.

    Raises:
        DnnExplainError: it cannot be made; the option with which another one is given is named.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        in_the_way = next((above for above in (folder, *folder.parents) if _is_no_folder(above)), None)
        what = reason(error) if in_the_way is None else f"{in_the_way} is a file"
        msg = f"the folder {folder} cannot be made: {what}; give another one as {option}"
        raise DnnExplainError(msg) from None
    return folder


def check_folder(path: str | Path, option: str = "--out") -> None:
    """Raise now what :func:`made_folder` would raise after a long computation, or a file in it; nothing stays behind."""
    folder = Path(path)
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        made_folder(folder, option)
        with _refused(folder), tempfile.TemporaryFile(dir=folder):
            pass
    finally:
        for place in missing:
            with suppress(OSError):  # somebody else has put something there meanwhile
                place.rmdir()


def _is_no_folder(path: Path) -> bool:
    """Whether something else is there; of a name that is too long the answer is no, where pathlib raises."""
    return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112


def check_writable(path: str | Path) -> None:
    """Raise now what :func:`atomic_write` would raise after a long computation."""
    file = Path(path)
    if not _is_device(file):
        with _refused(path):
            _beside(file.resolve()).unlink()


def reason(error: OSError) -> str:
    """Why the system refused, in a few plain words."""
    plain: tuple[tuple[type[OSError], str], ...] = (
        (FileNotFoundError, "there is no such file or folder"),
        (IsADirectoryError, "it is a folder; name a file in it"),
        (NotADirectoryError, "a part of its path is a file, not a folder"),
        (FileExistsError, "it is there already"),
        (PermissionError, "permission denied"),
    )
    words = next((text for kind, text in plain if isinstance(error, kind)), error.strerror or str(error))
    return words[:1].lower() + words[1:]


@contextmanager
def _refused(path: str | Path, errors: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn the system's refusals into one sentence; with ``errors`` only those, for others are not about ``path``."""
    try:
        yield
    except OSError as error:
        if errors and error.errno not in errors:
            raise
        msg = f"{path} cannot be written: {reason(error)}"
        raise DnnExplainError(msg) from error


def _is_device(file: Path) -> bool:
    return file.exists() and not file.is_file() and not file.is_dir()


def _beside(file: Path) -> Path:
    """A fresh hidden file in the same folder, with the rights that ``file`` has or would get."""
    if file.is_dir():
        raise IsADirectoryError(None, None, str(file))
    if not file.parent.is_dir():
        gone = "is a file, not a folder" if file.parent.exists() else "does not exist; make it first"
        msg = f"{file} cannot be written: {'' if file.parent.exists() else 'the folder '}{file.parent} {gone}"
        raise DnnExplainError(msg)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    os.close(handle)
    with suppress(OSError):
        Path(name).chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o666 & ~_umask())
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
