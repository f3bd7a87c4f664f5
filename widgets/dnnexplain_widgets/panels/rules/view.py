"""Rules as the page shows them: lines and curves, the table of costs, sentences, controls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System, cost_unit
from dnnexplain.counts import counted, whose
from dnnexplain.explain.attribution.sentences import start
from dnnexplain.explain.distillation import Disagreement, Distillation, RuleComparison, Tree
from dnnexplain.explain.distillation.conditions import asks_presence, conditions, is_yes_or_no, or_none, question
from dnnexplain.explain.distillation.tree import LEAF
from dnnexplain.numbers import as_told, beside, gap, interval, percent, share, span_as_told
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
    whole: Collection[str] = ()

    def value_words(self, node: int, value: float) -> str:
        """The value of what a node asks about, in words."""
        name, unit, yes_or_no = self.quantity(node)
        if self.absent.get(name) == value:
            return "none"
        return ("yes" if value > 0 else "no") if yes_or_no else with_unit(value, unit)

    def quantity(self, node: int) -> tuple[str, str, bool]:
        """The feature that a node asks about, its unit, and whether it is a yes or no."""
        name = self.features[self.tree.feature[node]]
        unit = self.units.get(name, "")
        return name, unit, is_yes_or_no(name, float(self.tree.threshold[node]), unit)


def lines(speech: Speech) -> list[dict[str, Any]]:
    """A tree as a list of rules to be read from top to bottom.

    Of the two answers to a question the one with fewer rules comes first, further in; what follows is
    "otherwise", no further in. So even a deep tree stays narrow. A line is ``{lead, depth, node, text,
    threshold, unit, after, first, leaf}``: ``first`` is the node where the condition leads to; ``whole`` the side of whole numbers.
    """
    tree, rows = speech.tree, list[dict[str, Any]]()
    leaves = _leaves_below(tree)

    def write(node: int, depth: int, lead: str) -> None:
        if tree.feature[node] == LEAF:
            rows.append({"lead": lead or "Always", "depth": depth, "first": node, "leaf": speech.leaf.get(node, {})})
            return
        left, right = int(tree.left[node]), int(tree.right[node])
        _, _, yes_or_no = speech.quantity(node)
        above = leaves[right] < leaves[left] or (yes_or_no and leaves[right] == leaves[left])
        first, other = (right, left) if above else (left, right)
        line = {
            "lead": "Otherwise, if" if lead else "If",
            "depth": depth,
            **_condition(speech, node, above),
            "first": first,
        }
        rows.append(line)
        if tree.feature[first] == LEAF:
            line["leaf"] = speech.leaf.get(first, {})
        else:
            write(first, depth + 1, "")
        write(other, depth, "Otherwise")

    write(0, 0, "")
    return rows


def _condition(speech: Speech, node: int, above: bool) -> dict[str, Any]:
    name, unit, yes_or_no = speech.quantity(node)
    data: dict[str, Any] = {"node": node, "changed": node in speech.changed}
    if yes_or_no:
        return {**data, "text": name if above else f"not {name}"}
    threshold = float(speech.tree.threshold[node])
    if asks_presence(name, threshold, speech.absent):
        return {**data, "text": question(name, threshold, unit, speech.absent)[int(above)]}
    span = (threshold, np.inf) if above else (-np.inf, threshold)
    whole = name in speech.whole
    side = ("at least" if whole else "above") if above else "at most"
    return {
        **data, "text": f"{name} is {side}", "unit": unit, "name": name, **({"whole": side} if whole else {}),
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
    now = {str(node): speech.value_words(node, float(features[speech.tree.feature[node]])) for node in path[:-1]}
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
    leaves = {}
    for leaf in np.flatnonzero(tree.feature == LEAF):
        here = ends == leaf
        met, wrong = float(here.mean()), float(1 - same[here].mean()) if here.any() else 0.0
        leaves[int(leaf)] = {
            "node": int(leaf), "action": int(tree.action[leaf]), "text": actions[tree.action[leaf]],
            "count": int(here.sum()), "share": percent(met), "changed": int(leaf) in changed,
            "note": f"network differs in {percent(wrong)}" if wrong else "",
        }  # fmt: skip
    return leaves


def difference_leaves(apart: Disagreement, on: Ground, rule: str) -> dict[int, dict[str, Any]]:
    """Each leaf of a tree of disagreements: how often both differ there."""
    tree = apart.tree
    ends = tree.apply(on.known.features)
    free = on.known.free
    leaves = {}
    for leaf in np.flatnonzero(tree.feature == LEAF):
        here = (ends == leaf) & free
        differ = float(np.mean(on.rules[rule][here] != on.known.action[here])) if here.any() else 0.0
        words = f"does as {label(rule)}" if tree.action[leaf] == 0 else f"is not {label(rule)}"
        leaves[int(leaf)] = {
            "node": int(leaf), "text": f"the network {words}", "count": int(here.sum()),
            "share": percent(float(here.sum()) / max(1, int(free.sum()))), "changed": False,
            "mark": int(tree.action[leaf]) == 1, "note": f"they differ in {percent(differ)}",
        }  # fmt: skip
    return leaves


def size_curves(distillation: Distillation, size: int) -> dict[str, Any]:
    """Fidelity and cost against the number of rules, one line per seed."""
    seeds = [
        distillation.chosen,
        *(seed for seed in range(len(distillation.path_leaves)) if seed != distillation.chosen),
    ]
    cost, (sign,) = as_told(distillation.cost_name, 1.0)
    charts = [
        ("decides as the network", 100 * distillation.path_fidelity, "%", None),
        (cost, sign * distillation.path_cost, "", sign * distillation.path_teacher),
    ]
    return {
        "leaves": [distillation.path_leaves[seed].tolist() for seed in seeds],
        "at": size,
        "charts": [
            {"title": title, "unit": unit, "reference": reference, "lines": [values[seed].tolist() for seed in seeds]}
            for title, values, unit, reference in charts
        ],
        "words": [
            f"{counted(tree.leaves, 'rule')}: as the network in {share(distillation.path_fidelity[distillation.chosen, place], 1)} of its states, "
            f"{cost} {number(sign * distillation.path_cost[distillation.chosen, place])} (network {number(sign * distillation.path_teacher)})"
            for place, tree in enumerate(distillation.path_trees)
        ],
    }


def cost_table(comparison: RuleComparison, on: Ground, trees: dict[str, Tree]) -> dict[str, Any]:
    """Who costs what on the same work, beside the network, and who decides as it does."""
    rows = []
    for name in comparison.names:
        mean, low, high = span_as_told(comparison.cost_name, *comparison.mean(name))
        cells: list[dict[str, Any]] = [{"text": number(mean), "note": interval(low, high)}]
        if name == comparison.names[0]:
            cells += [{"text": ""}, {"text": ""}]
        else:
            parted = told_change(comparison, *comparison.relative(name))
            more, below, above = (_more(part, ratio=comparison.ratio) for part in parted)
            said = on.decide(trees[name]) if name in trees else on.rules[name]
            same = float(np.mean(said == on.known.action))
            cells += [{"text": more, "note": f"{below} to {above}"}, {"text": share(same, 1)}]
        rows.append({"label": name if name in trees or name == comparison.names[0] else label(name), "cells": cells})
    if comparison.optimum is not None:
        rows.append({"label": "Optimum, all work known", "cells": _optimum_cells(comparison)})
    columns = [as_told(comparison.cost_name)[0], "against the network", "decides as the network"]
    what = "Costs" if columns[0] == comparison.cost_name else start(columns[0])
    caption = f"{what} on {counted(comparison.cost.shape[1], 'workload')} that nothing was learned from"
    return {
        "caption": caption,
        "corner": f"{comparison.cost.shape[1]} unseen workloads",
        "columns": columns,
        "rows": rows,
    }


def _optimum_cells(comparison: RuleComparison) -> list[dict[str, Any]]:
    assert comparison.optimum is not None
    _, low, high = span_as_told(comparison.cost_name, 0.0, *comparison.optimum)
    text = number(low) if number(low) == number(high) else f"{number(low)} to {number(high)}"
    _, (mean,) = as_told(comparison.cost_name, float(comparison.cost[0].mean()))
    more = [_more(end / mean - 1 if comparison.ratio else end - mean, ratio=comparison.ratio) for end in (high, low)]
    return [
        {"text": text, "note": "proved bounds"},
        {"text": more[0], "note": "" if more[0] == more[1] else f"or {more[1]}"},
        {"text": ""},
    ]


def told_change(of: RuleComparison | Distillation, more: float, low: float, high: float) -> tuple[float, float, float]:
    """What costs more, with its interval; what is earned more where costs are that and have no ratio."""
    return (more, low, high) if of.ratio else span_as_told(of.cost_name, more, low, high)


def _more(value: float, *, ratio: bool) -> str:
    return gap(value, ratio=ratio).replace("-", "−")


def _close(distillation: Distillation, value: float) -> bool:
    """Whether a gap is at most 5% of the network's cost."""
    return bool(value <= (0.05 if distillation.ratio else 0.05 * abs(distillation.teacher_cost)))


def badge(distillation: Distillation) -> dict[str, Any]:
    """How far the distilled rules stand for the network, from unseen workloads."""
    if distillation.fidelity_low >= 0.9 and _close(distillation, distillation.relative_high):
        level, text = "green", "The rules stand for the network"
    elif distillation.fidelity >= 0.8 and _close(distillation, distillation.relative_low):
        level, text = "amber", "The rules are close to the network"
    else:
        level, text = "red", "The rules are not the network"
    span = (
        "no interval"
        if np.isnan(distillation.fidelity_low)
        else f"{share(distillation.fidelity_low, 1)} to {share(distillation.fidelity_high, 1)}"
    )
    figures = [
        ("Fidelity", f"{share(distillation.fidelity, 1)} ({span})", "states of the network in which the rules do the same, 95% interval"),
        ("Where there is a choice", share(distillation.fidelity_free, 1), "the same, where more than one action is allowed"),
        *_sentence(distillation),
        ("In the rules' own states", share(distillation.fidelity_own, 1), "the same, in the states that the rules themselves meet"),
        ("Macro-F1", number(distillation.macro_f1), "every action counts alike, however rare"),
        _cost_figure(distillation),
        ("Agreement of seeds", share(distillation.agreement, 1), "how often trees learned from other samples decide alike"),
        ("Measured on", counted(distillation.unseen, "workload"), f"not learned from; learned from {counted(distillation.decisions, 'decision')} in {number(distillation.cpu_seconds)} s of computing"),
    ]  # fmt: skip
    return {"level": level, "text": text, "figures": [{"name": n, "value": v, "meaning": m} for n, v, m in figures]}


def _cost_figure(of: Distillation) -> tuple[str, str, str]:
    """What the rules' episodes cost, or earn, beside the network's."""
    cost, (teacher,) = as_told(of.cost_name, of.teacher_cost)
    mean, low, high = span_as_told(of.cost_name, of.cost, of.cost_low, of.cost_high)
    more, least, most = told_change(of, of.relative, of.relative_low, of.relative_high)
    beside_it = f"{_more(more, ratio=of.ratio)} ({interval(least, most, ratio=of.ratio)})"
    return start(cost), f"{number(mean)} ({interval(low, high)})", f"the network's: {number(teacher)}; {beside_it}"


def _sentence(distillation: Distillation) -> list[tuple[str, str, str]]:
    """The best single sentence's figures, where they are known."""
    if not distillation.single:
        return []
    words = f"{share(distillation.single_free, 1)} (of all states {share(distillation.single_fidelity, 1)})"
    return [
        (
            "One sentence alone, where there is a choice",
            words,
            f'"{distillation.single}", the best of them: rules are worth what they add',
        )
    ]


def edited_words(comparison: RuleComparison, on: Ground, tree: Tree, rule: str) -> str:
    """What a change by hand did to cost and likeness."""
    if EDITED not in comparison.names:
        return ""
    before = comparison.names[comparison.names.index(EDITED) - 1]
    change, low, high = told_change(comparison, *comparison.relative(EDITED, before))
    size = gap(abs(change), ratio=comparison.ratio, unit=cost_unit(comparison.cost_name)).removeprefix("+")
    called, (sign,) = as_told(comparison.cost_name, 1.0)
    cost = sign * comparison.mean(EDITED)[0]
    others = [f"the network's {number(sign * comparison.mean(comparison.names[0])[0])}"]
    others += [
        f"{whose(label(name))} {number(sign * comparison.mean(name)[0])}"
        for name in comparison.names
        if label(name) == rule
    ]
    if comparison.optimum is not None:
        _, *ends = span_as_told(comparison.cost_name, 0.0, *comparison.optimum)
        below, above = map(number, ends)
        others.append(f"the optimum's {below}" + (f" to {above}" if below != above else ""))
    same = float(np.mean(on.decide(tree) == on.known.action))
    moved = (
        "as without your change"
        if not change
        else f"{size} {'above' if change > 0 else 'below'} the rules without your change"
    )
    span = (
        f" (95%: {beside(low, high, ratio=comparison.ratio, unit=cost_unit(comparison.cost_name))})" if change else ""
    )
    return (
        f"{start(called)} {number(cost)}, {moved}{span}, beside {joined(others)}. "
        f"The changed rules decide as the network in {share(same, 1)} of the states that it meets."
    )


def state_words(system: System, on: Ground, speech: Speech, leaf: int, place: int, states: NDArray[np.int64]) -> str:
    """Which state is open, of how many, and what network and rule do in it."""
    at, names = int(states[place]), system.output.names
    holds = conditions(speech.tree, leaf, speech.features, speech.units, speech.absent, speech.whole)
    data: dict[str, Any] = speech.leaf[leaf]
    network = names[int(on.known.action[at])]
    said = (
        f"State {place + 1} of {len(states):,} in which {holds}: the network {system.output.acts(on.known.action[at])}"
    )
    if "action" not in data:
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
