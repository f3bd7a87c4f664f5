"""The workloads on which a policy falls furthest behind the best rule: the adversary that a guard is made against, and judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.sequence.gap import Mutable
from dnnexplain.explain.sequence.search import BATCH, evolve

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
    if isinstance(system, Mutable):
        return _evolved(
            _Population(system, policy, rules), [*draw(STARTS, seed), *beside], rounds, seed, stop or Event(), progress
        )
    known = _Population(system, policy, rules)
    known.add([*beside, *draw(rounds * BATCH, seed)])
    return known.adverse(
        f"the worst of {rounds * BATCH:,} drawn, which is a weak search: these workloads cannot be changed bit by bit"
    )


@dataclass
class _Population:
    """The workloads on which a policy is furthest behind the best of some rules, the largest gap first."""

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]
    workloads: list[Any] = field(default_factory=list)
    costs: Floats = field(default_factory=lambda: np.empty((3, 0)))
    evaluated: int = 0
    spent_before: float = 0.0

    def add(self, workloads: Sequence[Any]) -> None:
        """Run workloads as one batch and keep the worst; of equal gaps, which are nearly always one workload twice, one."""
        own = np.asarray(self.system.run(self.policy, workloads).cost, dtype=np.float64)
        rule = best_of(self.system, self.rules, workloads)
        every = [*self.workloads, *workloads]
        costs = np.concatenate([self.costs, [own, rule, behind(self.system, own, rule)]], axis=1)
        order = np.argsort(-costs[2], kind="stable")
        gaps = costs[2, order]
        order = order[np.concatenate([[True], gaps[1:] < gaps[:-1]])][:KEPT]
        self.workloads, self.costs = [every[place] for place in order], costs[:, order]
        self.evaluated += len(workloads)

    def adverse(self, how: str) -> Adverse:
        """What was found."""
        own, rule, gaps = self.costs
        return Adverse(tuple(self.workloads), own, rule, gaps, how)


def _evolved(
    known: _Population,
    starts: Sequence[Any],
    rounds: int,
    seed: int,
    stop: Event,
    progress: Callable[[float], object] | None,
) -> Adverse:
    """Workloads evolved from some for so many batches, or until the search is ended."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(starts),)))
    known.add(starts)
    try:
        known.system.mutate(known.workloads[0], np.random.default_rng(0), {})
    except DnnExplainError as error:
        return known.adverse(f"of those drawn alone: {error}")
    batches = evolve(known.system, known, {}, rng)
    for done in range(rounds):
        if stop.is_set():
            ran = counted(known.evaluated, "workload")
            return known.adverse(
                f"{ran} run before the search was ended, of {counted(rounds, 'batch', 'batches')} of {BATCH}"
            )
        known.add(next(batches))
        if progress is not None:
            progress((done + 1) / rounds)
    return known.adverse(f"evolved for {counted(rounds, 'batch', 'batches')} of {BATCH}")
