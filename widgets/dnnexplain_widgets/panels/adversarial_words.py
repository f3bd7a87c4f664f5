"""What the adversarial panel says of its results: tables and the trust badge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dnnexplain.contract import State, System
from dnnexplain.explain.adversarial.compare import MethodTable
from dnnexplain.explain.adversarial.pairs import OrderPair
from dnnexplain.explain.adversarial.report import told_changes
from dnnexplain.explain.adversarial.result import Adversarial, Flip
from dnnexplain.explain.adversarial.verdicts import Verdict
from dnnexplain.explain.decisions.sweeps import kind_of
from dnnexplain.results import Question
from dnnexplain_widgets.words import joined, number, probability

__all__ = ["asked_again", "badge_of", "flips_table", "methods_table", "pairs_table", "plausibility"]

_KINDS = {
    "adversarial": "worse by the oracle",
    "domain change": "the best decision changed with it: not counted",
    "harmless": "both decisions are equally good",
    "no worse": "wrong, but no more than before",
    "undecided": "the oracle ran out of time",
}


Table = dict[str, Any]


def flips_table(before: Verdict | None, flips: Sequence[Flip], plausible: Sequence[str]) -> Table:
    """The changes of a search; ``plausible`` has a text for each, or is empty where nobody can say."""
    columns = ["cost", "decision", "best by the oracle", "loss", "what it is"]
    rows: list[dict[str, Any]] = [{"label": "as given", "cells": _cells(None, before, "")}]
    rows += [
        {"label": told_changes(flip.changes), "cells": _cells(flip.distance, flip.after, flip.kind)} for flip in flips
    ]
    if plausible:
        columns.append("plausibility")
        hint = "Log-probability of the changed objects under the training workload, before and after."
        for row, text in zip(rows, ["", *plausible], strict=True):
            row["cells"].append({"text": text, "hint": hint})
    return _table("Changes that flip the decision", "change", columns, rows)


def pairs_table(system: System, pairs: Sequence[OrderPair]) -> Table:
    """Pairs of states like the paper's Figure 4."""
    rows = [
        {
            "label": f"{pair.changed} from {pair.before_value:g} to {pair.after_value:g} {pair.unit}",
            "cells": [
                {"text": system.describe(pair.state)},
                *({"text": name} for name in (pair.before.name, pair.after.name, joined(pair.after.best_names))),
                {"text": number(pair.after.loss), "hint": pair.after.unit},
            ],
        }
        for pair in pairs
    ]
    columns = ["state before", "decision before", "after", "best after", "loss"]
    return _table("Pairs of states", "change", columns, rows)


def methods_table(table_of: MethodTable) -> Table:
    """All methods after the same computing time."""
    rows: list[dict[str, Any]] = []
    for name, answer in table_of.answers.items():
        proved = (
            "proved minimal" if answer.proved_minimal else "proved: none exists" if answer.complete else "not proved"
        )
        times = [number(best.seconds) for best in (answer.trace[0], answer.trace[-1])] if answer.trace else ["", ""]
        texts = ["none" if answer.distance is None else number(answer.distance), proved, *times]
        texts += [f"{answer.evaluated:,}", f"{answer.judged:,}", number(answer.seconds)]
        rows.append({"label": name, "cells": [{"text": text} for text in texts]})
    rows += [{"label": name, "cells": [{"text": "", "note": why}]} for name, why in table_of.refused.items()]
    columns = ["cost", "proof", "first found, s", "best found, s", "states decided", "judged", "CPU s"]
    return _table("Methods at equal computing time", "method", columns, rows)


def plausibility(
    system: System,
    likelihood: Callable[[State], Mapping[str, float]] | None,
    before: State | None,
    flips: Sequence[Flip],
) -> list[str]:
    """Per flip how likely the changed objects were and are, ``−4.5 to −6.6``; empty if nobody can say."""
    if likelihood is None or before is None:
        return []
    known = likelihood(before)
    texts = []
    for flip in flips:
        moved = {knob.group for at, knob in enumerate(system.knobs) if flip.state.values[at] != before.values[at]}
        density = likelihood(flip.state)
        texts.append(
            "; ".join(
                _likelihood_words(name, known[name], density[name]) for name in known if name in moved & set(density)
            )
        )
    return texts


def _likelihood_words(name: str, before: float, after: float) -> str:
    if before == after:
        return f"{name} never drawn, as before" if np.isneginf(after) else f"{name} {number(after)}, as before"
    first, second = ("never drawn" if np.isneginf(value) else number(value) for value in (before, after))
    return f"{name} {first} to {second}"


def _table(caption: str, corner: str, columns: list[str], rows: list[dict[str, Any]]) -> Table:
    return {"caption": caption, "corner": corner, "columns": columns, "rows": rows, "pick": "row"}


def _cells(distance: float | None, verdict: Verdict | None, kind: str) -> list[dict[str, Any]]:
    if verdict is None:
        return [{"text": ""} for _ in range(5)]
    return [
        {"text": "" if distance is None else number(distance)},
        {"text": verdict.name, "hint": f"probability {probability(verdict.probability)}"},
        {"text": joined(verdict.best_names)},
        {"text": number(verdict.loss), "hint": verdict.unit},
        {"text": kind, "note": _KINDS.get(kind, "")},
    ]


def badge_of(adversarial: Adversarial) -> dict[str, Any]:
    """How far a result is proved, and what it took."""
    if adversarial.proved_minimal:
        level, text = "green", "Proved minimal"
    elif adversarial.complete:
        level, text = "green", "Proved: no such change"
    elif adversarial.radius > 0 or adversarial.single_radius > 0:
        level, text = "amber", "Proved in part"
    else:
        level, text = "amber", "Not proved"
    figures = [
        {"name": "States decided", "value": f"{adversarial.evaluated:,}", "meaning": "by the network"},
        {"name": "States judged", "value": f"{adversarial.judged:,}", "meaning": "by the oracle, which solves the best order of what is present"},
        {"name": "Time", "value": f"{number(adversarial.seconds)} s", "meaning": f"method: {adversarial.question.method}"},
    ]  # fmt: skip
    for name, (before, after) in adversarial.likelihood.items():
        words = "never drawn" if after == float("-inf") else number(after)
        figures.append(
            {
                "name": f"Plausibility of {name}",
                "value": f"{number(before)} before, {words} after",
                "meaning": "log-probability of the object under the training workload",
            }
        )
    return {"level": level, "text": text, "figures": figures}


def asked_again(system: System, question: Question) -> dict[str, str]:
    """The panel's answers that ask a saved question, as far as its controls can."""
    settings = question.settings
    knobs = {knob.name: knob for knob in system.knobs}
    movable = [knobs[name] for name in settings["movable"]]
    kinds, groups = {kind_of(knob) for knob in movable}, {knob.group for knob in movable}
    alone = kinds if len(kinds) == 1 else groups if len(groups) == 1 else {""}
    costs = {name: value for name, value in settings["costs"].items() if value != 1 / (knobs[name].step or 1)}
    bounds = {
        name: f"{low:g}:{high:g}"
        for name, (low, high) in settings["bounds"].items()
        if (low, high) != (knobs[name].low, knobs[name].high)
    }
    return {
        "method": question.method,
        "target": settings["target"] or "",
        "objects": str(settings["objects"] or ""),
        "change": next(iter(alone)) or "",
        "costs": ", ".join(f"{name}={value:g}" for name, value in costs.items()),
        "bounds": ", ".join(f"{name}={span}" for name, span in bounds.items()),
    }
