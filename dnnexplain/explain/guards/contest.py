"""Guards in a contest: which has the smallest worst gap on all workloads known, looked at no further than it takes to tell."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy
from dnnexplain.explain.guards.adversary import behind, best_of
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded

__all__ = ["Bench", "Contest", "Standing"]

Rules = tuple[GuardRule, ...]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIEVE = 12
"""Workloads that a guard is run on before it is compared with the others again."""
TOP = 12
"""What is made small is the worst gap and the mean of so many of the worst."""
EACH = 0.01
"""A rule more is worth it where it makes what is minimised smaller by this share."""
FEW, FAR = 16, 0.1
"""A guard that is dearer by more than this share on so many usual workloads is not run on the others."""
MARGIN = 0.5
"""Of what nominal cost may rise by, the share that is used on the half that the guard is made on."""


@dataclass
class Bench:
    """What guards are measured on while one is made: usual workloads, and those that attacks have found."""

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]
    usual: list[Any]
    allowed: float
    hard: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._nominal = np.asarray(self.system.run(self.policy, self.usual).cost, dtype=np.float64)
        self.best = np.empty(0)

    def learn(self, workloads: Sequence[Any]) -> None:
        """Take in workloads that were found by an attack."""
        self.hard += workloads
        self.best = np.concatenate([self.best, best_of(self.system, self.rules, list(workloads))])

    def gaps(self, policy: Policy, places: Ints | None = None) -> Floats:
        """Of a policy on all hard workloads ``[W]``, or on some of them."""
        chosen = np.arange(len(self.hard)) if places is None else places
        cost = np.asarray(self.system.run(policy, [self.hard[place] for place in chosen]).cost)
        return behind(self.system, cost, self.best[chosen])

    def failing(self, policy: Policy) -> list[Any]:
        """The hard workloads on which a policy is behind by at least half of its worst gap; all if it never is."""
        gaps = self.gaps(policy)
        places = np.flatnonzero(gaps >= max(gaps.max() / 2, 0.0))
        return [self.hard[place] for place in places] if len(places) else self.hard

    def guarded(self, rules: Rules) -> Guarded:
        """The policy with these rules around it."""
        return Guarded(self.policy, Guard(self.system.name, rules), self.system, compare=False)

    def apt(self, most: int) -> dict[str, Policy]:
        """The rules whose own worst gaps on the hard workloads are smallest."""
        worst = {name: float(self.gaps(rule).max()) for name, rule in self.rules.items()}
        return {name: self.rules[name] for name in sorted(worst, key=lambda name: worst[name])[:most]}

    def affordable(self, rules: Rules) -> bool:
        """Whether the nominal cost rises by no more than may be, on the half of the seeds that guards are made on."""
        if not rules:
            return True
        policy, few = self.guarded(rules), self.usual[:FEW]
        head = np.asarray(self.system.run(policy, few).cost, dtype=np.float64)
        own = float(self._nominal[:FEW].mean())
        if len(self.usual) > FEW and head.mean() - own > max(FAR, 2 * self.allowed) * abs(own):
            return False
        rest = self.usual[FEW:]
        tail = np.asarray(self.system.run(policy, rest).cost, dtype=np.float64) if rest else np.empty(0)
        nominal = float(self._nominal.mean())
        cost = float(np.concatenate([head, tail]).mean())
        return cost - nominal <= MARGIN * self.allowed * abs(nominal)


@dataclass(eq=False)
class Standing:
    """What is known of one guard.

    Attributes:
        rules: of it.
        gaps: on the hard workloads that it was run on, by their places.
        attacks: how often it was attacked.
        affordable: whether its nominal cost may be; ``None`` while that is not known.
    """

    rules: Rules
    gaps: dict[int, float] = field(default_factory=dict)
    attacks: int = 0
    affordable: bool | None = None

    @property
    def worth(self) -> float:
        """What is to be made small; it never falls as more workloads are known."""
        worst = sorted((max(gap, 0.0) for gap in self.gaps.values()), reverse=True)[:TOP]
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
            key = tuple((rule.when, rule.do) for rule in rules)
            if key not in self.known:
                self.known[key] = Standing(rules)
                heapq.heappush(self._heap, (0.0, next(self._order), self.known[key]))

    def leader(self, over: Event) -> Standing | None:
        """The affordable guard of the smallest worth on all that is known; ``None`` where there is none, or it was ended."""
        while self._heap and not over.is_set():
            _, place, item = heapq.heappop(self._heap)
            unseen = [at for at in range(len(self.bench.hard)) if at not in item.gaps]
            if unseen:
                self.look(item, unseen)
            elif item.affordable is None:
                item.affordable = self.bench.affordable(item.rules)
                if not item.affordable:
                    continue
            else:
                heapq.heappush(self._heap, (item.worth, place, item))
                return item
            heapq.heappush(self._heap, (item.worth, place, item))
        return None

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
        attacked = [entry for entry in self.known.values() if entry.attacks and entry.affordable is not False]
        for item in attacked:
            unseen = [at for at in range(len(self.bench.hard)) if at not in item.gaps]
            if unseen:
                self.look(item, unseen, len(unseen))
        return min(attacked, key=lambda entry: (entry.worth, len(entry.rules)), default=Standing(()))
