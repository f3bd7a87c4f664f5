"""Runs without a clock: what a set costs is its own, starved jobs are found and charged, chance belongs to the workload."""

import numpy as np
import pytest

from dnnexplain.policies import load_shipped, untrained
from dnnexplain.systems.deeprm import DeepRM, JobSet
from dnnexplain.systems.deeprm.rules.kernels import HOLD
from dnnexplain.systems.deeprm.simulator.runner import serial_time


class Waits:
    """Scores slot 1 and waiting by numbers of its own; others never."""

    name, masked = "waits", False

    def __init__(self, slot_1):
        self.slot_1 = slot_1

    def outputs(self, observations):
        scores = np.full((len(observations), 6), -800.0)
        scores[:, 0], scores[:, 5] = self.slot_1, 0.0
        return scores


@pytest.fixture(scope="module")
def world():
    return DeepRM()


@pytest.fixture(scope="module")
def sets(world):
    return world.workloads("deeprm", 12, 1)


THREE = JobSet([1, 1, 2], [2, 3, 5], [5, 1, 6], [1, 8, 2], steps=10)


def test_a_policy_that_never_places_is_charged_from_where_nothing_can_change(world):
    found = world.run(Waits(-1.0), [THREE])
    assert found.metrics["starved"].tolist() == [3]
    assert found.detail.start[0].tolist() == [-1, -1, -1]
    # nobody arrives from step 2 on, and ten steps later the picture stays as it is
    assert found.detail.end.tolist() == [12]
    finish = 12 + np.cumsum(THREE.length)
    assert found.cost[0] == pytest.approx(np.mean((finish - THREE.arrival) / THREE.length))


def test_one_that_is_stuck_behind_some_jobs_starves_the_others_alone(world):
    found = world.run(Waits(1.0), [THREE])
    assert found.metrics["starved"].tolist() == [1]
    assert found.detail.start[0].tolist() == [1, -1, 3]  # the third took the first one's slot
    assert found.detail.end[0] == 12


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("role", ["as-published", "untrained"])
def test_a_set_costs_alone_what_it_costs_beside_others(world, sets, sample, role):
    policy = untrained(world, masked=False) if role == "untrained" else load_shipped(world, role)
    together = world.run(policy, sets, seed=3, sample=sample)
    long = world.workloads("deeprm", 1, 5, rate=1.0, steps=150)
    beside = world.run(policy, [*long, *sets[::-1]], seed=3, sample=sample)
    np.testing.assert_array_equal(beside.cost[1:][::-1], together.cost)
    alone = [world.run(policy, [one], seed=3, sample=sample).cost[0] for one in sets]
    np.testing.assert_array_equal(alone, together.cost)
    np.testing.assert_array_equal(world.replay(policy, sets[4], seed=3, sample=sample).cost, together.cost[4])


def test_copies_of_a_set_have_chances_of_their_own(world, sets):
    policy = load_shipped(world, "as-published")
    costs = world.run(policy, [sets[0]] * 8, sample=True).cost
    assert len(set(costs)) > 1
    assert costs[0] == world.run(policy, [sets[0]], sample=True).cost[0]
    assert world.run(policy, [sets[0]], seed=1, sample=True).cost[0] != costs[0]


@pytest.mark.parametrize("often", [True, False])
def test_where_actions_are_drawn_starved_is_what_takes_longer_than_all_work(world, often):
    """Slot 1 is chosen with probability 1 / (1 + e^-score) while it holds a job."""
    one = JobSet([1], [2], [1], [1], steps=5)
    limit = serial_time(one, world.params)
    assert limit == 5 + 2 + world.params.horizon
    score = -np.log((limit - 2.0) if often else (limit + 2.0))
    found = world.run(Waits(score), [one] * 40, sample=True)
    assert (found.metrics["starved"].max() > 0) is not often
    if often:
        assert found.detail.start.min() > 0


def slow_hold(length, fits, since, idle, hold):
    """The rule as its sentence has it."""
    present = [slot for slot, steps in enumerate(length) if steps > 0]
    released = since > hold[1] or since >= 10 or idle or all(steps > hold[0] for steps in length)
    free = [slot for slot in present if fits[slot] and (released or length[slot] <= hold[0])]
    return min(free, key=lambda slot: (length[slot], slot), default=len(length))


def test_hold_is_the_rule_that_its_sentence_says(world, sets):
    seen, _ = world.visit(world.rules()["hold"], sets[:4])
    values = world.decode(seen)
    jobs, free, valid = world.codec.jobs(values), world.codec.free(values), world.valid_actions(seen)
    since = values[:, world.codec.layout.since_knob]
    told = [
        slow_hold(jobs[row, :, 0], valid[row, :-1], since[row], (free[row] == 10).all(), HOLD)
        for row in range(len(seen))
    ]
    assert world.rules()["hold"].outputs(seen).argmax(axis=1).tolist() == told
    assert len(set(told)) > 2


def test_hold_beats_the_rules_that_hold_nothing(world):
    work = world.workloads("deeprm", 60, 2)
    costs = {name: world.run(rule, work).cost.mean() for name, rule in world.rules().items()}
    assert min(costs, key=costs.get) == "hold"
    assert costs["hold"] < 0.8 * costs["tetris"]
