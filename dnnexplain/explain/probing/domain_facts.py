"""Facts of the domain that a layer may know: "job 1 fits now", "job 2 rank by length is 1", "job 3 length above 4".

They come from what a system tells of its states: yes-or-no features and ranks, where it has features
(:class:`dnnexplain.explain.distillation.world.Features`), and knobs of one kind above a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.numbers import number

__all__ = ["domain_facts", "objects_of"]

_MOST_RANKS = 12
_MOST_KNOBS = 24


def objects_of(system: System) -> tuple[str, ...]:
    """The groups of knobs that share a kind (``("job 1", "job 2", ...)``), or else those of more than one knob."""
    shared = next(iter(kinds(system).values()), ())
    if shared:
        return tuple(dict.fromkeys(system.knobs[place].group for place in shared))
    counts = Counter(knob.group for knob in system.knobs)
    return tuple(group for group, count in counts.items() if group and count > 1)


def domain_facts(
    system: System, observations: NDArray[Any], *, about: str = "", above: float | None = None
) -> Mapping[str, NDArray[np.bool_]]:
    """Facts by name, each with the states in which it holds ``[S]``.

    Args:
        system: what its features and knobs say.
        observations: the states ``[S, *observation_shape]``.
        about: only facts about this object (``"job 1"``); all if empty, but no knobs where there are more
            than two dozen of them and features speak of the state.
        above: the limit for the knobs of the first kind that objects share, or of every knob where there
            is no such kind; the median of each one's values above its lowest if not given.

    Returns:
        In the order of the features, then of the knobs; facts that hold always or never are left out.
    """
    facts: dict[str, NDArray[np.bool_]] = {}
    features: Any = getattr(system, "features", None)
    if features is not None:
        table = np.asarray(features(observations))
        for name, column in zip(features.names, table.T, strict=True):
            if not features.units[name] and _concerns(name, about):
                facts |= _of_feature(name, column)
    values = system.decode(observations)
    places = next(iter(kinds(system).values()), tuple(range(len(system.knobs))))
    for place in () if facts and not about and len(places) > _MOST_KNOBS else places:
        knob = system.knobs[place]
        if not about or knob.group == about:
            facts |= _of_knob(knob.name, knob.unit, knob.low, values[:, place], above)
    return {name: holds for name, holds in facts.items() if holds.any() and not holds.all()}


def _concerns(name: str, about: str) -> bool:
    return not about or name == about or name.startswith(f"{about} ")


def _of_feature(name: str, column: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    """A yes or no as it is; of ranks whether it is the first; of anything else nothing."""
    levels = np.unique(column)
    if np.isin(levels, (0, 1)).all():
        return {name: column == 1}
    if "rank" in name.split() and len(levels) <= _MOST_RANKS:
        return {f"{name} is 1": column == 1}
    return {}


def _of_knob(
    name: str, unit: str, low: float, column: NDArray[np.float64], above: float | None
) -> dict[str, NDArray[np.bool_]]:
    there = column[column > low]
    if not len(there):
        return {}
    limit = float(np.median(there)) if above is None else above
    return {f"{name} above {number(limit)} {unit}".rstrip(): column > limit}
