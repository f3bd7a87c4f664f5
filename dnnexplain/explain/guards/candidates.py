"""Rules that a guard may have: bounds on quantities where the policy and a rule of the system part, on what the policy fails at."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy
from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.polishing import between
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
ALIKE = 2
"""Bounds of one quantity with one fall-back that are candidates before further ones of any."""


def candidates(
    system: Any,
    policy: Policy,
    hard: Mapping[str, Sequence[Any]],
    usual: Sequence[Any],
    rules: Mapping[str, Policy],
    others: Mapping[str, Policy] | None = None,
    singles: int = 0,
    best: Mapping[str, Policy] | None = None,
) -> list[GuardRule]:
    """Rules for states in which the policy and a rule of the system part, on hard workloads more than on usual ones.

    Args:
        system, policy: whose decisions.
        hard: workloads on which the policy falls behind, by the name of the rule that is best on them.
        usual: workloads as they come.
        rules: what may be done in boxes of several bounds, by name.
        others: what may be done behind a single bound; ``rules`` if not given. A rule that is far behind everywhere may
            be right in the few states that a bound leaves it.
        singles: rules of one bound, those first that do as the best rule most often on hard workloads where the policy does
            not, and step in least on usual ones; all if 0.
        best: the rules that ``hard`` names, where they are not all among those.
    """
    quantities = quantities_of(system)
    most = {name: -(-STATES // max(len(hard), 1)) for name in hard}
    groups = [met_states(system, policy, part, most[name]) for name, part in hard.items()]
    seen = [np.concatenate(groups), met_states(system, policy, usual, STATES)]
    observations = np.concatenate(seen)
    label = np.repeat([1.0, 0.0], [len(part) for part in seen])
    values = np.asarray(quantities(observations), dtype=np.float64)
    own = taken(system, policy, observations)
    every = {**rules, **(others or rules)}
    yardsticks = {**every, **(best or {})}
    right = np.concatenate([taken(system, yardsticks[name], group) for name, group in zip(hard, groups, strict=True)])
    guard_rules: list[GuardRule] = []
    single: list[tuple[float, GuardRule]] = []
    does: dict[str, NDArray[Any]] = {}
    for name, rule in every.items():
        does[name] = taken(system, rule, observations)
        part = ~system.output.same(own, does[name])
        if part.any() and label[part].any():
            gains = _gains(system, does[name][: len(right)], own[: len(right)], right)
            single += simple(quantities.names, values, part, label > 0, name, policy.name, gains)
        if name not in rules:
            continue
        for box in failing_boxes(values[part], label[part])[:BOXES]:
            where = Where.of(quantities.names, box)
            guard_rules.append(GuardRule(where, name, f"Where {policy.name} falls behind, it and {name} part here."))
        if part.any() and label[part].any():
            guard_rules += _tight(quantities.names, values[part], label[part], name, policy.name)

    def decided(rule: GuardRule) -> bytes:
        held = rule.when.holds(quantities.names, values)
        return np.where(held.reshape(-1, *[1] * (own.ndim - 1)), does[rule.do], own).tobytes()

    return _apart([*guard_rules, *_spread(single)], decided)[: len(guard_rules) + singles if singles else None]


def _apart(rules: Sequence[GuardRule], decided: Callable[[GuardRule], bytes]) -> list[GuardRule]:
    """Of rules under which the same is done in every state, the first."""
    known: dict[bytes, GuardRule] = {}
    for rule in rules:
        known.setdefault(hashlib.sha256(decided(rule)).digest(), rule)
    return list(known.values())


def _gains(system: Any, does: NDArray[Any], own: NDArray[Any], right: NDArray[Any]) -> Floats:
    """In each hard state ``[B]``: 1 where a rule does what the best rule does and the policy does not, -1 the other way round."""
    same = system.output.same
    return np.asarray(same(does, right), dtype=np.float64) - np.asarray(same(own, right), dtype=np.float64)


def _spread(scored: Sequence[tuple[float, GuardRule]]) -> list[GuardRule]:
    """Rules of one bound, the best first, but few of each quantity and fall-back before further ones."""
    before: Counter[tuple[str, str]] = Counter()
    ranked = []
    for score, rule in sorted(scored, key=lambda item: -item[0]):
        kind = (rule.when.spans[0].feature, rule.do)
        ranked.append((before[kind] // ALIKE, -score, rule))
        before[kind] += 1
    return [rule for *_, rule in sorted(ranked, key=lambda item: item[:2])]


def simple(
    names: Sequence[str],
    values: Floats,
    part: NDArray[np.bool_],
    hard: NDArray[np.bool_],
    rule: str,
    policy: str,
    gains: Floats | None = None,
) -> list[tuple[float, GuardRule]]:
    """For each quantity ``[B, F]`` bounds that some or many of the hard states keep in which policy and rule part; how well each tells.

    That is the share of all hard states in which they part and the bound holds, less that of the usual ones, in standard
    deviations of a state's being one of them: so a bound that few hard states keep, and hardly any usual ones, counts. With
    ``gains`` of hard states, their mean takes the place of the share of hard states. Where a quantity is not there (infinite) in most states, those in which it is there have bounds all the same.
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
        spans = [(float(between(under[-1], low)), np.inf)] if len(under) else []
        spans += [(-np.inf, float(between(high, over[0])))] if len(over) else []
        for span in spans:
            if np.isfinite(span).any():
                where = Where.of(names, {column: span})
                held = part & (here > span[0]) & (here <= span[1])
                shares = held[hard].mean(), held[~hard].mean() if (~hard).any() else 0.0
                gain = shares[0] if gains is None else (held[hard] * gains).mean()
                middle = sum(shares) / 2
                chosen = float((gain - shares[1]) / np.sqrt(max(middle * (1 - middle), TINY)))
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
