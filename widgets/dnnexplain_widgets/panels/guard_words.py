"""What a guard's panel shows of it: figures with and without it, and who decided each decision of an episode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.guards import Guard, Guarded, GuardReport
from dnnexplain.numbers import as_told, gap, number, percent
from dnnexplain_widgets.words import label

__all__ = ["figures_of", "rules_told", "stepped_words"]


def figures_of(report: GuardReport, system: Any) -> dict[str, Any]:
    """The figure of the cells part: one row for each figure."""
    ratio = cost_is_ratio(system)
    called, (ours, ours_guarded, best, best_guarded, usual, usual_guarded) = as_told(
        str(system.cost_name), report.network_without, report.network_with, report.rule_without, report.rule_with,
        report.nominal_without, report.nominal_with,
    )  # fmt: skip
    figures = [
        ("worst gap to the best rule", gap(report.gap_without, ratio=ratio), gap(report.gap_with, ratio=ratio)),
        (f"{called} on that workload", number(ours), number(ours_guarded)),
        ("of the best rule there", number(best), number(best_guarded)),
        (f"usual {called}", number(usual), number(usual_guarded)),
        ("usual decisions that it takes", "none", percent(report.stepped_in)),
        ("of them otherwise than the network", "none", percent(report.changed)),
        ("decisions that it takes on its worst workload", "none", percent(report.stepped_in_worst)),
    ]
    rows = [{"label": name, "cells": [{"text": without}, {"text": guarded}]} for name, without, guarded in figures]
    return {"caption": "With and without the guard", "corner": "", "columns": ["without", "with"], "rows": rows}


def rules_told(guard: Guard, report: GuardReport, system: Any) -> tuple[str, ...]:
    """A guard's rules in words, what they do as the menus call it."""
    rules = system.rules()
    return tuple(
        f"{words.removesuffix(item.do)}{label(item.do)}"
        if item.do in rules and words.endswith(f"do as {item.do}")
        else words
        for item, words in zip(guard.rules, report.guard, strict=True)
    )


def stepped_words(guarded: Guarded, observations: NDArray[Any]) -> tuple[str, ...]:
    """Of each decision of an episode what decided it, a sentence each."""
    deciding = guarded.deciding_through(observations)
    counts = np.bincount(deciding[deciding >= 0], minlength=len(guarded.rule_words))
    total = len(deciding)

    def tell(place: int) -> str:
        if place < 0:
            return (
                f"No rule of the guard holds here; rules decide {int(counts.sum()):,} of {counted(total, 'decision')}."
            )
        return f"Rule {place + 1} decides here, and in {int(counts[place]):,} of {counted(total, 'decision')}: {guarded.rule_words[place]}."

    return tuple(tell(int(place)) for place in deciding)
