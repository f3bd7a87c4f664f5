"""What the stress panel draws and says of a test and of one of its scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.explain.stress.report import KINDS
from dnnexplain.explain.stress.report_marks import SPAN, ends
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import BETTER, UNSAFE, WITHIN, WORSE
from dnnexplain.numbers import number, percent
from dnnexplain_widgets.words import label

__all__ = ["board", "case_words"]


def board(found: StressTest) -> dict[str, Any]:
    """The scenarios as small multiples, by kind; ``at`` is the place among ``found.scenarios``."""
    order = list(KINDS)
    places = sorted(range(len(found.scenarios)), key=lambda at: order.index(found.scenarios[at].kind))
    groups = [
        {"label": KINDS[kind], "tiles": [_tile(found.scenarios[at], at) for at in group]}
        for kind, group in groupby(places, key=lambda at: found.scenarios[at].kind)
    ]
    counts = [[verdict, found.count(verdict)] for verdict in (BETTER, WITHIN, WORSE, UNSAFE)]
    return {
        "counts": counts,
        "groups": groups,
        "span": SPAN,
        "ends": [percent(-SPAN, sign=True), percent(SPAN, sign=True)],
    }


def _tile(one: ScenarioResult, at: int) -> Mapping[str, Any]:
    known = not math.isnan(one.gap_low)
    return {
        "at": at,
        "name": one.name,
        "verdict": one.verdict.split()[0],
        "gap": one.gap,
        "low": one.gap_low if known else None,
        "high": one.gap_high if known else None,
        "text": f"{_told(one)}{'' if one.sure else ', not sure'}",
        "hint": one.sentence,
    }


def _told(one: ScenarioResult) -> str:
    """``"5.09% better"``, ``"8.9% worse"``; where the verdict says another thing than the sign, with the sign."""
    if (one.verdict == BETTER and one.gap < 0) or (one.verdict == WORSE and one.gap > 0):
        return f"{percent(abs(one.gap))} {one.verdict}"
    return f"{percent(one.gap, sign=True)}, {one.verdict}"


def case_words(one: ScenarioResult) -> str:
    """A scenario in a sentence: what it is, its figures, what is bad about it."""
    bad = f" What makes it unsafe: {one.why}." if one.why else ""
    return (
        f"{one.name}: {one.sentence} Cost {number(one.cost)}, {percent(one.gap, sign=True)} against {label(one.best_rule)} "
        f"({ends(one)}) on {counted(one.sets, 'workload')}: {one.verdict}.{bad}"
    )
