"""Hand-written controllers, each of at most two parameters that are tuned on training days."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.days import DayStack
from dnnexplain.systems.cellular.layout import Layout
from dnnexplain.systems.cellular.rule_kernels import HEADROOM, PROPORTIONAL, SCHEDULE, THRESHOLD, reward_of_rule

__all__ = ["TITLES", "Rule", "tune_rules"]

Floats = NDArray[np.float64]

TITLES = {
    "never": "Never send",
    "always": "Always send at full rate",
    "threshold": "Full rate below a congestion",
    "schedule": "A rate for each hour",
    "proportional": "Proportional to the distance from a congestion",
    "headroom": "Proportional to the room that is forecast",
}
"""Name -> title, for people."""

_GRIDS: Mapping[str, tuple[int, tuple[Floats, ...]]] = {
    "threshold": (THRESHOLD, (np.linspace(0.05, 1.0, 96),)),
    "proportional": (PROPORTIONAL, (np.linspace(0.3, 1.1, 33), np.geomspace(0.5, 20.0, 19))),
    "headroom": (HEADROOM, (np.linspace(-0.1, 0.7, 33), np.geomspace(0.5, 20.0, 19))),
}
"""Rule -> its kernel's number, and the values of each parameter that tuning tries."""
_RATES = np.linspace(0.0, 1.0, 21)
_ROUNDS = 3


class Rule:
    """A controller that follows a formula (``contract.Policy``); its outputs are rates ``[B, 1]``.

    Args:
        name: among :data:`TITLES`.
        formula: from observations ``[B, K]`` to rates ``[B]``, not yet cut off at 0 and 1.
        parameters: the numbers in it, by name.
    """

    def __init__(self, name: str, formula: Callable[[Floats], Floats], parameters: Mapping[str, Any]) -> None:
        self.name = name
        self.formula = formula
        self.parameters = dict(parameters)

    def outputs(self, observations: NDArray[Any]) -> Floats:
        """Rates ``[B, 1]`` between 0 and 1."""
        seen = np.asarray(observations, dtype=np.float64)
        return np.clip(np.broadcast_to(self.formula(seen), (len(seen),)), 0.0, 1.0)[:, None]

    def __repr__(self) -> str:
        return f"Rule({self.name!r}, {self.parameters})"


def constant(name: str, rate: float) -> Rule:
    """The same rate always."""
    return Rule(name, lambda seen: np.full(len(seen), rate), {"rate": rate})


def threshold(layout: Layout, level: float) -> Rule:
    """Full rate while the last minute's congestion (ours included) was below a level, else nothing."""
    at = layout.congestion.start
    return Rule("threshold", lambda seen: (seen[:, at] < level).astype(np.float64), {"congestion": level})


def proportional(layout: Layout, level: float, gain: float) -> Rule:
    """``gain (level - congestion)``: a proportional controller on the last minute's congestion, ours included."""
    at = layout.congestion.start
    return Rule("proportional", lambda seen: gain * (level - seen[:, at]), {"congestion": level, "gain": gain})


def headroom(layout: Layout, margin: float, gain: float) -> Rule:
    """``gain (efficiency (1 - forecast - our load) - margin)``, with the forecast of 2 to 5 minutes ahead."""
    radio, ahead, load = layout.efficiency.start, layout.forecast.start + 1, layout.load

    def formula(seen: Floats) -> Floats:
        return gain * (seen[:, radio] * (1 - seen[:, ahead] - seen[:, load]) - margin)

    return Rule("headroom", formula, {"margin": margin, "gain": gain})


def schedule(layout: Layout, rates: Floats) -> Rule:
    """A rate for each hour since the day began."""

    def formula(seen: Floats) -> Floats:
        # Half a minute is added, for a time of day that was rounded to float32.
        hour = np.floor(seen[:, layout.time] - layout.start + 1 / 120).astype(np.int64)
        return np.asarray(rates[np.clip(hour, 0, len(rates) - 1)], dtype=np.float64)

    return Rule("schedule", formula, {f"hour {number + 1}": float(rate) for number, rate in enumerate(rates)})


def tune_rules(cell: Cell, layout: Layout, days: DayStack) -> dict[str, Rule]:
    """All rules, those with parameters at the values that bring the highest mean reward on the given days.

    Thresholds, levels and gains are searched on fixed grids; the schedule is improved hour by hour, three times round.
    """
    choose = _tuner(cell, days)
    return {
        "never": constant("never", 0.0),
        "always": constant("always", 1.0),
        "threshold": threshold(layout, *choose("threshold")),
        "schedule": schedule(layout, _tune_schedule(cell, days)),
        "proportional": proportional(layout, *choose("proportional")),
        "headroom": headroom(layout, *choose("headroom")),
    }


def _tuner(cell: Cell, days: DayStack) -> Callable[[str], tuple[float, ...]]:
    @cache
    def choose(name: str) -> tuple[float, ...]:
        number, grids = _GRIDS[name]
        points = list(itertools.product(*grids))
        worth = [_reward(cell, days, number, np.array(point)) for point in points]
        return tuple(float(value) for value in points[int(np.argmax(worth))])

    return choose


def _tune_schedule(cell: Cell, days: DayStack) -> Floats:
    rates = np.full(max(1, -(-days.minutes // 60)), 0.3)
    for _ in range(_ROUNDS):
        for hour in range(len(rates)):
            tried = np.repeat(rates[None], len(_RATES), axis=0)
            tried[:, hour] = _RATES
            worth = [_reward(cell, days, SCHEDULE, row) for row in tried]
            rates = tried[int(np.argmax(worth))]
    return rates


def _reward(cell: Cell, days: DayStack, number: int, numbers: Floats) -> float:
    return float(
        reward_of_rule(cell.constants, number, numbers, days.history, days.own, days.efficiency, days.forecast)
    )
