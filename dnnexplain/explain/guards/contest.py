"""Guards in a contest: which has the smallest worst gap on all workloads known, looked at no further than it takes to tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, cost_is_ratio
from dnnexplain.explain.guards.adversary import behind
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.explain.guards.side_by_side import costs_side_by_side
from dnnexplain.explain.sequence.pace import Pace
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
BLOCK = 12
"""Guards of which a little more is found out at once; of those of which nothing is known, all."""
FEW, FAR = 16, 0.1
"""A guard that is dearer by more than this share on so many usual workloads is not run on the others."""
ALIKE = 2
"""Guards of one kind (the same quantities and the same rules) that may lead together."""
LEVEL = 0.68
"""Of the paired interval whose upper end is what nominal cost may rise by: a standard error to either side."""


@dataclass
class Bench:
    """What guards are measured on while one is made: usual workloads, and those that attacks have found.

    ``rules`` are what gaps are to, ``choices`` what a guard may do (the same where none are given), ``pace`` tells how many
    runs of guards end in time.
    """

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]
    usual: list[Any]
    allowed: float
    choices: Mapping[str, Policy] = field(default_factory=dict)
    hard: list[Any] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self.choices = self.choices or self.rules
        self._nominal = np.asarray(self.system.run(self.policy, self.usual).cost, dtype=np.float64)
        self.best = np.empty(0)
        self.whose: list[str] = []
        self.attack_of: list[int] = []
        self.runs = 0

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

    def gaps_of(self, guards: Sequence[Rules], places: Sequence[Ints]) -> list[Floats]:
        """Of each guard on its own places among the hard workloads; they run side by side."""
        workloads = [[self.hard[at] for at in some] for some in places]
        costs = self._costs(guards, workloads)
        return [behind(self.system, cost, self.best[some]) for cost, some in zip(costs, places, strict=True)]

    def affordable(self, guards: Sequence[Rules]) -> list[bool]:
        """Whether the nominal cost rises by no more than may be, on the half of the seeds that guards are made on.

        The upper end of its paired interval (:data:`LEVEL`) counts. A few of the usual workloads tell what is far too dear.
        """
        affordable = [not rules for rules in guards]
        few, rest = self.usual[:FEW], self.usual[FEW:]
        bounded = [at for at, rules in enumerate(guards) if rules]
        begun = dict(zip(bounded, self._costs([guards[at] for at in bounded], [few] * len(bounded)), strict=True))
        own = float(self._nominal[:FEW].mean())
        near = [at for at in bounded if not rest or begun[at].mean() - own <= max(FAR, 2 * self.allowed) * abs(own)]
        ended = self._costs([guards[at] for at in near], [rest] * len(near)) if rest else [np.empty(0)] * len(near)
        for at, more in zip(near, ended, strict=True):
            affordable[at] = self._within(np.append(begun[at], more))
        return affordable

    def _within(self, cost: Floats) -> bool:
        """Whether these costs of the usual workloads ``[W]`` are no dearer than may be."""
        if not np.isfinite(cost).all():
            return False
        ratio = cost_is_ratio(self.system)
        change = compared_interval(cost, self._nominal, ratio=ratio, level=LEVEL)
        most = self.allowed * (1.0 if ratio else abs(float(self._nominal.mean())))
        return bool((change.mean if np.isnan(change.high) else change.high) <= most)

    def _costs(self, guards: Sequence[Rules], workloads: Sequence[Sequence[Any]]) -> list[Floats]:
        count = sum(map(len, workloads))
        self.runs += count
        self.pace.begin()
        costs = costs_side_by_side(self.system, [self.guarded(rules) for rules in guards], workloads)
        self.pace.ran(count)
        return costs


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

    A guard's worth on the workloads that it was run on is a lower bound of its worth on all of them. So the guards with the
    smallest bounds are run on a few more, again and again, until the smallest bound is that of a guard that was run on all
    and can be afforded: no other is better. This is best-first search, some guards at a time, for they run side by side.

    Args:
        bench: what they are run on.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.known: dict[tuple[Any, ...], Standing] = {}
        self._trouble: dict[int, tuple[float, int]] = {}

    def enter(self, guards: Iterable[Rules]) -> None:
        """Take in guards that are not there yet."""
        for rules in guards:
            key = tuple((rule.when, rule.do, rule.after, rule.stay) for rule in rules)
            if key not in self.known:
                self.known[key] = Standing(rules, self.bench.attack_of)

    def leader(self, over: Event, runs: float = np.inf) -> Standing | None:
        """The affordable guard of the smallest worth on all that is known; ``None`` where there is none, or it was ended."""
        return next(iter(self.leaders(over, 1, runs=runs)), None)

    def leaders(
        self, over: Event, most: int, progress: Callable[[int], object] | None = None, runs: float = np.inf
    ) -> list[Standing]:
        """The affordable guards of the smallest worth, the best first; of one kind at most two, and no two that do the same.

        Args:
            over: ends it with those found.
            most: so many.
            progress: called with how many were found.
            runs: once guards were run on so many workloads, those that are known by then are the leaders, and no guard at
                least is among them.
        """
        until = self.bench.runs + runs
        while True:
            leaders, front = self._front(most)
            if progress is not None:
                progress(len(leaders))
            if len(leaders) >= most or not front or over.is_set():
                return leaders
            if self.bench.runs >= until:
                return self._front(most, settled=True)[0] or self._none()
            if not (front := self._in_time(front)):
                return leaders
            self._find_out(front)

    def _in_time(self, front: list[Standing]) -> list[Standing]:
        """Those, the first first, about which a little more is found out before the time is up; one while it is not known what a run takes, and all where nothing limits the time."""
        bench = self.bench
        if not bench.pace.took and bench.pace.left() < np.inf:
            return front[: bench.pace.fits(1)]
        runs = np.cumsum([SIEVE if len(item.gaps) < len(bench.hard) else len(bench.usual) for item in front])
        return front[: int(np.searchsorted(runs, bench.pace.fits(int(runs[-1])), side="right"))]

    def _front(self, most: int, *, settled: bool = False) -> tuple[list[Standing], list[Standing]]:
        """Guards of which all is known and that no other can be better than, and those that are first to be found out about.

        With ``settled`` guards of which all is known count though others might turn out better.
        """
        leaders: list[Standing] = []
        front: list[Standing] = []
        kinds, seen = Counter[tuple[Any, ...]](), set()
        waiting = [item for item in self.known.values() if item.affordable is not False]
        for item in sorted(waiting, key=lambda item: item.worth):
            known = item.affordable is not None and len(item.gaps) == len(self.bench.hard)
            if kinds[item.kind] >= ALIKE or (settled and not known):
                continue
            if not known:
                front += [item] if len(front) < BLOCK or not item.gaps else []
            elif not front:
                same = tuple(sorted(item.gaps.items()))
                if same not in seen:
                    seen.add(same)
                    kinds[item.kind] += 1
                    leaders.append(item)
            if len(leaders) >= most:
                break
        return leaders, front

    def _find_out(self, standings: Sequence[Standing]) -> None:
        """A little more of each: its gaps on the workloads that were the most trouble to others, in the end its usual cost."""
        count = len(self.bench.hard)
        unseen = [[at for at in range(count) if at not in item.gaps] for item in standings]
        short = [(item, some) for item, some in zip(standings, unseen, strict=True) if some]
        if short:
            self._look(*map(list, zip(*short, strict=True)))
        done = [item for item, some in zip(standings, unseen, strict=True) if not some and item.affordable is None]
        for item, can in zip(done, self.bench.affordable([item.rules for item in done]), strict=True):
            item.affordable = can

    def _look(self, standings: Sequence[Standing], unseen: Sequence[Sequence[int]]) -> None:
        """Run guards on those of some workloads that have been the most trouble to others."""
        places = [np.array(sorted(some, key=lambda at: -self._mean(at))[:SIEVE]) for some in unseen]
        measured = self.bench.gaps_of([item.rules for item in standings], places)
        for item, some, gaps in zip(standings, places, measured, strict=True):
            for at, gap in zip(some.tolist(), gaps.tolist(), strict=True):
                item.gaps[at] = gap
                total, runs = self._trouble.get(at, (0.0, 0))
                self._trouble[at] = total + max(gap, 0.0), runs + 1

    def _mean(self, at: int) -> float:
        total, runs = self._trouble.get(at, (0.0, 0))
        return total / runs if runs else float("inf")

    def _none(self) -> list[Standing]:
        """No guard, if it entered, found out about to the end."""
        none = self.known.get(())
        return [] if none is None else [self._settled(none)]

    def _settled(self, standing: Standing) -> Standing:
        while len(standing.gaps) < len(self.bench.hard) or standing.affordable is None:
            self._find_out([standing])
        return standing

    def winner(self) -> Standing:
        """Of the guards that were attacked, the affordable one of the smallest worth on all that is known."""
        attacked = [item for item in self.known.values() if item.attacks and item.affordable is not False]
        while attacked:
            best = min(attacked, key=lambda item: (item.worth, len(item.rules)))
            if best.affordable is not None and len(best.gaps) == len(self.bench.hard):
                return best
            self._find_out([best])
            if best.affordable is False:
                attacked.remove(best)
        return Standing(())
