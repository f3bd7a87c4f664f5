"""Files of tensors, read through the one bounded reader: weights, and runs that are not finished.

The library's own readers open a path themselves, so that a pipe is waited for and a size is not bounded; and they give
tensors in an order that every process draws anew.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import parse_json, read_bytes

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_saved_state", "read_tensors", "read_unfinished"]


def read_tensors(path: str | Path, what: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, in the order of their names, and the notes in the file's header.

    Args:
        path: of the file.
        what: it should be, for messages about a file that cannot be read.

    Raises:
        DnnExplainError: it cannot be read, or is no whole safetensors file.
    """
    data = read_bytes(path, what)
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
    data = read_bytes(path)
    try:
        tensors, notes = _held(data, path)
        story = parse_json(str(notes.get(key, "")), path, finite=False)  # the best before the first check is infinite
    except (ValueError, DnnExplainError) as error:
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

    data = read_bytes(path)
    try:
        state = torch.load(io.BytesIO(data), weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged file may fail anywhere
        msg = f"{path} is no unfinished run that can be read ({type(error).__name__}); start again with --fresh"
        raise DnnExplainError(msg) from None
    if not isinstance(state, dict):
        msg = f"{path} is no unfinished run; start again with --fresh"
        raise DnnExplainError(msg)
    return state
