"""What the adversarial panel says of a result: table cells and the trust badge."""

from __future__ import annotations

from typing import Any

from dnnexplain.explain.adversarial.result import Adversarial
from dnnexplain.explain.adversarial.verdicts import Verdict
from dnnexplain.results import Question
from dnnexplain_widgets.words import joined, number

__all__ = ["asked_again", "badge_of", "cells_of"]

_KINDS = {
    "adversarial": "worse by the oracle",
    "domain change": "the best decision changed with it: not counted",
    "harmless": "both decisions are equally good",
    "no worse": "wrong, but no more than before",
    "undecided": "the oracle ran out of time",
}


def cells_of(distance: float | None, verdict: Verdict | None, kind: str) -> list[dict[str, Any]]:
    """The cells of a flip in the table of results."""
    if verdict is None:
        return [{"text": ""} for _ in range(5)]
    return [
        {"text": "" if distance is None else number(distance)},
        {"text": verdict.name, "hint": f"probability {verdict.probability:.3f}"},
        {"text": joined(verdict.best_names)},
        {"text": number(verdict.loss), "hint": verdict.unit},
        {"text": kind, "note": _KINDS.get(kind, "")},
    ]


def badge_of(found: Adversarial) -> dict[str, Any]:
    """How far a result is proved, and what it took."""
    if found.proved_minimal:
        level, text = "green", "Proved minimal"
    elif found.complete:
        level, text = "green", "Proved: no such change"
    elif found.radius > 0 or found.single_radius > 0:
        level, text = "amber", "Proved in part"
    else:
        level, text = "amber", "Not proved"
    figures = [
        {"name": "States decided", "value": f"{found.evaluated:,}", "meaning": "by the network"},
        {"name": "States judged", "value": f"{found.judged:,}", "meaning": "by the oracle, which solves the best order of what is present"},
        {"name": "Time", "value": f"{number(found.seconds)} s", "meaning": f"method: {found.question.method}"},
    ]  # fmt: skip
    for name, (before, after) in found.likelihood.items():
        told = "never drawn" if after == float("-inf") else number(after)
        figures.append(
            {
                "name": f"Plausibility of {name}",
                "value": f"{number(before)} before, {told} after",
                "meaning": "log-probability of the object under the training workload",
            }
        )
    return {"level": level, "text": text, "figures": figures}


def asked_again(question: Question) -> dict[str, str]:
    """The panel's answers that ask a saved question; a choice of knobs that the panel cannot name stays open."""
    settings = question.settings
    kinds = {name.rpartition(" ")[2] for name in settings["movable"]}
    groups = {name.rpartition(" ")[0] for name in settings["movable"]}
    change = next(iter(kinds)) if len(kinds) == 1 else next(iter(groups)) if len(groups) == 1 else ""
    return {
        "method": question.method,
        "target": settings["target"] or "",
        "objects": str(settings["objects"] or ""),
        "change": change,
    }
