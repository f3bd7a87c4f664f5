"""Small changes to a guard's rules: only better ones stay, nothing invalid is ever tried, and it can end at any time."""

from __future__ import annotations

import numpy as np

from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.polishing import Ladder, neighbour, polished
from dnnexplain.explain.regions import Span, Where

RNG = np.random.default_rng(0)
VALUES = np.column_stack([RNG.integers(0, 9, 400), RNG.normal(size=400), np.zeros(400)]).astype(float)
HARD = VALUES[:, 0] > 5
LADDER = Ladder.of(("queue", "noise", "still"), VALUES, HARD)
DOES = ["fcfs", "sjf"]


class Distance:
    """How far rules are from ``where queue is above 5.5: do as sjf``, by states that they judge otherwise."""

    def __init__(self) -> None:
        self.asked = 0

    def promising(self, rules: tuple[GuardRule, ...]) -> bool:
        return self.worth(rules) < self.now

    def worth(self, rules: tuple[GuardRule, ...]) -> float:
        self.asked += 1
        done = np.full(len(VALUES), -1)
        for rule in reversed(rules):
            done[rule.when.holds(LADDER.names, VALUES)] = DOES.index(rule.do)
        return float((done != np.where(HARD, 1, -1)).mean()) + 0.001 * len(rules)

    def settle(self, rules: tuple[GuardRule, ...]) -> None:
        self.now = self.worth(rules)


def test_the_rule_that_is_right_is_found_from_nothing() -> None:
    judge = Distance()
    found = polished((), judge, LADDER, DOES, most=3, tries=400, rng=np.random.default_rng(1))
    assert judge.worth(found) < 0.02
    assert found[0].do == "sjf"


def test_what_it_began_with_is_kept_where_nothing_is_better() -> None:
    best = (GuardRule(Where((Span("queue", 5.5),)), "sjf"),)
    assert polished(best, Distance(), LADDER, DOES, most=3, tries=60, rng=np.random.default_rng(2)) == best


def test_it_ends_when_it_is_told_to() -> None:
    judge = Distance()
    polished((), judge, LADDER, DOES, most=3, tries=1000, rng=np.random.default_rng(1), go_on=lambda done: done < 3)
    assert judge.asked < 12


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
