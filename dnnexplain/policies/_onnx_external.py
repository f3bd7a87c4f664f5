"""Weights of an ONNX model that lie in a file beside it, as torch's exporter writes them since its version 2.9."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._files import read_bytes

__all__ = ["gather"]

_WHOLE = "save it whole: onnx.save_model(onnx.load(path), path, save_as_external_data=False)"
_EXTERNAL = 1
"""``TensorProto.EXTERNAL``."""


def gather(model: Any, path: str | Path) -> None:
    """Put weights from files in the model's own folder into the model.

    Raises:
        DnnExplainError: a file elsewhere, none, or one that is too short.
    """
    files: dict[str, bytes] = {}
    for tensor in model.graph.initializer:
        if tensor.data_location == _EXTERNAL:
            said = {entry.key: entry.value for entry in tensor.external_data}
            tensor.raw_data = _piece(said, files, Path(path))
            tensor.data_location = 0
            tensor.ClearField("external_data")


def _piece(said: dict[str, str], files: dict[str, bytes], path: Path) -> bytes:
    """The bytes of one tensor."""
    name = said.get("location", "")
    if not name or Path(name).name != name:
        msg = f"{path}: its weights lie in another file, {name!r}, which is not in its own folder and is not read; {_WHOLE}"
        raise DnnExplainError(msg)
    if name not in files:
        beside = path.parent / name
        if not beside.is_file():
            msg = f"{path}: its weights lie in another file, {name!r}, which is not beside it; copy both, or {_WHOLE}"
            raise DnnExplainError(msg)
        files[name] = read_bytes(beside)
    start = int(said.get("offset", 0))
    end = start + int(said.get("length", len(files[name]) - start))
    if not 0 <= start <= end <= len(files[name]):
        msg = f"{path}: {name!r} beside it is shorter than the model says; copy both files again"
        raise DnnExplainError(msg)
    return files[name][start:end]
