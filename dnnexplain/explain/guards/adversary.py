"""The workloads on which a policy falls furthest behind the best rule: the adversary that a guard is made against, and judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.sequence.gap import BEST_RULE, Mutable
from dnnexplain.explain.sequence.search import BATCH, attack_sequence

__all__ = ["Adverse", "Draw", "behind", "best_of", "worst_workloads"]

Floats = NDArray[np.float64]
Draw = Callable[[int, int], Sequence[Any]]
KEPT = 24
STARTS = 24
MOST_DRAWN = 100_000
"""Workloads that are held in memory at once, at most, where they cannot be changed bit by bit."""


@dataclass(frozen=True, eq=False)
class Adverse:
    """Workloads with a policy's cost and the best rule's on each ``[W]``, the largest gap first.

    Attributes:
        workloads: ``W`` of them.
        own, rule: costs; ``gaps``: see :func:`behind`.
        how: by which search, in words.
    """

    workloads: tuple[Any, ...]
    own: Floats
    rule: Floats
    gaps: Floats
    how: str


def behind(system: Any, own: Floats, rule: Floats) -> Floats:
    """By how much a policy is behind: the ratio of costs less one, or their difference where a ratio says nothing."""
    gap = own / rule - 1.0 if cost_is_ratio(system) else own - rule
    return np.where(np.isfinite(gap), gap, -np.inf)


def best_of(system: Any, rules: Mapping[str, Policy], workloads: Sequence[Any]) -> Floats:
    """The least cost of the rules on each workload ``[W]``."""
    return np.asarray(np.min([system.run(rule, workloads).cost for rule in rules.values()], axis=0), dtype=np.float64)


def worst_workloads(
    system: Any,
    policy: Policy,
    draw: Draw,
    rules: Mapping[str, Policy],
    *,
    rounds: int,
    seed: int,
    beside: Sequence[Any] = (),
    stop: Event | None = None,
    progress: Callable[[float], object] | None = None,
) -> Adverse:
    """Search for workloads on which a policy is furthest behind the best rule; a guarded policy is searched with its guard.

    Where workloads can be changed (``Mutable``) they are evolved from drawn ones; elsewhere as many are drawn, and the worst
    are kept.

    Args:
        system: runs them.
        policy: whom to search against.
        draw: ``draw(count, seed)`` gives workloads.
        rules: the best of which on each workload is what the policy is held against.
        rounds: batches of 96 workloads.
        seed: of what is drawn and of the search.
        beside: workloads that are looked at too, such as those found against another policy.
        stop: ends the search with what it has found.
        progress: called with the share of it that is done.

    Raises:
        DnnExplainError: no rounds, or more than there is memory for.
    """
    most = np.inf if isinstance(system, Mutable) else MOST_DRAWN // BATCH
    if not 1 <= rounds <= most:
        upto = "" if np.isinf(most) else f", and at most {most:,} where workloads are drawn and kept"
        msg = f"the rounds of an attack are batches of {BATCH} workloads, at least 1{upto}; not {rounds:,}"
        raise DnnExplainError(msg)
    population = list(beside)

    def tell(done: float | None, _words: str = "") -> None:
        if progress is not None and done is not None:
            progress(done)

    if isinstance(system, Mutable):
        starts = [*draw(STARTS, seed), *beside]
        attack = attack_sequence(
            system, policy, starts, against=BEST_RULE, rounds=rounds, seed=seed, oracle_seconds=0.01, cancel=stop,
            progress=tell,
        )  # fmt: skip
        population += [system.workload_from_json(data) for data in attack.population]
        how = f"evolved for {counted(rounds, 'batch', 'batches')} of {BATCH}"
        if attack.stopped:
            how = f"{counted(attack.evaluated, 'workload')} run before the search was ended, of {counted(rounds, 'batch', 'batches')} of {BATCH}"
    else:
        population += draw(rounds * BATCH, seed)
        how = f"the worst of {rounds * BATCH:,} drawn, which is a weak search: these workloads cannot be changed bit by bit"
    own = np.asarray(system.run(policy, population).cost, dtype=np.float64)
    rule = best_of(system, rules, population)
    gaps = behind(system, own, rule)
    order = np.argsort(-gaps, kind="stable")[:KEPT]
    return Adverse(tuple(population[place] for place in order), own[order], rule[order], gaps[order], how)
