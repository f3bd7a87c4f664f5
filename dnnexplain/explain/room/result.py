"""What the gap between a policy and the optimum is made of: one object, and its chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.counts import counted
from dnnexplain.numbers import as_told, figure, interval, number, percent, span_as_told
from dnnexplain.results import Question, Result, register

__all__ = ["Level", "Part", "Room"]

_SHORT = {
    "rule": "best rule",
    "policy": "this policy",
    "searched": "looking ahead",
    "seen": "all seen",
    "optimum": "future known",
}
"""Levels beside a bar."""


@register
@dataclass(frozen=True, slots=True)
class Level:
    """What somebody reaches on the workloads.

    Attributes:
        name: ``"rule"``, ``"policy"``, ``"searched"``, ``"seen"`` or ``"optimum"``.
        words: who it is and what it knows.
        cost, low, high: mean cost over the workloads and its 95% interval.
    """

    name: str
    words: str
    cost: float
    low: float
    high: float


@register
@dataclass(frozen=True, slots=True)
class Part:
    """A part of the gap: what one level costs less than the one before, workload by workload.

    Attributes:
        name: ``"policy"``, ``"sight"`` or ``"future"``; ``"gap"`` where it could not be split.
        words: what it would take.
        size, low, high: in the cost's unit, with the 95% interval over workloads.
        share: of the whole gap; NaN where there is none.
    """

    name: str
    words: str
    size: float
    low: float
    high: float
    share: float


def _part_said(part: Part) -> str:
    """What a part would take and how large it is; one that may as well be nothing says so."""
    if math.isnan(part.low):
        return f"{part.words}: {figure(part.size)}"
    unsure = ", so perhaps nothing" if part.low <= 0.0 <= part.high else ""
    share = "" if math.isnan(part.share) else f", {percent(part.share)}"
    return f"{part.words}: {figure(part.size)} ({interval(part.low, part.high)}{unsure}){share}"


@dataclass(frozen=True, eq=False)
class Room(Result):
    """The gap between a policy and the optimum that knows the future, split.

    Attributes:
        question: system, policy, seed, futures.
        levels: from the best rule to the optimum.
        parts: of the gap; they add up to it.
        lower: a proved lower bound of the optimum's mean cost; ``-inf`` if there is none.
        workloads, futures: how many were run, and looked ahead over.
        cost_name: what is minimised.
        left_out: what could not be told apart and why, a sentence each.
        assumed: of looking ahead.
        timed: of how many workloads the optimum was not proved in the seconds that it had.
    """

    question: Question
    levels: tuple[Level, ...]
    parts: tuple[Part, ...]
    lower: float
    workloads: int
    futures: int
    cost_name: str
    left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    timed: int = 0

    def level(self, name: str) -> Level:
        """A level by its name."""
        return next(level for level in self.levels if level.name == name)

    def part(self, name: str) -> Part:
        """A part by its name; one of size 0 if there is none."""
        return next((part for part in self.parts if part.name == name), Part(name, "", 0.0, 0.0, 0.0, 0.0))

    @property
    def gap(self) -> float:
        """What the policy costs more than the best plan that is known beforehand."""
        return self.level("policy").cost - self.level("optimum").cost

    def shown(self, level: Level) -> tuple[str, tuple[float, float, float]]:
        """What costs are called for people, and a level's mean with its interval as they are told."""
        return as_told(self.cost_name)[0], span_as_told(self.cost_name, level.cost, level.low, level.high)

    def beginning(self) -> str:
        """What the policy reaches, and what the best plan would."""
        policy, best = self.level("policy").cost, self.level("optimum").cost
        name, (has, reached, bound) = as_told(self.cost_name, policy, best, self.lower)
        held = math.isfinite(self.lower) and self.lower < best
        limit = f" (by the oracle's bound, none is better than {number(bound)})" if held else ""
        return (
            f"On {counted(self.workloads, 'workload')} {self.question.policy} has {name} {number(has)} and the "
            f"best plan known beforehand {number(reached)}{limit}."
        )

    def sentence(self) -> str:
        """Where the room is."""
        begins, whole = self.beginning(), self.part("gap")
        if whole.words:
            ends = "" if math.isnan(whole.low) else f" (95% interval {interval(whole.low, whole.high)})"
            return f"{begins} Between them lie {figure(whole.size)}{ends}."
        sure = " (with 95% intervals over workloads)" if any(not math.isnan(part.low) for part in self.parts) else ""
        return f"{begins} Of the {number(self.gap)} between them{sure}: {'; '.join(map(_part_said, self.parts))}."

    def short_sentence(self) -> str:
        """As :meth:`sentence`, but of the parts only the largest; :attr:`parts` has all."""
        known = [part for part in self.parts if not math.isnan(part.share)]
        if self.part("gap").words or not known:
            return self.sentence()
        most = max(known, key=lambda part: part.size)
        return f"{self.beginning()} The largest part of the {number(self.gap)} between them, {percent(most.share)}, is {most.words}."

    def table(self) -> list[dict[str, Any]]:
        """A row for each level, with the part of the gap between it and the one before."""
        follows = {"searched": "policy", "seen": "sight", "optimum": "future"}
        parts = {part.name: part for part in self.parts}
        rows = []
        for level in self.levels:
            name, (cost, low, high) = self.shown(level)
            part = parts.get(follows.get(level.name, "")) or (parts.get("gap") if level.name == "optimum" else None)
            rows.append(
                {
                    "who": level.words,
                    name: cost,
                    "low": low,
                    "high": high,
                    "less than before" if name == self.cost_name else "more than before": part.size
                    if part
                    else math.nan,
                    "share of the gap": part.share if part else math.nan,
                }
            )
        return rows

    def picture(self) -> Chart:
        """Where is the room to improve? A bar for each level, the proved bound as a line."""
        name, (lower,) = as_told(self.cost_name, self.lower)
        costs, lows, highs = zip(*(self.shown(level)[1] for level in self.levels), strict=True)
        cannot = "no plan can cost less" if name == self.cost_name else "no plan can earn more"
        bound = [(cannot, lower)] if math.isfinite(lower) else []
        return bars(
            [_SHORT[level.name] for level in self.levels],
            {name: list(costs)},
            Axis(name),
            title="Where is the room to improve?",
            intervals={name: (list(lows), list(highs))},
            levels=bound,
        )
