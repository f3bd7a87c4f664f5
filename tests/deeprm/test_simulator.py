"""The compiled simulator against its slow twin, and the rules of the published environment one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm import DeepRM, JobSet, Params
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.workloads.families import job_sets
from tests.deeprm.twin import SlowDeepRM


def jobs_of(*rows: tuple[int, int, int, int], steps: int = 50) -> JobSet:
    return JobSet(*np.array(rows, dtype=int).reshape(-1, 4).T, steps=steps)


VARIANTS = [
    dict(zip(("cluster_cells", "finished_jobs", "full_backlog"), choice, strict=True))
    for choice in itertools.product(("binary", "colours"), ("leave", "linger"), ("charge", "vanish"))
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(v.values()))
@pytest.mark.parametrize("slots", [3, 5, 10])
def test_agrees_with_the_slow_twin_step_by_step(variant: dict[str, str], slots: int) -> None:
    params = Params(slots=slots, backlog=6, **variant)
    for seed, until_done in ((0, True), (1, False), (2, True)):
        jobs = job_sets("deeprm", 1, seed, rate=0.9, params=params)[0]
        fast = Simulator(params, [jobs], until_done=until_done, time_limit=90, seed=seed)
        slow = SlowDeepRM(params, jobs, until_done, 90, [int(c) for c in fast.arrays.colour_order[0]])
        rng = np.random.default_rng(seed)
        while not slow.done:
            assert np.array_equal(fast.observe()[0], slow.picture())
            action = int(rng.integers(slots + 1))
            assert fast.step(np.array([action]))[0] == pytest.approx(slow.step(action), abs=1e-12)
            assert (bool(fast.done[0]), int(fast.time[0])) == (slow.done, slow.time)
        assert [job.start for job in slow.all] == fast.arrays.start[0].tolist()
        assert [job.finish for job in slow.all] == fast.arrays.finish[0].tolist()
        assert sorted(job.number for job in slow.away) == np.flatnonzero(fast.arrays.turned_away[0]).tolist()


def test_a_job_may_be_reserved_for_the_future_and_time_stands_still() -> None:
    simulator = Simulator(Params(), [jobs_of((1, 5, 10, 1), (2, 3, 10, 1))])
    for action in (5, 0, 5):
        simulator.step(np.array([action]))
    assert simulator.step(np.array([0]))[0] == 0
    assert simulator.time[0] == 2
    assert simulator.arrays.start[0].tolist() == [1, 6]


def test_the_last_row_is_never_allocated() -> None:
    full = [(1, 15, 10, 1), (2, 4, 10, 1), (3, 3, 10, 1)]
    simulator = Simulator(Params(), [jobs_of(*full)])
    for action in (5, 0, 5, 0, 5):
        simulator.step(np.array([action]))
    # free from row 14 + 4 - 1 = 17 on: rows 17 to 19 hold 3 steps, but offset 17 is 20 - 3 and excluded
    before = int(simulator.time[0])
    simulator.step(np.array([0]))
    assert simulator.time[0] == before + 1
    assert simulator.arrays.start[0, 2] == -1


def test_a_job_that_arrives_in_step_0_is_never_admitted() -> None:
    simulator = Simulator(Params(), [jobs_of((0, 2, 1, 1), (1, 2, 1, 1))])
    simulator.step(np.array([5]))
    assert simulator.arrays.slot[0].tolist() == [1, -1, -1, -1, -1]


def test_a_full_backlog_turns_away_and_charges_until_the_end() -> None:
    params = Params(slots=1, backlog=1)
    simulator = Simulator(params, [jobs_of((1, 1, 10, 10), (1, 2, 10, 10), (1, 4, 10, 10))])
    assert simulator.step(np.array([1]))[0] == pytest.approx(-(1 + 1 / 2 + 1 / 4))
    assert simulator.arrays.turned_away[0].tolist() == [False, False, True]
    rewards = []
    while not simulator.done[0]:
        rewards.append(simulator.step(np.array([0]))[0])
    assert rewards[-1] == pytest.approx(-1 / 4)
    forgetful = Simulator(
        Params(slots=1, backlog=1, full_backlog="vanish"), [jobs_of((1, 1, 1, 1), (1, 2, 1, 1), (1, 4, 1, 1))]
    )
    assert forgetful.step(np.array([1]))[0] == pytest.approx(-(1 + 1 / 2))


def test_finished_jobs_leave_at_once_or_linger_as_published() -> None:
    pair = jobs_of((1, 1, 1, 1), (1, 1, 1, 1))
    rewards = {}
    for rule in ("leave", "linger"):
        simulator = Simulator(Params(finished_jobs=rule), [pair])
        for action in (5, 0, 1):
            simulator.step(np.array([action]))
        rewards[rule] = simulator.step(np.array([5]))[0]
    assert rewards == {"leave": 0.0, "linger": -1.0}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_a_row_of_a_batch_runs_as_it_would_alone(seed: int, size: int) -> None:
    params = Params(slots=3)
    sets = job_sets("uniform", size, seed, rate=0.5, steps=12, params=params)
    together = Simulator(params, sets)
    rng = np.random.default_rng(seed)
    actions = rng.integers(0, 4, (30, size))
    for row in actions:
        together.step(row)
    for index, jobs in enumerate(sets):
        alone = Simulator(params, [jobs])
        for action in actions[:, index]:
            alone.step(np.array([action]))
        assert np.array_equal(alone.observe()[0], together.observe()[index])
        count = len(jobs)
        assert np.array_equal(alone.arrays.start[0, :count], together.arrays.start[index, :count])


def test_a_copy_goes_its_own_way() -> None:
    simulator = Simulator(Params(), job_sets("deeprm", 2, 0))
    for _ in range(5):
        simulator.step(np.array([5, 5]))
    twin, before = simulator.copy(), simulator.observe()
    twin.step(np.array([0, 0]))
    assert np.array_equal(simulator.observe(), before)


def test_waiting_is_invalid_only_when_the_cluster_is_idle_and_a_job_fits() -> None:
    simulator = Simulator(Params(), [jobs_of((1, 3, 5, 5), (2, 3, 10, 10))])
    assert simulator.valid()[0].tolist() == [False] * 5 + [True]
    simulator.step(np.array([5]))
    assert simulator.valid()[0].tolist() == [True, False, False, False, False, False]
    simulator.step(np.array([0]))
    assert simulator.valid()[0].tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("actions", "said"), [([6], "does not exist"), ([-1], "does not exist"), ([0, 0], "one action")]
)
def test_wrong_actions_are_explained(actions: list[int], said: str) -> None:
    simulator = Simulator(Params(), job_sets("deeprm", 1, 0))
    with pytest.raises(DnnExplainError, match=said):
        simulator.step(np.array(actions))


def test_a_job_too_long_or_too_wide_is_refused_by_name() -> None:
    with pytest.raises(DnnExplainError, match="length of job 0 is 16 steps, above the limit of 15"):
        Simulator(Params(), [jobs_of((1, 16, 1, 1))])
    with pytest.raises(DnnExplainError, match="memory of job 0 is 11 units"):
        Simulator(Params(), [jobs_of((1, 3, 1, 11))])


def test_episodes_of_every_rule_end_with_every_job_done() -> None:
    system = DeepRM(slots=3)
    sets = system.workloads("deeprm", 10, 3)
    for name, rule in system.rules().items():
        episodes = system.run(rule, sets)
        assert episodes.metrics["starved"].sum() == 0, name
        assert np.all(episodes.cost >= 1), name
