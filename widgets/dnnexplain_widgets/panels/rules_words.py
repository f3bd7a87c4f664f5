"""Sentences of the rules panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System, cost_unit
from dnnexplain.explain.distillation import RuleComparison, Tree
from dnnexplain.explain.distillation.conditions import conditions
from dnnexplain.numbers import gap, interval
from dnnexplain_widgets.panels.rules_work import EDITED, Ground
from dnnexplain_widgets.words import joined, label, number

if TYPE_CHECKING:
    from dnnexplain_widgets.panels.rules_figures import Speech

__all__ = ["edited_words", "state_words"]


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
    span = f" ({interval(low, high, ratio=found.ratio)})".replace("-", "−") if change else ""
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
