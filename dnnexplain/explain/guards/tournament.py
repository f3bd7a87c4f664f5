"""Tournaments of guards: those that do best on what is known are attacked, fewer and fewer of them, harder and harder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, TypeVar

import numpy as np

from dnnexplain.contract import Policy
from dnnexplain.counts import counted
from dnnexplain.explain.guards.adversary import Adverse, Draw, worst_workloads
from dnnexplain.explain.guards.candidates import STATES, candidates
from dnnexplain.explain.guards.contest import Bench, Contest, Rules, Standing
from dnnexplain.explain.guards.ending import Ending
from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.memories import with_memory
from dnnexplain.explain.guards.polishing import Ladder, neighbour, rebound
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.regions.where import EVERYWHERE, Where, quantities_of

__all__ = ["Attacks", "Progress", "Tournament"]

Progress = Callable[..., object]
Chosen = TypeVar("Chosen")

FIRST, LATER = (12, 6, 3), (6, 3)
"""How many guards are attacked in each round of the first tournament, and of those that follow."""
EFFORT = (1 / 3, 2 / 3, 1.0)
"""Of the batches of the largest attacks, the share in each round; in all further ones as many as in the last."""
FALLBACKS = 2
"""Rules that may do all that a guard's other rules leave, in place of the policy: those that are least behind."""
SINGLES = 3
"""For each try, so many rules of one bound enter the first tournament, and as many to follow the best two guards later."""
BEGUN = 12
"""Known workloads that an attack on a guard begins from, beside drawn ones."""
LEARNED = 4
"""Workloads that are taken in from each attack on a guard; they are alike."""
SURE = 3
"""A guard that leads after so many attacks on it is the one."""
PARENTS = 2
"""Guards from which those of the next tournament come."""
SHARE = 0.3
"""Of the runs that are left, what one choice among guards may take."""
ENOUGH = 1.02
"""An attack that finds no gap larger than this times the known one has found nothing."""


@dataclass
class Attacks:
    """Attacks with seeds of their own, one after another, and how far the making of a guard is.

    Attributes:
        total: steps of about the same length that there will be.
    """

    system: Any
    draw: Draw
    rules: Mapping[str, Policy]
    seed: int
    over: Ending
    say: Progress
    total: int
    done: int = 0
    made: int = 0

    def step(self, words: str) -> Callable[[float], object]:
        """The next step; what is returned is called with the share of it that is done."""
        at, self.done = min(self.done, self.total - 1), self.done + 1
        self.say(at, self.total, words)
        return lambda share: self.say(at + min(max(share, 0.0), 1.0), self.total, words)

    def on(self, whom: Policy, rounds: int, words: str, beside: Sequence[Any] = ()) -> Adverse:
        """Attack a policy from new starts, with an even seed, and from workloads that are known."""
        drawn = 2 * self.seed + 1000 + 100 * self.made
        self.made += 1
        return worst_workloads(
            self.system, whom, self.draw, self.rules, rounds=rounds, seed=drawn, beside=beside, stop=self.over,
            pace=self.over.pace, progress=self.step(words),
        )  # fmt: skip


@dataclass
class Tournament:
    """Guards in the making: all that are known with what is known of them, and how much may be tried.

    Attributes:
        runs: workloads that guards are run on to choose among them, at most.
        short: how many choices were cut short by that.
    """

    bench: Bench
    attacks: Attacks
    rng: np.random.Generator
    rounds: int
    most: int
    tries: int
    runs: float = np.inf
    contest: Contest = field(init=False)
    short: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.contest = Contest(self.bench)

    @staticmethod
    def steps(cycles: int, tries: int) -> int:
        """How many steps so many tournaments take, at most."""
        return sum(_steps(cycle, tries) for cycle in range(cycles))

    @property
    def over(self) -> Ending:
        """Ends it."""
        return self.attacks.over

    def begin(self, regions: Iterable[Where]) -> None:
        """No guard, every rule everywhere and in each region, and what parts from the policy where it fails.

        Each also with a rule that decides everything else. A rule that is never far behind may cost too much on usual workloads
        and yet not where another rule takes what it is bad at; neither of the two is affordable, or worth anything, alone.
        """
        bench, names = self.bench, list(self.bench.choices)
        why = f"{bench.policy.name} fails here."
        start = [GuardRule(where, name, why) for where in regions for name in names]
        start += [_fallback(name) for name in names]
        rules = self._candidates(bench.policy, SINGLES * max(self.tries, 1))
        self.contest.enter([(), *((rule,) for rule in (*start, *rules))])
        self.contest.enter(self._with_fallback(rules))
        remembering = with_memory([*start, *rules[: self.tries]], self._ladder(bench.policy))
        self.contest.enter((rule,) for rule in remembering)
        self.contest.known[()].attacks = 1  # that was the first attack of all

    def play(self, cycle: int) -> bool:
        """One tournament; whether another one may find more."""
        sizes = _sizes(cycle, self.tries)
        last = self.attacks.done + _steps(cycle, self.tries)
        leaders = self._leaders(PARENTS if cycle else sizes[0])
        before = leaders[0] if leaders else None
        self._enter(leaders, more=cycle > 0)
        for place, size in enumerate(sizes):
            rounds = max(1, round(EFFORT[min(place, len(EFFORT) - 1)] * self.rounds))
            for item in self._leaders(size):
                if item.batches < rounds and not self._free_of_gaps(item):
                    self._attack(item, rounds)
        leader = self._sure()
        self.attacks.done = last
        return (
            not self.over.is_set()
            and leader is not None
            and (cycle == 0 or leader is not before)
            and not self._free_of_gaps(leader)
        )

    def chosen(self, *, attacked: bool) -> Standing:
        """The guard of the smallest worth among those that were attacked, or of all."""
        return self.contest.winner() if attacked else self._leader() or Standing(())

    def _enter(self, leaders: Sequence[Standing], *, more: bool) -> None:
        """Guards that the best ones become by a small change: a bound moved or, from the second tournament on, a rule more."""
        if self.over.is_set():
            return
        if more:
            for leader in leaders:
                self.contest.enter(self._changed(leader.rules))
        else:
            ladder = self._ladder(self.bench.policy)
            for leader in leaders[: 2 * PARENTS]:
                self.contest.enter(rebound(leader.rules, ladder))

    def _leaders(self, most: int) -> list[Standing]:
        guards = counted(len(self.contest.known), "guard")
        tell = self.attacks.step(f"choosing among {guards} on {counted(len(self.bench.hard), 'workload')}")
        return self._within_runs(
            lambda runs: self.contest.leaders(self.over, most, lambda count: tell(count / most), runs)
        )

    def _leader(self) -> Standing | None:
        return self._within_runs(lambda runs: self.contest.leader(self.over, runs))

    def _within_runs(self, choose: Callable[[float], Chosen]) -> Chosen:
        """Choose by at most a share of the runs that are left."""
        before, share = self.bench.runs, max(self.runs - self.bench.runs, 0) * SHARE
        chosen = choose(share)
        self.short += self.bench.runs - before >= share
        return chosen

    def _sure(self) -> Standing | None:
        """Attack whoever leads until a guard leads that was attacked often enough, as often as there is time for."""
        leader = None
        for _ in range(_checks(self.tries)):
            leader = self._leader()
            if (
                leader is None
                or self._free_of_gaps(leader)
                or (leader.attacks >= SURE and leader.batches >= self.rounds)
            ):
                break
            self._attack(leader, self.rounds)
        return leader

    def _free_of_gaps(self, standing: Standing) -> bool:
        """Whether nothing is left to shrink of a guard that was attacked."""
        return standing.attacks > 0 and max(standing.gaps.values(), default=0.0) <= 0.0

    def _attack(self, standing: Standing, rounds: int) -> None:
        """Attack a guard, and take in what is worse for it than all that is known."""
        if self.over.is_set():
            return
        known = max(standing.gaps.values(), default=0.0)
        places = sorted(standing.gaps, key=lambda at: -standing.gaps[at])[:BEGUN]
        beside = [self.bench.hard[at] for at in places]
        guarded = self.bench.guarded(standing.rules)
        adverse = self.attacks.on(guarded, rounds, f"attacking guards: {self.attacks.made + 1} attacks", beside)
        standing.attacks += 1
        standing.batches = max(standing.batches, rounds)
        if float(adverse.gaps[0]) > known * ENOUGH:
            old = {id(workload) for workload in self.bench.hard}
            if new := [workload for workload in adverse.workloads if id(workload) not in old][:LEARNED]:
                self.bench.learn(new)

    def _candidates(self, policy: Policy, singles: int) -> list[GuardRule]:
        bench = self.bench
        hard = bench.failing(policy)
        return candidates(bench.system, policy, hard, bench.usual, bench.apt(3), bench.choices, singles, bench.rules)

    def _with_fallback(self, rules: Sequence[GuardRule]) -> Iterator[Rules]:
        if self.most < 2:
            return
        for name, rule in product(self.bench.apt(FALLBACKS), rules):
            if rule.do != name:
                yield rule, _fallback(name)

    def _changed(self, rules: Rules) -> Iterator[Rules]:
        guarded = self.bench.guarded(rules)
        ladder = self._ladder(guarded)
        yield from rebound(rules, ladder)
        new = self._candidates(guarded, SINGLES * self.tries // PARENTS)
        if len(rules) < self.most:
            last = len(rules) - bool(rules and rules[-1].when == EVERYWHERE)  # behind that nothing is ever done
            yield from ((*rules[:last], rule, *rules[last:]) for rule in new)
            yield from ((rule, *rules) for rule in new)
        for _ in range(self.tries):
            yield neighbour(rules, ladder, list(self.bench.choices), self.most, self.rng, new)
        for place, rule in enumerate(rules):
            for remembering in with_memory([replace(rule, after=1, stay=None)], ladder):
                yield (*rules[:place], remembering, *rules[place + 1 :])

    def _ladder(self, policy: Policy) -> Ladder:
        """Bounds about the states that a policy meets on hard workloads and on usual ones."""
        system = self.bench.system
        quantities = quantities_of(system)
        seen = [met_states(system, policy, part, STATES) for part in (self.bench.hard, self.bench.usual)]
        values = np.asarray(quantities(np.concatenate(seen)), dtype=np.float64)
        return Ladder.of(quantities.names, values, np.arange(len(values)) < len(seen[0]))


def _fallback(name: str) -> GuardRule:
    return GuardRule(EVERYWHERE, name, f"Elsewhere {name} is never as far behind.")


def _sizes(cycle: int, tries: int) -> list[int]:
    """Guards that are attacked in each round of a tournament."""
    return sorted({min(size, tries + 1) for size in (LATER if cycle else FIRST)}, reverse=True)


def _checks(tries: int) -> int:
    """Attacks on whoever leads after a tournament, at most."""
    return min(2 * SURE, max(tries, 1))


def _steps(cycle: int, tries: int) -> int:
    sizes = _sizes(cycle, tries)
    return 1 + len(sizes) + sum(sizes) + _checks(tries)
