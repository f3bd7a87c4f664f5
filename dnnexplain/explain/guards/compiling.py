"""A guard compiled from failures: tournaments of guards, in which each is attacked, and whoever stands goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Event
from typing import Any

import numpy as np

from dnnexplain.contract import Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.guards.adversary import Adverse, Draw
from dnnexplain.explain.guards.contest import LEVEL, Bench
from dnnexplain.explain.guards.ending import ENDED_BY, Ending
from dnnexplain.explain.guards.guard import Guard
from dnnexplain.explain.guards.tournament import Attacks, Progress, Tournament
from dnnexplain.explain.regions.where import Where
from dnnexplain.numbers import percent
from dnnexplain.rule_names import rule_label

__all__ = ["compile_guard"]

RUNS = 60_000
"""Of guards on workloads, to choose among them."""
LEARNED = 12
"""Workloads that are taken in from each attack on what is there before a guard is."""
STARTS = 3
"""Attacks on the policy alone, with seeds of their own: one attack ends in one kind of failure, and there may be several."""
NOTHING = "On no workload that was found is the policy behind the best rule: there is nothing to guard against."
FALLBACKS = 3
"""Rules of the system that are attacked themselves: those that are least behind."""


def compile_guard(
    system: Any,
    policy: Policy,
    draw: Draw,
    *,
    rules: Mapping[str, Policy],
    choices: Mapping[str, Policy] | None = None,
    regions: Iterable[Where] = (),
    sets: int = 100,
    rounds: int = 6,
    cycles: int = 2,
    most: int = 3,
    tries: int = 20,
    allowed: float = 0.01,
    runs: int = RUNS,
    seconds: float = np.inf,
    seed: int = 0,
    stop: Event | None = None,
    progress: Progress | None = None,
) -> Guard:
    """Make a guard by tournaments in which guards are chosen by attacks that know them.

    A guard's worth is its worst gap to the best rule on *all* workloads that any attack has found so far: on the policy, on
    rules, on this guard and on others. In each tournament guards enter (in the first those of one rule with one bound, in
    later ones the best two with a rule more or a bound moved), those that do best on what is known are attacked with few
    batches, half as many of them (newcomers among them, if they now do better) with more, and so on: successive halving (Jamieson
    and Talwalkar, AISTATS 2016), but with counterexamples shared. The nominal cost may rise by ``allowed`` on the half of the
    seeds that the guard is made on: the upper end of the paired interval of one standard error. Nothing here is a figure to
    report: see :func:`~dnnexplain.explain.guards.evaluate_guard`.

    Args:
        system: with rules.
        policy: to be guarded.
        draw: ``draw(count, seed)`` gives workloads; even seeds are used here.
        rules: what the policy is held against: gaps are to the best of them.
        choices: what may be done instead, by the names that the system knows; the same rules if not given.
        regions: where the policy is known to fail, as further candidates.
        sets: workloads for the nominal cost.
        rounds: batches of the largest attacks; in the first round of a tournament they have a third of them.
        cycles: tournaments, at most; none: the guard that does best on attacks on the policy, not attacked itself.
        most: rules of the guard.
        tries: three times so many rules of one bound enter the first tournament, and at most one more than so many guards
            are attacked in its first round.
        allowed: by what share the nominal cost may rise.
        runs: of guards on workloads to choose among them, at most; attacks are counted by ``rounds``.
        seconds: a second limit, for people, on the wall; of a batch of runs that would not end in time a part is run.
        seed: of everything.
        stop: ends it with the best guard that was attacked by then, without a rule if none was.
        progress: called with what is done, of how many, and words.
    """
    over = Ending(stop, seconds)
    choices = rules if choices is None else choices
    begun = STARTS + min(FALLBACKS, len(choices))
    total = begun + Tournament.steps(cycles, tries)
    attacks = Attacks(system, draw, rules, seed, over, progress or (lambda *_: None), total)
    bench = Bench(system, policy, rules, list(draw(sets, 2 * seed)), allowed, choices, pace=over.new_pace())
    first = attacks.on(policy, rounds, "attacking the policy")
    for place in range(STARTS):
        if over.is_set():
            break
        adverse = attacks.on(policy, rounds, "attacking the policy, from another start") if place else first
        bench.learn(adverse.workloads[:LEARNED])
    checkpoint = getattr(policy, "checkpoint", "")
    if not over.is_set() and bench.gaps(policy).max() <= 0.0:
        notes = _notes(bench, first, allowed, "")
        return Guard(system.name, (), policy.name, checkpoint, (*notes, NOTHING))
    for rule in () if over.is_set() else bench.apt(FALLBACKS).values():
        if over.is_set():
            break
        # What a guard falls back on has weak places of its own, which would be found only when it is attacked.
        adverse = attacks.on(rule, rounds, f"attacking {rule_label(rule.name)}, on which a guard may fall back")
        if not over.is_set():
            bench.learn(adverse.workloads[: LEARNED // 2])
    tournament = Tournament(bench, attacks, np.random.default_rng(seed), rounds, most, tries, runs)
    if not over.is_set():
        tournament.begin(regions)
        for cycle in range(cycles):
            if not tournament.play(cycle):
                break
    chosen = tournament.chosen(attacked=cycles > 0)
    notes = _notes(bench, first, allowed, ENDED_BY.get(over.by, ""))
    if tournament.short:
        choices_cut, limit = counted(tournament.short, "choice"), counted(runs, "run")
        notes += (f"{choices_cut} among guards ended at the limit of {limit}, with the best that were known by then.",)
    ended_by = over.by or ("runs" if tournament.short else "")
    return Guard(system.name, chosen.rules, policy.name, checkpoint, notes, ended_by)


def _notes(bench: Bench, first: Adverse, allowed: float, ended: str) -> tuple[str, ...]:
    ratio = "in per cent" if cost_is_ratio(bench.system) else "in the cost's unit"
    count, names, how = len(bench.hard) or len(first.workloads), ", ".join(bench.rules), first.how
    whom = f"{bench.policy.name}, on what guards fall back on, and on guards"
    made = f"Compiled against {counted(count, 'workload')} found by attacks on {whom} ({how})."
    if ended:
        made = (
            f"Making it was ended before all attacks were done, {ended}; it knows {counted(count, 'workload')} ({how})."
        )
    held = f"Gaps are to the best of {names} on the same workload, {ratio}."
    cost = (
        f"The nominal cost was allowed to rise by {percent(allowed)} on {counted(len(bench.usual), 'workload')} of the half of the "
        f"seeds that it was made on: the upper end of its paired {percent(LEVEL)} interval."
    )
    return made, held, cost
