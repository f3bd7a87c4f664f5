"""What the training panel says and draws of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    lines = {
        key: [
            {"name": run.name, "points": [[p["iteration"], p[key]] for p in run.points if key in p]} for run in measured
        ]
        for key in ("greedy", "agreement")
    }
    return {
        "charts": [
            {
                "title": f"{last.cost.capitalize()} on {last.sets} held-out workloads",
                "series": lines["greedy"],
                "levels": [{"name": label(name), "value": value} for name, value in last.yardsticks.items()],
                "unit": "",
            },
            {
                "title": "Decisions in which its rule is obeyed",
                "series": [
                    {"name": one["name"], "points": [[at, 100 * value] for at, value in one["points"]]}
                    for one in lines["agreement"]
                ],
                "levels": [],
                "unit": "%",
            },
        ],
        "across": "Iterations",
    }


def sentence_of(run: Lesson) -> str:
    """How the newest run stands, against where it began and against rules."""
    if not run.points:
        return ""
    first, last = run.points[0], run.points[-1]
    rules = ", ".join(f"{label(name)} {number(value)}" for name, value in run.yardsticks.items())
    if len(run.points) == 1:
        return f"Before training: {run.cost} {number(first['greedy'])} on {run.sets} held-out workloads ({rules})."
    change = last["greedy"] / first["greedy"] - 1
    way = "as before" if abs(change) < 0.0005 else f"{abs(change):.1%} {'better' if change < 0 else 'worse'}"
    words = (
        f"After {last['iteration']} iterations ({run.name}), {run.cost} is {number(last['greedy'])} on {run.sets} "
        f"held-out workloads: {way} (before: {number(first['greedy'])}; {rules})."
    )
    if "agreement" in first and "agreement" in last:
        words += f" The rule is obeyed in {last['agreement']:.1%} of decisions that have a choice (before: {first['agreement']:.1%})."
    if "greedy_worst" in last:
        words += (
            f" In the worst cell of the mix its cost is {last['greedy_worst']:.2f} times SJF's "
            f"(before: {first['greedy_worst']:.2f})."
        )
    return words
