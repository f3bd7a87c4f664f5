"""A guard compiled from failures: candidate rules from regions, chosen greedily against the worst workloads known, attacked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product, takewhile
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.guards.adversary import Adverse, Draw, behind, best_of, worst_workloads
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.explain.guards.polishing import Ladder, polished
from dnnexplain.explain.regions.boxes import failing_boxes
from dnnexplain.explain.regions.evidence import met_states, taken
from dnnexplain.explain.regions.where import EVERYWHERE, Where, quantities_of
from dnnexplain.numbers import percent

__all__ = ["candidates", "compile_guard"]

Floats = NDArray[np.float64]
Progress = Callable[..., object]

STATES = 2000
BOXES = 4
BETTER = 0.98
"""A rule is added where what is minimised becomes smaller than this share of what it was."""
MARGIN = 0.5
"""Of what nominal cost may rise by, the share that is used on the half that the guard is made on."""
ENOUGH = 1.02
"""A search against the guarded policy that finds no gap larger than this times the known one ends the making."""
LEARNED = 12
"""Workloads that are taken in from each attack."""
KEPT_BY = (0.5, 0.75, 0.9)
"""Shares of the hard states in which policy and rule part that keep a candidate's one bound."""
GO_ON = 8
"""Of the candidates for the first rule, one in so many, the best, is tried for the others."""
FALLBACKS = 3
"""Rules of the system that a guard may fall back on: those that are least behind themselves."""
CONTENDERS, SINGLE = 8, 80
"""Guards that are attacked at the end, at most; guards of one rule that are looked at for it."""
SINGLES = 10
"""For each change that may be tried, so many rules of one bound, of all rules of the system, are candidates."""
SIEVE, FINALISTS = 6, 6
"""Every candidate is tried on so many of the worst workloads; so many of the best that can be afforded are tried on all."""


def compile_guard(
    system: Any,
    policy: Policy,
    draw: Draw,
    *,
    rules: Mapping[str, Policy],
    regions: Iterable[Where] = (),
    sets: int = 40,
    rounds: int = 20,
    cycles: int = 3,
    most: int = 4,
    tries: int = 60,
    allowed: float = 0.01,
    seed: int = 0,
    stop: Event | None = None,
    progress: Progress | None = None,
) -> Guard:
    """Make a guard: attack, learn where the policy and a rule part on what was found, choose rules, attack what came of it.

    What is chosen makes the worst gap to the best rule smaller on all workloads found so far, while the nominal cost
    rises by at most half of ``allowed`` on the half of the seeds that it is made on. Each cycle attacks the guarded policy
    and chooses again with what was found (counterexample-guided). Nothing here is a figure to report: see
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
        tries: small changes to the chosen rules that are looked at after each attack.
        allowed: by what share the nominal cost may rise.
        seed: of everything.
        stop: ends it with the rules that are chosen by then.
        progress: called with what is done, of how many, and words.
    """
    over = stop or Event()
    told = _Told(progress or (lambda *_: None), 2 + min(FALLBACKS, len(rules)) + 2 * cycles + CONTENDERS)
    usual = list(draw(sets, 2 * seed))

    def attacked(whom: Policy, drawn: int, words: str) -> Adverse:
        return worst_workloads(
            system, whom, draw, rules, rounds=rounds, seed=2 * seed + drawn, stop=over, progress=told.step(words)
        )

    adverse = attacked(policy, 1000, "attacking the policy")
    bench = _Bench(system, policy, rules, usual, allowed)
    bench.learn(adverse.workloads[:LEARNED])
    for place, rule in enumerate(bench.apt().values()):
        # What a guard falls back on has weak places of its own, which would be found only when it is attacked.
        if not over.is_set():
            found = attacked(rule, 2000 + 2 * place, f"attacking {rule.name}, on which a guard may fall back")
            bench.learn(found.workloads[: LEARNED // 2])
    made = _Making(bench, [], rng=np.random.default_rng(seed), most=most, tries=tries, told=told, over=over)
    chosen: tuple[GuardRule, ...] = ()
    were: list[tuple[GuardRule, ...]] = []
    for cycle in range(cycles):
        if over.is_set():
            break
        apt = bench.apt()
        parted = candidates(system, policy, bench.failing(), usual, apt, rules, SINGLES * tries)
        made.pool += [*_start(policy, apt, regions), *parted]
        chosen = made.better(chosen, list(apt))
        were.append(chosen)
        guarded = bench.guarded(chosen)
        again = attacked(guarded, 1002 + 2 * cycle, "attacking the guarded policy")
        if float(again.gaps.max()) <= float(bench.gaps(guarded).max()) * ENOUGH:
            break
        bench.learn(again.workloads[:LEARNED])
    else:
        chosen = made.better(chosen, list(bench.apt()))
        were.append(chosen)
    contenders = [] if over.is_set() else bench.contenders(were, made.pool)
    chosen = _last(bench, contenders, attacked, chosen, over)
    checkpoint = getattr(policy, "checkpoint", "")
    return Guard(system.name, chosen, policy.name, checkpoint, _notes(bench, adverse.how, allowed, ended=over.is_set()))


def _last(
    bench: _Bench,
    contenders: Sequence[tuple[GuardRule, ...]],
    attacked: Callable[[Policy, int, str], Adverse],
    chosen: tuple[GuardRule, ...],
    over: Event,
) -> tuple[GuardRule, ...]:
    """Of a few guards the one whose worst gap is smallest once each was attacked: many rules fit what is known too well."""
    for place, rules in enumerate(contenders):
        if over.is_set():
            return chosen
        words = f"attacking guard {place + 1} of {len(contenders)} that may be the one"
        found = attacked(bench.guarded(rules), 3000 + 2 * place, words)
        bench.learn(found.workloads[: LEARNED // 2])
    return min(contenders, key=lambda rules: (bench.worth(rules), len(rules)), default=chosen)


def _start(policy: Policy, rules: Mapping[str, Policy], regions: Iterable[Where]) -> list[GuardRule]:
    found = [GuardRule(where, name, f"{policy.name} fails here.") for where in regions for name in rules]
    return [*found, *(GuardRule(EVERYWHERE, name, f"Elsewhere {name} is never as far behind.") for name in rules)]


def candidates(
    system: Any,
    policy: Policy,
    hard: Sequence[Any],
    usual: Sequence[Any],
    rules: Mapping[str, Policy],
    others: Mapping[str, Policy] | None = None,
    singles: int = 0,
) -> list[GuardRule]:
    """Rules for states in which the policy and a rule of the system part, on hard workloads more than on usual ones.

    Args:
        system, policy: whose decisions.
        hard, usual: workloads on which the policy falls behind, and workloads as they come.
        rules: what may be done in boxes of several bounds, by name.
        others: what may be done behind a single bound; ``rules`` if not given. A rule that is far behind everywhere may
            be right in the few states that a bound leaves it.
        singles: rules of one bound, those that tell hard states from usual ones best; all if 0.
    """
    quantities = quantities_of(system)
    seen = [met_states(system, policy, part, STATES) for part in (hard, usual)]
    observations = np.concatenate(seen)
    label = np.repeat([1.0, 0.0], [len(part) for part in seen])
    values = np.asarray(quantities(observations), dtype=np.float64)
    own = taken(system, policy, observations)
    found: list[GuardRule] = []
    single: list[tuple[float, GuardRule]] = []
    for name, rule in {**rules, **(others or rules)}.items():
        part = ~system.output.same(own, taken(system, rule, observations))
        if part.any() and label[part].any():
            single += _simple(quantities.names, values, part, label > 0, name, policy.name)
        if name not in rules:
            continue
        for box in failing_boxes(values[part], label[part])[:BOXES]:
            where = Where.of(quantities.names, box)
            found.append(GuardRule(where, name, f"Where {policy.name} falls behind, it and {name} part here."))
        if part.any() and label[part].any():
            found += _tight(quantities.names, values[part], label[part], name, policy.name)
    single.sort(key=lambda one: -one[0])
    return [*found, *(rule for _, rule in single[: singles or None])]


def _simple(
    names: Sequence[str], values: Floats, part: NDArray[np.bool_], hard: NDArray[np.bool_], rule: str, policy: str
) -> list[tuple[float, GuardRule]]:
    """For each quantity ``[B, F]`` bounds that many of the hard states keep in which policy and rule part, and how well each tells.

    That is the share of all hard states in which they part and the bound holds, less that of the usual ones.
    """
    why = f"Where {policy} falls behind, it and {rule} part here most often."
    found: dict[Where, tuple[float, GuardRule]] = {}
    for column, share in product(range(values.shape[1]), KEPT_BY):
        here = values[:, column]
        known = np.unique(here[part & hard])
        low, high = np.quantile(here[part & hard], (1.0 - share, share), method="nearest")
        under, over = known[known < low], known[known > high]
        spans = [((under[-1] + low) / 2, np.inf)] if len(under) else []
        spans += [(-np.inf, (high + over[0]) / 2)] if len(over) else []
        for span in spans:
            if np.isfinite(span).any():
                where = Where.of(names, {column: span})
                held = part & (here > span[0]) & (here <= span[1])
                told = float(held[hard].mean() - (held[~hard].mean() if (~hard).any() else 0.0))
                found[where] = told, GuardRule(where, rule, why)
    return list(found.values())


def _tight(names: Sequence[str], values: Floats, label: Floats, rule: str, policy: str) -> list[GuardRule]:
    """A bound that most hard states keep and few usual ones do, on the quantity where that is clearest."""
    best, where = 0.0, None
    for column in range(values.shape[1]):
        for place in np.unique(np.quantile(values[:, column], (0.1, 0.25, 0.5, 0.75, 0.9))):
            above = values[:, column] > place
            gain = float(above[label > 0].mean() - (above[label == 0].mean() if (label == 0).any() else 0.0))
            if abs(gain) > best:
                best = abs(gain)
                span = (float(place), np.inf) if gain > 0 else (-np.inf, float(place))
                where = Where.of(names, {column: span})
    return [] if where is None else [GuardRule(where, rule, f"Where {policy} falls behind, it and {rule} part here.")]


@dataclass
class _Told:
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
    """One guard in the making: candidates so far, and how much may be tried."""

    bench: _Bench
    pool: list[GuardRule]
    rng: np.random.Generator
    most: int
    tries: int
    told: _Told
    over: Event

    def better(self, chosen: tuple[GuardRule, ...], does: Sequence[str]) -> tuple[GuardRule, ...]:
        """Rules against all workloads known by now: chosen one by one at first, then changed bit by bit."""
        share = self.told.step(f"choosing rules against {counted(len(self.bench.hard), 'workload')}")

        def tell(tried: int) -> bool:
            share(tried / max(self.tries, 1))
            return not self.over.is_set()

        start = chosen or self.bench.chosen(self.pool, self.most, self.over)
        if not self.tries or self.over.is_set():
            return start
        ladder = self.bench.ladder(start)
        return polished(
            start, self.bench, ladder, does, pool=self.pool, most=self.most, tries=self.tries, rng=self.rng, go_on=tell
        )


@dataclass
class _Bench:
    """What guards are measured on while one is made."""

    system: Any
    policy: Policy
    rules: Mapping[str, Policy]
    usual: list[Any]
    allowed: float
    hard: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._few, self._limit = np.empty(0, dtype=np.int64), float("inf")
        self.nominal = float(np.mean(self.system.run(self.policy, self.usual).cost))
        self.best = np.empty(0)

    def learn(self, workloads: Sequence[Any]) -> None:
        """Take in workloads that were found by an attack."""
        self.hard += workloads
        self.best = np.concatenate([self.best, best_of(self.system, self.rules, list(workloads))])

    def gaps(self, policy: Policy, places: NDArray[np.int64] | None = None) -> Floats:
        """Of a policy on all hard workloads ``[W]``, or on some of them."""
        chosen = np.arange(len(self.hard)) if places is None else places
        cost = np.asarray(self.system.run(policy, [self.hard[place] for place in chosen]).cost)
        return behind(self.system, cost, self.best[chosen])

    def failing(self) -> list[Any]:
        """The hard workloads on which the policy itself is behind by at least half of its worst gap; all if it never is."""
        gaps = self.gaps(self.policy)
        places = np.flatnonzero(gaps >= max(gaps.max() / 2, 0.0))
        return [self.hard[place] for place in places] if len(places) else self.hard

    def guarded(self, rules: tuple[GuardRule, ...]) -> Guarded:
        return Guarded(self.policy, Guard(self.system.name, rules), self.system, compare=False)

    def apt(self) -> dict[str, Policy]:
        """The rules whose own worst gaps on the hard workloads are smallest, :data:`FALLBACKS` of them."""
        worst = {name: float(self.gaps(rule).max()) for name, rule in self.rules.items()}
        return {name: self.rules[name] for name in sorted(worst, key=lambda name: worst[name])[:FALLBACKS]}

    def _objective(self, policy: Policy) -> float:
        gaps = np.sort(self.gaps(policy))[::-1]
        return float(gaps[0] + gaps[: max(len(gaps) // 4, 1)].mean())

    def _affordable(self, policy: Policy) -> bool:
        cost = float(np.mean(self.system.run(policy, self.usual).cost))
        return cost - self.nominal <= MARGIN * self.allowed * abs(self.nominal)

    def settle(self, rules: tuple[GuardRule, ...]) -> None:
        """These rules are the present ones; see :class:`~dnnexplain.explain.guards.polishing.Judge`."""
        gaps = self.gaps(self.guarded(rules))
        self._few = np.argsort(-gaps, kind="stable")[:SIEVE]
        self._limit = float(gaps[self._few].mean())

    def promising(self, rules: tuple[GuardRule, ...]) -> bool:
        """Whether these rules do better on the few workloads that are worst with the present ones."""
        return float(self.gaps(self.guarded(rules), self._few).mean()) < self._limit

    def worth(self, rules: tuple[GuardRule, ...]) -> float:
        """Twice the worst gap, softened by the next ones; infinite where the nominal cost cannot be afforded."""
        policy = self.guarded(rules)
        return self._objective(policy) if self._affordable(policy) else float("inf")

    def contenders(
        self, were: Sequence[tuple[GuardRule, ...]], pool: Sequence[GuardRule]
    ) -> list[tuple[GuardRule, ...]]:
        """No guard, those that were chosen, their beginnings, and single rules that do best on all that is known."""
        found = [(), *(rules[:count] for rules in reversed(were) for count in (len(rules), 2, 1))]
        alone = list({(rule.when, rule.do): (rule,) for rule in pool}.values())
        worst = np.argsort(-self.gaps(self.policy), kind="stable")[:SIEVE]
        first = [float(self.gaps(self.guarded(rules), worst).mean()) for rules in alone]
        found += [alone[place] for place in np.argsort(first, kind="stable")[:SINGLE]]
        distinct = list({tuple((rule.when, rule.do) for rule in rules): rules for rules in found}.values())
        worth = {place: self.worth(rules) for place, rules in enumerate(distinct)}
        order = sorted((place for place in worth if np.isfinite(worth[place])), key=lambda place: worth[place])
        return [distinct[place] for place in order[:CONTENDERS]]

    def ladder(self, rules: tuple[GuardRule, ...]) -> Ladder:
        """Bounds about the states that the guarded policy meets on hard workloads and on usual ones."""
        quantities, policy = quantities_of(self.system), self.guarded(rules)
        seen = [met_states(self.system, policy, part, STATES) for part in (self.hard, self.usual)]
        values = np.asarray(quantities(np.concatenate(seen)), dtype=np.float64)
        return Ladder.of(quantities.names, values, np.arange(len(values)) < len(seen[0]))

    def chosen(self, tried: Sequence[GuardRule], most: int, over: Event) -> tuple[GuardRule, ...]:
        """Rules added one by one, each time the one that makes the worst gaps smallest and can be afforded; ``over`` ends it."""
        rules: tuple[GuardRule, ...] = ()
        now = self._objective(self.policy)
        distinct = list({(rule.when, rule.do): rule for rule in tried}.values())
        while len(rules) < most:
            more = [self.guarded((*rules, rule)) for rule in distinct if rule not in rules]
            before = self.guarded(rules)
            worst = np.argsort(-self.gaps(before))[:SIEVE]
            first = [float(self.gaps(policy, worst).mean()) for policy in takewhile(lambda _: not over.is_set(), more)]
            if over.is_set():
                return rules
            if not rules:
                best = np.argsort(first, kind="stable")[: max(len(first) // GO_ON, 8 * FINALISTS)]
                distinct = [distinct[place] for place in best]
            limit = float(self.gaps(before, worst).mean())
            promising = (more[place] for place in np.argsort(first, kind="stable") if first[place] < limit)
            finalists = list(islice(filter(self._affordable, promising), FINALISTS))
            ranked = sorted(((self._objective(policy), place) for place, policy in enumerate(finalists)))
            taken_in = next((one for one in ranked if one[0] < now - (1 - BETTER) * abs(now)), None)
            if taken_in is None:
                return rules
            now, rules = taken_in[0], finalists[taken_in[1]].guard.rules
        return rules


def _notes(bench: _Bench, how: str, allowed: float, *, ended: bool) -> tuple[str, ...]:
    ratio = "in per cent" if cost_is_ratio(bench.system) else "in the cost's unit"
    count, names = len(bench.hard), ", ".join(bench.rules)
    whom = f"{bench.policy.name}, on what guards fall back on, and on earlier guards"
    made = f"Compiled against {counted(count, 'workload')} found by attacks on {whom} ({how})."
    if ended:
        made = f"Making it was ended before all attacks were done; it knows {counted(count, 'workload')} ({how})."
    held = f"Gaps are to the best of {names} on the same workload, {ratio}."
    share = percent(MARGIN * allowed)
    return made, held, f"The nominal cost was allowed to rise by {share} on the half of the seeds that it was made on."
