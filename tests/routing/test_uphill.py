"""The gradient of the regret by the matrices of a case, and the search that goes along it."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import Uphill
from dnnexplain.explain.generate import Plausibility, hardest
from dnnexplain.explain.generate.adversary import BATCH, worst_ten
from dnnexplain.explain.stress.reference import regret_of, slope_of
from dnnexplain.policies import untrained
from dnnexplain.registry import fair_rules
from dnnexplain.systems.routing import RoutingSystem

WHOLE = RoutingSystem(k=2, history=2, routed=True)


def network(history):
    """An untrained network that sees ``history`` matrices before the current one, or the current one alone."""
    return WHOLE.seen_by(untrained(WHOLE.part(history=history), 3))


@pytest.mark.parametrize("history", [0, 2])
def test_it_is_the_slope_of_what_a_run_costs_above_the_optimum(history):
    policy = network(history)
    case = WHOLE.workloads("gravity", 1, 4)[0]
    table, found = WHOLE.to_records(case), WHOLE.uphill(policy, case)
    assert isinstance(WHOLE, Uphill)
    assert found.shape == table.shape
    assert not found[: len(table) - max(history + bool(history), 1)].any()
    regret = regret_of(WHOLE, policy, {}, 0)
    rows, columns = np.unravel_index(np.argsort(-np.abs(found), axis=None)[:4], found.shape)
    for row, column in zip(rows, columns, strict=True):
        step = 0.01 * table[row, column] + 1e-3
        ends = []
        for sign in (1, -1):
            moved = table.copy()
            moved[row, column] += sign * step
            ends.append(regret([WHOLE.from_records(moved)])[0])
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(found[row, column], rel=0.25)


def test_it_does_not_depend_on_what_was_solved_before():
    policy, cases = network(0), WHOLE.workloads("gravity", 3, 4)
    first = WHOLE.uphill(policy, cases[0])
    for case in cases[1:]:
        WHOLE.uphill(policy, case)
        WHOLE.bound(case)
    np.testing.assert_array_equal(WHOLE.uphill(policy, cases[0]), first)


def test_a_rule_has_none():
    assert WHOLE.uphill(WHOLE.rules()["ecmp"], WHOLE.workloads("gravity", 1, 4)[0]) is None


@pytest.fixture(scope="module")
def searches():
    """Without and with the gradient, two seeds of each: a search may end elsewhere on another machine."""
    return [searched(seed) for seed in (2, 3)]


def searched(seed):
    policy, drawn = network(0), list(WHOLE.workloads("gravity", 60, seed))
    law = Plausibility([WHOLE.to_records(one) for one in drawn])
    regret, asked = regret_of(WHOLE, policy, fair_rules(WHOLE), seed), []
    slope = slope_of(WHOLE, policy)
    assert slope is not None

    def counted(workload):
        asked.append(workload)
        return slope(workload)

    given = {"count": 60, "seed": seed}
    plain, steep = (hardest(WHOLE, drawn, law, regret, **given, slope=one) for one in (None, counted))
    assert len(plain.regret) == 60
    assert asked
    assert len(steep.regret) <= 60 - len(asked) + BATCH
    assert all(steep.plausibility[run] >= 0.05 for run in worst_ten(steep, 0.05))
    return [np.mean([one.regret[run] for run in worst_ten(one, 0.05)]) for one in (plain, steep)]


def test_the_search_goes_further_with_it_and_each_gradient_is_a_run(searches):
    plain, steep = np.mean(searches, axis=0)
    assert steep > 1.2 * plain
