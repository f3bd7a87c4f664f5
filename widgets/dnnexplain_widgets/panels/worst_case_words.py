"""How searches, cases and boxes are told: curves, table, ranges, badge, controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.counts import counted
from dnnexplain.explain.gray_box.box import GapBox
from dnnexplain.explain.gray_box.budget import Progress
from dnnexplain.explain.gray_box.comparison import SearchComparison
from dnnexplain.explain.gray_box.result import WorstCase
from dnnexplain.numbers import as_told, between, percent
from dnnexplain_widgets.words import number

__all__ = ["ROWS", "TITLES", "badge_of", "box_rows", "case_table", "final_race", "search_controls"]

TITLES = {
    "gray-box": "Gray-box gradients",
    "lagrangian": "The paper's Lagrangian",
    "random": "Uniform random",
    "random-sparse": "Sparse random",
    "hill-climbing": "Hill climbing",
    "simulated-annealing": "Simulated annealing",
    "cma-es": "CMA-ES",
}
"""Searches on offer, as people call them."""

_ABOUT = {
    "gray-box": "The chain rule through network and links, many starts, the optimum by its duals or as a linear program.",
    "lagrangian": "Gradient descent-ascent on a Lagrangian, as Namyar et al. (HotNets 2024) publish it.",
    "random": "Every input uniform over its range: the paper's random search.",
    "random-sparse": "Few inputs active at a time, the rest 0: a far better law where bad cases are sparse.",
    "hill-climbing": "The best of ten neighbours, restarted when it is stuck.",
    "simulated-annealing": "One chain that accepts worse cases less and less often.",
    "cma-es": "Covariance matrix adaptation (Hansen and Ostermeier 2001).",
}
ROWS = 12
"""Inputs whose range in the box is drawn."""


def search_controls(
    methods: Sequence[str], *, blind: bool, comparison: SearchComparison | None
) -> list[dict[str, Any]]:
    """The panel's controls; ``blind`` offers to leave only what the policy saw to the adversary."""
    chooses = [["all", "what it saw and what it must carry"], ["seen", "only what it saw, the rest as in the editor"]]
    nothing = comparison is None
    return [
        *([{"kind": "select", "name": "chooses", "label": "The adversary chooses", "options": chooses}] if blind else []),
        {"kind": "number", "name": "budget", "label": "CPU time of each search", "unit": "s", "low": 0.5, "high": 600, "step": 0.5},
        {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31, "step": 1},
        *(
            {"kind": "check", "name": f"method {name}", "label": TITLES.get(name, name), "hint": _ABOUT.get(name, "")}
            for name in methods
        ),
        {"kind": "button", "name": "search", "label": "Search", "strong": True},
        {"kind": "button", "name": "more", "label": "Go on", "disabled": nothing, "hint": "Each search goes on from its own best case; its CPU time adds up."},
        {"kind": "button", "name": "open", "label": "Open in the editor", "disabled": nothing, "hint": "Show the case in all panels."},
        {"kind": "button", "name": "box", "label": "How far does it reach?", "disabled": nothing, "hint": "Grow a box around the case in which four fifths of the gap persist."},
        {"kind": "file", "name": "load", "label": "Load…", "accept": ".json", "hint": "A result that was saved here."},
    ]  # fmt: skip


def final_race(comparison: SearchComparison | None, under_way: Mapping[str, Progress], budget: float) -> dict[str, Any]:
    """Best ratio against CPU time, per search: what ended, and what runs now."""
    series = (
        {case.method: _series(case.method, case.trace.tolist(), case.cpu_seconds) for case in comparison.cases}
        if comparison
        else {}
    )
    for name, state in under_way.items():
        series[name] = {**_series(name, [list(point) for point in state.trace], state.cpu_seconds), "running": True}
    return {"series": list(series.values()), "limit": budget}


def _series(name: str, points: list[list[float]], spent: float) -> dict[str, Any]:
    """Improvements thinned to those a picture can show."""
    kept = points[:1]
    for point in points[1:]:
        if point[1] > kept[-1][1] * 1.001 or point is points[-1]:
            kept.append(point)
    return {"name": TITLES.get(name, name), "points": kept, "spent": spent, "running": False}


def case_table(comparison: SearchComparison) -> dict[str, Any]:
    """One row per search, to be clicked."""
    rows = [
        {
            "label": TITLES.get(case.method, case.method),
            "cells": [
                {"text": _times(case.ratio)},
                {"text": between(f"{case.lower:.6g}", f"{case.upper:.6g}")},
                {"text": f"{number(case.reached)} of {number(case.cpu_seconds)} s"},
                {"text": f"{case.evaluations:,}"},
                {"text": _ended(case.stopped)},
            ],
        }
        for case in comparison.cases
    ]
    columns = ["times the optimum", "certainly", "found after", "inputs tried", "ended"]
    caption = "The worst case of each search; click one to open it in the editor"
    return {"caption": caption, "corner": "search", "columns": columns, "rows": rows, "pick": "row"}


def _ended(stopped: str) -> str:
    return {"budget": "time was up", "finished": "by itself"}.get(stopped, stopped)


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else number(ratio)


def box_rows(box: GapBox, top: NDArray[np.float64]) -> dict[str, Any]:
    """The largest inputs, and how far each may vary inside the box, as shares of what is allowed at all."""
    width = np.where(top > 0, top, 1.0)
    shown = np.argsort(-box.x / width, kind="stable")[:ROWS]
    rows = [
        {
            "name": box.names[i].removeprefix("demand "), "low": float(box.low[i] / width[i]), "high": float(box.high[i] / width[i]),
            "value": float(box.x[i] / width[i]), "words": _range(box, i),
        }
        for i in shown
    ]  # fmt: skip
    share = float(np.median((box.high - box.low) / width))
    caption = (
        f"The {len(rows)} largest of {counted(len(box.x), 'input')}: their values (strokes) and how far they may vary (bars); "
        f"the median input may vary over {percent(share)} of its range"
    )
    return {"caption": caption, "rows": rows}


def _range(box: GapBox, index: int) -> str:
    low, high = number(box.low[index]), number(box.high[index])
    return f"stays near {low} {box.unit}" if low == high else f"{low} to {high} {box.unit}"


def badge_of(case: WorstCase) -> dict[str, Any]:
    """What is proved of a case, and what is not."""
    tight = case.upper <= case.lower * (1 + 1e-6)
    ended = case.stopped in {"budget", "finished"}
    interval = case.interval()
    text = " ".join((f"{interval[:1].upper()}{interval[1:]} for this input; another may be worse.", *case.remarks))
    if not ended:
        text = f"The search ended early ({case.stopped}). {text}"
    name, (cost, optimum) = as_told(case.cost_name, case.cost, case.optimum)
    figures = [
        {"name": name, "value": number(cost), "meaning": "of the policy as it runs, on this input"},
        {"name": "its optimum", "value": number(optimum), "meaning": "upper end of the certified interval of the optimum"},
        {"name": "rounds", "value": f"{case.rounds:,}", "meaning": "steps of the search"},
    ]  # fmt: skip
    return {"level": "green" if tight and ended else "amber", "text": text, "figures": figures}
