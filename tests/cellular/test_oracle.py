"""The optimum of a known day: exhaustive search, an independent solver, and what an interval promises."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.oracle import Oracle

CELLS = {
    "default": Cell(added=0.2, decay=3),
    "heavy penalty": Cell(added=0.3, decay=2, limit_weight=5, user_rate=0.2),
    "inverse": Cell(added=0.2, decay=4, throughput="inverse", limit=8),
    "as the published code": Cell(added=0.15, decay=0, snapping=True),
    "users follow": Cell(added=0.2, decay=3, users_follow=True),
}


def reward_by_hand(cell, own, efficiency, rates, load=0.0):
    """The slow twin."""

    def through(congestion, radio):
        if cell.throughput == "inverse":
            return cell.peak * radio * cell.knee / (cell.knee + congestion)
        return cell.peak * radio * max(1 - congestion, cell.floor)

    total = 0.0
    for demand, radio, rate in zip(own, efficiency, rates, strict=True):
        load = 0.0 if cell.snapping and rate == 0 else cell.keep * load + cell.added * rate
        alone, shared = through(demand, radio), through(demand + load, radio)
        users = rate if cell.users_follow else cell.user_rate
        total += (
            cell.volume_weight * shared * rate
            - cell.user_weight * (alone - shared) * users
            - cell.limit_weight * rate * max(cell.limit - shared, 0)
        )
    return total * 60 / 8000


@pytest.mark.parametrize("name", CELLS)
def test_no_plan_of_an_exhaustive_search_leaves_the_interval_and_a_fine_one_reaches_it(name):
    cell, rng = CELLS[name], np.random.default_rng(3)
    rates = np.linspace(0, 1, 11)
    for _ in range(3):
        own, efficiency = rng.uniform(0.05, 0.8, 4), rng.uniform(0.7, 1.3, 4)
        plan = Oracle(cell, 400).plan(own, efficiency)
        best = max(reward_by_hand(cell, own, efficiency, row) for row in itertools.product(rates, repeat=4))
        assert best <= plan.upper + 1e-12
        assert best <= plan.lower + 0.02 * abs(plan.upper)
        assert plan.lower == pytest.approx(reward_by_hand(cell, own, efficiency, plan.rates), abs=1e-12)
        # Rates of an exhaustive search are a tenth apart; the plan's are not.
        assert plan.lower >= best - 1e-3 * abs(best)


@given(st.integers(0, 10_000), st.sampled_from(list(CELLS)), st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_no_plan_beats_the_bound_however_coarse_the_grid(seed, name, points):
    cell, rng = CELLS[name], np.random.default_rng(seed)
    own, efficiency = rng.uniform(0, 1, 12), rng.uniform(0.5, 1.5, 12)
    coarse, fine = Oracle(cell, points).plan(own, efficiency), Oracle(cell, 400).plan(own, efficiency)
    assert coarse.lower <= coarse.upper
    assert fine.lower <= coarse.upper + 1e-12
    assert coarse.lower <= fine.upper + 1e-12


def test_without_a_penalty_a_concave_solver_finds_the_same_optimum():
    # With throughput 1 - C and no limit, reward is a concave quadratic function of all rates together.
    cell, rng = Cell(added=0.05, decay=8, limit_weight=0), np.random.default_rng(5)
    own, efficiency = rng.uniform(0.1, 0.5, 25), rng.uniform(0.8, 1.2, 25)
    plan = Oracle(cell, 400).plan(own, efficiency)
    oracle = Oracle(cell)
    other = minimize(
        lambda rates: -oracle.reward(own, efficiency, rates), np.full(25, 0.5), bounds=[(0, 1)] * 25, method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-14},
    )  # fmt: skip
    assert plan.lower <= -other.fun * (1 + 1e-6)
    assert -other.fun <= plan.upper
    assert plan.lower == pytest.approx(-other.fun, rel=1e-4)


def test_one_minute_has_a_closed_form():
    # max over a of a (1 - C - K a) - 0.05 K a: a = (1 - C - 0.05 K) / (2 K).
    cell = Cell(added=0.8, limit=0)
    plan = Oracle(cell).plan([0.4], [1.0])
    assert plan.rates[0] == pytest.approx((0.6 - 0.05 * 0.8) / 1.6)
    assert plan.gap < 1e-8


def test_the_interval_of_a_default_day_is_narrow(cell_system, days):
    for day in days[:3]:
        plan = cell_system.plan(day)
        assert 0 <= plan.gap < 0.005
        assert ((plan.rates >= 0) & (plan.rates <= 1)).all()


def test_losses_of_a_run_add_up_to_its_regret(cell_system, days):
    run = cell_system.run(cell_system.rules()["proportional"], days[:1])
    bound = cell_system.bound(days[0])
    lost = cell_system.regrets(days[0], run.detail.rates[0])
    assert (lost >= 0).all()
    assert run.cost[0] - bound.upper - 1e-9 <= lost.sum() <= run.cost[0] - bound.lower + 1e-9


def test_the_best_rate_loses_nothing_and_others_lose_what_their_best_continuation_lacks(short):
    state = short.state_from_json({"forecast": [0.3, 0.4, 0.5, 0.6], "our load": 0.2})
    best = short.best_action(state)
    assert short.losses(state, best[None])[0] == 0
    own, efficiency, load = short._future(state)
    free = short.oracle.plan(own, efficiency, load)
    for rate in (0.0, 0.3, 1.0):
        after = short.cell.keep * load + short.cell.added * rate
        rest = short.oracle.plan(own[1:], efficiency[1:], after)
        first = short.oracle.reward(own[:1], efficiency[:1], [rate], load)
        loss = short.losses(state, np.array([[rate]]))[0]
        assert loss == pytest.approx(free.lower - first - rest.lower, abs=0.02 * free.lower)


def test_a_day_must_be_a_series_of_finite_numbers():
    with pytest.raises(DnnExplainError, match="series is"):
        Oracle(Cell()).plan([0.1, np.nan], [1, 1])
    with pytest.raises(DnnExplainError, match="at least 2 loads"):
        Oracle(Cell(), points=1)
