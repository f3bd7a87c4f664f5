"""Guards in a contest: which has the smallest worst gap on all workloads known, looked at no further than it takes to tell."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, cost_is_ratio
from dnnexplain.explain.guards.adversary import behind
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.intervals import compared_interval

__all__ = ["Bench", "Contest", "Standing"]

Rules = tuple[GuardRule, ...]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIEVE = 12
"""Workloads that a guard is run on before it is compared with the others again."""
TOP = 12
"""What is made small is the worst gap and the mean of so many of the worst, one of each attack's: what one attack finds is alike."""
EACH = 0.01
"""A rule more is worth it where it makes what is minimised smaller by this share."""
FEW, FAR = 16, 0.1
"""A guard that is dearer by more than this share on so many usual workloads is not run on the others."""
ALIKE = 2
"""Guards of one kind (the same quantities and the same rules) that may lead together."""
LEVEL = 0.68
"""Of the paired interval whose upper end is what nominal cost may rise by: a standard error to either side."""


@dataclass
class Bench:
    """What guards are measured on while one is made: usual workloads, and those that attacks have found.

    ``rules`` are what gaps are to, ``choices`` what a guard may do (the same where none are given).
    """

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]
    usual: list[Any]
    allowed: float
    choices: Mapping[str, Policy] = field(default_factory=dict)
    hard: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.choices = self.choices or self.rules
        self._nominal = np.asarray(self.system.run(self.policy, self.usual).cost, dtype=np.float64)
        self.best = np.empty(0)
        self.whose: list[str] = []
        self.attack_of: list[int] = []

    def learn(self, workloads: Sequence[Any]) -> None:
        """Take in workloads that were found by one attack."""
        if not workloads:
            return
        self.attack_of += [max(self.attack_of, default=-1) + 1] * len(workloads)
        costs = np.array(
            [self.system.run(rule, list(workloads)).cost for rule in self.rules.values()], dtype=np.float64
        )
        self.hard += workloads
        self.best = np.concatenate([self.best, costs.min(axis=0)])
        names = list(self.rules)
        self.whose += [names[place] for place in costs.argmin(axis=0)]

    def gaps(self, policy: Policy, places: Ints | None = None) -> Floats:
        """Of a policy on all hard workloads ``[W]``, or on some of them."""
        chosen = np.arange(len(self.hard)) if places is None else places
        cost = np.asarray(self.system.run(policy, [self.hard[place] for place in chosen]).cost)
        return behind(self.system, cost, self.best[chosen])

    def failing(self, policy: Policy) -> dict[str, list[Any]]:
        """The hard workloads on which a policy is behind by at least half of its worst gap, by the best rule; all if it never is."""
        gaps = self.gaps(policy)
        places = np.flatnonzero(gaps >= max(gaps.max() / 2, 0.0))
        failing: dict[str, list[Any]] = {}
        for place in places if len(places) else range(len(self.hard)):
            failing.setdefault(self.whose[place], []).append(self.hard[place])
        return failing

    def guarded(self, rules: Rules) -> Guarded:
        """The policy with these rules around it."""
        return Guarded(self.policy, Guard(self.system.name, rules), self.system, compare=False)

    def apt(self, most: int) -> dict[str, Policy]:
        """The choices whose own worst gaps on the hard workloads are smallest."""
        worst = {name: float(self.gaps(rule).max()) for name, rule in self.choices.items()}
        return {name: self.choices[name] for name in sorted(worst, key=lambda name: worst[name])[:most]}

    def affordable(self, rules: Rules) -> bool:
        """Whether the nominal cost rises by no more than may be, on the half of the seeds that guards are made on.

        The upper end of its paired interval (:data:`LEVEL`) counts. A few of the usual workloads tell what is far too dear.
        """
        if not rules:
            return True
        policy, few = self.guarded(rules), self.usual[:FEW]
        cost = np.asarray(self.system.run(policy, few).cost, dtype=np.float64)
        own = float(self._nominal[:FEW].mean())
        if len(self.usual) > FEW:
            if cost.mean() - own > max(FAR, 2 * self.allowed) * abs(own):
                return False
            cost = np.append(cost, np.asarray(self.system.run(policy, self.usual[FEW:]).cost, dtype=np.float64))
        if not np.isfinite(cost).all():
            return False
        ratio = cost_is_ratio(self.system)
        change = compared_interval(cost, self._nominal, ratio=ratio, level=LEVEL)
        most = self.allowed * (1.0 if ratio else abs(float(self._nominal.mean())))
        return bool((change.mean if np.isnan(change.high) else change.high) <= most)


@dataclass(eq=False)
class Standing:
    """What is known of one guard.

    Attributes:
        rules: of it.
        attack_of: which attack found each hard workload.
        gaps: on the hard workloads that it was run on, by their places.
        attacks: how often it was attacked; ``batches`` of the largest attack.
        affordable: whether its nominal cost may be; ``None`` while that is not known.
    """

    rules: Rules
    attack_of: Sequence[int] = ()
    gaps: dict[int, float] = field(default_factory=dict)
    attacks: int = 0
    batches: int = 0
    affordable: bool | None = None

    @property
    def kind(self) -> tuple[Any, ...]:
        """Which quantities it bounds and what it does there, whatever the bounds are."""
        return tuple((tuple(span.feature for span in rule.when.spans), rule.do, rule.remembers) for rule in self.rules)

    @property
    def worth(self) -> float:
        """What is to be made small; it never falls as more workloads are known.

        A guard that mends one kind of failure of several is worth something, though the worst gap stays: another rule may
        mend the rest.
        """
        worst_of: dict[int, float] = {}
        for at, gap in self.gaps.items():
            worst_of[self.attack_of[at]] = max(gap, worst_of.get(self.attack_of[at], 0.0))
        worst = sorted(worst_of.values(), reverse=True)[:TOP]
        if not worst:
            return 0.0
        return (worst[0] + sum(worst) / TOP) * (1.0 + EACH * len(self.rules))


class Contest:
    """Guards, of which the one that leads is known at the cost of a few runs each.

    A guard's worth on the workloads that it was run on is a lower bound of its worth on all of them. So the guard with the
    smallest bound is run on a few more, again and again, until the smallest bound is that of a guard that was run on all
    and can be afforded: no other is better. This is best-first search.

    Args:
        bench: what they are run on.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.known: dict[tuple[Any, ...], Standing] = {}
        self._heap: list[tuple[float, int, Standing]] = []
        self._order = count()
        self._trouble: dict[int, tuple[float, int]] = {}

    def enter(self, guards: Iterable[Rules]) -> None:
        """Take in guards that are not there yet."""
        for rules in guards:
            key = tuple((rule.when, rule.do, rule.after, rule.stay) for rule in rules)
            if key not in self.known:
                self.known[key] = Standing(rules, self.bench.attack_of)
                heapq.heappush(self._heap, (0.0, next(self._order), self.known[key]))

    def leader(self, over: Event) -> Standing | None:
        """The affordable guard of the smallest worth on all that is known; ``None`` where there is none, or it was ended."""
        return next(iter(self.leaders(over, 1)), None)

    def leaders(self, over: Event, most: int, progress: Callable[[int], object] | None = None) -> list[Standing]:
        """The affordable guards of the smallest worth, the best first; of one kind at most two, and no two that do the same.

        Args:
            over: ends it with those found.
            most: so many.
            progress: called with how many were found.
        """
        standings: list[Standing] = []
        aside: list[tuple[float, int, Standing]] = []
        kinds, seen = Counter[tuple[Any, ...]](), set()
        while self._heap and len(standings) < most and not over.is_set():
            _, place, item = heapq.heappop(self._heap)
            if kinds[item.kind] >= ALIKE:
                aside.append((item.worth, place, item))
            elif not self._settled(item):
                if item.affordable is not False:
                    heapq.heappush(self._heap, (item.worth, place, item))
            else:
                aside.append((item.worth, place, item))
                same = tuple(sorted(item.gaps.items()))
                if same not in seen:
                    seen.add(same)
                    kinds[item.kind] += 1
                    standings.append(item)
                    if progress is not None:
                        progress(len(standings))
        for entry in aside:
            heapq.heappush(self._heap, entry)
        return standings

    def _settled(self, standing: Standing) -> bool:
        """Whether all is known of a guard; if not, a little more is found out."""
        unseen = [at for at in range(len(self.bench.hard)) if at not in standing.gaps]
        if unseen:
            self.look(standing, unseen)
        elif standing.affordable is None:
            standing.affordable = self.bench.affordable(standing.rules)
        else:
            return True
        return False

    def look(self, standing: Standing, unseen: Sequence[int], most: int = SIEVE) -> None:
        """Run a guard on those of some workloads that have been the most trouble to others."""
        places = sorted(unseen, key=lambda at: -self._mean(at))[:most]
        gaps = self.bench.gaps(self.bench.guarded(standing.rules), np.array(places))
        for at, gap in zip(places, gaps.tolist(), strict=True):
            standing.gaps[at] = gap
            total, runs = self._trouble.get(at, (0.0, 0))
            self._trouble[at] = total + max(gap, 0.0), runs + 1

    def _mean(self, at: int) -> float:
        total, runs = self._trouble.get(at, (0.0, 0))
        return total / runs if runs else float("inf")

    def winner(self) -> Standing:
        """Of the guards that were attacked, the affordable one of the smallest worth on all that is known."""
        attacked = [item for item in self.known.values() if item.attacks and item.affordable is not False]
        while attacked:
            best = min(attacked, key=lambda item: (item.worth, len(item.rules)))
            if self._settled(best):
                return best
            if best.affordable is False:
                attacked.remove(best)
        return Standing(())
