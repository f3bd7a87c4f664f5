"""A guard compiled from failures: candidates in a contest on the worst workloads known, whose leader is attacked again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np

from dnnexplain.contract import Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.guards.adversary import Adverse, Draw, worst_workloads
from dnnexplain.explain.guards.candidates import STATES, candidates
from dnnexplain.explain.guards.contest import MARGIN, Bench, Contest, Rules, Standing
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.polishing import Ladder, neighbour
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.regions.where import EVERYWHERE, Where, quantities_of
from dnnexplain.numbers import percent

__all__ = ["compile_guard"]

Progress = Callable[..., object]

LEARNED = 12
"""Workloads that are taken in from each attack."""
STARTS = 3
"""Attacks on the policy alone, with seeds of their own: one attack ends in one kind of failure, and there may be several."""
FALLBACKS = 3
"""Rules of the system that are attacked themselves: those that are least behind."""
SINGLES = 20
"""For each change that may be tried, so many rules of one bound are candidates at first."""
SURE = 3
"""A guard that leads after so many attacks on it is the one."""
ENOUGH = 1.02
"""An attack that finds no gap larger than this times the known one has found nothing."""


def compile_guard(
    system: Any,
    policy: Policy,
    draw: Draw,
    *,
    rules: Mapping[str, Policy],
    regions: Iterable[Where] = (),
    sets: int = 40,
    rounds: int = 6,
    cycles: int = 6,
    most: int = 4,
    tries: int = 20,
    allowed: float = 0.01,
    seed: int = 0,
    stop: Event | None = None,
    progress: Progress | None = None,
) -> Guard:
    """Make a guard: attack, let candidates compete on what was found, attack the leader, and so on.

    What is made small is the worst gap to the best rule on all workloads found so far; the nominal cost may rise by at
    most half of ``allowed`` on the half of the seeds that the guard is made on. Each cycle attacks the guard that is best
    on what is known and takes in what was found, with new candidates (counterexample-guided): so the one that is left
    was chosen by attacks on it, not by how well it fits what happened to be known. Nothing here is a figure to report: see
    :func:`~dnnexplain.explain.guards.evaluate_guard`.

    Args:
        system: with rules.
        policy: to be guarded.
        draw: ``draw(count, seed)`` gives workloads; even seeds are used here.
        rules: what may be done instead, and what the policy is held against, by the names that the system knows.
        regions: where the policy is known to fail, as further candidates.
        sets: workloads for the nominal cost.
        rounds: batches of each attack.
        cycles: attacks on guarded policies, at most.
        most: rules of the guard.
        tries: changed guards that are looked at after each attack, and as many with a rule more.
        allowed: by what share the nominal cost may rise.
        seed: of everything.
        stop: ends it with the best guard that was attacked by then.
        progress: called with what is done, of how many, and words.
    """
    over = stop or Event()
    steps = _Steps(progress or (lambda *_: None), STARTS + min(FALLBACKS, len(rules)) + 2 * cycles)
    usual = list(draw(sets, 2 * seed))

    def attacked(whom: Policy, drawn: int, words: str, beside: Sequence[Any] = ()) -> Adverse:
        return worst_workloads(
            system, whom, draw, rules, rounds=rounds, seed=2 * seed + drawn, beside=beside, stop=over,
            progress=steps.step(words),
        )  # fmt: skip

    adverse = attacked(policy, 1000, "attacking the policy")
    bench = Bench(system, policy, rules, usual, allowed)
    bench.learn(adverse.workloads[:LEARNED])
    for again in range(1, STARTS):
        if not over.is_set():
            attacked_by = attacked(policy, 1000 + 100 * again, "attacking the policy, from another start")
            bench.learn(attacked_by.workloads[:LEARNED])
    for place, rule in enumerate(bench.apt(FALLBACKS).values()):
        # What a guard falls back on has weak places of its own, which would be found only when it is attacked.
        if not over.is_set():
            attacked_by = attacked(rule, 2000 + 2 * place, f"attacking {rule.name}, on which a guard may fall back")
            bench.learn(attacked_by.workloads[: LEARNED // 2])
    making = _Making(bench, np.random.default_rng(seed), most, tries, steps, over)
    making.begin(regions)
    for cycle in range(cycles):
        standing = making.leader()
        if standing is None or making.sure(standing):
            break
        known = making.worst_of(standing)
        attacked_by = attacked(bench.guarded(standing.rules), 1002 + 2 * cycle, f"attacking guard {cycle + 1}", known)
        making.survived(standing, attacked_by)
    chosen = making.contest.winner() if cycles else making.leader() or Standing(())
    checkpoint = getattr(policy, "checkpoint", "")
    notes = _notes(bench, adverse.how, allowed, ended=over.is_set())
    return Guard(system.name, chosen.rules, policy.name, checkpoint, notes)


@dataclass
class _Steps:
    """How far the making of a guard is: steps of about the same length, each told as it goes."""

    say: Progress
    total: int
    begun: int = 0

    def step(self, words: str) -> Callable[[float], object]:
        """The next step; what is returned is called with the share of it that is done."""
        at, self.begun = self.begun, self.begun + 1
        self.say(at, self.total, words)
        return lambda share: self.say(at + min(max(share, 0.0), 1.0), self.total, words)


@dataclass
class _Making:
    """One guard in the making: the contest, and how much may be tried."""

    bench: Bench
    rng: np.random.Generator
    most: int
    tries: int
    steps: _Steps
    over: Event
    contest: Contest = field(init=False)

    def begin(self, regions: Iterable[Where]) -> None:
        """No guard, every rule everywhere and in each region, and what parts from the policy where it fails."""
        bench, names = self.bench, list(self.bench.rules)
        self.contest = Contest(bench)
        why = f"{bench.policy.name} fails here."
        start = [GuardRule(where, name, why) for where in regions for name in names]
        start += [GuardRule(EVERYWHERE, name, f"Elsewhere {name} is never as far behind.") for name in names]
        rules = self._candidates(bench.policy, SINGLES * max(self.tries, 1))
        self.contest.enter([(), *((rule,) for rule in (*start, *rules))])
        self.contest.known[()].attacks = 1  # that was the first attack of all

    def _candidates(self, policy: Policy, singles: int) -> list[GuardRule]:
        bench = self.bench
        return candidates(
            bench.system, policy, bench.failing(policy), bench.usual, bench.apt(FALLBACKS), bench.rules, singles
        )

    def leader(self) -> Standing | None:
        """The best guard on what is known."""
        self.steps.step(
            f"choosing rules among {counted(len(self.contest.known), 'guard')} on {counted(len(self.bench.hard), 'workload')}"
        )
        return self.contest.leader(self.over)

    def sure(self, standing: Standing) -> bool:
        """Whether the leader was attacked, and nothing is left to shrink or it has stood its ground often enough."""
        nothing = max(standing.gaps.values(), default=0.0) <= 0.0
        return standing.attacks >= (1 if nothing else SURE)

    def worst_of(self, standing: Standing) -> list[Any]:
        """The workloads known on which a guard is furthest behind, to begin an attack from."""
        places = sorted(standing.gaps, key=lambda at: -standing.gaps[at])[:LEARNED]
        return [self.bench.hard[at] for at in places]

    def survived(self, standing: Standing, adverse: Adverse) -> None:
        """Take in what an attack on a guard found, and guards that differ from it a little or have a rule more."""
        known = max(standing.gaps.values(), default=0.0)
        standing.attacks += 1
        if float(adverse.gaps.max()) > known * ENOUGH:
            self.bench.learn(adverse.workloads[:LEARNED])
        if not self.over.is_set():
            self.contest.enter(self._changed(standing.rules))

    def _changed(self, rules: Rules) -> Iterator[Rules]:
        guarded = self.bench.guarded(rules)
        new = self._candidates(guarded, self.tries)
        if len(rules) < self.most:
            yield from ((*rules, rule) for rule in new)
            yield from ((rule, *rules) for rule in new)
        ladder = self._ladder(guarded)
        for _ in range(self.tries):
            yield neighbour(rules, ladder, list(self.bench.rules), self.most, self.rng, new)

    def _ladder(self, policy: Policy) -> Ladder:
        """Bounds about the states that a policy meets on hard workloads and on usual ones."""
        system = self.bench.system
        quantities = quantities_of(system)
        seen = [met_states(system, policy, part, STATES) for part in (self.bench.hard, self.bench.usual)]
        values = np.asarray(quantities(np.concatenate(seen)), dtype=np.float64)
        return Ladder.of(quantities.names, values, np.arange(len(values)) < len(seen[0]))


def _notes(bench: Bench, how: str, allowed: float, *, ended: bool) -> tuple[str, ...]:
    ratio = "in per cent" if cost_is_ratio(bench.system) else "in the cost's unit"
    count, names = len(bench.hard), ", ".join(bench.rules)
    whom = f"{bench.policy.name}, on what guards fall back on, and on guards"
    made = f"Compiled against {counted(count, 'workload')} found by attacks on {whom} ({how})."
    if ended:
        made = f"Making it was ended before all attacks were done; it knows {counted(count, 'workload')} ({how})."
    held = f"Gaps are to the best of {names} on the same workload, {ratio}."
    share = percent(MARGIN * allowed)
    return made, held, f"The nominal cost was allowed to rise by {share} on the half of the seeds that it was made on."
