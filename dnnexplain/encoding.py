"""Values as JSON and back, to the bit: arrays keep dtype and shape, dataclasses their kind and version."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import math
from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dnnexplain import __version__
from dnnexplain.contract import (
    Bound,
    Decision,
    DnnExplainError,
    Episodes,
    Judgement,
    Knob,
    Metric,
    Shift,
    State,
    StatedBound,
)

__all__ = ["decode", "encode", "register"]

T = TypeVar("T")

_SMALL = 64
_KINDS = "biufcU"


_REGISTERED: dict[str, type[Any]] = {}
_FORMER = {"Setting": "Shift"}
"""Kinds that files of earlier releases hold, and what they are now."""


def register(cls: type[T]) -> type[T]:
    """Let a dataclass travel inside a result; its name must be unique. Usable as a decorator."""
    known = _REGISTERED.get(cls.__name__)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        msg = (
            f"a result kind {cls.__name__!r} exists already, in {known.__module__}; rename the one in {cls.__module__}"
        )
        raise DnnExplainError(msg)
    _REGISTERED[cls.__name__] = cls
    return cls


for _contract_type in (Bound, Decision, Episodes, Judgement, Knob, StatedBound, Metric, Shift, State):
    register(_contract_type)


def _encode_float(value: float) -> Any:
    """A finite number as it is; NaN and the infinities, which JSON lacks, by name."""
    return float(value) if math.isfinite(value) else {"__float__": str(float(value))}


def _decode_float(data: dict[str, Any]) -> float:
    """The inverse of :func:`_encode_float` for NaN and the infinities."""
    return float(data["__float__"])


def _encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """An array of numbers, truth values or text as a JSON object; small ones stay readable."""
    if array.dtype.kind not in _KINDS:
        msg = f"an array of {array.dtype} cannot be saved; use numbers, truth values or text"
        raise DnnExplainError(msg)
    data: dict[str, Any] = {"__array__": array.dtype.newbyteorder("<").str, "shape": list(array.shape)}
    readable = array.dtype.kind in "biU" or (array.dtype.kind in "uf" and bool(np.isfinite(array).all()))
    if array.dtype.kind == "U" or (readable and array.size <= _SMALL and array.dtype.itemsize <= 8):
        return data | {"values": array.ravel().tolist()}
    raw = np.ascontiguousarray(array).astype(data["__array__"]).tobytes()
    return data | {"base64": base64.b64encode(raw).decode("ascii")}


def _decode_array(data: dict[str, Any]) -> NDArray[Any]:
    """The inverse of :func:`_encode_array`; the array is read-only."""
    try:
        dtype = np.dtype(data["__array__"])
        if dtype.kind not in _KINDS:
            msg = f"arrays of {dtype} are not read from files"
            raise DnnExplainError(msg)
        if "values" in data:
            array = np.array(data["values"], dtype=dtype)
        else:
            array = np.frombuffer(base64.b64decode(data["base64"], validate=True), dtype=dtype).copy()
        array = array.reshape(data["shape"]).astype(dtype.newbyteorder("="), copy=False)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DnnExplainError):
            raise
        msg = f"a saved array is damaged: {error}"
        raise DnnExplainError(msg) from None
    array.setflags(write=False)
    return array


def encode(value: Any) -> Any:
    """A value as plain JSON: numbers, text, arrays, mappings, sequences, registered dataclasses."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _encode_float(value)
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, Mapping):
        return {_key(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if dataclasses.is_dataclass(value) and type(value).__name__ in _REGISTERED:
        return _encode_dataclass(value)
    msg = f"a {type(value).__name__} cannot be saved in a result; use numbers, text, arrays, or a registered dataclass"
    raise DnnExplainError(msg)


def _key(key: Any) -> str:
    if not isinstance(key, str) or key.startswith("__"):
        msg = f"a mapping in a result needs text keys that do not start with '__', not {key!r}"
        raise DnnExplainError(msg)
    return key


def _encode_dataclass(value: Any) -> dict[str, Any]:
    cls = type(value)
    data: dict[str, Any] = {"__kind__": cls.__name__, "__module__": cls.__module__}
    if hasattr(cls, "VERSION"):
        data |= {"__version__": cls.VERSION, "__dnnexplain__": __version__}
    for part in dataclasses.fields(value):
        item = getattr(value, part.name)
        plain = part.metadata.get("plain")
        data[part.name] = _finite(item) if plain else encode(item)
        if isinstance(item, np.ndarray) and "axes" in part.metadata:
            data[part.name] |= {"axes": list(part.metadata["axes"]), "unit": part.metadata["unit"]}
    return data


def _finite(value: Any) -> Any:
    """Plain data as strict JSON has them: a number that is not finite is null there, wherever it stands."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def decode(data: Any) -> Any:
    """The inverse of :func:`encode`; sequences come back as tuples."""
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    if "__float__" in data:
        return _decode_float(data)
    if "__array__" in data:
        return _decode_array(data)
    if "__kind__" in data:
        return _decode_dataclass(data)
    return {key: decode(item) for key, item in data.items()}


def _decode_dataclass(data: dict[str, Any]) -> Any:
    cls = _kind(str(data["__kind__"]), str(data.get("__module__", "")), str(data.get("__dnnexplain__", "?")))
    version, ours = data.get("__version__", 1), getattr(cls, "VERSION", 1)
    if version < ours and hasattr(cls, "migrated") and (newer := cls.migrated(data, version)) is not None:
        data, version = newer, ours
    if version != ours:
        wrote = data.get("__dnnexplain__", "?")
        msg = (
            f"this {cls.__name__} has format {version}, written by dnnexplain {wrote}; "
            f"dnnexplain {__version__} reads format {ours}. Use the version that wrote it, or compute it again"
        )
        raise DnnExplainError(msg)
    plain = {part.name: bool(part.metadata.get("plain")) for part in dataclasses.fields(cls)}
    given = {name: item for name, item in data.items() if not name.startswith("__")}
    if unknown := sorted(given.keys() - plain.keys()):
        msg = f"a saved {cls.__name__} has fields that this version does not know: {', '.join(unknown)}"
        raise DnnExplainError(msg)
    try:
        return cls(**{name: item if plain[name] else decode(item) for name, item in given.items()})
    except TypeError as error:
        msg = f"a saved {cls.__name__} is incomplete: {error}"
        raise DnnExplainError(msg) from None


def _kind(name: str, module: str, wrote: str) -> type[Any]:
    """The class of a saved result; a module of our own that defines it is imported first."""
    name = _FORMER.get(name, name)
    if name not in _REGISTERED and module.startswith("dnnexplain."):
        with contextlib.suppress(ImportError):
            import_module(module)
    if name not in _REGISTERED:
        msg = (
            f"this file holds a result of kind {name!r}, written by dnnexplain {wrote}, which dnnexplain "
            f"{__version__} does not know. Import the module that defines it ({module or 'unknown'}), or upgrade"
        )
        raise DnnExplainError(msg)
    return _REGISTERED[name]
