"""Rules that a guard may have: bounds on quantities where the policy and a rule of the system part, on what the policy fails at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy
from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.regions.boxes import failing_boxes
from dnnexplain.explain.regions.evidence import met_states, taken
from dnnexplain.explain.regions.where import Where, quantities_of

__all__ = ["STATES", "candidates", "simple"]

Floats = NDArray[np.float64]

STATES = 2000
BOXES = 4
KEPT_BY = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of the hard states in which policy and rule part that keep a candidate's one bound."""
TINY = 1e-4


def candidates(
    system: Any,
    policy: Policy,
    hard: Sequence[Any],
    usual: Sequence[Any],
    rules: Mapping[str, Policy],
    others: Mapping[str, Policy] | None = None,
    singles: int = 0,
) -> list[GuardRule]:
    """Rules for states in which the policy and a rule of the system part, on hard workloads more than on usual ones.

    Args:
        system, policy: whose decisions.
        hard, usual: workloads on which the policy falls behind, and workloads as they come.
        rules: what may be done in boxes of several bounds, by name.
        others: what may be done behind a single bound; ``rules`` if not given. A rule that is far behind everywhere may
            be right in the few states that a bound leaves it.
        singles: rules of one bound, of each quantity and fall-back those first that tell hard states from usual ones best;
            all if 0.
    """
    quantities = quantities_of(system)
    seen = [met_states(system, policy, part, STATES) for part in (hard, usual)]
    observations = np.concatenate(seen)
    label = np.repeat([1.0, 0.0], [len(part) for part in seen])
    values = np.asarray(quantities(observations), dtype=np.float64)
    own = taken(system, policy, observations)
    guard_rules: list[GuardRule] = []
    single: list[tuple[float, GuardRule]] = []
    for name, rule in {**rules, **(others or rules)}.items():
        part = ~system.output.same(own, taken(system, rule, observations))
        if part.any() and label[part].any():
            single += simple(quantities.names, values, part, label > 0, name, policy.name)
        if name not in rules:
            continue
        for box in failing_boxes(values[part], label[part])[:BOXES]:
            where = Where.of(quantities.names, box)
            guard_rules.append(GuardRule(where, name, f"Where {policy.name} falls behind, it and {name} part here."))
        if part.any() and label[part].any():
            guard_rules += _tight(quantities.names, values[part], label[part], name, policy.name)
    return [*guard_rules, *_spread(single)[: singles or None]]


def _spread(scored: Sequence[tuple[float, GuardRule]]) -> list[GuardRule]:
    """Rules of one bound, the best first, but the best of each quantity and fall-back before the second of any.

    How well a bound tells hard states from usual ones says little of what is won behind it: a bound that many usual states
    keep, too, may be the one that mends the failure.
    """
    before: Counter[tuple[str, str]] = Counter()
    ranked = []
    for score, rule in sorted(scored, key=lambda item: -item[0]):
        kind = (rule.when.spans[0].feature, rule.do)
        ranked.append((before[kind], -score, rule))
        before[kind] += 1
    return [rule for *_, rule in sorted(ranked, key=lambda item: item[:2])]


def simple(
    names: Sequence[str], values: Floats, part: NDArray[np.bool_], hard: NDArray[np.bool_], rule: str, policy: str
) -> list[tuple[float, GuardRule]]:
    """For each quantity ``[B, F]`` bounds that some or many of the hard states keep in which policy and rule part; how well each tells.

    That is the share of all hard states in which they part and the bound holds, less that of the usual ones, in standard
    deviations of a state's being one of them: so a bound that few hard states keep, and hardly any usual ones, counts. Where
    a quantity is not there (infinite) in most states, those in which it is there have bounds all the same.
    """
    why = f"Where {policy} falls behind, it and {rule} part here most often."
    rules: dict[Where, tuple[float, GuardRule]] = {}
    for column, share in product(range(values.shape[1]), KEPT_BY):
        here = values[:, column]
        known = np.unique(here[part & hard])
        there = here[part & hard & np.isfinite(here)]
        if not len(there):
            continue
        low, high = np.quantile(there, (1.0 - share, share), method="nearest")
        under, over = known[known < low], known[known > high]
        spans = [((under[-1] + low) / 2, np.inf)] if len(under) else []
        spans += [(-np.inf, (high + over[0]) / 2 if np.isfinite(over[0]) else high)] if len(over) else []
        for span in spans:
            if np.isfinite(span).any():
                where = Where.of(names, {column: span})
                held = part & (here > span[0]) & (here <= span[1])
                shares = held[hard].mean(), held[~hard].mean() if (~hard).any() else 0.0
                middle = sum(shares) / 2
                chosen = float((shares[0] - shares[1]) / np.sqrt(max(middle * (1 - middle), TINY)))
                rules[where] = chosen, GuardRule(where, rule, why)
    return list(rules.values())


def _tight(names: Sequence[str], values: Floats, label: Floats, rule: str, policy: str) -> list[GuardRule]:
    """A bound that most hard states keep and few usual ones do, on the quantity where that is clearest."""
    best, where = 0.0, None
    for column in range(values.shape[1]):
        for place in np.unique(np.quantile(values[:, column], (0.1, 0.25, 0.5, 0.75, 0.9))):
            above = values[:, column] > place
            gain = float(above[label > 0].mean() - (above[label == 0].mean() if (label == 0).any() else 0.0))
            if abs(gain) > best:
                best = abs(gain)
                span = (float(place), np.inf) if gain > 0 else (-np.inf, float(place))
                where = Where.of(names, {column: span})
    return [] if where is None else [GuardRule(where, rule, f"Where {policy} falls behind, it and {rule} part here.")]
