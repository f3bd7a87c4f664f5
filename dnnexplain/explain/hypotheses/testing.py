"""Statements tested on states that a policy meets and by intervention: change a part of the state, hold the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, state_from_observation
from dnnexplain.explain.hypotheses.statement import Statement, doing
from dnnexplain.explain.proofs.throughout import UNASKED, Everywhere
from dnnexplain.explain.regions.evidence import taken
from dnnexplain.explain.regions.significance import holm
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.intervals import counted_interval, large_sample_interval
from dnnexplain.results import register

__all__ = ["Changed", "Tested", "assess", "changed_states"]

LEVEL = 0.05
RARELY = 0.05
"""A group is ignored where changing it changes fewer decisions than this."""
EXAMPLES = 2
Mask = NDArray[np.bool_]


@register
@dataclass(frozen=True, slots=True)
class Tested:
    """A statement and what came of testing it.

    Attributes:
        statement, words: it.
        applies: share of the met states in which it speaks.
        agrees, low, high: of these, the share in which the policy does as it says, with its 95% interval; of a group that
            is ignored, the share of changes of it that leave the decision.
        explains: share of all decisions that it says rightly; 0 of a group that is ignored.
        effect, effect_low, effect_high: by intervention on ``pairs`` pairs of states that differ in one group of knobs.
            Where the statement turns from silent to speaking: by how much more often the policy does as it says. Where it speaks
            everywhere: how often the policy follows when what it says changes. NaN without pairs.
        p: one-sided, corrected by Holm for all that were tried: it agrees no more than by chance (of a group that is
            ignored: changing it changes at least a twentieth of the decisions).
        verdict: ``"holds"``, ``"does not hold"`` or ``"open"``.
        counterexamples: states in which it is wrong, in words.
        throughout: whether it is so in every valid state in which it speaks: proved, refuted by a state, or open.
    """

    statement: Statement
    words: str
    applies: float
    agrees: float
    low: float
    high: float
    explains: float
    effect: float
    effect_low: float
    effect_high: float
    pairs: int
    p: float
    verdict: str
    counterexamples: tuple[str, ...]
    throughout: Everywhere = UNASKED


@dataclass(frozen=True, eq=False)
class Changed:
    """Met states and the same with one group of knobs drawn anew: ``before`` and ``after`` ``[M, ...]``, the group ``[M]``."""

    before: NDArray[Any]
    after: NDArray[Any]
    group: NDArray[np.str_]


def changed_states(system: Any, observations: NDArray[Any], each: int, seed: int = 0) -> Changed:
    """For every group of knobs, ``each`` met states with that group's values taken from another met state, kept valid.

    A change that repairing the state undoes, or that reaches into other groups, is left out.
    """
    rng = np.random.default_rng(seed)
    values = system.decode(observations)
    of_knob = np.array([knob.group or knob.name for knob in system.knobs])
    before, after, group = [], [], []
    for name in dict.fromkeys(of_knob.tolist()):
        own = of_knob == name
        rows, donors = rng.integers(len(values), size=(2, each))
        moved = np.array(values[rows])
        moved[:, own] = values[donors][:, own]
        moved = system.repair(moved)
        kept = (moved[:, own] != values[rows][:, own]).any(axis=1) & (moved[:, ~own] == values[rows][:, ~own]).all(
            axis=1
        )
        if kept.any():
            start = observations[rows[kept]]
            before.append(start)
            after.append(system.encode(moved[kept], start))
            group.append(np.full(int(kept.sum()), name))
    if not before:
        return Changed(observations[:0], observations[:0], np.empty(0, dtype=np.str_))
    return Changed(np.concatenate(before), np.concatenate(after), np.concatenate(group))


def assess(
    system: Any, policy: Policy, statements: Sequence[Statement], observations: NDArray[Any], changed: Changed
) -> list[Tested]:
    """Each statement tested on met states it was not made from, and by intervention.

    Args:
        system, policy: of whom they speak.
        statements: all that are tried; p values are corrected for their number.
        observations: met states ``[N, *observation_shape]``.
        changed: pairs of states.
    """
    own = taken(system, policy, observations)
    pairs = [taken(system, policy, part) if len(part) else part for part in (changed.before, changed.after)]
    ignoring = [
        _ignoring(system, statement, changed, pairs)
        if statement.kind == "ignores"
        else _doing(system, statement, observations, own, changed, pairs)
        for statement in statements
    ]
    p = holm([item.p for item in ignoring])
    return [replace(item, p=float(p[k]), verdict=_verdict(item, float(p[k]))) for k, item in enumerate(ignoring)]


def _verdict(statement: Tested, p: float) -> str:
    if np.isnan(statement.agrees):
        return "open"
    if statement.statement.kind == "ignores":
        return "holds" if p < LEVEL else "does not hold" if statement.high < 1 - RARELY else "open"
    followed = np.isnan(statement.effect_low) or statement.effect_low > 0
    if p < LEVEL and followed and statement.low > 0.5:
        return "holds"
    return "does not hold" if statement.high < 0.5 or statement.effect_high < 0 else "open"


def _ignoring(system: Any, statement: Statement, changed: Changed, pairs: Sequence[NDArray[Any]]) -> Tested:
    here = np.flatnonzero(changed.group == statement.what)
    left = system.output.same(pairs[0][here], pairs[1][here]) if len(here) else np.zeros(0, dtype=bool)
    agrees, low, high = _share(left)
    wrong = here[~left][:EXAMPLES]
    return Tested(
        statement, statement.words(system), 1.0, agrees, low, high, 0.0, agrees, low, high, len(here),
        _binomial(left, 1 - RARELY), "", tuple(_state_words(system, changed.before[place]) for place in wrong),
    )  # fmt: skip


def _doing(
    system: Any,
    statement: Statement,
    observations: NDArray[Any],
    own: NDArray[Any],
    changed: Changed,
    pairs: Sequence[NDArray[Any]],
) -> Tested:
    speaks = _speaks(system, statement, observations)
    same = system.output.same(own, doing(system, statement.what, observations))
    agrees, low, high = _share(same[speaks])
    effect, effect_low, effect_high, count = _effect(system, statement, changed, pairs)
    wrong = np.flatnonzero(speaks & ~same)[:EXAMPLES]
    chance = float(same[~speaks].mean()) if not speaks.all() else _by_chance(system, own, statement, observations)
    return Tested(
        statement, statement.words(system), float(speaks.mean()), agrees, low, high, float((speaks & same).mean()),
        effect, effect_low, effect_high, count, _binomial(same[speaks], chance), "",
        tuple(_state_words(system, observations[place]) for place in wrong),
    )  # fmt: skip


def _speaks(system: Any, statement: Statement, observations: NDArray[Any]) -> Mask:
    quantities = quantities_of(system)
    return statement.where.holds(quantities.names, np.asarray(quantities(observations), dtype=np.float64))


def _by_chance(system: Any, own: NDArray[Any], statement: Statement, observations: NDArray[Any]) -> float:
    """How often actions of other states would agree: the states of the statement's actions moved by a third, and by half."""
    said = doing(system, statement.what, observations)
    shifts = [len(own) // 3, len(own) // 2]
    return float(np.mean([system.output.same(own, np.roll(said, shift, axis=0)).mean() for shift in shifts]))


def _effect(
    system: Any, statement: Statement, changed: Changed, pairs: Sequence[NDArray[Any]]
) -> tuple[float, float, float, int]:
    if not len(changed.before):
        return float("nan"), float("nan"), float("nan"), 0
    says = [doing(system, statement.what, part) for part in (changed.before, changed.after)]
    does = [system.output.same(first, second) for first, second in zip(pairs, says, strict=True)]
    if statement.where.spans:
        speaks = [_speaks(system, statement, part) for part in (changed.before, changed.after)]
        turned = speaks[0] != speaks[1]
        inside = np.where(speaks[0], does[0], does[1])[turned]
        outside = np.where(speaks[0], does[1], does[0])[turned]
        gain = inside.astype(np.float64) - outside
        return (*large_sample_interval(gain).within(-1.0, 1.0).three, len(gain))
    turned = ~system.output.same(says[0], says[1]) & does[0]
    followed = does[1][turned]
    return (*_share(followed), len(followed))


def _share(hits: NDArray[Any]) -> tuple[float, float, float]:
    """A share with its exact 95% interval."""
    return counted_interval(int(hits.sum()), len(hits)).three


def _binomial(hits: NDArray[Any], chance: float) -> float:
    """One-sided p that hits are no more frequent than by chance."""
    if not len(hits):
        return 1.0
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import

    return float(binomtest(int(hits.sum()), len(hits), min(max(chance, 0.0), 1.0), alternative="greater").pvalue)


def _state_words(system: Any, observation: NDArray[Any]) -> str:
    return str(system.describe(state_from_observation(system, observation)))
