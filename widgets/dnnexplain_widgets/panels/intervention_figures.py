"""What holding a neuron did, as rows of a chart: a figure before and after, with its interval where there is one."""

from __future__ import annotations

import math
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import number, start
from dnnexplain.explain.probing.intervention import CostEffect, NeuronEffect
from dnnexplain.numbers import as_told, both_ends, interval, span_as_told

__all__ = ["cost_row", "outcome_row"]


def outcome_row(effect: NeuronEffect) -> list[dict[str, Any]]:
    """What the system measures of the decision, with and without the neuron."""
    before, after = effect.outcome_before, effect.outcome_after
    if before is None or after is None:
        return []
    row = {
        "label": effect.outcome, "from": before, "to": after,
        "text": f"{' → '.join(both_ends(before, after))} ({number(effect.worse, sign=True)})",
    }  # fmt: skip
    marks = ["as it is", f"neuron {effect.neuron} held at {number(effect.held_at)}"]
    caption = f"{start(effect.outcome)} here, before and after"
    return [{"caption": caption, **_between(before, after), "marks": marks, "rows": [row]}]


def _between(*values: float) -> dict[str, Any]:
    """An axis that shows these values, with some room."""
    low, high = min(values), max(values)
    room = max(0.1 * (high - low), 0.01 * max(abs(low), abs(high))) or 0.1
    return {"low": low - room, "high": high + room, "ends": [number(low - room), number(high + room)]}


def cost_row(effect: CostEffect) -> dict[str, Any]:
    """The figure over workloads, with the interval of its change."""
    cost, (before, after) = as_told(effect.cost_name, float(effect.before.mean()), float(effect.after.mean()))
    _, *change = span_as_told(effect.cost_name, effect.mean, effect.low, effect.high)
    ends = [before + change[0], before + change[1]]
    known = not math.isnan(effect.low)
    row = {
        "label": cost, "from": before, "to": after, **({"range": ends} if known else {}),
        "text": " → ".join(both_ends(before, after)),
        "hint": f"{number(100 * effect.level)}% interval of the change: {interval(*change)}",
    }  # fmt: skip
    words = f", with the {number(100 * effect.level)}% interval" if known else ""
    return {
        "caption": f"{cost} over {counted(len(effect.before), 'workload')}{words}",
        **_between(before, after, *(ends if known else ())),
        "marks": [
            "as it is",
            f"neuron {effect.neuron} held at {number(effect.held_at)}{', with its interval' if known else ''}",
        ],
        "rows": [row],
    }
