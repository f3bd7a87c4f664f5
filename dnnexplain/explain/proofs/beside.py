"""A reason beside an attribution: where the two speak of different inputs.

An attribution says how much of an output it gives to each input, near the state; a proof says which inputs force the
decision, however the others are. They answer two questions, so they may differ: what is shown large may be free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnnexplain.contract import State, System
from dnnexplain.counts import joined
from dnnexplain.explain.attribution import attribute
from dnnexplain.numbers import percent

__all__ = ["BesideAttribution", "beside_attribution"]

SMALL = 0.25
"""Of an even share: an input that is given less than this has hardly any of it."""


@dataclass(frozen=True, slots=True)
class BesideAttribution:
    """A reason and an attribution, group of knobs by group.

    Attributes:
        method: of the attribution.
        shares: of the absolute attribution, by group of knobs; what no knob paints is left out.
        fixed: by group, how many of its knobs the reason fixes.
        large_but_free: groups with more than an even share that the reason leaves free.
        small_but_fixed: groups with less than a quarter of an even share of which it fixes a knob.
    """

    method: str
    shares: Mapping[str, float]
    fixed: Mapping[str, int]
    large_but_free: tuple[str, ...]
    small_but_fixed: tuple[str, ...]

    @property
    def words(self) -> str:
        """What the two disagree about, in a sentence or two."""

        def tell(names: tuple[str, ...], words: list[str]) -> str:
            rest = [f"{len(names) - 4} more"] if len(names) > 4 else []
            return joined([*words[:4], *rest])

        free, small = self.large_but_free, self.small_but_fixed
        parts = []
        if free:
            shown = tell(free, [f"{percent(self.shares[name])} to {name}" for name in free])
            parts.append(f"{self.method} gives {shown}, but whatever is there the decision stays (proved)")
        if small:
            who, verb = "it" if free else self.method, "is" if len(small) == 1 else "are"
            parts.append(
                f"{who} gives hardly anything to {tell(small, list(small))}, which {verb} part of what forces it"
            )
        if not parts:
            text = f"{self.method} and the proof name the same inputs"
            return f"{text[0].upper()}{text[1:]}."
        text = "; ".join(parts)
        return f"{text[0].upper()}{text[1:]}."


def beside_attribution(
    system: System, policy: Any, state: State, fixed: Mapping[str, float], *, method: str = "saliency"
) -> BesideAttribution:
    """Compare a proved reason with an attribution of the same decision.

    Args:
        system, policy, state: whose decision.
        fixed: knobs that the reason fixes, by name; see :func:`~dnnexplain.explain.proofs.sufficient.sufficient_reason`.
        method: an attribution method by name.

    Raises:
        DnnExplainError: no such method, or it does not fit the network.
    """
    attribution = attribute(system, policy, state, method=method)
    size = np.abs(attribution.positive) + np.abs(attribution.negative)
    owner = _owners(system)
    groups = list(dict.fromkeys(knob.group or knob.name for knob in system.knobs))
    total = dict.fromkeys(groups, 0.0)
    for place, name in enumerate(attribution.group_names):
        if name in owner:
            total[owner[name]] += float(size[place])
    whole = sum(total.values())
    shares = {name: value / whole if whole > 0 else 0.0 for name, value in total.items()}
    count = {
        name: sum((knob.group or knob.name) == name and knob.name in fixed for knob in system.knobs) for name in groups
    }
    even = 1.0 / len(groups)
    order = sorted(groups, key=lambda name: -shares[name])
    return BesideAttribution(
        attribution.method, shares, count,
        tuple(name for name in order if not count[name] and shares[name] > even),
        tuple(name for name in reversed(order) if count[name] and shares[name] < SMALL * even),
    )  # fmt: skip


def _owners(system: System) -> dict[str, str]:
    """The group of knobs that paints each group of cells, about the middle of all ranges; the first of several."""
    cells = np.asarray(system.cell_group).reshape(-1)
    names, owners = list(system.groups), dict[str, str]()
    middle = system.repair(np.array([[(knob.low + knob.high) / 2 for knob in system.knobs]]))
    for place, knob in enumerate(system.knobs):
        rows = np.repeat(np.asarray(middle, dtype=float), 3, axis=0)
        rows[1, place], rows[2, place] = knob.low, knob.high
        seen = np.asarray(system.encode(rows), dtype=float).reshape(3, -1)
        changed = np.flatnonzero((seen != seen[:1]).any(axis=0))
        for group in np.unique(cells[changed]):
            owners.setdefault(names[int(group)], knob.group or knob.name)
    return owners
