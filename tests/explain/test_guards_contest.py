"""Guards in a contest and the small changes between attacks: the best is found by few runs, nothing invalid is ever tried."""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
import pytest

from dnnexplain.explain.guards.contest import Bench, Contest, Standing
from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.polishing import Ladder, between, neighbour, rebound
from dnnexplain.explain.regions import Span, Where
from dnnexplain.explain.sequence.pace import Pace

RNG = np.random.default_rng(0)
VALUES = np.column_stack([RNG.integers(0, 9, 400), RNG.normal(size=400), np.zeros(400)]).astype(float)
HARD = VALUES[:, 0] > 5
LADDER = Ladder.of(("queue", "noise", "still"), VALUES, HARD)
DOES = ["fcfs", "sjf"]


class TableBench(Bench):
    """Guards whose gaps on 30 workloads, and whether they can be afforded, stand in a table."""

    def __init__(self, gaps: Any, dear: Any = ()) -> None:
        self.table, self.dear, self.hard, self.runs = np.asarray(gaps), set(dear), list(range(30)), 0
        self.usual, self.pace = [], Pace()
        self.attack_of = list(range(31))

    def guarded(self, rules: Any) -> Any:
        return rules

    def gaps_of(self, guards: Any, places: Any) -> Any:
        self.runs += sum(map(len, places))
        return [self.table[int(rules[0].do), some] for rules, some in zip(guards, places, strict=True)]

    def affordable(self, guards: Any) -> list[bool]:
        return [int(rules[0].do) not in self.dear for rules in guards]


def guard(number: int) -> tuple[GuardRule, ...]:
    return (GuardRule(Where(()), str(number)),)


def worth(gaps: Any) -> float:
    worst = np.sort(np.maximum(gaps, 0.0))[::-1][:12]
    return float((worst[0] + worst.sum() / 12) * 1.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_leader_is_the_best_affordable_guard_though_few_are_run_on_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.gamma(2.0, 1.0, size=(60, 30)) * rng.uniform(0.3, 2.0, size=(60, 1))
    order = sorted(range(60), key=lambda one: worth(table[one]))
    bench = TableBench(table, dear=order[:2])
    contest = Contest(bench)
    contest.enter(guard(one) for one in range(60))
    leader = contest.leader(Event())
    assert leader is not None
    assert int(leader.rules[0].do) == order[2], "the two best cannot be afforded"
    assert leader.worth == pytest.approx(worth(table[order[2]]))
    assert bench.runs < 0.6 * table.size


def test_who_mends_one_kind_of_failure_of_two_leads_though_the_worst_gap_stays() -> None:
    table = np.array([[3.0] * 15 + [2.9] * 15, [3.0] * 15 + [0.0] * 15, [3.1] + [0.0] * 29])
    contest = Contest(bench := TableBench(table, dear=[2]))
    bench.attack_of = [0] * 15 + [1] * 15  # the twelve worst are all of the first attack, whoever is asked
    contest.enter(guard(one) for one in range(3))
    leader = contest.leader(Event())
    assert leader is not None
    assert leader.rules == guard(1)
    assert leader.worth == pytest.approx(1.01 * (3.0 + 3.0 / 12))


def test_leaders_are_of_several_kinds_and_no_two_do_the_same() -> None:
    table = np.array([[1.0 + 0.1 * one] * 30 for one in range(6)])
    table[1] = table[0]
    contest = Contest(TableBench(table, dear=[5]))

    def bound(place: int) -> tuple[GuardRule, ...]:
        name = "queue" if place < 5 else "noise"
        return (GuardRule(Where((Span(name, float(place)),)), str(place)),)

    contest.enter(bound(one) for one in range(6))
    found = [int(one.rules[0].do) for one in contest.leaders(Event(), 6)]
    assert found == [0, 2, 3, 4], "the second does as the first, the last is too dear"
    kinds = Contest(TableBench(table))
    kinds.enter((GuardRule(Where((Span("queue", float(one)),)), "0"),) for one in range(6))
    kinds.bench.table = table + np.arange(30)  # type: ignore[attr-defined]
    assert len(kinds.leaders(Event(), 6)) == 1


def test_the_upper_end_of_the_paired_interval_is_what_the_nominal_cost_may_rise_by() -> None:
    class Costs:
        cost_is_ratio = True

        def run(self, policy: Any, workloads: Any) -> Any:
            class Ran:
                cost = np.array([policy(one) for one in workloads])

            return Ran

    usual = list(np.linspace(1.0, 2.0, 40))

    def bench(after: Any) -> Bench:
        found = Bench(Costs(), lambda one: one, {}, usual, 0.01)
        found.guarded = lambda rules: after  # type: ignore[method-assign]
        return found

    rule = guard(0)
    assert bench(lambda one: 1.005 * one).affordable([rule])[0]
    assert not bench(lambda one: 1.02 * one).affordable([rule])[0]
    assert not bench(lambda one: 2.0 * one).affordable([rule])[0], "far too dear on a few"
    noisy = dict(zip(usual, np.resize([1.2, 0.81], 40), strict=True))
    assert not bench(lambda one: noisy[one] * one).affordable([rule])[0], (
        "dearer by a half per cent, but that is not sure"
    )
    assert not bench(lambda _one: np.inf).affordable([rule])[0]
    assert bench(lambda _one: np.inf).affordable([()])[0]


def test_bounds_are_whole_numbers_between_whole_numbers_and_always_finite() -> None:
    low, high = np.array([3.0, 3.0, 0.25, 3.0, -np.inf]), np.array([4.0, 7.0, 1.0, np.inf, 2.0])
    found = between(low, high)
    assert found.tolist()[:4] == [3.0, 5.0, 0.625, 3.0]
    assert (low <= found).all()
    assert (found < high).all()
    assert np.isfinite(found).all()


def test_a_moved_bound_changes_nothing_else() -> None:
    rules = (GuardRule(Where((Span("queue", 2.0),)), "sjf", "why"), GuardRule(Where(()), "fcfs"))
    found = list(rebound(rules, LADDER))
    assert {rules[0].when.spans[0].above for rules in found} == {float(one) for one in range(8)} - {2.0}
    assert all(one[0].when.spans[0].at_most is None and one[0].do == "sjf" and one[1:] == rules[1:] for one in found)
    between_two = (GuardRule(Where((Span("queue", 2.0, 4.0),)), "sjf"),)
    spans = [one[0].when.spans[0] for one in rebound(between_two, LADDER)]
    assert all(span.low < span.high for span in spans)
    assert {(span.above, span.at_most) for span in spans} == {
        *((float(low), 4.0) for low in (0, 1, 3)),
        *((2.0, float(high)) for high in (3, 5, 6, 7)),
    }


def test_what_is_learnt_changes_who_leads_and_a_guard_enters_once() -> None:
    table = np.array([[1.0] * 30, [2.0] * 30])
    contest = Contest(bench := TableBench(table))
    contest.enter([guard(0), guard(1), guard(0)])
    assert len(contest.known) == 2
    first = contest.leader(Event())
    assert first is not None
    assert first.rules == guard(0)
    bench.table, bench.hard = np.column_stack([table, [9.0, 2.0]]), list(range(31))
    second = contest.leader(Event())
    assert second is not None
    assert second.rules == guard(1)


def test_the_winner_is_among_those_that_were_attacked() -> None:
    contest = Contest(TableBench([[1.0] * 30, [2.0] * 30, [3.0] * 30]))
    contest.enter(guard(one) for one in range(3))
    for standing in contest.known.values():
        standing.attacks = int(standing.rules != guard(0))
    assert contest.winner().rules == guard(1)


def test_a_choice_of_few_runs_ends_with_the_best_that_is_known_or_with_no_guard() -> None:
    table = np.linspace(2.0, 1.0, 200)[:, None] * np.linspace(1.0, 0.9, 30)
    contest = Contest(bench := TableBench([*table, [3.0] * 30]))
    contest.enter([guard(one) for one in range(200)])
    assert contest.leaders(Event(), 3, runs=10) == [], "nothing is known to the end, and no guard did not enter"
    assert bench.runs == 200 * 12
    none = contest.known.setdefault((), Standing((), bench.attack_of))
    bench.gaps_of = lambda guards, places: [np.full(len(some), 3.0) for some in places]  # type: ignore[method-assign]
    bench.affordable = lambda guards: [True] * len(guards)  # type: ignore[method-assign]
    assert contest.leaders(Event(), 3, runs=0) == [none]


def test_an_ended_contest_has_no_leader() -> None:
    contest, over = Contest(TableBench([[1.0] * 30])), Event()
    contest.enter([guard(0)])
    over.set()
    assert contest.leader(over) is None


def test_telling_quantities_are_drawn_most_and_those_that_never_vary_not_at_all() -> None:
    assert LADDER.weights.argmax() == 0
    assert LADDER.weights[2] == 0
    assert np.isclose(LADDER.weights.sum(), 1.0)


def test_every_change_is_a_guard_that_holds_somewhere_and_is_not_too_long() -> None:
    rng = np.random.default_rng(4)
    rules: tuple[GuardRule, ...] = ()
    for _ in range(300):
        rules = neighbour(rules, LADDER, DOES, 3, rng)
        assert len(rules) <= 3
        for rule in rules:
            names = [span.feature for span in rule.when.spans]
            assert len(names) == len(set(names))
            assert all(span.low < span.high for span in rule.when.spans)
            assert Where.from_json(rule.when.to_json()) == rule.when


def test_the_right_rule_is_a_few_changes_away_from_none() -> None:
    def wrong(rules: tuple[GuardRule, ...]) -> float:
        done = np.full(len(VALUES), -1)
        for rule in reversed(rules):
            done[rule.when.holds(LADDER.names, VALUES)] = DOES.index(rule.do)
        return float((done != np.where(HARD, 1, -1)).mean()) + 0.001 * len(rules)

    rng, best = np.random.default_rng(1), ()
    for _ in range(400):
        best = min(best, neighbour(best, LADDER, DOES, 3, rng), key=wrong)
    assert wrong(best) < 0.02
    assert best[0].do == "sjf"
    assert Span("queue", 5.0) in best[0].when.spans
