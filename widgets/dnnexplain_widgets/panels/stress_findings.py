"""What a stress test tells beyond its scenarios' verdicts, for its panel: where it stops winning, where it fails, what a guard helps."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from dnnexplain.contract import Spec
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import start
from dnnexplain.explain.stress.boundaries import ShiftLine, shift_lines
from dnnexplain.explain.stress.helping import changed_verdicts, guard_words
from dnnexplain.explain.stress.report_marks import shade
from dnnexplain.explain.stress.result import StressTest
from dnnexplain.explain.transfer.result import Boundary
from dnnexplain.numbers import number, percent

__all__ = ["findings"]

LINES = 4
"""Shifts that are drawn; those along which it stops winning come first."""
REGIONS = 3
CHANGED = 8
LEAST_SPAN = 0.05
"""A line whose gaps are smaller than this is drawn as flat as it is."""


def findings(test: StressTest, spec: Spec, panels: Collection[str]) -> list[dict[str, Any]]:
    """The figure of the findings part: a title, a sentence and a small picture or table each.

    Args:
        test: the test, as far as it was run.
        spec: the system's.
        panels: names of those that the page has, to which a finding may lead.
    """
    return [_stops(test, spec), _fails(test, spec, "FailingPanel" in panels), _helps(test, "GuardPanel" in panels)]


# --- where it stops winning ---------------------------------------------------------------------


def _stops(test: StressTest, spec: Spec) -> dict[str, Any]:
    lines = shift_lines(spec, test.scenarios)
    crossed = [(line, turns) for line in lines if (turns := line.crossed(test.question.policy))]
    crossed.sort(key=lambda pair: not any(boundary.wins_before for boundary in pair[1]))
    drawn = [_line(test, line, turns) for line, turns in crossed[:LINES]]
    return {"title": "Where it stops winning", "words": _stop_words(len(lines), len(crossed)), "lines": drawn}


def _stop_words(lines: int, crossed: int) -> str:
    if not lines:
        return "No two scenarios that were run lie along one quantity, so there is no boundary between them to tell."
    run = counted(lines, "line")
    if not crossed:
        return f"Along {run} of shifted workloads its mean never crosses that of the best rule."
    shown = f" The first {LINES} are drawn." if crossed > LINES else ""
    return (
        f"Along {crossed} of {run} of shifted workloads its mean crosses that of the best rule, the level line in the "
        f"picture; above it the best rule does better. How sure a dot is stands on its tile above.{shown}"
    )


def _line(test: StressTest, line: ShiftLine, turns: tuple[Boundary, ...]) -> dict[str, Any]:
    scenarios = [test.scenarios[place] for place in line.places]
    low, high = (float(line.shifts[place].value or 0.0) for place in (0, -1))
    span = max(LEAST_SPAN, *(abs(item.gap) for item in scenarios if math.isfinite(item.gap)))
    points = [
        {"at": place, "name": start(shift.label), "verdict": shade(item.standing),
         "x": _share(float(shift.value or 0.0), low, high), "y": min(max(item.gap / min(span, 1.0), -1.0), 1.0),
         "text": f"{percent(item.gap, sign=True)}, {item.standing}"}
        for shift, place, item in zip(line.shifts, line.places, scenarios, strict=True)
    ]  # fmt: skip
    known = {shift.label: place for shift, place in zip(line.shifts, line.places, strict=True)}
    either = dict.fromkeys(known[label] for boundary in turns for label in (boundary.before, boundary.after))
    return {
        "label": start(line.label),
        "words": [f"{_turn_words(boundary)}." for boundary in turns],
        "points": points,
        "crossed": [_share(boundary.value, low, high) for boundary in turns if boundary.value is not None],
        "ends": [line.shifts[0].label, line.shifts[-1].label],
        "open": list(either),
    }


def _turn_words(boundary: Boundary) -> str:
    where = "" if boundary.value is None else f", at about {number(boundary.value)}"
    turn = "It stops" if boundary.wins_before else "It starts"
    return f"{turn} winning between {boundary.before} and {boundary.after}{where}"


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high != low else 0.5


# --- where it fails -----------------------------------------------------------------------------


def _fails(test: StressTest, spec: Spec, leads: bool) -> dict[str, Any]:
    known = test.regions
    title = "Where it fails"
    if not known:
        why = next((item for item in test.left_out if item.startswith("Regions of")), "")
        return {"title": title, "words": why or f"Regions of {spec.workloads} in which it fails were not looked for."}
    regions = list(known["regions"])
    unit = str(known["unit"])

    def loss(value: Any) -> str:
        return "–" if value is None or math.isnan(value) else number(value) if unit else percent(value)

    def share(value: Any) -> str:
        return "–" if value is None or math.isnan(value) else percent(value)

    rows = [
        {"label": start(region["rule"]),
         "cells": [{"text": share(region["mass"])}, {"text": share(region["share"]), "note": f"elsewhere {share(region['share_outside'])}"},
                   {"text": loss(region["loss"]), "note": f"elsewhere {loss(region['loss_outside'])}"}]}
        for region in regions[:REGIONS]
    ]  # fmt: skip
    finding: dict[str, Any] = {"title": title, "words": str(known["words"])}
    if rows:
        heads = ["Where", "met in", "fails in", f"mean loss, {unit}" if unit else "mean loss"]
        finding["table"] = {"heads": heads, "rows": rows, "caption": "Regions in which it fails"}
    if rows and leads:
        finding["button"] = {"press": "map", "label": "See them on a map"}
    return finding


# --- what a guard helps -------------------------------------------------------------------------


def _helps(test: StressTest, leads: bool) -> dict[str, Any]:
    words = guard_words(test, listed=False)
    if not words:
        finding = {
            "title": "What a guard helps",
            "words": "It was tested without a guard. With one switched on, a test runs every scenario with it and without it.",
        }
        return finding | ({"button": {"press": "guard", "label": "What would guard it?"}} if leads else {})
    changed = changed_verdicts(test)
    rows = [
        {"label": start(item.label), "at": place,
         "cells": [_verdict(str(item.without["verdict"]), item.without["gap"]), _verdict(item.verdict, item.gap)]}
        for place, item in changed[:CHANGED]
    ]  # fmt: skip
    more = f" The first {CHANGED} of those whose verdict changes are listed." if len(changed) > CHANGED else ""
    finding = {"title": "What a guard helps", "words": f"{words}{more}"}
    heads = ["Scenario", "without the guard", "with it"]
    table = {"heads": heads, "rows": rows, "caption": "Scenarios in which the guard changes the verdict"}
    return finding | ({"table": table} if rows else {})


def _verdict(verdict: str, gap: float) -> dict[str, Any]:
    return {"text": verdict, "note": percent(gap, sign=True), "verdict": shade(verdict)}
