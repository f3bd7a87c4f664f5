"""What the stress panel draws and says of a test and of one of its scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import start
from dnnexplain.explain.stress.report import KINDS
from dnnexplain.explain.stress.report_marks import SPAN, ends, shade
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import BETTER, FAR, ONLY_OURS, UNSAFE, UNSURE, WITHIN, WORSE
from dnnexplain.numbers import as_told, number, percent
from dnnexplain_widgets.words import label

__all__ = ["board", "case_words"]


def board(test: StressTest) -> dict[str, Any]:
    """The scenarios as small multiples, by kind; ``at`` is the place among ``found.scenarios``."""
    order = list(KINDS)
    places = sorted(range(len(test.scenarios)), key=lambda at: order.index(test.scenarios[at].kind))
    groups = [
        {"label": KINDS[kind], "tiles": [_tile(test.scenarios[at], at) for at in group]}
        for kind, group in groupby(places, key=lambda at: test.scenarios[at].kind)
    ]
    standing = [scenario.standing for scenario in test.scenarios]
    counts = [
        [shade(verdict), standing.count(verdict), verdict]
        for verdict in (BETTER, UNSURE, WITHIN, WORSE, UNSAFE)
        if verdict != UNSURE or UNSURE in standing
    ]
    return {
        "counts": counts,
        "groups": groups,
        "span": SPAN,
        "ends": [percent(-SPAN, sign=True), percent(SPAN, sign=True)],
    }


def _tile(scenario: ScenarioResult, at: int) -> Mapping[str, Any]:
    known = not math.isnan(scenario.gap_low)
    return {
        "at": at,
        "name": start(scenario.label),
        "verdict": scenario.verdict.split()[0],
        "gap": scenario.gap,
        "low": scenario.gap_low if known else None,
        "high": scenario.gap_high if known else None,
        "text": f"{_gap_words(scenario)}{'' if scenario.sure else ', not sure'}{_beside_cost(scenario)}",
        "hint": scenario.sentence,
    }


def _gap_words(scenario: ScenarioResult) -> str:
    """``"5.09% better"``, ``"8.9% worse"``; where the verdict says another thing than the sign, with the sign."""
    if (scenario.verdict == BETTER and scenario.gap < 0) or (scenario.verdict == WORSE and scenario.gap > 0):
        return f"{percent(abs(scenario.gap))} {scenario.verdict}"
    return f"{percent(scenario.gap, sign=True)}, {scenario.standing}"


def _beside_cost(scenario: ScenarioResult) -> str:
    """``": 3 starved"`` where that, and not the cost, is what makes it unsafe; else nothing."""
    if scenario.verdict != UNSAFE or not scenario.why or scenario.gap > FAR:
        return ""
    return f": {scenario.why.removesuffix(ONLY_OURS)}"


def case_words(scenario: ScenarioResult, cost_name: str) -> str:
    """A scenario in a sentence: what it is, its figures, what is bad about it."""
    name, (cost,) = as_told(cost_name, scenario.cost)
    what = "Cost" if name == cost_name else f"{name[:1].upper()}{name[1:]}"
    bad = f" What makes it unsafe: {scenario.why}." if scenario.why else ""
    return (
        f"{start(scenario.label)}: {scenario.sentence} {what} {number(cost)}, {percent(scenario.gap, sign=True)} against {label(scenario.best_rule)} "
        f"({ends(scenario)}) on {counted(scenario.sets, 'workload')}: {scenario.standing}.{bad}"
    )
