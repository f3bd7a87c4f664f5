"""How a system's knobs become a network's input, as data: as the system says, or found out by asking it.

Where every input is one knob's value, scaled (``scale * value + offset``), the scale is read off the system's own
``encode``; what is allowed is read off ``valid_actions`` where each output depends on one knob. Both are then compared
with the system on states drawn all over the knobs' bounds; what does not agree is refused, not approximated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Cells, DnnExplainError, Number, Painted, Painting, Phrase, System, Within

__all__ = ["painting_of"]

_PROBES = 256
"""States on which a painting that was found out is compared with the system."""

_MOST_TOLD = 16
"""Knobs that a sentence can still list."""

Values = NDArray[np.float64]


def painting_of(system: System) -> Painting:
    """The system's painting, or the one that its ``encode`` and ``valid_actions`` amount to.

    Raises:
        DnnExplainError: the input is no scaled copy of the knobs, or what is allowed depends on several knobs at once.
    """
    if isinstance(system, Painted):
        return system.painting
    probes = _probes(system)
    words = tuple(
        Phrase(f"{', ' if place else ''}{knob.name} {{{knob.name}}} {knob.unit}".rstrip())
        for place, knob in enumerate(system.knobs)
    )
    text = (*words, Phrase(".")) if len(system.knobs) <= _MOST_TOLD else ()
    return Painting(_amounts(system, probes), masks=_masks(system, probes), words=text)


def _probes(system: System) -> Values:
    rng = np.random.default_rng(0)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs], dtype=np.float64) for end in ("low", "high"))
    return np.asarray(system.repair(low + (high - low) * rng.random((_PROBES, len(system.knobs)))), dtype=np.float64)


def _amounts(system: System, probes: Values) -> tuple[Number, ...]:
    count = len(system.knobs)
    first = np.array([knob.low for knob in system.knobs], dtype=np.float64)
    rows = np.tile(first, (count + 1, 1))
    rows[np.arange(1, count + 1), np.arange(count)] = [knob.high for knob in system.knobs]
    seen = np.asarray(system.encode(rows), dtype=np.float64).reshape(count + 1, -1)
    moved = seen[1:] != seen[0]  # [K, cells]
    span = np.array([knob.high - knob.low or 1.0 for knob in system.knobs])
    owner = np.where(moved.any(axis=0), moved.argmax(axis=0), -1)
    slope = np.where(owner >= 0, (seen[1:] - seen[0])[owner, np.arange(len(owner))] / span[owner], 0.0)
    base = seen[0] - slope * first[owner]
    again = base + slope * probes[:, owner]
    true = np.asarray(system.encode(probes), dtype=np.float64).reshape(len(probes), -1)
    if (moved.sum(axis=0) > 1).any() or not np.allclose(
        again, true, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(true).max())
    ):
        msg = (
            f"{system.name} does not say as data how its knobs become the network's input (dnnexplain.contract.Painted), "
            "and its inputs are no scaled copies of single knobs, so no page can do it without a kernel"
        )
        raise DnnExplainError(msg)
    columns = system.observation_shape[-1]
    return tuple(
        Number(
            Cells(cell // columns, cell % columns, 1, 1),
            system.knobs[max(int(owner[cell]), 0)].name, float(slope[cell]), float(base[cell]),
        )
        for cell in range(len(owner))
    )  # fmt: skip


def _masks(system: System, probes: Values) -> tuple[Within, ...]:
    states = np.concatenate([probes, _one_at_a_time(system)])
    valid = np.asarray(system.valid_actions(system.encode(states)), dtype=np.bool_)
    withins: list[Within] = []
    for at, name in enumerate(system.output.names):
        if not valid[:, at].all():
            withins.append(_mask(system, name, states, valid[:, at]))
    return tuple(withins)


def _mask(system: System, output: str, states: Values, valid: NDArray[np.bool_]) -> Within:
    """The one knob whose value says whether an output is allowed."""
    for place, knob in enumerate(system.knobs):
        allowed = states[valid, place]
        if len(allowed):
            low, high = float(allowed.min()), float(allowed.max())
            if np.array_equal((states[:, place] >= low) & (states[:, place] <= high), valid):
                return Within(output, knob.name, low, high)
    msg = (
        f"whether {system.name} allows {output} does not depend on one knob, and the system does not say it as data "
        "(dnnexplain.contract.Painted), so no page can tell without a kernel"
    )
    raise DnnExplainError(msg)


def _one_at_a_time(system: System) -> Values:
    """Every value of every knob on a grid, the others at their start."""
    start = np.array([knob.start for knob in system.knobs], dtype=np.float64)
    rows: list[Any] = []
    for place, knob in enumerate(system.knobs):
        steps = 0 if knob.step is None else round((knob.high - knob.low) / knob.step)
        if 0 < steps <= _PROBES:
            own = np.tile(start, (steps + 1, 1))
            own[:, place] = np.minimum(knob.low + knob.step * np.arange(steps + 1), knob.high)  # type: ignore[operator]
            rows.append(own)
    return np.asarray(system.repair(np.concatenate([start[None], *rows])), dtype=np.float64)
