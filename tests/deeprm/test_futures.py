"""What follows a decision: a cluster that goes on from a state, beside the episode that the state is from."""

import numpy as np
import pytest

from dnnexplain.contract import State
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM, JobSet
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from tests.explain.networks import mlp

WORLD = DeepRM(slots=3, horizon=10, units=4, max_job_units=4, max_job_length=5, backlog=12)
NETWORK = TorchPolicy(mlp(WORLD, seed=4), WORLD, name="drawn")
EMPTY = State(np.zeros(len(WORLD.knobs)))


def jobs(seed):
    return WORLD.workloads("deeprm", 1, seed, steps=14, rate=0.7)[0]


@pytest.mark.parametrize("policy", [WORLD.rules()["sjf"], WORLD.rules()["hold"], NETWORK], ids=lambda one: one.name)
def test_from_an_empty_cluster_what_follows_waiting_is_the_whole_episode(policy):
    sets = [jobs(seed) for seed in range(5)]
    wait = WORLD.params.slots
    found = WORLD.continued(EMPTY, policy, wait, sets)
    assert found.cost == pytest.approx(WORLD.run(policy, sets).cost)


def episode_until(policy, job_set, steps):
    """An episode stopped in the step in which its clock is ``steps``, before anything is decided there."""
    simulator = Simulator(WORLD.params, [job_set], stalls=True)
    rows = np.zeros(1, dtype=np.int64)
    while simulator.time[0] < steps and not simulator.done[0]:
        seen = simulator.observe().astype(np.float32) * simulator.scale
        outputs = np.where(simulator.valid(), policy.outputs(seen), -np.inf)
        simulator.step(outputs.argmax(axis=1), rows)
    return simulator


@pytest.mark.parametrize("seed", range(8))
def test_in_the_middle_it_is_what_the_episode_had_still_to_come(seed):
    job_set, policy, now = jobs(seed), WORLD.rules()["tetris"], 5
    simulator = episode_until(policy, job_set, now)
    arrays = simulator.arrays
    assert not arrays.waiting_count[0], "its backlog would hold jobs that a state does not show"
    observation = simulator.observe()[0].astype(np.float32) * simulator.scale
    state = State(WORLD.decode(observation[None])[0], observation)
    later = job_set.arrival > now
    rest = JobSet(
        job_set.arrival[later] - now, job_set.length[later], job_set.cpu[later], job_set.memory[later],
        steps=job_set.steps - now,
    )  # fmt: skip
    action = int(np.where(simulator.valid(), policy.outputs(observation[None]), -np.inf).argmax())
    run = WORLD.run(policy, [job_set]).detail
    open_at = [j for j in range(len(job_set)) if job_set.arrival[j] > now or j in arrays.slot[0]]
    charged = [(run.finish[0, j] - max(now, int(job_set.arrival[j]))) / job_set.length[j] for j in open_at]
    assert WORLD.continued(state, policy, action, [rest]).cost[0] == pytest.approx(np.mean(charged))


def test_many_states_at_once_are_each_alone_and_a_backlog_is_drawn_alike_for_all_actions():
    values = np.array(EMPTY.values)
    values[:6] = [2, 3, 1, 5, 1, 2]
    values[WORLD.codec.layout.backlog_knob] = 4
    states, futures = [EMPTY, State(values)], [jobs(11), jobs(12)]
    which, actions = np.array([0, 1, 1, 1]), np.array([3, 0, 1, 3])
    together = WORLD.continued_together(states, which, actions, NETWORK, futures, seed=7)
    assert together.shape == (4, 2)
    for row, (place, action) in enumerate(zip(which, actions, strict=True)):
        alone = WORLD.continued(states[place], NETWORK, int(action), futures, seed=7)
        assert together[row] == pytest.approx(alone.cost)
        assert alone.detail.finish.shape[0] == 2
        there = {0: 0, 1: 6}[int(place)]
        assert [len(one) - there for one in alone.detail.job_sets] == [len(one) for one in futures]
    lined = WORLD.continued(states[1], NETWORK, 0, futures, seed=7).detail.job_sets
    other = WORLD.continued(states[1], NETWORK, 1, futures, seed=7).detail.job_sets
    assert [one.length.tolist() for one in lined] == [one.length.tolist() for one in other]
