"""Weights of an ONNX model that lie in a file beside it, as torch's exporter writes them since its version 2.9."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import current_limits
from dnnexplain.tensor_files import read_whole

__all__ = ["gather"]

_WHOLE = "save it whole: onnx.save_model(onnx.load(path), path, save_as_external_data=False)"
_EXTERNAL = 1
"""``TensorProto.EXTERNAL``."""


def gather(model: Any, path: str | Path) -> None:
    """Put weights from files in the model's own folder into the model.

    Raises:
        DnnExplainError: a file elsewhere, none, one that is too short, or more weights than one file may have.
    """
    files: dict[str, bytes] = {}
    size, bound = 0, current_limits()
    for tensor in _tensors(model.graph):
        if tensor.data_location == _EXTERNAL:
            said = {entry.key: entry.value for entry in tensor.external_data}
            tensor.raw_data = _piece(said, files, Path(path))
            tensor.data_location = 0
            tensor.ClearField("external_data")
            size += len(tensor.raw_data)
            if size > bound.bytes:  # many tensors may name the same piece
                raise bound.over(path, "bytes", f"has weights of more than {bound.bytes:,} bytes beside it")


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor that may be read: weights by name, and those that nodes hold, such as constants.

    None may be left: what reads a tensor's numbers follows it to a file by itself, below the folder one happens to be in.
    """
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors


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
        files[name] = read_whole(beside)
    start = int(said.get("offset", 0))
    end = start + int(said.get("length", len(files[name]) - start))
    if not 0 <= start <= end <= len(files[name]):
        msg = f"{path}: {name!r} beside it is shorter than the model says; copy both files again"
        raise DnnExplainError(msg)
    return files[name][start:end]
