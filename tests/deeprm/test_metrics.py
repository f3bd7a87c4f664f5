"""Metrics against a slow twin, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.simulator.metrics import measure
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params


def runs_of(job_sets, starts, away=(), placed_at=None, end=None):
    """Padded arrays of runs from lists of starts (-1: never placed)."""
    width = max(len(row) for row in starts)
    start = np.full((len(starts), width), -1)
    length = np.ones_like(start)
    for row, (jobs, given_starts) in enumerate(zip(job_sets, starts, strict=True)):
        start[row, : len(given_starts)] = given_starts
        length[row, : len(jobs)] = jobs.length
    turned_away = np.zeros(start.shape, dtype=bool)
    for row, job in away:
        turned_away[row, job] = True
    if placed_at is None:
        placed_at = np.where(start >= 0, np.arange(width), -1)
    return {
        "start": start,
        "finish": np.where(start >= 0, start + length, -1),
        "turned_away": turned_away,
        "placed_at": placed_at,
        "end": end if end is not None else np.full(len(starts), 5),
    }


TWO = JobSet([1, 1, 2, 4], [2, 3, 12, 1], [5, 1, 6, 1], [1, 8, 2, 1], steps=10)


def test_every_job_is_counted_by_hand():
    found = measure([TWO], **runs_of([TWO], [[1, 3, -1, -1]], away=[(0, 3)], end=[5]))
    # placed jobs finish at 3 and 6; the others then run alone from 6: to 18 and to 19
    assert found.finish[0].tolist() == [3, 6, 18, 19]
    assert found.slowdown[0] == pytest.approx([2 / 2, 5 / 3, 16 / 12, 15])
    assert found.all_jobs[0] == pytest.approx((1 + 5 / 3 + 16 / 12 + 15) / 4)
    assert found.original[0] == pytest.approx((1 + 1) / 2)
    assert found.completion[0] == pytest.approx((2 + 5 + 16 + 15) / 4)
    assert found.makespan.tolist() == [18]
    assert found.utilisation[0] == pytest.approx([(10 + 3 + 72 + 1) / 180, (2 + 24 + 24 + 1) / 180])
    assert (found.starved.tolist(), found.turned_away.tolist()) == ([1], [1])
    assert found.long[0] == pytest.approx(16 / 12)
    assert found.short[0] == pytest.approx((1 + 5 / 3 + 15) / 3)


def test_pooled_mean_weighs_jobs_and_the_plain_mean_weighs_sets():
    one = JobSet([1], [1], [1], [1], steps=10)
    found = measure([TWO, one], **runs_of([TWO, one], [[1, 1, 2, 4], [8]]))
    assert found.all_jobs == pytest.approx([1, 8])
    assert found.pooled() == pytest.approx(12 / 5)
    assert found.pooled("original") == pytest.approx(12 / 5)
    assert found.pooled("long") == pytest.approx(1)
    assert math.isnan(found.long[1])
    with pytest.raises(DnnExplainError, match="Did you mean 'original'"):
        found.pooled("orignal")


def test_the_original_forgets_what_is_placed_after_200_actions():
    placed_at = np.array([[0, 199, 200, -1]])
    found = measure([TWO], **runs_of([TWO], [[1, 9, 2, -1]], placed_at=placed_at))
    assert found.floored[0, :2].tolist() == [1, 3]
    assert np.isnan(found.floored[0, 2:]).all()
    nothing = measure([TWO], **runs_of([TWO], [[-1] * 4]))
    assert math.isnan(nothing.original[0])
    assert nothing.starved.tolist() == [4]


def slow_charge(jobs, start, end):
    """The charge, job by job."""
    finish = [s + n if s >= 0 else None for s, n in zip(start, jobs.length, strict=True)]
    clock = max([end, *(f for f in finish if f is not None)])
    for job, length in enumerate(jobs.length):
        if finish[job] is None:
            clock = max(clock, jobs.arrival[job]) + length
            finish[job] = clock
    return finish


job_lists = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 15), st.integers(-1, 30)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(job_lists, st.integers(0, 40)), min_size=1, max_size=4))
def test_the_charge_equals_a_slow_twin(batch):
    sets, starts = [], []
    for rows, _ in batch:
        ordered = sorted(rows, key=lambda row: row[0])
        arrival, length, delay = np.array(ordered).T
        sets.append(JobSet(arrival, length, np.full(len(arrival), 10), np.ones(len(arrival), int), steps=40))
        starts.append(np.where(delay < 0, -1, arrival + delay).tolist())
    ends = [end for _, end in batch]
    found = measure(sets, **runs_of(sets, starts, end=ends))
    for row, (jobs, start, end) in enumerate(zip(sets, starts, ends, strict=True)):
        expected = slow_charge(jobs, start, end)
        assert found.finish[row, : len(jobs)].tolist() == expected
        assert found.all_jobs[row] == pytest.approx(np.mean((np.array(expected) - jobs.arrival) / jobs.length))
        assert np.isnan(found.slowdown[row, len(jobs) :]).all()


def test_runs_of_other_job_sets_are_refused():
    other = JobSet([1, 1, 2, 4], [2, 3, 9, 1], [5, 1, 6, 1], [1, 8, 2, 1], steps=10)
    with pytest.raises(DnnExplainError, match="belong to these job sets"):
        measure([other], **runs_of([TWO], [[1, 3, 4, 5]]))
    with pytest.raises(DnnExplainError, match=r"one row per job set"):
        measure([TWO, TWO], **runs_of([TWO], [[1, 3, 4, 5]]))


def test_an_empty_set_has_no_slowdown():
    empty = JobSet([], [], [], [], steps=3)
    found = measure([empty, TWO], **runs_of([empty, TWO], [[], [1, 1, 2, 4]]), params=Params())
    assert math.isnan(found.all_jobs[0])
    assert found.makespan[0] == 0
    assert found.pooled() == pytest.approx(1)
