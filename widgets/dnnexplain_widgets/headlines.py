"""The one figure of an answer that is drawn large, over the sentence: what one sees before one reads.

``headline(result)`` goes by the name of the result's class, as saved results do, so that nothing is imported for it; of
what has no name here nothing is drawn large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dnnexplain.counts import counted
from dnnexplain.numbers import number as plain_number
from dnnexplain.numbers import percent
from dnnexplain_widgets.words import label, number

__all__ = ["Headline", "headline"]

Headline = tuple[str, str]
"""The figure, and in a few words what it is."""

NONE: Headline = ("", "")


def headline(result: Any) -> Headline:
    """The figure of an answer that is drawn large, and what it is; two empty texts for none."""
    told = _HEADLINES.get(type(result).__name__)
    value, words = NONE if told is None else told(result)
    return (value.replace("-", "−", 1) if value.startswith("-") else value), words


def _account(found: Any) -> Headline:
    between = f"{found.pro} minus {found.contra}" if found.contra else found.pro
    on = int((found.activation > 0).sum())
    return plain_number(found.contrast, sign=bool(found.contra)), f"{between}, from {counted(on, 'neuron')} that are on"


def _adversarial(found: Any) -> Headline:
    if not found.found or found.distance is None:
        return (
            "none found",
            f"within {number(found.radius)} no change fools it" if found.radius > 0 else "no change that fools it",
        )
    proof = "the smallest there is (proved)" if found.proved_minimal else "the smallest that was found"
    return f"cost {number(found.distance)}", f"of the change that fools it: {proof}"


def _order_pairs(found: Any) -> Headline:
    return str(
        len(found.pairs)
    ), f"{'pair' if len(found.pairs) == 1 else 'pairs'} of states of {found.searched:,} searched"


def _method_table(found: Any) -> Headline:
    reached = [one.distance for one in found.answers.values() if one.distance is not None]
    told = f"cost {number(min(reached))}" if reached else "none found"
    return told, f"the smallest change that {counted(len(found.answers), 'method')} found"


def _sweep_map(found: Any) -> Headline:
    if found.kind != "choice":
        low, high = number(float(found.action.min())), number(float(found.action.max()))
        what = found.names[0] if len(found.names) == 1 else "switches on"
        return (low if low == high else f"{low} to {high}"), f"{what}, over the map"
    shares = np.bincount(found.action.astype(int).ravel(), minlength=len(found.names)) / found.action.size
    most = int(shares.argmax())
    return percent(float(shares[most])), f"of the map: {found.names[most]}"


def _rulebook(found: Any) -> Headline:
    made, place = found.distillation, found.size
    share = float(made.fidelity if place == made.size else made.path_fidelity[made.chosen, place])
    return percent(share), f"of its states are decided alike by {counted(found.base.leaves, 'rule')}"


def _trusted_comparison(found: Any) -> Headline:
    good = sum(badge.overall == "green" for badge in found.badges)
    return f"{good} of {len(found.badges)}", "explanations pass their tests (green)"


def _search_comparison(found: Any) -> Headline:
    if not found.cases:
        return NONE
    best = found.best
    return f"{number(best.ratio)} times", f"the optimal {best.cost_name}, on the worst input found"


def _guard_report(found: Any) -> Headline:
    if not found.guard:
        return "no rule", "makes the worst case smaller at the cost that is allowed"
    rules = counted(len(found.guard), "rule")
    if np.isnan(found.reduction):
        return "no gap", f"to the best rule was found that {rules} could make smaller"
    way = "smaller" if found.reduction >= 0 else "larger"
    return f"{percent(abs(found.reduction))} {way}", f"worst gap to the best rule, with {rules} on guard"


def _cost_effect(found: Any) -> Headline:
    return plain_number(
        found.mean, sign=True
    ), f"{found.cost_name}, with neuron {found.neuron} held at {number(found.held_at)}"


def _embedding(found: Any) -> Headline:
    states = counted(len(found.index), "state")
    if not found.explained:
        return states, "placed so that neighbours stay neighbours"
    return percent(sum(found.explained)), f"of how {states} differ is in this plane"


def _knowledge(found: Any) -> Headline:
    tried = [fact for fact in found.facts if not fact.note]
    known = sum(fact.low > 0 for fact in tried)
    return f"{known} of {len(tried)}", f"{'fact' if len(tried) == 1 else 'facts'} can be read off {found.layer}"


def _maximum(found: Any) -> Headline:
    return number(
        found.activation
    ), f"neuron {found.neuron} at most{' (proved)' if found.proved else ', as far as searched'}"


def _threshold_map(found: Any) -> Headline:
    shows = found.shows
    return f"{int(shows.any(axis=1).sum())} of {len(shows):,}", f"neurons show a threshold in the {found.kind}"


def _sufficient_reason(found: Any) -> Headline:
    if not found.proved:
        return "not proved", f"that anything less than all forces {found.decision}"
    return counted(len(found.fixed), "knob"), f"force {found.decision}, whatever the others are (proved)"


def _failure_profile(found: Any) -> Headline:
    return percent(found.share), f"of {found.samples:,} {found.kind} lose something"


def _sequence_attack(found: Any) -> Headline:
    return number(found.network), f"{found.cost_name}, against {number(found.rule)} of {label(found.rule_name)}"


def _stress_test(found: Any) -> Headline:
    unsafe, worse = found.count("unsafe"), found.count("worse")
    parts = [f"{count} {word}" for count, word in ((unsafe, "unsafe"), (worse, "worse")) if count]
    return ", ".join(
        parts
    ) or "none unsafe or worse", f"of {counted(len(found.scenarios), 'scenario')}, against the best rule"


def _transfer(found: Any) -> Headline:
    cells = [tuple(at) for at in np.argwhere(found.done)]
    wins = sum(found.verdict(row, column) == "wins" for row, column in cells)
    return f"{wins} of {len(cells)}", "cells are won against the best rule there"


def _room(found: Any) -> Headline:
    part = found.part("policy")
    if not part.words or np.isnan(part.share):
        return NONE
    if part.share <= 0:
        return "none", "of the gap to the best plan was found to be better decisions"
    if part.low <= 0:
        return percent(part.share), "of the gap to the best plan could be better decisions; the interval leaves it open"
    return percent(part.share), "of the gap to the best plan could be better decisions"


def _pair(found: Any) -> Headline:
    one, two = found.network, found.rule
    return number(one.cost), f"{one.cost_name}, against {number(two.cost)} of {found.beside}"


_HEADLINES: dict[str, Callable[[Any], Headline]] = {
    "Account": _account,
    "Adversarial": _adversarial,
    "OrderPairs": _order_pairs,
    "MethodTable": _method_table,
    "SweepMap": _sweep_map,
    "Rulebook": _rulebook,
    "TrustedComparison": _trusted_comparison,
    "SearchComparison": _search_comparison,
    "GuardReport": _guard_report,
    "CostEffect": _cost_effect,
    "Embedding": _embedding,
    "Knowledge": _knowledge,
    "Maximum": _maximum,
    "ThresholdMap": _threshold_map,
    "SufficientReason": _sufficient_reason,
    "FailureProfile": _failure_profile,
    "SequenceAttack": _sequence_attack,
    "StressTest": _stress_test,
    "Transfer": _transfer,
    "Room": _room,
    "Pair": _pair,
}
