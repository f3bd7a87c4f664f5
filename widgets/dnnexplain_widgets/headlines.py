"""The one figure of an answer that is drawn large, over the sentence: what one sees before one reads.

``headline(result)`` goes by the name of the result's class, as saved results do, so that nothing is imported for it; of
what has no name here nothing is drawn large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dnnexplain.counts import counted
from dnnexplain.numbers import TRIFLE, as_told, percent
from dnnexplain.numbers import number as plain_number
from dnnexplain_widgets.words import decision_name, label, number

__all__ = ["Headline", "headline"]

Headline = tuple[str, str]
"""The figure, and in a few words what it is."""

NONE: Headline = ("", "")


def headline(result: Any) -> Headline:
    """The figure of an answer that is drawn large, and what it is; two empty texts for none."""
    text = _HEADLINES.get(type(result).__name__)
    value, words = NONE if text is None else text(result)
    return (value.replace("-", "−", 1) if value.startswith("-") else value), words


def _account(result: Any) -> Headline:
    between = f"{result.pro} minus {result.contra}" if result.contra else result.pro
    on = int((result.activation > 0).sum())
    return plain_number(
        result.contrast, sign=bool(result.contra)
    ), f"{between}, from {counted(on, 'neuron')} that are on"


def _adversarial(result: Any) -> Headline:
    if not result.found or result.distance is None:
        return (
            "none found",
            f"within {number(result.radius)} no change fools it" if result.radius > 0 else "no change that fools it",
        )
    proof = "the smallest there is (proved)" if result.proved_minimal else "the smallest that was found"
    return f"cost {number(result.distance)}", f"of the change that fools it: {proof}"


def _order_pairs(result: Any) -> Headline:
    return str(
        len(result.pairs)
    ), f"{'pair' if len(result.pairs) == 1 else 'pairs'} of states of {result.searched:,} searched"


def _method_table(result: Any) -> Headline:
    reached = [answer.distance for answer in result.answers.values() if answer.distance is not None]
    cost = f"cost {number(min(reached))}" if reached else "none found"
    return cost, f"the smallest change that {counted(len(result.answers), 'method')} found"


def _sweep_map(result: Any) -> Headline:
    if result.kind != "choice":
        low, high = number(float(result.action.min())), number(float(result.action.max()))
        what = result.names[0] if len(result.names) == 1 else "switches on"
        return (low if low == high else f"{low} to {high}"), f"{what}, over the map"
    shares = np.bincount(result.action.astype(int).ravel(), minlength=len(result.names)) / result.action.size
    most = int(shares.argmax())
    return percent(float(shares[most])), f"of the map: {result.names[most]}"


def _rulebook(result: Any) -> Headline:
    made, place = result.distillation, result.size
    share = float(made.fidelity if place == made.size else made.path_fidelity[made.chosen, place])
    return percent(share), f"of its states are decided alike by {counted(result.base.leaves, 'rule')}"


def _trusted_comparison(result: Any) -> Headline:
    good = sum(badge.overall == "green" for badge in result.badges)
    return f"{good} of {len(result.badges)}", "explanations pass their tests (green)"


def _consequences(result: Any) -> Headline:
    others = [action for action in result.actions if action.action != result.chosen]
    if not others:
        return NONE
    best = min(others, key=lambda action: action.against["cost"].mean)
    gap = result.as_read(best.against["cost"])
    doubt = "; this cannot be told from none" if gap.known and not gap.verdict else ""
    after = f"{result.cost_title} after {best.name} instead of {result.decision}{doubt}"
    if 0 < abs(gap.mean) < TRIFLE:
        return f"under {TRIFLE}", f"{'more' if gap.mean > 0 else 'less'} {after}"
    return plain_number(gap.mean, sign=True), after


def _search_comparison(result: Any) -> Headline:
    if not result.cases:
        return NONE
    best = result.best
    return f"{number(best.ratio)} times", f"the optimal {best.cost_name}, on the worst input found"


def _guard_report(result: Any) -> Headline:
    if not result.guard:
        return "no rule", "makes the worst case smaller at the cost that is allowed"
    rules = counted(len(result.guard), "rule")
    if np.isnan(result.reduction):
        return "no gap", f"to the best rule was found that {rules} could make smaller"
    way = "smaller" if result.reduction >= 0 else "larger"
    return f"{percent(abs(result.reduction))} {way}", f"worst gap to the best rule, with {rules} on guard"


def _cost_effect(result: Any) -> Headline:
    name, (mean,) = as_told(result.cost_name, result.mean)
    if result.low <= 0.0 <= result.high:
        return (
            "no sure change" if result.mean else "no change",
            f"of {name}, with neuron {result.neuron} held at {number(result.held_at)}",
        )
    return plain_number(mean, sign=True), f"{name}, with neuron {result.neuron} held at {number(result.held_at)}"


def _embedding(result: Any) -> Headline:
    states = counted(len(result.index), "state")
    if not result.explained:
        return states, "placed so that neighbours stay neighbours"
    return percent(sum(result.explained)), f"of how {states} differ is in this plane"


def _knowledge(result: Any) -> Headline:
    tried = [fact for fact in result.facts if not fact.note]
    known = sum(fact.low > 0 for fact in tried)
    return f"{known} of {len(tried)}", f"{'fact' if len(tried) == 1 else 'facts'} can be read off {result.layer}"


def _maximum(result: Any) -> Headline:
    return number(
        result.activation
    ), f"neuron {result.neuron} at most{' (proved)' if result.proved else ', as far as searched'}"


def _threshold_map(result: Any) -> Headline:
    shows = result.shows
    return f"{int(shows.any(axis=1).sum())} of {len(shows):,}", f"neurons show a threshold in the {result.kind}"


def _sufficient_reason(result: Any) -> Headline:
    if not result.proved:
        return "not proved", f"that anything less than all forces {decision_name(result.decision)}"
    knobs = counted(len(result.fixed), "knob")
    if not result.free:
        return f"all {knobs}", f"together force {decision_name(result.decision)} (proved)"
    return knobs, f"force {decision_name(result.decision)}, whatever the others are (proved)"


def _failure_profile(result: Any) -> Headline:
    return percent(result.share), f"of {result.samples:,} {result.kind} lose something"


def _sequence_attack(result: Any) -> Headline:
    name, (ours, rule) = as_told(result.cost_name, result.network, result.rule)
    return number(ours), f"{name}, against {number(rule)} of {label(result.rule_name)}"


def _stress_test(result: Any) -> Headline:
    unsafe, worse = result.count("unsafe"), result.count("worse")
    parts = [f"{count} {word}" for count, word in ((unsafe, "unsafe"), (worse, "worse")) if count]
    return ", ".join(
        parts
    ) or "none unsafe or worse", f"of {counted(len(result.scenarios), 'scenario')}, against the best rule"


def _transfer(result: Any) -> Headline:
    cells = [tuple(at) for at in np.argwhere(result.done)]
    wins = sum(result.verdict(row, column) == "wins" for row, column in cells)
    return f"{wins} of {len(cells)}", f"cells {'is' if wins == 1 else 'are'} won against the best rule there"


def _room(result: Any) -> Headline:
    part = result.part("policy")
    if not part.words or np.isnan(part.share):
        return NONE
    if part.share <= 0:
        return "none", "of the gap to the best plan was found to be better decisions"
    if part.low <= 0:
        return percent(part.share), "of the gap to the best plan could be better decisions; the interval leaves it open"
    return percent(part.share), "of the gap to the best plan could be better decisions"


def _pair(result: Any) -> Headline:
    first, second = result.network, result.rule
    name, (ours, others) = as_told(first.cost_name, first.cost, second.cost)
    return number(ours), f"{name}, against {number(others)} of {result.beside}"


_HEADLINES: dict[str, Callable[[Any], Headline]] = {
    "Account": _account,
    "Adversarial": _adversarial,
    "OrderPairs": _order_pairs,
    "MethodTable": _method_table,
    "SweepMap": _sweep_map,
    "Rulebook": _rulebook,
    "TrustedComparison": _trusted_comparison,
    "Consequences": _consequences,
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
