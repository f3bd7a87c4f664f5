"""What the attribution panel draws of a result: a card per method, the agreement, then and now."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.agreement import Comparison
from dnnexplain.explain.attribution.maps import Attribution
from dnnexplain.explain.attribution.methods import METHODS
from dnnexplain.explain.attribution.saved_attribution import ThenAndNow
from dnnexplain.explain.faithfulness.badge import TrustBadge
from dnnexplain.explain.faithfulness.compared import TrustedComparison
from dnnexplain_widgets.words import error_sentence, number

__all__ = ["about", "agreement", "card", "sentence_of", "then_and_now", "with_chosen"]

_VERDICTS = {
    "green": "within all limits that apply",
    "amber": "read it with care",
    "red": "do not rely on it",
    "grey": "nothing could be measured here",
}


def with_chosen(options: list[list[str]], chosen: str) -> list[list[str]]:
    """A choice stays in the menu even where the present state does not offer it."""
    return options if any(chosen == name for name, _ in options) else [*options, [chosen, chosen]]


def sentence_of(text: str) -> str:
    """A reason as a sentence."""
    return error_sentence(DnnExplainError(text))


def about(comparison: TrustedComparison) -> str:
    """What is explained, counted from what, and how large the difference is."""
    attribution = comparison.comparison.attributions[0]
    counted = [each for each in comparison.comparison.attributions if each.measure == "share"]
    size = f" The difference to be shared out is {number(counted[0].explained)}." if counted else ""
    return f"{attribution.target}, counted from “{attribution.baseline}”.{size}"


def card(attribution: Attribution, badge: TrustBadge, colours: dict[str, int | None], most: int) -> dict[str, Any]:
    """One method for the page; the groups that are left out are one row, so that the bars keep their sum."""
    order = sorted(
        range(len(attribution.group_names)), key=lambda i: -(attribution.positive[i] - attribution.negative[i])
    )
    named, rest = order[:most], order[most:]
    rows: list[dict[str, Any]] = [
        {
            "name": attribution.group_names[i], "colour": colours.get(attribution.group_names[i]),
            "up": float(attribution.positive[i]), "down": float(attribution.negative[i]),
        }
        for i in named
    ]  # fmt: skip
    if rest:
        up, down = float(attribution.positive[rest].sum()), float(attribution.negative[rest].sum())
        name = f"{counted(len(rest), 'other')}{' together' if len(rest) > 1 else ''}"
        rows.append({"name": name, "colour": None, "up": up, "down": down, "rest": True})
    return {
        "title": METHODS[attribution.method].title,
        "about": METHODS[attribution.method].about,
        "measure": attribution.measure,
        "level": badge.overall,
        "verdict": _VERDICTS[badge.overall],
        "reason": badge.reason,
        "sentence": " ".join([attribution.sentence(), *(sentence_of(note) for note in attribution.notes)]),
        "rows": rows,
        "figures": [
            {
                "title": figure.title, "value": number(figure.value) if math.isfinite(figure.value) else "not measured",
                "level": figure.level, "limits": figure.limits, "sentence": figure.sentence, "judges": figure.judges, "votes": figure.votes,
            }
            for figure in badge.figures
        ],
    }  # fmt: skip


def agreement(comparison: Comparison) -> dict[str, Any]:
    """The rank correlations between methods as a heat map; one method has none."""
    titles = [METHODS[attribution.method].title for attribution in comparison.attributions]
    if len(titles) < 2:
        return {"columns": [], "rows": []}
    rows = []
    for i, title in enumerate(titles):
        cells: list[dict[str, Any]] = []
        for j in range(len(titles)):
            value, cells_value = float(comparison.by_group[i, j]), float(comparison.maps[i, j])
            if i == j:
                cells.append({"text": "–"})
            elif math.isfinite(value):
                cells.append({"text": number(value), "note": f"cells {number(cells_value)}"})
            else:
                kinds = {comparison.attributions[at].measure == "slope" for at in (i, j)}
                cells.append({"text": "does not vary" if len(kinds) == 1 else "not compared"})
        rows.append({"label": title, "cells": cells})
    return {
        "caption": "Rank correlation between the methods: of knob groups, and of single cells",
        "corner": "Rank correlation",
        "columns": titles,
        "rows": rows,
    }


def then_and_now(comparison: ThenAndNow, colours: dict[str, int | None], most: int) -> list[dict[str, Any]]:
    """Per method its largest groups, from the saved value to the present one."""
    tables = []
    for m, method in enumerate(comparison.methods):
        size = np.maximum(np.abs(comparison.before[m]), np.abs(comparison.after[m]))
        shown = [int(g) for g in np.argsort(-size, kind="stable")[:most] if size[g] > 0]
        values = [0.0, *(float(side[m, g]) for side in (comparison.before, comparison.after) for g in shown)]
        low, high = min(values), max(values)
        then, now = comparison.levels[m]
        tables.append(
            {
                "caption": f"{METHODS[method].title}, then and now",
                "low": low,
                "high": high,
                "ends": [number(low), number(high)],
                "marks": [f"{METHODS[method].title}, saved ({then})", f"now ({now})"],
                "rows": [
                    {
                        "label": comparison.group_names[g], "colour": colours.get(comparison.group_names[g]),
                        "from": float(comparison.before[m, g]), "to": float(comparison.after[m, g]),
                        "text": f"{number(float(comparison.before[m, g]))} → {number(float(comparison.after[m, g]))}",
                    }
                    for g in shown
                ],
            }
        )  # fmt: skip
    return tables
