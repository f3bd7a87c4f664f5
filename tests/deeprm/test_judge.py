"""The decision oracle against brute force over starts, and against CP-SAT."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.oracle import judge
from dnnexplain.systems.deeprm.oracle.judge import Judged, judge_jobs, judgement

UNITS = 10


def cheapest(free, jobs, first):
    """The least sum of finish / length by trying every start of every job; knows nothing of orders."""
    behind = np.full((sum(length for length, _, _ in jobs) + 2, 2), UNITS)
    left = np.concatenate([free, behind])
    best = math.inf

    def place(index, cost):
        nonlocal best
        if index == len(jobs):
            best = min(best, cost)
            return
        length, *need = jobs[index]
        for start in range(first, len(left) - length + 1):
            now = cost + (start + length) / length
            if now >= best:
                return
            if np.all(left[start : start + length] >= need):
                left[start : start + length] -= need
                place(index + 1, now)
                left[start : start + length] += need

    place(0, 0.0)
    return best


def slow_values(free, table):
    """Every action's value as the docstring says it, by brute force."""
    present = [tuple(row) for row in table if row[0]]
    values = [math.nan] * len(table) + [cheapest(free, present, 1)]
    for slot, row in enumerate(table):
        length, *need = row
        offsets = range(len(free) - length) if length else ()
        at = next((t for t in offsets if np.all(free[t : t + length] >= need)), None)
        if at is not None:
            left = free.copy()
            left[at : at + length] -= need
            rest = [tuple(other) for index, other in enumerate(table) if index != slot and other[0]]
            values[slot] = (at + length) / length + cheapest(left, rest, 0)
    return values


demands = st.sampled_from([(1, 7), (8, 2), (5, 1), (2, 5), (10, 10), (6, 6)])
slot = st.one_of(st.just((0, 0, 0)), st.tuples(st.integers(1, 4), demands).map(lambda pair: (pair[0], *pair[1])))
profile = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=6, max_size=6).map(np.array)


@settings(deadline=None, max_examples=80)
@given(profile, st.lists(slot, min_size=1, max_size=4))
def test_values_equal_brute_force(free, rows):
    table = np.array(rows)
    found = judge_jobs(free, *table.T, UNITS)
    assert found.exact
    assert found.values == pytest.approx(slow_values(free, table), abs=1e-9, nan_ok=True)


def with_cp_sat(free, table, first):
    from ortools.sat.python import cp_model

    end = len(free) + int(table[:, 0].sum()) + 1
    scale = int(np.lcm.reduce(table[:, 0]))
    model = cp_model.CpModel()
    starts = [model.new_int_var(first, end, "") for _ in table]
    jobs = [model.new_fixed_size_interval_var(start, int(row[0]), "") for start, row in zip(starts, table, strict=True)]
    taken = [model.new_fixed_size_interval_var(step, 1, "") for step in range(len(free))]
    for resource in (0, 1):
        used = (UNITS - free[:, resource]).tolist()
        model.add_cumulative(jobs + taken, table[:, 1 + resource].tolist() + used, UNITS)
    weights = (scale // table[:, 0]).tolist()
    model.minimize(sum(w * (s + int(row[0])) for w, s, row in zip(weights, starts, table, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return solver.objective_value / scale


def random_state(rng, jobs):
    length = np.where(rng.random(jobs) < 0.6, rng.integers(1, 4, jobs), rng.integers(10, 16, jobs))
    big, small = rng.integers(5, 11, jobs), rng.integers(1, 3, jobs)
    swap = rng.random(jobs) < 0.5
    table = np.stack([length, np.where(swap, big, small), np.where(swap, small, big)], axis=1)
    return rng.integers(0, 11, (20, 2)), table


@pytest.mark.parametrize(("seed", "jobs"), [(1, 5), (2, 5), (3, 5), (4, 6), (5, 7)])
def test_waiting_agrees_with_cp_sat(seed, jobs):
    free, table = random_state(np.random.default_rng(seed), jobs)
    assert judge_jobs(free, *table.T, UNITS).values[-1] == pytest.approx(with_cp_sat(free, table, 1))


def test_ten_jobs_are_judged_quickly():
    rng = np.random.default_rng(1)
    states = [random_state(rng, 10) for _ in range(10)]
    judge_jobs(states[0][0], *states[0][1].T, UNITS)
    began = time.process_time()
    assert all(judge_jobs(free, *table.T, UNITS).exact for free, table in states)
    assert time.process_time() - began < 5


def test_the_best_of_two_jobs_that_cannot_share():
    free = np.full((20, 2), UNITS)
    found = judge_jobs(free, [12, 2, 0], [6, 6, 0], [1, 1, 0], UNITS)
    # short first: 2/2 + 14/12; long first: 12/12 + 14/2; wait, then short first: 3/2 + 15/12
    assert found.values[[0, 1, 3]] == pytest.approx([1 + 7, 1 + 14 / 12, 1.5 + 1.25])
    assert math.isnan(found.values[2])
    word = judgement(found)
    assert word.best == (1,)
    assert word.loss[[0, 1, 3]] == pytest.approx([8 - 1 - 14 / 12, 0, 2.75 - 1 - 14 / 12])
    assert math.isnan(word.loss[2])
    assert word.exact


def test_withholding_a_long_job_is_best():
    # Step 0 has no room for the short job, and the long one, placed now, would block it for 15 steps.
    free = np.full((20, 2), UNITS)
    free[0] = (5, 10)
    word = judgement(judge_jobs(free, [1, 15], [6, 5], [1, 1], UNITS))
    assert word.best == (0, 2)  # reserving step 1 for the short job, or waiting for it
    assert word.loss[1] == pytest.approx((1 + 16) - (2 + 17 / 15))


def test_a_job_that_fits_only_beyond_the_horizon_is_no_action():
    free = np.zeros((20, 2), dtype=int)
    free[-2:] = UNITS
    found = judge_jobs(free, [1, 2], [1, 1], [1, 1], UNITS)
    assert found.values[0] == pytest.approx(19 + 20 / 2)
    assert math.isnan(found.values[1])  # offset 18 is excluded: 20 - 2


def test_an_empty_state_leaves_waiting():
    found = judge_jobs(np.full((20, 2), UNITS), [0, 0], [0, 0], [0, 0], UNITS)
    assert judgement(found).best == (2,)
    assert found.values[2] == 0


def test_a_state_is_judged_by_its_jobs_and_its_valid_actions():
    from dnnexplain.contract import State
    from dnnexplain.systems.deeprm import DeepRM

    system = DeepRM()
    rng = np.random.default_rng(6)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    for _ in range(20):
        values = system.repair(rng.integers(low, high + 1)[None].astype(float))
        values[:, 3 * system.params.slots : -2] *= np.repeat(rng.random(2) < 0.7, system.params.horizon)
        word = system.judge(State(values[0]))
        assert np.array_equal(~np.isnan(word.loss), system.valid_actions(system.encode(values))[0])
        table = values[0, : 3 * system.params.slots].reshape(-1, 3)
        free = UNITS - values[0, 3 * system.params.slots : -2].reshape(2, -1).T
        assert np.array_equal(word.loss, judgement(judge_jobs(free, *table.T, UNITS)).loss, equal_nan=True)


def test_equal_jobs_are_equally_good():
    word = judgement(judge_jobs(np.full((20, 2), UNITS), [3] * 5, [6] * 5, [1] * 5, UNITS))
    assert word.best == (0, 1, 2, 3, 4)


def test_answers_are_cached_and_cannot_be_changed():
    rng = np.random.default_rng(5)
    free, table = random_state(rng, 5)
    first = judge_jobs(free, *table.T, UNITS)
    assert judge_jobs(free.astype(np.int32), *table.T.tolist(), UNITS) is first
    with pytest.raises(ValueError, match="read-only"):
        first.values[0] = 0


def test_without_time_the_values_are_bounds(monkeypatch):
    monkeypatch.setattr(judge, "NODES_AT_ONCE", 12)
    free, table = random_state(np.random.default_rng(8), 10)
    hasty = judge_jobs(free, *table.T, UNITS, seconds=0.0)
    monkeypatch.undo()
    exact = judge_jobs(free, *table.T, UNITS, seconds=20.0)
    assert (hasty.exact, exact.exact) == (False, True)
    known = ~np.isnan(exact.values)
    assert np.all(hasty.lower[known] <= exact.values[known] + 1e-9)
    assert np.all(exact.values[known] <= hasty.values[known] + 1e-9)
    word = judgement(hasty)
    assert set(judgement(exact).best) <= set(word.best)
    assert np.all(word.loss[known] <= judgement(exact).loss[known] + 1e-9)


@pytest.mark.parametrize(
    ("free", "columns", "message"),
    [
        (np.zeros(20), ([1], [1], [1]), "free must hold CPU and memory"),
        (np.full((20, 2), 11), ([1], [1], [1]), "free units at most 10"),
        (np.zeros((20, 2)), ([1], [-1], [1]), "at least 0"),
        (np.zeros((20, 2)), ([1], [11], [1]), "asks for 11 units"),
    ],
)
def test_what_is_no_state_is_refused(free, columns, message):
    with pytest.raises(DnnExplainError, match=message):
        judge_jobs(free, *columns, UNITS)


def test_loss_never_shows_a_worse_action_as_best():
    word = judgement(Judged(np.array([3.0, 2.0, np.nan]), exact=False, lower=np.array([2.5, 1.0, np.nan])))
    assert word.best == (1,)
    assert word.loss[:2] == pytest.approx([0.5, 0])
