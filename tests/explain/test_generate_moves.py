"""Moves of the search for likely bad inputs, and what regret is held against."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.explain.generate.moves import LEAST_SHARE, MOVES, Moves
from dnnexplain.explain.stress.reference import BEST_RULE, OPTIMUM, reference, regret_of
from dnnexplain.registry import fair_rules, make_system

TABLES = np.random.default_rng(0).normal(size=(3, 30, 4))


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("name", tuple(MOVES))
def test_a_move_changes_some_of_a_table_and_leaves_the_parents_alone(name, ordered):
    rng, before, changed = np.random.default_rng(1), TABLES.copy(), 0
    for _ in range(20):
        made = MOVES[name](TABLES[0], TABLES[1], TABLES[2], np.ones(4), rng, ordered)
        assert made.shape == TABLES[0].shape
        assert np.isfinite(made).all()
        changed += not np.array_equal(made, TABLES[0])
        if name == "other_order":
            assert np.array_equal(np.sort(made, axis=0), np.sort(TABLES[0], axis=0))
    assert np.array_equal(before, TABLES)
    assert changed > 10


def test_moves_that_succeed_are_drawn_more_often_and_none_dies():
    moves = Moves(np.ones(4), ordered=False, rng=np.random.default_rng(0))
    for _ in range(200):
        name, _ = moves.make(*TABLES)
        moves.learn(name, better=name == "few_values")
    shares = moves.shares
    assert max(shares, key=shares.get) == "few_values"
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= LEAST_SHARE


def test_regret_is_against_the_optimum_where_that_is_prompt_and_else_against_the_best_rule():
    system = make_system("routing")
    rules = fair_rules(system)
    cases = list(system.workloads("gravity", 4, 0))
    rule = rules["shortest-path"]
    known = [system.bound(case).lower for case in cases]
    found = regret_of(system, rule, {}, 0)(cases)
    np.testing.assert_allclose(found, system.run(rule, cases, seed=0).cost - known, rtol=1e-6, atol=1e-9)
    assert reference(system) == OPTIMUM
    system = make_system("deeprm")
    rules = fair_rules(system)
    sets = list(system.workloads("deeprm", 4, 0))
    costs = {name: system.run(one, sets, seed=0).cost for name, one in rules.items()}
    found = regret_of(system, rules["fcfs"], rules, 0)(sets)
    np.testing.assert_allclose(found, costs["fcfs"] - np.min(list(costs.values()), axis=0))
    assert reference(system) == BEST_RULE
