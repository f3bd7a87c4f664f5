"""Rules as the page shows them: lines and curves, the table of costs, sentences, controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System, cost_unit
from dnnexplain.counts import counted
from dnnexplain.explain.distillation import Disagreement, Distillation, RuleComparison, Tree
from dnnexplain.explain.distillation.conditions import asks_presence, conditions, is_yes_or_no, or_none, question
from dnnexplain.explain.distillation.tree import LEAF
from dnnexplain.numbers import beside, gap, interval
from dnnexplain_widgets.panels.rules.work import EDITED, Ground
from dnnexplain_widgets.words import joined, label, number, with_unit

__all__ = [
    "ENDINGS",
    "RULES",
    "Speech",
    "badge",
    "controls_of",
    "cost_table",
    "edited_words",
    "lines",
    "passed",
    "present_words",
    "size_curves",
    "state_words",
]


@dataclass(frozen=True, eq=False)
class Speech:
    """What the nodes of a tree are called: features with their units, and a text for each leaf."""

    tree: Tree
    features: tuple[str, ...]
    units: dict[str, str]
    leaf: dict[int, dict[str, Any]] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()
    absent: Mapping[str, float] = field(default_factory=dict)

    def told(self, node: int, value: float) -> str:
        """The value of what a node asks about, in words."""
        name, unit, yes_or_no = self.asked(node)
        if self.absent.get(name) == value:
            return "none"
        return ("yes" if value > 0 else "no") if yes_or_no else with_unit(value, unit)

    def asked(self, node: int) -> tuple[str, str, bool]:
        """The feature that a node asks about, its unit, and whether it is a yes or no."""
        name = self.features[self.tree.feature[node]]
        unit = self.units.get(name, "")
        return name, unit, is_yes_or_no(name, float(self.tree.threshold[node]), unit)


def lines(speech: Speech) -> list[dict[str, Any]]:
    """A tree as a list of rules to be read from top to bottom.

    Of the two answers to a question the one with fewer rules comes first, further in; what follows is
    "otherwise", no further in. So even a deep tree stays narrow. A line is ``{lead, depth, node, text,
    threshold, unit, after, first, leaf}``: ``first`` is the node where the condition leads to.
    """
    tree, found = speech.tree, list[dict[str, Any]]()
    leaves = _leaves_below(tree)

    def write(node: int, depth: int, lead: str) -> None:
        if tree.feature[node] == LEAF:
            found.append({"lead": lead or "Always", "depth": depth, "first": node, "leaf": speech.leaf.get(node, {})})
            return
        left, right = int(tree.left[node]), int(tree.right[node])
        _, _, yes_or_no = speech.asked(node)
        above = leaves[right] < leaves[left] or (yes_or_no and leaves[right] == leaves[left])
        first, other = (right, left) if above else (left, right)
        line = {
            "lead": "Otherwise, if" if lead else "If",
            "depth": depth,
            **_condition(speech, node, above),
            "first": first,
        }
        found.append(line)
        if tree.feature[first] == LEAF:
            line["leaf"] = speech.leaf.get(first, {})
        else:
            write(first, depth + 1, "")
        write(other, depth, "Otherwise")

    write(0, 0, "")
    return found


def _condition(speech: Speech, node: int, above: bool) -> dict[str, Any]:
    name, unit, yes_or_no = speech.asked(node)
    told: dict[str, Any] = {"node": node, "changed": node in speech.changed}
    if yes_or_no:
        return {**told, "text": name if above else f"not {name}"}
    threshold = float(speech.tree.threshold[node])
    if asks_presence(name, threshold, speech.absent):
        return {**told, "text": question(name, threshold, unit, speech.absent)[int(above)]}
    span = (threshold, np.inf) if above else (-np.inf, threshold)
    return {
        **told, "text": f"{name} is {'above' if above else 'at most'}", "unit": unit, "name": name,
        "threshold": threshold, "after": or_none(speech.absent.get(name), *span),
    }  # fmt: skip


def _leaves_below(tree: Tree) -> NDArray[np.int64]:
    count = np.ones(len(tree.feature), dtype=np.int64)
    for node in np.flatnonzero(tree.feature != LEAF)[::-1]:
        count[node] = count[tree.left[node]] + count[tree.right[node]]
    return count


def passed(speech: Speech, features: NDArray[np.float64]) -> dict[str, Any]:
    """The nodes that a state passes, and what the asked quantities are in it, in words."""
    path = speech.tree.path(features)
    now = {str(node): speech.told(node, float(features[speech.tree.feature[node]])) for node in path[:-1]}
    return {"path": path, "now": now}


def present_words(names: Sequence[str], who: str, does: int, network: int, of: str = "") -> str:
    """What the rules, or a rule of that name, do in the present state, and whether the network does otherwise; ``of``: of which part."""
    where = f"In the present state, {of}," if of else "In the present state"
    if does == network:
        return f"{where} {who} and the network do the same: {names[network]}."
    return f"{where} the network decides otherwise: {names[network]}; {who}: {names[does]}."


def rule_leaves(tree: Tree, actions: Sequence[str], on: Ground, changed: frozenset[int]) -> dict[int, dict[str, Any]]:
    """Each leaf's action, how many states end in it, and in how many of these the network does something else."""
    ends, same = tree.apply(on.known.features), on.decide(tree) == on.known.action
    found = {}
    for leaf in np.flatnonzero(tree.feature == LEAF):
        here = ends == leaf
        share, wrong = float(here.mean()), float(1 - same[here].mean()) if here.any() else 0.0
        found[int(leaf)] = {
            "node": int(leaf), "action": int(tree.action[leaf]), "text": actions[tree.action[leaf]],
            "count": int(here.sum()), "share": f"{100 * share:.3g}%", "changed": int(leaf) in changed,
            "note": f"network differs in {100 * wrong:.2g}%" if wrong else "",
        }  # fmt: skip
    return found


def difference_leaves(apart: Disagreement, on: Ground, rule: str) -> dict[int, dict[str, Any]]:
    """Each leaf of a tree of disagreements: how often both differ there."""
    tree = apart.tree
    ends = tree.apply(on.known.features)
    free = on.known.free
    found = {}
    for leaf in np.flatnonzero(tree.feature == LEAF):
        here = (ends == leaf) & free
        differ = float(np.mean(on.rules[rule][here] != on.known.action[here])) if here.any() else 0.0
        told = f"does as {label(rule)}" if tree.action[leaf] == 0 else f"is not {label(rule)}"
        found[int(leaf)] = {
            "node": int(leaf), "text": f"the network {told}", "count": int(here.sum()),
            "share": f"{100 * float(here.sum()) / max(1, int(free.sum())):.3g}%", "changed": False,
            "mark": int(tree.action[leaf]) == 1, "note": f"they differ in {100 * differ:.2g}%",
        }  # fmt: skip
    return found


def size_curves(found: Distillation, size: int) -> dict[str, Any]:
    """Fidelity and cost against the number of rules, one line per seed."""
    seeds = [found.chosen, *(seed for seed in range(len(found.path_leaves)) if seed != found.chosen)]
    charts = [
        ("decides as the network", 100 * found.path_fidelity, "%", None),
        (found.cost_name, found.path_cost, "", found.path_teacher),
    ]
    return {
        "leaves": [found.path_leaves[seed].tolist() for seed in seeds],
        "at": size,
        "charts": [
            {"title": title, "unit": unit, "reference": reference, "lines": [values[seed].tolist() for seed in seeds]}
            for title, values, unit, reference in charts
        ],
        "words": [
            f"{counted(tree.leaves, 'rule')}: as the network in {100 * found.path_fidelity[found.chosen, place]:.1f}% of its states, "
            f"{found.cost_name} {number(found.path_cost[found.chosen, place])} (network {number(found.path_teacher)})"
            for place, tree in enumerate(found.path_trees)
        ],
    }


def cost_table(found: RuleComparison, on: Ground, trees: dict[str, Tree]) -> dict[str, Any]:
    """Who costs what on the same work, beside the network, and who decides as it does."""
    rows = []
    for name in found.names:
        mean, low, high = found.mean(name)
        cells: list[dict[str, Any]] = [{"text": number(mean), "note": interval(low, high)}]
        if name == found.names[0]:
            cells += [{"text": ""}, {"text": ""}]
        else:
            share, below, above = (_more(part, ratio=found.ratio) for part in found.relative(name))
            said = on.decide(trees[name]) if name in trees else on.rules[name]
            same = 100 * float(np.mean(said == on.known.action))
            cells += [{"text": share, "note": f"{below} to {above}"}, {"text": f"{same:.1f}%"}]
        rows.append({"label": name if name in trees or name == found.names[0] else label(name), "cells": cells})
    if found.optimum is not None:
        rows.append({"label": "Optimum, all work known", "cells": _optimum_cells(found)})
    columns = [found.cost_name, "against the network", "decides as the network"]
    caption = f"Costs on {counted(found.cost.shape[1], 'workload')} that nothing was learned from"
    return {"caption": caption, "corner": f"{found.cost.shape[1]} unseen workloads", "columns": columns, "rows": rows}


def _optimum_cells(found: RuleComparison) -> list[dict[str, Any]]:
    assert found.optimum is not None
    low, high = found.optimum
    text = number(low) if number(low) == number(high) else f"{number(low)} to {number(high)}"
    mean = float(found.cost[0].mean())
    more = [_more(end / mean - 1 if found.ratio else end - mean, ratio=found.ratio) for end in (high, low)]
    return [
        {"text": text, "note": "proved bounds"},
        {"text": more[0], "note": "" if more[0] == more[1] else f"or {more[1]}"},
        {"text": ""},
    ]


def _more(value: float, *, ratio: bool) -> str:
    return gap(value, ratio=ratio).replace("-", "−")


def _close(found: Distillation, value: float) -> bool:
    """Whether a gap is at most 5% of the network's cost."""
    return bool(value <= (0.05 if found.ratio else 0.05 * abs(found.teacher_cost)))


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"


def badge(found: Distillation) -> dict[str, Any]:
    """How far the distilled rules stand for the network, from unseen workloads."""
    if found.fidelity_low >= 0.9 and _close(found, found.relative_high):
        level, text = "green", "The rules stand for the network"
    elif found.fidelity >= 0.8 and _close(found, found.relative_low):
        level, text = "amber", "The rules are close to the network"
    else:
        level, text = "red", "The rules are not the network"
    span = (
        "no interval"
        if np.isnan(found.fidelity_low)
        else f"{_share(found.fidelity_low)} to {_share(found.fidelity_high)}"
    )
    figures = [
        ("Fidelity", f"{_share(found.fidelity)} ({span})", "states of the network in which the rules do the same, 95% interval"),
        ("Where there is a choice", _share(found.fidelity_free), "the same, where more than one action is allowed"),
        *_sentence(found),
        ("In the rules' own states", _share(found.fidelity_own), "the same, in the states that the rules themselves meet"),
        ("Macro-F1", number(found.macro_f1), "every action counts alike, however rare"),
        (found.cost_name.capitalize(), f"{number(found.cost)} ({interval(found.cost_low, found.cost_high)})", f"the network's: {number(found.teacher_cost)}; {_more(found.relative, ratio=found.ratio)} ({interval(found.relative_low, found.relative_high, ratio=found.ratio)})"),
        ("Agreement of seeds", _share(found.agreement), "how often trees learned from other samples decide alike"),
        ("Measured on", counted(found.unseen, "workload"), f"not learned from; learned from {counted(found.decisions, 'decision')} in {number(found.cpu_seconds)} s of computing"),
    ]  # fmt: skip
    return {"level": level, "text": text, "figures": [{"name": n, "value": v, "meaning": m} for n, v, m in figures]}


def _sentence(found: Distillation) -> list[tuple[str, str, str]]:
    """The best single sentence's figures, where they are known."""
    if not found.single:
        return []
    told = f"{_share(found.single_free)} (of all states {_share(found.single_fidelity)})"
    return [
        (
            "One sentence alone, where there is a choice",
            told,
            f'"{found.single}", the best of them: rules are worth what they add',
        )
    ]


def edited_words(found: RuleComparison, on: Ground, tree: Tree, rule: str) -> str:
    """What a change by hand did to cost and likeness."""
    if EDITED not in found.names:
        return ""
    before = found.names[found.names.index(EDITED) - 1]
    change, low, high = found.relative(EDITED, before)
    size = gap(abs(change), ratio=found.ratio, unit=cost_unit(found.cost_name)).removeprefix("+")
    cost = found.mean(EDITED)[0]
    others = [f"the network's {number(found.mean(found.names[0])[0])}"]
    others += [f"{label(name)}'s {number(found.mean(name)[0])}" for name in found.names if label(name) == rule]
    if found.optimum is not None:
        below, above = (number(part) for part in found.optimum)
        others.append(f"the optimum's {below}" + (f" to {above}" if below != above else ""))
    same = 100 * float(np.mean(on.decide(tree) == on.known.action))
    moved = (
        "as without your change"
        if not change
        else f"{size} {'above' if change > 0 else 'below'} the rules without your change"
    )
    span = f" (95%: {beside(low, high, ratio=found.ratio, unit=cost_unit(found.cost_name))})" if change else ""
    return (
        f"{found.cost_name.capitalize()} {number(cost)}, {moved}{span}, beside {joined(others)}. "
        f"The changed rules decide as the network in {same:.1f}% of the states that it meets."
    )


def state_words(system: System, on: Ground, speech: Speech, leaf: int, place: int, states: NDArray[np.int64]) -> str:
    """Which state is open, of how many, and what network and rule do in it."""
    at, names = int(states[place]), system.output.names
    holds = conditions(speech.tree, leaf, speech.features, speech.units, speech.absent)
    told: dict[str, Any] = speech.leaf[leaf]
    network = names[int(on.known.action[at])]
    said = f"State {place + 1} of {len(states):,} in which {holds}: the network picks {network}"
    if "action" not in told:
        return f"{said}."
    rules = names[int(on.decide(speech.tree)[at])]
    return f"{said}, as the rules do." if rules == network else f"{said}, the rules {rules}."


RULES = "rules"
ENDINGS = {"text": ".txt", "python": ".py", "c": ".c", "javascript": ".js", "json": ".json"}
_LANGUAGES = {"text": "Text", "python": "Python", "c": "C", "javascript": "JavaScript", "json": "JSON (a teacher)"}


class RulesDesk(Protocol):
    """What the controls of rules depend on."""

    @property
    def system(self) -> Any:
        """Whose rules they are."""

    desk: Any
    """The rules with their versions, or ``None`` before there are any."""


def controls_of(panel: RulesDesk) -> list[dict[str, Any]]:
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


def _with_rules(panel: RulesDesk) -> list[dict[str, Any]]:
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
