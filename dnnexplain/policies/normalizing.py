"""Statistics with which observations were normalised in training: they are part of the policy.

``VecNormalize`` of stable-baselines3 saves itself as a pickle. It is read without running anything: arrays of
numbers become arrays, and every class that the file names is answered with an empty stand-in that keeps what it
is given.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.contract import DnnExplainError, System, only_numbers
from dnnexplain.counts import counted
from dnnexplain.policies._adapters import EachNormalized, Normalized
from dnnexplain.policies.legacy_pickle import OPCODES, Array, Refused, numpy_names, refuse
from dnnexplain.reading import open_zip, parse_json
from dnnexplain.tensor_files import read_whole

__all__ = ["behind_its_pipeline", "normalized", "read_statistics"]

_MORE = frozenset(
    [
        "EMPTY_DICT",
        "DICT",
        "SETITEM",
        "SETITEMS",
        "NEWOBJ",
        "NEWOBJ_EX",
        "BINFLOAT",
        "FLOAT",
        "EMPTY_SET",
        "ADDITEMS",
        "FROZENSET",
        "POP",
        "POP_MARK",
        "DUP",
    ]
)
_MOST = 1 << 20
Statistics = dict[str, Any]


class _Kept:
    """A stand-in for whatever class a file names: it keeps arguments and state, and does nothing."""

    stands_for = ""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}

    def __setitem__(self, key: Any, value: Any) -> None:
        """A mapping's entries are left out."""

    def append(self, value: Any) -> None:
        """A list's entries are left out."""


class _MaybeArray(Array):
    """An array, if it is one of plain numbers; else nothing."""

    def __setstate__(self, state: Any) -> None:
        try:
            super().__setstate__(state)
        except Refused:
            self.array = None


class _Kind:
    """A number type, or one that no statistics have."""

    def __new__(cls, *arguments: Any) -> Any:
        try:
            return numpy_names()["numpy", "dtype"](*arguments)
        except Refused:
            return _Kept(*arguments)


class _Reader(pickle.Unpickler):
    """Answers every name with a stand-in of ours."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "dtype"):
            return _Kind
        if name == "_reconstruct" and module.endswith("core.multiarray"):
            return lambda *_: _MaybeArray()
        if (known := numpy_names().get((module, name))) is not None:
            return known
        return type("Kept", (_Kept,), {"stands_for": f"{module}.{name}"})


def read_statistics(path: str | Path) -> Statistics:
    """``mean``, ``var`` (arrays of one observation's shape), ``epsilon`` and ``clip``.

    Args:
        path: what ``VecNormalize.save`` wrote, or ``.npz`` or ``.json`` with these names; ``epsilon`` is 1e-8 and
            ``clip`` 10 if they are not there, as in stable-baselines3.

    Raises:
        DnnExplainError: damaged, none of these, or statistics of several observations.
    """
    data = read_whole(path)
    try:
        if data.startswith(b"PK\x03\x04"):
            with open_zip(data, path) as archive:
                statistics = {
                    name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                    for name in archive.namelist()
                }
        elif data[:1] == b"{":
            statistics = parse_json(data.decode("utf-8"), path)
            if isinstance(statistics, Mapping) and not all(map(only_numbers, statistics.values())):
                _refuse_texts()
        else:
            statistics = _of_pickle(data)
        return _checked(statistics)
    except Refused as verdict:
        msg = f"{path}: this pickle {verdict}"
    except DnnExplainError as error:
        msg = str(error) if str(path) in str(error) else f"{path}: {error}"
    except Exception as error:  # noqa: BLE001 - a damaged file may raise nearly anything
        msg = f"{path}: no statistics of observations (truncated or damaged: {' '.join(str(error).split())[:100]}); copy it again"
    raise DnnExplainError(msg)


def _refuse_texts() -> None:
    """Refuse a text or a truth value where a number is meant."""
    msg = "a value in these statistics is no number; write lists of numbers"
    raise DnnExplainError(msg)


def _of_pickle(data: bytes) -> Statistics:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data), start=1):
        if opcode.name not in OPCODES | _MORE:
            refuse(f"uses the instruction {opcode.name}, which no statistics need; nothing was run")
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > count:
            refuse("asks for an absurd amount of memory")
    whole = _Reader(io.BytesIO(data), encoding="latin1").load()
    state = getattr(whole, "state", {})
    kind = getattr(whole, "stands_for", "").rpartition(".")[2] or type(whole).__name__
    if "obs_rms" not in state:
        refuse(f"holds a {kind}, not a VecNormalize of stable-baselines3")
    if not state.get("norm_obs", True):
        msg = "this VecNormalize left observations as they are (norm_obs=False); leave normalize out"
        raise DnnExplainError(msg)
    held = state["obs_rms"]
    parts = [held[name] for name in sorted(held)] if isinstance(held, dict) else [held]
    both = [[_numbers(part.state[name]).ravel() for part in parts] for name in ("mean", "var")]
    shape = _numbers(parts[0].state["mean"]).shape if len(parts) == 1 else (-1,)
    mean, var = (np.concatenate(item).reshape(shape) for item in both)
    return {"mean": mean, "var": var, "epsilon": state.get("epsilon", 1e-8), "clip": state.get("clip_obs", 10.0)}


def _numbers(stored: Any) -> NDArray[Any]:
    numbers = stored.array if isinstance(stored, Array) else np.asarray(stored, dtype=np.float64)
    if numbers is None:
        refuse("holds statistics that are no arrays of numbers")
    return numbers


def _checked(statistics: Any) -> Statistics:
    if not isinstance(statistics, Mapping) or not {"mean", "var"} <= statistics.keys():
        names = ", ".join(sorted(statistics)[:6]) if isinstance(statistics, Mapping) else type(statistics).__name__
        msg = f"statistics are a mean and a var of each number of an observation, as arrays of these names; it holds {names}"
        raise DnnExplainError(msg)
    mean, var = (np.asarray(statistics[name], dtype=np.float64) for name in ("mean", "var"))
    epsilon, clip = float(statistics.get("epsilon", 1e-8)), float(statistics.get("clip", 10.0))
    fine = np.isfinite(mean).all() and np.isfinite(var).all() and (var >= 0).all() and 0 <= epsilon < math.inf
    if mean.shape != var.shape or not 0 < mean.size <= _MOST or not fine or not clip >= 0:
        msg = (
            f"mean has the shape {list(mean.shape)}, var {list(var.shape)}; both need one finite number for each of the "
            "observation's, var none below 0"
        )
        raise DnnExplainError(msg)
    return {"mean": mean, "var": var, "epsilon": epsilon, "clip": 0.0 if math.isinf(clip) else clip}


def behind_its_pipeline(network: nn.Module, system: System, path: str | Path | None) -> tuple[nn.Module, str]:
    """A network behind what observations went through in training, and that in words (empty if nothing was).

    Args:
        network: decides.
        system: its ``pipeline`` says what its states went through already.
        path: statistics that normalised them besides; ``None`` or ``"none"`` for none.

    Raises:
        DnnExplainError: as :func:`normalized`.
    """
    shown = str(getattr(system, "pipeline", ""))
    words = [f"it sees {shown}"] if shown else []
    if path is not None and str(path).lower() != "none":
        network, seen = normalized(network, system, path)
        words.append(seen)
    return network, "; ".join(words)


def normalized(network: nn.Module, system: System, path: str | Path) -> tuple[nn.Module, str]:
    """A network behind the statistics in a file, and a note on them.

    Raises:
        DnnExplainError: as :func:`read_statistics`, or they are of another number of values than the observation.
    """
    statistics = read_statistics(path)
    shape, size = tuple(system.observation_shape), math.prod(system.observation_shape)
    frames = int(getattr(system, "frames", 1))
    each = frames > 1 and len(shape) == 1 and statistics["mean"].size * frames == size
    if statistics["mean"].size != size and not each:
        msg = (
            f"{path}: statistics of {counted(statistics['mean'].size, 'number')}, {system.name} shows {size:,}; were they saved with this "
            "network, in this environment?"
        )
        raise DnnExplainError(msg)
    layer = (
        EachNormalized(size // frames, frames, statistics["clip"]) if each else Normalized(shape, statistics["clip"])
    )
    with torch.no_grad():
        layer.mean.copy_(torch.from_numpy(statistics["mean"].reshape(layer.mean.shape)))
        layer.factor.copy_(
            torch.from_numpy(1 / np.sqrt(statistics["var"] + statistics["epsilon"])).reshape(layer.factor.shape)
        )
    cut = f", cut at {statistics['clip']:g}" if statistics["clip"] else ""
    which = "observations are" if not each else f"each of the {frames} observations is"
    rest = " (one of zeros alone, before the episode began, stays so)" if each else ""
    note = f"{which} normalised by the mean and variance in {Path(path).name}{cut}, as in training{rest}"
    return nn.Sequential(OrderedDict(normalized=layer, network=network)).eval(), note
