"""Search for the workload on which a policy falls furthest behind (APNet 2018, Section 4.2, whole sequences).

``"evolve"`` keeps a population of workloads (its first generation is spread far around those given, where
the system can do that), changes the best of them a little, mixes pairs, and runs all candidates of a
generation as one batch. ``"random"`` draws every workload anew within the limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Mutable, Policy, Reshaping, need
from dnnexplain.explain.sequence.gap import Gap, Limits
from dnnexplain.explain.sequence.pace import Pace
from dnnexplain.explain.sequence.population import Population, run_batches
from dnnexplain.explain.sequence.rerun import finish
from dnnexplain.explain.sequence.result import Best, SequenceAttack
from dnnexplain.numbers import number
from dnnexplain.results import Question

__all__ = ["BATCH", "METHODS", "attack_sequence", "evolve", "refusal_of"]

Progress = Callable[[float | None, str], object]

BATCH = 96
MIXED = 0.3
"""Share of a generation that mixes two workloads."""

GREED = 2.0
"""How strongly parents of a higher rank are preferred."""


@dataclass
class _Pool(Population):
    """Workloads with their gaps, and what was spent until each best one."""

    clock: Callable[[], float] = time.monotonic
    began: float = 0.0
    trace: list[Best] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.spent_before + self.clock() - self.began

    def keep(self, workloads: Sequence[Any], own: NDArray[np.float64], other: NDArray[np.float64]) -> None:
        """Take in workloads whose costs ``[n]`` are known, and note when the largest gap grew."""
        before = max(self.gaps, default=-np.inf)
        super().keep(workloads, own, other)
        if self.gaps[0] > before:
            self.trace.append(Best(float(self.gaps[0]), self.evaluated, self.seconds))


def evolve(system: Mutable, pool: Population, limits: Limits, rng: np.random.Generator) -> Iterator[list[Any]]:
    """Small changes and mixtures of the best workloads so far, after a generation far from the given ones."""
    if not pool.spent_before and isinstance(system, Reshaping):
        yield [system.reshape(pool.workloads[rng.integers(len(pool.workloads))], rng, limits) for _ in range(BATCH)]
    while True:
        count = len(pool.workloads)
        weights = (count - np.arange(count, dtype=np.float64)) ** GREED
        weights /= weights.sum()
        batch = []
        for _ in range(BATCH):
            workload = pool.workloads[rng.choice(count, p=weights)]
            if rng.random() < MIXED and count > 1:
                workload = system.combine(workload, pool.workloads[rng.choice(count, p=weights)], rng)
            batch.append(system.mutate(workload, rng, limits))
        yield batch


def scatter(system: Mutable, pool: Population, limits: Limits, rng: np.random.Generator) -> Iterator[list[Any]]:
    """Workloads of the same frames with every part drawn anew: the baseline."""
    frames = list(pool.workloads)
    while True:
        yield [system.scramble(frames[rng.integers(len(frames))], rng, limits) for _ in range(BATCH)]


_QUICK = 0.1
"""Seconds for the bounds on the optimum of a result that is only kept in case the search is killed."""
SECONDS = 60.0
"""To search, where no limit is given."""

METHODS: dict[str, Callable[..., Iterator[list[Any]]]] = {"evolve": evolve, "random": scatter}
"""Ways to propose workloads by name."""


def attack_sequence(
    system: Mutable,
    policy: Policy,
    workloads: Sequence[Any],
    *,
    against: str = "sjf",
    measure: str = "",
    limits: Limits | None = None,
    method: str = "evolve",
    seconds: float | None = None,
    rounds: int | None = None,
    until: float = np.inf,
    oracle_seconds: float = 10.0,
    seed: int = 0,
    resume: SequenceAttack | None = None,
    clock: Callable[[], float] = time.monotonic,
    cancel: Event | None = None,
    progress: Progress | None = None,
    keep: Callable[[Callable[[], SequenceAttack]], object] | None = None,
) -> SequenceAttack:
    """Change workloads within limits until the policy is as far behind as can be found.

    Args:
        system: a world with episodes whose workloads can be changed; see :class:`~.gap.Mutable`.
        policy: the network.
        workloads: where to start, at least one.
        against: a rule's name, ``"best rule"`` (each time the best one) or ``"optimum"``.
        measure: ``"ratio"`` or ``"difference"`` of costs; by default a ratio where the cost is a ratio scale.
        limits: bounds by name, as the system's ``mutate`` knows them; its own by default.
        method: ``"evolve"`` or ``"random"``.
        seconds: to search, by ``clock``; 60, or without limit where ``rounds`` is given.
        rounds: batches of workloads to run at most: the same answer on every machine.
        until: stop once the gap is at least this.
        oracle_seconds: for the bounds on the optimum of the workload reported.
        seed: of the search.
        resume: an earlier answer to the same question, to go on from.
        clock: ``time.process_time`` counts CPU time.
        cancel: once set, the search ends with what it has.
        progress: called with the fraction of time used and the gap so far.
        keep: called after each step with a function that makes the result so far, whose bounds on the optimum
            get a tenth of a second.

    Raises:
        DnnExplainError: no workload, an unknown rule, measure or method, a system whose workloads
            cannot be changed, or ``resume`` answers another question. Limits that leave nothing give
            a result about the start that says so.
    """
    if method not in METHODS:
        raise Choice("method", method, tuple(METHODS)).error()
    need(system, Mutable, "searching for a worse workload")
    if not workloads and resume is None:
        msg = "give at least one workload to start from"
        raise DnnExplainError(msg)
    if rounds is not None and rounds < 1:
        msg = f"rounds is a number of batches to run, at least 1, not {rounds}"
        raise DnnExplainError(msg)
    limit = (SECONDS if rounds is None else np.inf) if seconds is None else seconds
    gap = Gap(system, policy, against, measure)
    bounds = dict(limits or {})
    settings = {
        "against": against,
        "measure": gap.measure,
        "limits": {name: list(span) for name, span in bounds.items()},
    }
    question = Question.about(system, policy, method=method, seed=seed, settings=settings)
    pool = _Pool(gap, clock=clock, began=clock())
    pace = Pace(lambda: limit - (clock() - pool.began), clock)
    first = _begin(pool, workloads, resume, question)
    pace.ran(pool.evaluated if resume is None else len(pool.workloads))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(pool.evaluated,)))
    proposals = METHODS[method](system, pool, bounds, rng)
    refused = refusal_of(system, pool.workloads[0], bounds)
    refusal = f"Nothing was searched: {refused}." if refused else ""

    def so_far(seconds: float = _QUICK, *, ended: bool = True) -> SequenceAttack:
        return finish(
            gap,
            question,
            pool.workloads,
            first,
            evaluated=pool.evaluated,
            seconds=pool.seconds,
            trace=tuple(pool.trace),
            stopped=ended,
            oracle_seconds=seconds,
            refusal=refusal,
        )

    def ended(done: int) -> str:
        if refusal or pool.gaps[0] >= until:
            return "there"
        if cancel is not None and cancel.is_set():
            return "cancelled"
        if rounds is not None and done >= rounds:
            return "rounds"
        return "seconds" if clock() - pool.began >= limit else ""

    def after(done: int) -> None:
        if keep is not None:
            keep(so_far)
        if progress is not None:
            share = max((clock() - pool.began) / limit, 0.0 if rounds is None else done / rounds)
            progress(min(1.0, share), f"gap {number(pool.gaps[0])}")

    _, why = run_batches(pool, proposals, ended, after, pace)
    ended_by = why if why in {"rounds", "seconds"} else ""
    return replace(so_far(oracle_seconds, ended=why == "cancelled"), ended_by=ended_by)


def refusal_of(system: Mutable, workload: Any, limits: Limits) -> str:
    """Why nothing can be changed in a workload, or an empty string."""
    try:
        system.mutate(workload, np.random.default_rng(0), limits)
    except DnnExplainError as error:
        return str(error)
    return ""


def _begin(
    pool: _Pool, workloads: Sequence[Any], resume: SequenceAttack | None, question: Question
) -> tuple[float, float, float]:
    """Run the start, or take over an earlier search; returns the start's gap and both costs there."""
    if resume is None:
        own, other = pool.gap.costs(workloads)
        gaps = pool.gap.of(own, other)
        pool.keep(list(workloads), own, other)
        worst = int(gaps.argmax())
        return float(gaps[worst]), float(own[worst]), float(other[worst])
    before = resume.question
    if (before.system, before.parameters, before.checkpoint, dict(before.settings)) != (
        question.system,
        question.parameters,
        question.checkpoint,
        dict(question.settings),
    ):
        msg = "the search to be resumed answered another question (policy, rule, measure or limits differ)"
        raise DnnExplainError(msg)
    system: Any = pool.gap.system
    pool.add([system.workload_from_json(data) for data in resume.population])
    pool.evaluated, pool.spent_before = resume.evaluated, resume.seconds
    pool.trace = list(resume.trace)
    return resume.start_gap, resume.start_network, resume.start_rule
