"""A transfer grid: what was run, what it cost, and who wins where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.results import Question, Result, array_field, plain_field, register

__all__ = ["Boundary", "Setting", "Transfer"]

Floats = NDArray[np.float64]


@register
@dataclass(frozen=True, slots=True)
class Setting:
    """A row or column of the grid.

    Attributes:
        label: for people: ``"rate 0.7"``.
        family: of workloads; the other axis's if empty.
        parameters: of the family.
        value: where it lies on a numeric axis, or ``None``.
    """

    label: str
    family: str = ""
    parameters: Mapping[str, Any] = plain_field(default_factory=dict)
    value: float | None = None


@register
@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a policy stops (or starts) beating the best rule: between two cells of a row, or of a column.

    ``row`` names the row (or the column, for a boundary down a column). ``value`` is the place where the
    straight line between both cells crosses zero, where the axis is numeric.
    """

    row: str
    policy: str
    before: str
    after: str
    wins_before: bool
    value: float | None


@dataclass(frozen=True, eq=False)
class Transfer(Result):
    """Costs of ``P`` policies and rules over ``R`` rows and ``C`` columns; cells not run are NaN.

    Attributes:
        question: what was run, with which seed.
        rows, columns: the settings.
        policies: networks first, then rules; ``networks`` says how many are networks.
        cost, low, high: mean over the workloads of a cell and its 95% interval (:mod:`dnnexplain.intervals`).
        episodes: cost of every workload ``[R, C, P, W]``.
        starved, turned_away: jobs, summed over a cell's workloads; NaN where the system has no such figure.
        best_rule: per cell the rule with the least mean cost, as an index of ``policies``; -1 if not run.
        relative, relative_low, relative_high: each network's mean cost over the best rule's, minus 1 (less the best
            rule's, where the cost is no ratio scale), with its 95% interval, set by set ``[R, C, N]``; below 0 the
            network wins.
        ratio: whether ``relative`` is a ratio.
        boundaries: where networks stop winning.
        cost_name: ``"mean slowdown"``.
        words: a sentence.
    """

    question: Question
    rows: tuple[Setting, ...]
    columns: tuple[Setting, ...]
    policies: tuple[str, ...]
    networks: int
    cost: Floats = array_field("row", "column", "policy")
    low: Floats = array_field("row", "column", "policy")
    high: Floats = array_field("row", "column", "policy")
    episodes: Floats = array_field("row", "column", "policy", "workload")
    starved: Floats = array_field("row", "column", "policy", unit="jobs")
    turned_away: Floats = array_field("row", "column", "policy", unit="jobs")
    best_rule: NDArray[np.int64] = array_field("row", "column")
    relative: Floats = array_field("row", "column", "policy")
    relative_low: Floats = array_field("row", "column", "policy")
    relative_high: Floats = array_field("row", "column", "policy")
    boundaries: tuple[Boundary, ...] = ()
    cost_name: str = ""
    ratio: bool = True
    words: str = ""

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which cells were run ``[R, C]``."""
        return np.asarray(self.best_rule >= 0)

    def verdict(self, row: int, column: int, network: int = 0) -> str:
        """``"wins"``, ``"loses"`` or ``"even"`` (the interval holds zero) against the best rule; ``""`` if not run."""
        if self.best_rule[row, column] < 0:
            return ""
        if self.relative_high[row, column, network] < 0:
            return "wins"
        return "loses" if self.relative_low[row, column, network] > 0 else "even"

    def sentence(self) -> str:
        """Where it wins and where not."""
        return self.words

    def table(self) -> list[dict[str, Any]]:
        """One row per cell and policy."""
        return [
            {
                "row": row.label,
                "column": column.label,
                "policy": policy,
                "mean": float(self.cost[r, c, p]),
                "low": float(self.low[r, c, p]),
                "high": float(self.high[r, c, p]),
                "starved": float(self.starved[r, c, p]),
                "turned_away": float(self.turned_away[r, c, p]),
            }
            for r, row in enumerate(self.rows)
            for c, column in enumerate(self.columns)
            for p, policy in enumerate(self.policies)
            if self.done[r, c]
        ]
