"""The controls of the rules panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain_widgets.words import label

if TYPE_CHECKING:
    from dnnexplain_widgets.panels.rules import RulesPanel

__all__ = ["ENDINGS", "RULES", "controls_of"]

RULES = "rules"
ENDINGS = {"text": ".txt", "python": ".py", "c": ".c", "javascript": ".js", "json": ".json"}
_LANGUAGES = {"text": "Text", "python": "Python", "c": "C", "javascript": "JavaScript", "json": "JSON (a teacher)"}


def controls_of(panel: RulesPanel) -> list[dict[str, Any]]:
    """What can be asked now: before there are rules only how to get them."""
    system = panel.system
    kinds = [[name, f"{name}: {about}"] for name, about in system.workload_names.items()]
    controls: list[dict[str, Any]] = [
        {"kind": "select", "name": "work", "label": "Work", "options": kinds},
        *(
            {
                "kind": "number", "name": f"knob {knob.name}", "label": knob.name.capitalize(), "unit": knob.unit,
                "low": knob.low, "high": knob.high, "step": knob.step,
            }
            for knob in system.workload_knobs
        ),
        {"kind": "number", "name": "leaves", "label": "At most", "unit": "rules", "low": 2, "high": 100, "step": 1},
        {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
        {"kind": "button", "name": "distil", "label": "Distil", "strong": True},
        {"kind": "file", "name": "saved", "label": "Load…", "accept": ".json", "hint": "Rules that were saved here before."},
    ]  # fmt: skip
    return controls if panel.desk is None else [*controls, *_with_rules(panel)]


def _with_rules(panel: RulesPanel) -> list[dict[str, Any]]:
    assert panel.desk is not None
    edits = panel.desk.edits
    names = [name for name in panel.system.rules() if name != "random"]
    views = [[RULES, "The rules"], *([name, f"Where it is not {label(name)}"] for name in names)]
    which = [["all", "all"], ["differ", "where the network differs"]]
    languages = [[kind, text] for kind, text in _LANGUAGES.items()]
    controls: list[dict[str, Any]] = [
        {"kind": "select", "name": "view", "label": "Show", "options": views},
        {"kind": "select", "name": "rule", "label": "Compare with", "options": [[name, label(name)] for name in names]},
        {"kind": "button", "name": "undo", "label": "Undo change", "disabled": not edits.past},
        {"kind": "button", "name": "redo", "label": "Redo change", "disabled": not edits.future},
        {"kind": "select", "name": "format", "label": "As", "options": languages},
        {"kind": "button", "name": "export", "label": "Export"},
    ]
    if panel.desk.opened is None:
        return controls
    return [
        *controls,
        {"kind": "select", "name": "which", "label": "States of the rule", "options": which},
        {"kind": "button", "name": "previous", "label": "Previous state"},
        {"kind": "button", "name": "next", "label": "Next state"},
        {"kind": "button", "name": "look", "label": "Show in editor"},
    ]
