"""References that an attribution counts from: physical, named, and never a bare zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, State, System

__all__ = ["Reference", "reference", "reference_names"]

_FROM_SAMPLE = ("mean state", "reachable states")
_MOST = 64


@dataclass(frozen=True, eq=False)
class Reference:
    """A named set of reference observations ``[n, *observation_shape]``; several are averaged over."""

    name: str
    observations: NDArray[np.float32]


def reference_names(system: System, state: State, *, sampled: bool = False) -> tuple[str, ...]:
    """The baselines that can be named in a state; with a sample also its mean and its members."""
    own = tuple(system.baselines(state))
    return own + tuple(name for name in _FROM_SAMPLE if sampled and name not in own)


def reference(
    system: System,
    state: State,
    spec: str | NDArray[Any] = "default",
    *,
    sample: NDArray[Any] | None = None,
    seed: int = 0,
) -> Reference:
    """The reference observations that a name means in a state.

    Args:
        system: whose ``baselines`` may be named.
        state: the state to be explained ("this state without job 2" depends on it).
        spec: ``"default"`` (the system's first), a baseline's name or an unambiguous part of it,
            ``"mean state"`` or ``"reachable states"`` (given a ``sample``), or observations
            ``[n, *observation_shape]``.
        sample: observations ``[N, *observation_shape]`` of states that a policy really reaches.
        seed: which 64 of a larger sample are taken.

    Raises:
        DnnExplainError: unknown or ambiguous name, wrong shape, no sample.
    """
    if spec is None:
        known = ", ".join(system.baselines(state))
        msg = f"None is no baseline, and a bare zero is not a state that anyone can defend; leave it out, or name one: {known}"
        raise DnnExplainError(msg)
    if not isinstance(spec, str):
        return Reference("given observations", _checked(system, spec))
    own = system.baselines(state)
    if spec in _FROM_SAMPLE and spec not in own:
        return _from_sample(system, spec, sample, seed)
    name = next(iter(own)) if spec == "default" else _match(spec, tuple(own))
    return Reference(name, _checked(system, own[name]))


def _match(spec: str, known: tuple[str, ...]) -> str:
    if spec in known:
        return spec
    close = [name for name in known if spec.casefold() in name.casefold()]
    if len(close) == 1:
        return close[0]
    if spec in {"zero", "zeros", "none"}:
        msg = f"a bare zero is not a state that anyone can defend; name a physical baseline: {', '.join(known)}"
        raise DnnExplainError(msg)
    raise Choice("baseline", spec, tuple(dict.fromkeys(known + _FROM_SAMPLE))).error()


def _from_sample(system: System, name: str, sample: NDArray[Any] | None, seed: int) -> Reference:
    if sample is None or len(sample) == 0:
        msg = f"the baseline {name!r} needs a sample of observations from episodes; pass sample=observations"
        raise DnnExplainError(msg)
    seen = _checked(system, sample)
    if name == "mean state":
        return Reference(name, seen.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32))
    picked = np.random.default_rng(seed).permutation(len(seen))[:_MOST]
    return Reference(name, seen[np.sort(picked)])


def _checked(system: System, observations: NDArray[Any]) -> NDArray[np.float32]:
    array = np.asarray(observations, dtype=np.float32)
    if array.shape == system.observation_shape:
        array = array[None]
    if array.shape[1:] != system.observation_shape or len(array) == 0:
        msg = f"reference observations of {system.name} have shape [n, *{system.observation_shape}], n >= 1, not {array.shape}"
        raise DnnExplainError(msg)
    if not np.isfinite(array).all():
        msg = "reference observations hold NaN or infinity"
        raise DnnExplainError(msg)
    return array
