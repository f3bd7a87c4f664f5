"""A trust badge for a map: figures, each with its limits, a colour and a sentence.

The badge's colour is that of its worst figure, and ``reason`` says which one that is and why. A figure judges
the map at the level at which it is shown: its sum, its knob groups, or its cells. A figure that has no meaning
for a map (a gradient adds up to nothing) or was left out for time is grey and does not count; nor does a figure
*about the method*, which would be the same beside a wrong map. Figures of groups are measured in states that can
occur, made from knobs; figures of cells change cells.

| figure | judges | green | amber | what it is |
|---|---|---|---|---|
| completeness | the sum | <= 1% | <= 5% | the map's sum misses the difference by this part of it (*) |
| infidelity | groups | <= 0.25 | <= 0.75 | part of the target's real changes that the map does not predict (0 is perfect) |
| cells | cells | >= 0.8 | >= 0.5 | concordance with what the network does when single cells change |
| intervention | groups | >= 0.8 | >= 0.4 | rank correlation with what really happens when an object is put back |
| agreement | groups | >= 0.8 | >= 0.4 | mean rank correlation with other methods whose numbers are of the same kind |
| sensitivity | the method | <= 0.5 | <= 1 | largest change of the method's map, relative to its size, one knob step away |
| randomisation | the method | <= 0.3 | <= 0.6 | rank correlation with maps of networks with shuffled weights |

(*) A method that does not promise to add up (``Method.complete``) is amber at worst.

``benchmarks/trust.md`` has the table that the limits rest on: how many right and wrong maps earn which colour.

Yeh et al. 2019 (arXiv 1901.09392) for infidelity and sensitivity, both by Captum; Adebayo et al. 2018
(arXiv 1810.03292) for randomisation; :mod:`dnnexplain.explain.faithfulness.tried_cells` for cells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Choice, DnnExplainError, Policy, System, Target
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.maps import Attribution
from dnnexplain.explain.attribution.methods import method_named
from dnnexplain.explain.decisions.real_changes import Intervention
from dnnexplain.explain.faithfulness import evidence
from dnnexplain.explain.faithfulness.evidence import Evidence
from dnnexplain.explain.faithfulness.tried_map import Case
from dnnexplain.results import Question, Result, register

__all__ = ["LIMITS", "Figure", "Level", "TrustBadge", "trust"]


class Level(StrEnum):
    """The colour of a figure or of the whole badge."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"
    """Not measured, or without meaning for this map."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Up to where a figure is green and amber, and what it judges; ``high`` if large values are the good ones."""

    title: str
    judges: str
    green: float
    amber: float
    high: bool = False

    def level(self, value: float) -> Level:
        """The colour of a value; grey for NaN."""
        if not np.isfinite(value):
            return Level.GREY
        good = value >= self.green if self.high else value <= self.green
        fair = value >= self.amber if self.high else value <= self.amber
        return Level.GREEN if good else Level.AMBER if fair else Level.RED

    def words(self) -> str:
        """The limits in words."""
        sign = "at least" if self.high else "at most"
        return f"green {sign} {self.green:g}, amber {sign} {self.amber:g}"


METHOD = "the method"
"""What a figure judges that does not look at the map shown: it is told, and has no vote."""

LIMITS: Mapping[str, Limit] = MappingProxyType({
    "completeness": Limit("Adds up", "the sum", 0.01, 0.05),
    "infidelity": Limit("Predicts changes", "groups", 0.25, 0.75),
    "cells": Limit("Right cell by cell", "cells", 0.8, 0.5, high=True),
    "intervention": Limit("Agrees with real changes", "groups", 0.8, 0.4, high=True),
    "agreement": Limit("Agrees with other methods", "groups", 0.8, 0.4, high=True),
    "sensitivity": Limit("Stable nearby", METHOD, 0.5, 1.0),
    "randomisation": Limit("Depends on what was learned", METHOD, 0.3, 0.6),
})  # fmt: skip

_MEASURES: Mapping[str, Callable[[Case], Evidence]] = MappingProxyType({
    "completeness": evidence.completeness,
    "infidelity": evidence.infidelity,
    "cells": evidence.cells,
    "intervention": evidence.intervention,
    "agreement": evidence.agreement,
    "sensitivity": evidence.sensitivity,
    "randomisation": evidence.randomisation,
})  # fmt: skip


@register
@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a badge: its value (NaN if not measured), colour, limits, meaning in a sentence, what it judges."""

    name: str
    title: str
    value: float
    level: str
    limits: str
    sentence: str
    judges: str = ""

    @property
    def votes(self) -> bool:
        """Whether the figure looks at the map shown, and so has a say in the badge's colour."""
        return self.judges != METHOD


@dataclass(frozen=True, eq=False, kw_only=True)
class TrustBadge(Result):
    """How far a map can be trusted.

    Attributes:
        overall: the worst colour among the figures that look at the map and were measured.
        reason: the sentence of the figure that decides the colour.
        interventions: what each object's return to the baseline really did.
        depth: ``"light"`` or ``"full"``.
    """

    question: Question
    overall: str
    reason: str
    figures: tuple[Figure, ...]
    interventions: tuple[Intervention, ...]
    depth: str
    milliseconds: float = field(default=0.0, compare=False)

    def figure(self, name: str) -> Figure:
        """One figure by name."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise Choice("figure", name, tuple(item.name for item in self.figures)).error()

    def sentence(self) -> str:
        """The badge in one line."""
        return f"{self.overall.capitalize()}: {self.reason}"

    def table(self) -> list[dict[str, Any]]:
        """One row per figure."""
        return [
            {
                "figure": f.name,
                "judges": f.judges,
                "value": f.value,
                "level": f.level,
                "limits": f.limits,
                "sentence": f.sentence,
            }
            for f in self.figures
        ]

    def picture(self) -> Chart:
        """The figures that were measured; what is good for each says the table."""
        shown = [figure for figure in self.figures if np.isfinite(figure.value)]
        names = [f"{item.title} ({item.level})" for item in shown]
        return bars(names, {"value": [item.value for item in shown]}, Axis("figure"), x=Axis("what is checked"))


_PROBED, _LIGHT_STATES, _FULL_STATES = 4, 400, 2000
"""States that are timed, and states whose answers take about as long as a whole badge (measured with 73 and 200 nodes)."""


def trust(
    system: System,
    policy: Policy,
    attribution: Attribution,
    *,
    seed: int = 0,
    depth: str = "light",
    target: Target | None = None,
) -> TrustBadge:
    """Measure how far a map can be trusted.

    Args:
        system: the world that the map speaks of.
        policy: the network that the map speaks of.
        attribution: the map.
        seed: for shuffled weights, mixed states and neighbours.
        depth: ``"light"`` answers within 50 ms for a small network and leaves out what a heavy method would
            repeat; ``"full"`` takes more samples and leaves out nothing.
        target: only if the map was made for a :class:`Target` object of your own.

    Raises:
        DnnExplainError: a map of another network, or of a neuron instead of a decision.
    """
    began = time.perf_counter()
    if depth not in {"light", "full"}:
        raise Choice("depth", depth, ("light", "full")).error()
    if method_named(attribution.method).neuron:
        msg = "a trust badge speaks of a decision's map; the map of a neuron has no decision to be checked against"
        raise DnnExplainError(msg)
    if attribution.question.checkpoint != getattr(policy, "checkpoint", ""):
        msg = f"this map was made for another network than {policy.name!r} (the checkpoints differ); explain again"
        raise DnnExplainError(msg)
    case = Case.of(system, policy, attribution, seed=seed, full=depth == "full", target=target)
    figures = tuple(_figure(name, measure(case)) for name, measure in _MEASURES.items())
    overall, reason = _overall(figures)
    return TrustBadge(
        question=replace(attribution.question, seed=seed),
        overall=overall,
        reason=reason,
        figures=figures,
        interventions=case.interventions,
        depth=depth,
        milliseconds=1e3 * (time.perf_counter() - began),
    )


def expected_seconds(system: System, policy: Policy, attribution: Attribution, *, depth: str = "light") -> float:
    """About how many seconds of computing :func:`trust` will take here, from what four states take."""
    case = Case.of(system, policy, attribution, seed=0, full=depth == "full", target=None)
    rows = np.repeat(case.state.values[None], _PROBED, axis=0)
    taken = []
    for _ in range(2):  # the first may have something to make ready
        began = time.process_time()
        case.losses(case.paint(rows))
        taken.append(time.process_time() - began)
    return min(taken) / _PROBED * (_FULL_STATES + len(system.groups) if case.full else _LIGHT_STATES)


def _figure(name: str, measured: Evidence) -> Figure:
    limit = LIMITS[name]
    level = limit.level(measured.value)
    if measured.mild and level is Level.RED:
        level = Level.AMBER
    return Figure(name, limit.title, measured.value, str(level), limit.words(), measured.sentence, limit.judges)


def _overall(figures: tuple[Figure, ...]) -> tuple[str, str]:
    """The worst colour, and the sentences of the figures that have it."""
    for level in (Level.RED, Level.AMBER, Level.GREEN):
        worst = [figure for figure in figures if figure.votes and figure.level == level]
        if worst and level is Level.GREEN:
            return str(level), _all_green(len(worst))
        if worst:
            return str(level), " ".join(figure.sentence for figure in worst)
    return str(Level.GREY), "nothing could be measured here."


def _all_green(count: int) -> str:
    if count == 1:
        return "the one figure that applies is within its green limit."
    return f"all {counted(count, 'figure')} that apply are within their green limits."
