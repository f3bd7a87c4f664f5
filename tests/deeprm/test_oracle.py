"""The offline optimum against brute force, closed forms, and an independent check of schedules."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.oracle.bounds import Relaxation, ascend, packing_rows, quick_bound, relax
from dnnexplain.systems.deeprm.oracle.exact import _Scale, _solve, _Task, optimum
from dnnexplain.systems.deeprm.oracle.schedule import anneal, is_feasible, list_schedule, mean_slowdown
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.families import job_sets

UNITS = 10


def brute_force(jobs):
    """The least mean slowdown by trying every start of every job; knows nothing of list schedules."""
    use = np.zeros((int(jobs.arrival.max() + jobs.length.sum()) + 1, 2), dtype=int)
    best = math.inf
    count = len(jobs)

    def place(job, cost):
        nonlocal best
        if job == count:
            best = min(best, cost)
            return
        length, need = jobs.length[job], (jobs.cpu[job], jobs.memory[job])
        for start in range(jobs.arrival[job], len(use) - length + 1):
            now = cost + (start + length - jobs.arrival[job]) / length
            if now + (count - job - 1) >= best - 1e-12:
                return
            if np.all(use[start : start + length] + need <= UNITS):
                use[start : start + length] += need
                place(job + 1, now)
                use[start : start + length] -= need

    place(0, 0.0)
    return best / count


def job_set_of(rows, steps=20):
    return JobSet(*np.array(rows).T, steps=steps)


demand = st.sampled_from([(1, 7), (8, 2), (5, 1), (2, 5), (10, 10), (0, 6), (6, 6), (3, 3)])
row = st.tuples(st.integers(0, 6), st.integers(1, 5), demand).map(lambda r: (r[0], r[1], *r[2]))
slow = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(st.lists(row, min_size=1, max_size=5))
def test_the_optimum_equals_brute_force_up_to_five_jobs(rows):
    jobs = job_set_of(rows)
    found = optimum(jobs, seconds=60)
    assert found.status == "optimal"
    assert found.lower == found.upper == pytest.approx(brute_force(jobs), abs=1e-9)
    assert is_feasible(jobs, found.detail, UNITS)
    assert mean_slowdown(jobs, found.detail) == found.upper


def task_of(jobs, deadline=math.inf):
    return _Task(jobs, UNITS, _Scale.of(jobs), deadline, 1, 0)


@settings(slow, max_examples=15)
@given(st.lists(row, min_size=2, max_size=5))
def test_cp_sat_alone_finds_the_optimum_from_a_poor_schedule(rows):
    jobs = job_set_of(rows)
    poor = jobs.arrival.max() + np.cumsum(jobs.length) - jobs.length
    nothing_known = Relaxation(0.0, [np.zeros(1) for _ in rows])
    task = task_of(jobs, time.monotonic() + 20)
    lower, start = _solve(task, packing_rows(jobs, UNITS), 0, poor, nothing_known)
    assert lower == task.scale.total(jobs, start)
    assert mean_slowdown(jobs, start) == pytest.approx(brute_force(jobs), abs=1e-9)


@settings(slow, max_examples=15)
@given(st.lists(row, min_size=1, max_size=5))
def test_every_bound_is_below_the_optimum(rows):
    jobs = job_set_of(rows)
    best = brute_force(jobs) * len(jobs)
    assert quick_bound(jobs, UNITS) <= best + 1e-9
    packing = packing_rows(jobs, UNITS)
    start = optimum(jobs, seconds=60).detail
    for last_start in (int(anneal(jobs, UNITS).max()), int(jobs.arrival.max()) + 30):
        for found in (relax(jobs, packing, last_start, 10), ascend(jobs, packing, last_start, best)):
            assert found.bound <= best + 1e-9
            for job, least in enumerate(found.least):
                offset = start[job] - jobs.arrival[job]
                assert found.bound + least[min(offset, len(least) - 1)] <= best + 1e-9


@slow
@given(st.lists(row, min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_packing_rows_hold_for_every_set_that_fits(rows, random):
    jobs = job_set_of(rows)
    packing = packing_rows(jobs, UNITS)
    for _ in range(20):
        inside = np.array([random.random() < 0.4 for _ in rows])
        if jobs.cpu[inside].sum() <= UNITS and jobs.memory[inside].sum() <= UNITS:
            assert np.all(packing[:, :-1] @ inside <= packing[:, -1])


@pytest.mark.parametrize("seed", range(3))
def test_no_list_schedule_beats_the_lower_bound(seed):
    jobs = job_sets("deeprm", 1, seed, steps=30)[0]
    found = optimum(jobs, seconds=1)
    assert 1 <= found.lower <= found.upper
    assert is_feasible(jobs, found.detail, UNITS)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        start = list_schedule(jobs, rng.permutation(len(jobs)), UNITS)
        assert is_feasible(jobs, start, UNITS)
        assert mean_slowdown(jobs, start) >= found.upper


def test_a_typical_small_set_is_closed_and_repeats():
    jobs = job_sets("deeprm", 1, 7, steps=20)[0]
    first, second = (optimum(jobs, seconds=60, seed=seed) for seed in (1, 2))
    assert first == second
    assert first.status == "optimal"


def test_jobs_that_cannot_share_run_shortest_first():
    lengths = np.array([7, 3, 5, 1])
    jobs = JobSet([1] * 4, lengths, [6] * 4, [1] * 4, steps=5)
    finish = np.cumsum(np.sort(lengths))
    assert optimum(jobs).lower == pytest.approx(np.mean(finish / np.sort(lengths)))


def test_lengths_without_a_small_common_multiple_still_give_an_interval():
    rng = np.random.default_rng(3)
    lengths = np.array([97, 89, 83, 79, 73, 71])
    jobs = JobSet(rng.integers(0, 9, 6), lengths, [6] * 6, [1] * 6, steps=10)
    found = optimum(jobs, Params(horizon=120, max_job_length=100), seconds=5)
    assert found.lower <= found.upper <= found.lower + 1e-4
    assert is_feasible(jobs, found.detail, UNITS)


def test_prices_by_steps_come_near_the_linear_program():
    for jobs in job_sets("deeprm", 3, 4):
        start = anneal(jobs, UNITS)
        packing, last = packing_rows(jobs, UNITS), int(np.max(start + jobs.length))
        program = relax(jobs, packing, last, 60).bound
        steps = ascend(jobs, packing, last, mean_slowdown(jobs, start) * len(jobs)).bound
        assert 0.93 * program < steps <= program + 1e-6
        assert quick_bound(jobs, UNITS) < steps


def test_a_large_set_gets_a_useful_bound_and_a_schedule():
    jobs = job_sets("deeprm", 1, 1, steps=200)[0]
    found = optimum(jobs, seconds=0.2)
    assert is_feasible(jobs, found.detail, UNITS)
    packing, last = packing_rows(jobs, UNITS), int(np.max(found.detail + jobs.length))
    bound = ascend(jobs, packing, last, found.upper * len(jobs), iterations=150).bound
    assert 1.3 * quick_bound(jobs, UNITS) < bound < found.upper * len(jobs)


@pytest.mark.parametrize("place", [0, 2])
def test_the_seconds_are_kept_and_said(place):
    jobs = job_sets("uniform", 3, 1)[place]
    optimum(jobs, seconds=0.5)  # libraries are imported
    for seconds in (1.0, 2.5):
        begun = time.process_time()
        found = optimum(jobs, seconds=seconds)
        assert time.process_time() - begun < 1.1 * seconds  # of the processor: never more than passes by the clock
        assert (found.status, found.ended_by) == ("feasible", "seconds")
    settled = optimum(job_sets("deeprm", 1, 7, steps=20)[0], seconds=60)
    assert (settled.status, settled.ended_by) == ("optimal", "")


def test_no_time_gives_the_quick_bounds():
    jobs = job_sets("deeprm", 1, 1)[0]
    found = optimum(jobs, seconds=0)
    assert (found.status, found.upper) == ("feasible", mean_slowdown(jobs, found.detail))
    assert 1 <= found.lower < found.upper


def test_annealing_improves_on_the_rules_and_repeats():
    jobs = job_sets("deeprm", 1, 2)[0]
    shortest = list_schedule(jobs, np.argsort(jobs.length, kind="stable"), UNITS)
    first = anneal(jobs, UNITS, seed=5)
    assert mean_slowdown(jobs, first) < mean_slowdown(jobs, shortest)
    assert np.array_equal(first, anneal(jobs, UNITS, seed=5))


def test_the_checker_sees_an_overload_and_an_early_start():
    jobs = job_set_of([(1, 3, 6, 1), (2, 2, 5, 1)])
    assert is_feasible(jobs, np.array([1, 4]), UNITS)
    assert not is_feasible(jobs, np.array([1, 3]), UNITS)
    assert not is_feasible(jobs, np.array([0, 4]), UNITS)


def test_what_has_no_optimum_is_refused():
    with pytest.raises(DnnExplainError, match="holds no job"):
        optimum(JobSet([], [], [], [], steps=3))
    with pytest.raises(DnnExplainError, match="asks for 11 units"):
        optimum(job_set_of([(1, 1, 11, 1)]))
