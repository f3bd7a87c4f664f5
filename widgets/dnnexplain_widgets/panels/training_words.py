"""What the training panel says and draws of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.counts import counted
from dnnexplain.numbers import as_told, share
from dnnexplain_widgets.words import label, number

if TYPE_CHECKING:
    from dnnexplain_widgets.panels.training_runs import Lesson

__all__ = ["chart_of", "sentence_of"]


def chart_of(runs: Sequence[Lesson]) -> dict[str, Any]:
    """Two charts over the iterations: cost on held-out workloads, and agreement with the teacher."""
    measured = [run for run in runs if run.points]
    if not measured:
        return {"charts": []}
    last = measured[-1]
    cost, levels = as_told(last.cost, *last.yardsticks.values())
    lines = {
        key: [
            {"name": run.name, "points": [[p["iteration"], shown(run, p[key])] for p in run.points if key in p]}
            for run in measured
        ]
        for key, shown in (("greedy", _as_people_hear), ("agreement", lambda _run, value: value))
    }
    return {
        "charts": [
            {
                "title": f"{cost[:1].upper()}{cost[1:]} on {counted(last.sets, 'held-out workload')}",
                "series": lines["greedy"],
                "levels": [
                    {"name": label(name), "value": value} for name, value in zip(last.yardsticks, levels, strict=True)
                ],
                "unit": "",
            },
            {
                "title": "Decisions in which its rule is obeyed",
                "series": [
                    {"name": line["name"], "points": [[at, 100 * value] for at, value in line["points"]]}
                    for line in lines["agreement"]
                ],
                "levels": [],
                "unit": "%",
            },
        ],
        "across": "Iterations",
    }


def _as_people_hear(run: Lesson, cost: float) -> float:
    """A cost of a run as people are told of it: what is earned with its own sign."""
    return as_told(run.cost, cost)[1][0]


def _way(before: float, now: float) -> str:
    """How a cost changed; lower is better, and a percentage means something only of a cost above zero."""
    change = now - before
    if abs(change) < 0.0005 * abs(before) or change == 0.0:
        return "as before"
    part = abs(change) / before if before > 0.0 else np.inf  # of a cost next to nothing it may be infinite, too
    size = share(part, 1) if np.isfinite(part) else number(abs(change))
    return f"{size} {'better' if change < 0 else 'worse'}"


def sentence_of(run: Lesson) -> str:
    """How the newest run stands, against where it began and against rules."""
    if not run.points:
        return ""
    known = [point for point in run.points if np.isfinite(point["greedy"])]
    if not known:
        return f"After {counted(run.points[-1]['iteration'], 'iteration')} no cost on held-out workloads is known yet."
    first, last = known[0], known[-1]
    cost, (begun, now) = as_told(run.cost, first["greedy"], last["greedy"])
    rules = ", ".join(f"{label(name)} {number(_as_people_hear(run, value))}" for name, value in run.yardsticks.items())
    if len(known) == 1:
        return f"Before training: {cost} {number(begun)} on {counted(run.sets, 'held-out workload')} ({rules})."
    way = _way(first["greedy"], last["greedy"])
    words = (
        f"After {counted(last['iteration'], 'iteration')} ({run.name}), {cost} is {number(now)} on "
        f"{counted(run.sets, 'held-out workload')}: {way} (before: {number(begun)}; {rules})."
    )
    if "agreement" in first and "agreement" in last:
        words += f" The rule is obeyed in {share(last['agreement'], 1)} of decisions that have a choice (before: {share(first['agreement'], 1)})."
    if "greedy_worst" in last:
        words += (
            f" In the worst cell of the mix its cost is {number(last['greedy_worst'])} times that of {label(run.beside) or 'the rule'} "
            f"(before: {number(first['greedy_worst'])})."
        )
    return words
