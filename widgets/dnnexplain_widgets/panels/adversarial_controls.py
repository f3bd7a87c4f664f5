"""The controls of the adversarial panel, from what a system has."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import System
from dnnexplain.explain.adversarial.search import METHODS
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain_widgets.panels.saved import OPEN_SAVED

__all__ = ["controls_of"]


def controls_of(system: System, *, open_end: bool, fooled: bool) -> list[dict[str, Any]]:
    """What may be asked and pressed.

    Args:
        system: whose knobs and actions are offered.
        open_end: whether a search can be gone on with.
        fooled: whether there is a change to be shown before and after.
    """
    groups = dict.fromkeys(knob.group for knob in system.knobs if knob.group)
    shared = kinds(system)
    own = [name for name in groups if any(system.knobs[i].group == name for places in shared.values() for i in places)]
    changes = [["", "anything of the objects shown"], *([name, f"only {name}"] for name in (*shared, *own))]
    targets = [["", "any other decision"], *([name, name] for name in system.output.names)]
    objects = [["", "any number"], ["1", "one"], ["2", "two"], ["3", "three"]]
    example = next(iter(shared), system.knobs[0].name if system.knobs else "knob")
    pairs = {"kind": "button", "name": "pairs", "label": "Pairs of two jobs", "hint": "Find states like the paper's Figure 4: job 1 gets a step shorter, and the network swaps the order for the worse."}  # fmt: skip
    return [
        {"kind": "select", "name": "method", "label": "Method", "options": [[name, name] for name in METHODS]},
        {"kind": "select", "name": "change", "label": "What may change", "options": changes},
        {"kind": "select", "name": "objects", "label": "How many at once", "options": objects},
        {"kind": "select", "name": "target", "label": "Flip to", "options": targets},
        {"kind": "text", "name": "costs", "label": "Cost per unit", "placeholder": f"1, or {example}=2, ...", "hint": "Of knobs, kinds of knobs or objects; each step costs 1 where nothing is said."},
        {"kind": "text", "name": "bounds", "label": "Bounds", "placeholder": f"none, or {example}=1:5, ...", "hint": "Lowest and highest value that a change may use."},
        {"kind": "number", "name": "seconds", "label": "At most", "unit": "s", "low": 1, "high": 600, "step": 1},
        {"kind": "button", "name": "search", "label": "Search", "strong": True},
        {"kind": "button", "name": "more", "label": "Go on", "disabled": not open_end, "hint": "Continue where the search ended."},
        {"kind": "button", "name": "compare", "label": "Compare methods", "hint": "Every method on this state, each with the whole time."},
        *([pairs] if {"job 1", "job 2"} <= set(groups) else []),
        {"kind": "button", "name": "replay", "label": "Before / after", "disabled": not fooled, "hint": "Show the state as given, or as changed, in the other panels."},
        OPEN_SAVED,
    ]  # fmt: skip
