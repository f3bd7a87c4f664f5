"""The workloads on which a policy falls furthest behind the best rule: the adversary that a guard is made against, and judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, WorstUnseen, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.sequence.gap import Mutable
from dnnexplain.explain.sequence.pace import Pace
from dnnexplain.explain.sequence.population import ELITE, Population, run_batches
from dnnexplain.explain.sequence.search import BATCH, evolve, refusal_of

__all__ = ["Adverse", "Draw", "behind", "best_of", "merged", "worst_workloads"]

Floats = NDArray[np.float64]
Draw = Callable[[int, int], Sequence[Any]]
STARTS, ENDED = 24, 8
"""Drawn workloads that a search begins from; as many if it is to end before it begins."""
WORKED_OUT = 3
"""Of the worst workloads, for so many the worst that may follow what is seen of them is worked out (``WorstUnseen``)."""
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


@dataclass(frozen=True)
class Behind:
    """A policy against the best of some rules; see :func:`behind`."""

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]

    def costs(self, workloads: Sequence[Any]) -> tuple[Floats, Floats]:
        """The policy's cost and the least of the rules' per workload ``[W]``."""
        own = np.asarray(self.system.run(self.policy, workloads).cost, dtype=np.float64)
        return own, best_of(self.system, self.rules, workloads)

    def of(self, own: Floats, other: Floats) -> Floats:
        """The gap ``[W]``."""
        return behind(self.system, own, other)


def best_of(system: Any, rules: Mapping[str, Policy], workloads: Sequence[Any]) -> Floats:
    """The least cost of the rules on each workload ``[W]``."""
    return np.asarray(np.min([system.run(rule, workloads).cost for rule in rules.values()], axis=0), dtype=np.float64)


def merged(searches: Sequence[Adverse]) -> Adverse:
    """What several searches against one policy came to, the worst first; each of them is told of in few words."""
    columns = ([getattr(adverse, name) for adverse in searches] for name in ("own", "rule", "gaps"))
    own, rule, gaps = map(np.concatenate, columns)
    every = [workload for adverse in searches for workload in adverse.workloads]
    order = np.argsort(-gaps, kind="stable")[:ELITE]
    several = f"{counted(len(searches), 'search', 'searches')} from starts of their own, the last one"
    how = f"{several if len(searches) > 1 else 'one search,'} {searches[-1].how}"
    return Adverse(tuple(every[place] for place in order), own[order], rule[order], gaps[order], how)


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
    pace: Pace | None = None,
    progress: Callable[[float], object] | None = None,
) -> Adverse:
    """Search for workloads on which a policy is furthest behind the best rule; a guarded policy is searched with its guard.

    Where workloads can be changed (``Mutable``) they are evolved from drawn ones; elsewhere as many are drawn, and the worst
    are kept. Where a system works out the worst that may come after all that a policy sees (``WorstUnseen``), that is done
    for the worst that the search found.

    Args:
        system: runs them.
        policy: whom to search against.
        draw: ``draw(count, seed)`` gives workloads.
        rules: the best of which on each workload is what the policy is held against.
        rounds: batches of 96 workloads.
        seed: of what is drawn and of the search.
        beside: workloads that are looked at too, such as those found against another policy.
        stop: ends the search with what it has found.
        pace: tells how many runs end in time; of the last batch only so many are run.
        progress: called with the share of it that is done.

    Raises:
        DnnExplainError: no rounds, or more than there is memory for.
    """
    most = np.inf if isinstance(system, Mutable) else MOST_DRAWN // BATCH
    if not 1 <= rounds <= most:
        upto = "" if np.isinf(most) else f", and at most {most:,} where workloads are drawn and kept"
        msg = f"the rounds of an attack are batches of {BATCH} workloads, at least 1{upto}; not {rounds:,}"
        raise DnnExplainError(msg)
    known, over, pace = Population(Behind(system, policy, rules)), stop or Event(), pace or Pace()
    pace.begin()
    if isinstance(system, Mutable):
        known.add([*draw(ENDED if over.is_set() else STARTS, seed), *beside])
        pace.ran(known.evaluated)
        how = _evolved(known, rounds, [seed, STARTS + len(beside)], over, pace, progress)
    else:
        drawn = [*beside, *draw(ENDED if over.is_set() else rounds * BATCH, seed)]
        pace.through(drawn, known.add)
        if not known.workloads:
            known.add(drawn[: len(beside) + ENDED])
        many = f"{known.evaluated:,} drawn"
        how = f"the worst of {many}, which is a weak search: these workloads cannot be changed bit by bit"
    return _adverse(known, how + ("" if over.is_set() else _worked_out(known)))


def _worked_out(known: Population) -> str:
    """Add the worst that may come where all is seen that will be, if the system works that out; that it did, in words."""
    gap = known.gap
    assert isinstance(gap, Behind)
    if not isinstance(gap.system, WorstUnseen):
        return ""
    worst = [new for old in known.workloads[:WORKED_OUT] for new in gap.system.worst_unseen(gap.policy, gap.rules, old)]
    if worst:
        known.add(worst)
    return "; the worst that may follow what was seen was worked out for the worst of them" if worst else ""


def _evolved(
    known: Population,
    rounds: int,
    seed: Sequence[int],
    stop: Event,
    pace: Pace,
    progress: Callable[[float], object] | None,
) -> str:
    """Evolve a population for so many batches, or until the search is ended; how, in words."""
    system = known.gap.system
    rng = np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=tuple(seed[1:])))
    if refused := refusal_of(system, known.workloads[0], {}):
        return f"of those drawn alone: {refused}"

    def ended(done: int) -> str:
        return "ended" if stop.is_set() else "rounds" if done >= rounds else ""

    def after(done: int) -> None:
        if progress is not None:
            progress(done / rounds)

    done, _ = run_batches(known, evolve(system, known, {}, rng), ended, after, pace)
    batches = f"{counted(rounds, 'batch', 'batches')} of {BATCH}"
    if done < rounds:
        return f"{counted(known.evaluated, 'workload')} run before the search was ended, of {batches}"
    return f"evolved for {batches}"


def _adverse(known: Population, how: str) -> Adverse:
    own, rule, gaps = known.costs
    return Adverse(tuple(known.workloads), own, rule, gaps, how)
