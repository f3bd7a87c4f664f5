"""The published DeepRM's weight files: Python 2 pickles of numpy arrays, read without running anything.

A pickle is a program. This reader admits the few instructions that lists of numpy arrays need, and answers
the five names that such a file imports with stand-ins of its own: no function of numpy, or of anything
else, is called with what the file says.
"""

from __future__ import annotations

import io
import itertools
import math
import pickle
import pickletools
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.policies.networks import dense_stack
from dnnexplain.policies.torch_policy import TorchPolicy
from dnnexplain.tensor_files import read_whole

__all__ = ["OPCODES", "Array", "Refused", "load_legacy", "numpy_names", "read_arrays", "refuse"]

_INSTRUCTIONS = """
    PROTO FRAME STOP MARK REDUCE BUILD GLOBAL STACK_GLOBAL LIST EMPTY_LIST APPEND APPENDS TUPLE EMPTY_TUPLE
    TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 STRING BINSTRING
    SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 PUT
    BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
"""
OPCODES = frozenset(_INSTRUCTIONS.split())
DTYPES = frozenset(f"{kind}{size}" for kind, sizes in (("f", "248"), ("i", "1248"), ("u", "1248")) for size in sizes)
ALLOWED = "numpy arrays"


class Refused(Exception):  # noqa: N818 - a verdict on the file, turned into DnnExplainError with its path
    """What the file tried, as the end of a sentence."""


def refuse(verdict: str) -> NoReturn:
    """Say what a file tried, as the end of a sentence about it."""
    raise Refused(verdict)


class _Standin:
    """What an admitted name stands for; it cannot be altered by the file."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __setstate__(self, state: Any) -> None:
        refuse(f"tries to alter {self.what}")

    def __call__(self, *arguments: Any) -> Any:
        if self.what == "reconstruct":
            return Array()
        if self.what == "frombuffer":
            return Array.from_buffer(*arguments)
        if self.what == "dtype":
            return _DType(*arguments)
        text, encoding = arguments if len(arguments) == 2 else (None, None)
        if self.what == "encode" and isinstance(text, str) and encoding in {"latin1", "latin-1"}:
            return text.encode("latin1")
        refuse(f"calls {self.what} in a way that no list of numpy arrays does")


class _DType:
    """A number type: ``f4`` and the like, and its byte order."""

    __slots__ = ("name", "order")

    def __init__(self, name: Any = None, *_: Any) -> None:
        if name not in DTYPES:
            refuse(f"holds an array of type {str(name)[:40]!r}; only arrays of plain numbers are read")
        self.name, self.order = name, "<"

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in {"<", ">", "|", "="}:
            refuse("holds a damaged number type")
        if any(part is not None for part in state[2:5]):
            refuse("holds an array of records; only arrays of plain numbers are read")
        self.order = "<" if state[1] == "=" else state[1]


class Array:
    """An array being read: shape, type and bytes are checked against each other before it is made."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: NDArray[Any] | None = None

    @classmethod
    def from_buffer(cls, raw: Any, dtype: Any, shape: Any, order: Any = "C") -> Array:
        """An array from its bytes, number type and shape."""
        made = cls()
        made.__setstate__((1, shape, dtype, order == "F", raw))
        return made

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            refuse("holds a damaged array")
        _, shape, dtype, fortran, raw = state
        if isinstance(raw, str):
            raw = raw.encode("latin1")  # a Python 2 string
        if isinstance(raw, list) or not isinstance(dtype, _DType):
            refuse("holds an array of Python objects; only arrays of plain numbers are read")
        if not isinstance(raw, bytes | bytearray) or not isinstance(shape, tuple):
            refuse("holds a damaged array")
        if not all(isinstance(size, int) and size >= 0 for size in shape) or len(shape) > 8:
            refuse(f"holds an array of the impossible shape {str(shape)[:60]}")
        expected = math.prod(shape) * int(dtype.name[1:])
        if expected != len(raw):
            refuse(f"says that an array of shape {list(shape)} has {expected} bytes, but holds {len(raw)}")
        flat = np.frombuffer(bytes(raw), dtype=np.dtype(dtype.order + dtype.name))
        self.array = flat.reshape(shape, order="F" if fortran else "C")


@cache
def numpy_names() -> dict[tuple[str, str], _Standin]:
    """Module and name of what arrays of numpy import -> what answers it."""
    names = {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): "dtype", ("_codecs", "encode"): "encode"}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = "reconstruct"
        names[f"{core}.numeric", "_frombuffer"] = "frombuffer"
    return {name: _Standin(what) for name, what in names.items()}


class _ArraysOnly(pickle.Unpickler):
    """Answers admitted names with stand-ins; refuses all others."""

    names = numpy_names()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.names:
            refuse(_import_message(module, name))
        return self.names[module, name]


def _import_message(module: str, name: str) -> str:
    return f"tries to import {module}.{name}; only {ALLOWED} are read, and nothing in the file was run"


def _check_instructions(data: bytes) -> None:
    """Refuse instructions that arrays do not need, before any is followed."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data), start=1):
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            if (module, name) not in _ArraysOnly.names:
                refuse(_import_message(module, name))
        if opcode.name not in OPCODES:
            refuse(f"uses the instruction {opcode.name}, which no list of {ALLOWED} needs; nothing was run")
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > count:
            refuse("asks for an absurd amount of memory")


def read_arrays(path: str | Path) -> list[NDArray[Any]]:
    """The numpy arrays of a pickled list, e.g. the published DeepRM's ``[W, b, W, b]``.

    Args:
        path: a pickle of protocol 0 to 5, written by Python 2 or 3.

    Returns:
        the arrays in their order, as they are in the file.

    Raises:
        DnnExplainError: the file is missing, truncated, or holds anything but numbers in arrays; nothing
            in it is run.
    """
    data = read_whole(path)
    try:
        _check_instructions(data)
        arrays = _ArraysOnly(io.BytesIO(data), encoding="latin1").load()
        if not isinstance(arrays, list | tuple) or not arrays:
            refuse(f"holds a {type(arrays).__name__.strip('_')}, not a list of {ALLOWED}")
        return [_array(item) for item in arrays]
    except Refused as verdict:
        msg = f"{path}: this pickle {verdict}; save weights as safetensors (dnnexplain.policies.save)"
        raise DnnExplainError(msg) from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle may raise nearly anything
        reason = " ".join(str(error).split())[:120]
        msg = f"{path}: not a whole pickle of {ALLOWED} (truncated or damaged: {reason}); copy it again"
        raise DnnExplainError(msg) from None


def _array(item: Any) -> NDArray[Any]:
    if not isinstance(item, Array) or item.array is None:
        refuse(f"holds a {type(item).__name__.strip('_').lower()} where a numpy array was expected")
    return item.array


def load_legacy(path: str | Path, system: System, *, masked: bool = False) -> TorchPolicy:
    """A published DeepRM network (``pg_re_*.pkl``) as a policy, named after its file.

    Args:
        path: a pickle of weight ``[in, out]``, bias ``[out]``, weight, bias, ...; ReLU lies between, the
            input is the picture row by row.
        system: a DeepRM of the number of slots that the network was trained with.
        masked: the original does not mask: choosing an empty slot lets time pass.

    Raises:
        DnnExplainError: as :func:`read_arrays`, or the arrays are not such a network, or do not fit.
    """
    arrays = read_arrays(path)
    weights, biases = arrays[0::2], arrays[1::2]
    sizes = [weights[0].shape[0] if weights[0].ndim else 0, *(bias.size for bias in biases)]
    shapes = [weight.shape for weight in weights]
    if not min(sizes) or len(weights) != len(biases) or shapes != list(itertools.pairwise(sizes)):
        listed = ", ".join(str(list(array.shape)) for array in arrays[:8])
        msg = (
            f"{path}: expected weight [in, out], bias [out], weight, bias, ... where each layer's outputs are the "
            f"next one's inputs; the file holds arrays of the shapes {listed}"
        )
        raise DnnExplainError(msg)
    module = dense_stack(sizes)
    layers = [layer for layer in module if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad(), np.errstate(over="ignore"):  # what overflows is infinite, and TorchPolicy says so
        for layer, weight, bias in zip(layers, weights, biases, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T.astype(np.float32)))
            layer.bias.copy_(torch.from_numpy(bias.reshape(-1).astype(np.float32)))
    return TorchPolicy(module, system, name=Path(path).stem, masked=masked, copy=False)
