"""Workload families: their tables, their draws, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.families import (
    FAMILIES,
    expected_load,
    family_parameters,
    job_sets,
    load,
    plausibility,
)


@pytest.fixture(params=list(FAMILIES))
def family(request):
    return request.param


def test_set_i_of_a_seed_does_not_depend_on_the_count(family):
    assert job_sets(family, 7, 5)[:3] == job_sets(family, 3, 5)
    assert job_sets(family, 3, 5) != job_sets(family, 3, 6)


@pytest.mark.parametrize("params", [Params(), Params(horizon=8, units=4, max_job_units=3, max_job_length=5)])
def test_jobs_fit_the_cluster_and_arrive_within_the_steps(family, params):
    for jobs in job_sets(family, 50, 1, steps=20, params=params):
        jobs.check_fits(params)
        assert len(jobs) >= 1
        assert jobs.arrival.min() >= 1
        assert jobs.arrival.max() <= 19
        assert min(jobs.length.min(), jobs.cpu.min(), jobs.memory.min()) >= 1


def test_rate_and_load_meet_what_the_tables_say(family):
    sets = job_sets(family, 500, 2)
    counts = np.array([len(jobs) for jobs in sets])
    assert abs(counts.mean() / 49 - 0.7) < 4 * counts.std() / math.sqrt(500) / 49
    loads = np.array([load(jobs) for jobs in sets])
    error = loads.std(0) / math.sqrt(500)
    assert np.all(abs(loads.mean(0) - np.array(expected_load(family))) < 4 * error)


def test_the_original_generator_offers_the_published_load():
    assert expected_load("deeprm").mean == pytest.approx(0.7 * (0.8 * 2 + 0.2 * 12.5) * (7.5 + 1.5) / 2 / 10)


def test_the_original_generator_draws_its_two_classes():
    sets = job_sets("deeprm", 400, 3)
    length, cpu, memory = (np.concatenate([getattr(j, n) for j in sets]) for n in ("length", "cpu", "memory"))
    assert set(length) == {1, 2, 3, 10, 11, 12, 13, 14, 15}
    assert np.mean(length <= 3) == pytest.approx(0.8, abs=0.02)
    assert np.mean(cpu >= 5) == pytest.approx(0.5, abs=0.02)
    assert np.all((np.maximum(cpu, memory) >= 5) & (np.minimum(cpu, memory) <= 2))


def test_likelihoods_sum_to_one_and_follow_the_closed_form(family):
    grid = np.indices((18, 13, 13)).reshape(3, -1)
    assert np.exp(plausibility(tuple(grid), family)).sum() == pytest.approx(1)


def test_plausibility_of_single_jobs():
    short = math.log(0.8 / 3 * 0.5 / 6 / 2)
    found = plausibility(([2, 12, 5, 2, 2], [7, 1, 7, 3, 7], [1, 9, 1, 1, 1.5]))
    assert found[:2] == pytest.approx([short, math.log(0.2 / 6 * 0.5 / 6 / 2)])
    assert np.all(np.isneginf(found[2:]))
    jobs = JobSet([1], [4], [5], [6], steps=5)
    assert plausibility(jobs, "uniform") == pytest.approx(math.log(1 / 1500))


def test_plausibility_matches_how_often_jobs_are_drawn():
    sets = job_sets("heavy-tailed", 1000, 4)
    length = np.concatenate([jobs.length for jobs in sets])
    shares = np.exp(plausibility((np.arange(1, 16), 10, 1), "heavy-tailed") - plausibility((1, 10, 1), "heavy-tailed"))
    drawn = np.bincount(length, minlength=16)[1:]
    assert drawn / drawn[0] == pytest.approx(shares, abs=0.03)


def test_bursts_bunch_arrivals_together():
    def spread(family):
        counts = np.array([np.bincount(jobs.arrival, minlength=50)[1:] for jobs in job_sets(family, 200, 5)])
        return counts.reshape(200, 7, 7).sum(2).var()

    assert spread("bursty") > 4 * spread("deeprm")
    assert spread("diurnal") > 2 * spread("deeprm")


def test_parameters_change_the_draw():
    jobs = job_sets("deeprm", 20, 1, long_share=1.0, long_lengths=(4, 4), cpu_dominant=0.0)
    assert {length for one in jobs for length in one.length} == {4}
    assert all(np.all(one.memory >= 5) for one in jobs)
    assert family_parameters("deeprm", Params(max_job_length=10, horizon=12))["long_lengths"] == (6, 10)


def test_a_set_without_arrivals_gets_one_job():
    assert [len(jobs) for jobs in job_sets("deeprm", 5, 1, rate=1e-9)] == [1] * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "unifrom"}, "Did you mean 'uniform'"),
        ({"family": "uniform", "long_share": 0.1}, "parameter of workload family 'uniform'"),
        ({"long_shar": 0.1}, "Did you mean 'long_share'"),
        ({"rate": 1.2}, "rate must be a number from 0 to 1"),
        ({"rate": 0}, "rate must be above 0"),
        ({"rate": math.nan}, "rate must be above 0"),
        ({"count": 0}, "count must be a whole number"),
        ({"steps": 1}, "steps must be a whole number of at least 2"),
        ({"long_lengths": (10, 16)}, "within 1 to 15"),
        ({"long_lengths": 3}, "two whole numbers"),
        ({"long_share": "half"}, "long_share must be a number"),
    ],
)
def test_mistakes_get_a_clear_error(arguments, message):
    with pytest.raises(DnnExplainError, match=message.replace("(", r"\(")):
        job_sets(**arguments)
