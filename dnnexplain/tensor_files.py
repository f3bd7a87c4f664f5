"""Files of tensors, read through the one bounded reader: weights, and runs that are not finished.

The library's own readers open a path themselves, so that a pipe is waited for and a size is not bounded; and they give
tensors in an order that every process draws anew.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import parse_json, read_bytes, read_start

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["header_note", "read_saved_state", "read_tensors", "read_unfinished", "read_whole", "story_of"]

LONGEST_HEADER = 10_000_000


def read_whole(path: str | Path) -> bytes:
    """The bytes of a file of tensors, which is there, is not empty and is not too large to be one; as they are.

    Raises:
        DnnExplainError: as :func:`dnnexplain.reading.read_bytes`, or it is empty.
    """
    data = read_bytes(path, packed=True)
    if not data:
        msg = f"{path} is empty; its copying or download did not finish"
        raise DnnExplainError(msg)
    return data


def header_note(path: str | Path, key: str) -> dict[str, Any] | None:
    """What a note in a safetensors file's header says, read from the header alone; ``{}`` without one, ``None`` of a damaged one.

    Raises:
        DnnExplainError: the file cannot be read.
    """
    length = int.from_bytes(read_start(path, 8), "little")
    raw = read_start(path, 8 + length)[8:] if length <= LONGEST_HEADER else b""
    if len(raw) != length:
        return None
    try:
        return story_of(parse_json(raw.decode(), path).get("__metadata__", {}), key, path)
    except (ValueError, AttributeError):
        return None


def story_of(notes: Any, key: str, path: str | Path) -> dict[str, Any] | None:
    """What one of a header's notes says; ``{}`` without it, ``None`` where it is no object of JSON."""
    try:
        note = notes.get(key)
        story = parse_json(note, path) if note is not None else {}
    except (ValueError, TypeError, AttributeError):
        return None
    return story if isinstance(story, dict) else None


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, in the order of their names, and the notes in the file's header.

    Raises:
        DnnExplainError: it cannot be read, or is no whole safetensors file.
    """
    data = read_whole(path)
    try:
        return _held(data, path)
    except ValueError as error:
        msg = f"{path}: not a whole safetensors file (truncated or damaged: {error}); copy it again"
        raise DnnExplainError(msg) from None


def _held(data: bytes, path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and notes of a whole file; :class:`ValueError` with the reason, in a line, if it is none."""
    from safetensors.torch import load  # noqa: PLC0415 - brings torch

    try:
        tensors = load(data)
        header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")].decode(), path)
        notes = dict(header.get("__metadata__") or {})
    except Exception as error:  # noqa: BLE001 - headers with wrong types raise whatever the parser meets
        raise ValueError(" ".join(str(error).split())[:120]) from None
    return {name: tensors[name] for name in sorted(tensors)}, notes


def read_unfinished(path: str | Path, key: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a training run that was not finished, and what its note of that name says.

    Raises:
        DnnExplainError: the file is damaged, or is something else.
    """
    data = read_whole(path)
    try:
        tensors, notes = _held(data, path)
        story = parse_json(str(notes.get(key, "")), path, finite=False)  # the best before the first check is infinite
    except ValueError as error:
        msg = f"{path} is no unfinished run that can be read ({error}); start again with --fresh"
        raise DnnExplainError(msg) from None
    if not isinstance(story, dict):
        msg = f"{path} is no unfinished run; start again with --fresh"
        raise DnnExplainError(msg)
    return tensors, story


def read_saved_state(path: str | Path) -> dict[str, Any]:
    """What ``torch.save`` wrote of a training run that was not finished: tensors and plain values, nothing that is run.

    Raises:
        DnnExplainError: the file is damaged, or is something else.
    """
    import torch  # noqa: PLC0415 - two seconds

    data = read_whole(path)
    try:
        state = torch.load(io.BytesIO(data), weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged file may fail anywhere
        msg = f"{path} is no unfinished run that can be read ({type(error).__name__}); start again with --fresh"
        raise DnnExplainError(msg) from None
    if not isinstance(state, dict):
        msg = f"{path} is no unfinished run; start again with --fresh"
        raise DnnExplainError(msg)
    return state
