"""States that a policy meets, facts that hold in them, and where a state lies in a picture of a layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.explain.probing.domain_facts import domain_facts, objects_of
from dnnexplain.explain.probing.embedding import embed, locate, relabelled
from dnnexplain.explain.probing.intervention import effect_on_cost
from dnnexplain.explain.probing.neurons import layer_of
from dnnexplain.explain.probing.states_met import families, visited
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import BUILT_IN, make_system, spec_of
from dnnexplain.systems.deeprm import DeepRM
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem

WORLD = DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)


@pytest.fixture(scope="module")
def policy():
    return TorchPolicy(mlp(WORLD, hidden=10), WORLD, name="small")


@pytest.fixture(scope="module")
def seen(policy):
    return visited(WORLD, policy, 300, seed=1)


def test_states_come_from_the_policys_own_episodes(seen, policy):
    assert seen.observations.shape == (300, *WORLD.observation_shape)
    assert len(np.unique(seen.observations.reshape(300, -1), axis=0)) == 300
    assert "that “small” meets in its own episodes" in seen.source
    again = visited(WORLD, policy, 300, seed=1)
    np.testing.assert_array_equal(again.observations, seen.observations)
    # each of them is met when the same workloads are run once more
    workloads = [one for turn in range(16) for one in WORLD.workloads("deeprm", 8, 1 + turn)]
    met = {row.tobytes() for row in WORLD.visit(policy, workloads, seed=1)[0]}
    assert all(row.tobytes() in met for row in seen.observations)


def test_a_system_without_episodes_gives_what_it_has():
    vehicle = FakeSystem()
    network = TorchPolicy(mlp(vehicle), vehicle)
    batch = visited(vehicle, network, 100)
    np.testing.assert_array_equal(batch.observations, vehicle.baselines(state_from_values(vehicle, {}))["corners"])
    gate = FakeChoice()
    assert len(visited(gate, TorchPolicy(mlp(gate), gate)).observations) == 24  # all that there are

    class Bare(FakeSystem):
        def baselines(self, state):
            return {"at rest": super().baselines(state)["at rest"]}

    assert "random valid states" in visited(Bare(), network, 50).source
    with pytest.raises(DnnExplainError, match="at least one state"):
        visited(vehicle, network, 0)
    with pytest.raises(DnnExplainError, match="no workload 'deeprn'"):
        visited(WORLD, network, 5, workload="deeprn")


def test_facts_are_what_the_domain_says(seen):
    assert objects_of(WORLD) == ("job 1", "job 2", "job 3")
    facts = domain_facts(WORLD, seen.observations, about="job 2", above=2)
    assert list(facts) == ["job 2 fits now", "job 2 rank by length is 1", "job 2 length above 2 steps"]
    values = WORLD.decode(seen.observations)
    lengths = values[:, [0, 3, 6]]
    np.testing.assert_array_equal(facts["job 2 length above 2 steps"], lengths[:, 1] > 2)
    first = facts["job 2 rank by length is 1"]
    assert (lengths[first, 1] <= np.where(lengths > 0, lengths, 99)[first].min(axis=1) + 10).all()
    assert (lengths[facts["job 2 fits now"], 1] > 0).all()
    every = domain_facts(WORLD, seen.observations)
    assert all(holds.any() and not holds.all() for holds in every.values())
    assert {name.split()[1] for name in every if name.startswith("job")} == {"1", "2", "3"}


def test_facts_of_a_system_without_features():
    vehicle = FakeSystem()
    seen = vehicle.encode(np.array([[-0.5, 2.0], [0.5, 4.0], [0.1, 8.0]]))
    facts = domain_facts(vehicle, seen)
    assert list(facts) == ["angle above 0.1 rad", "speed above 4 m/s"]
    np.testing.assert_array_equal(facts["speed above 4 m/s"], [False, False, True])


def test_a_fitted_state_is_located_where_its_point_is(seen, policy):
    states = seen.states(WORLD)
    found = embed(WORLD, policy, states)
    np.testing.assert_allclose(locate(WORLD, policy, found, states), found.points, atol=1e-9)
    by_length = relabelled(WORLD, policy, found, states, "job 1 length")
    np.testing.assert_array_equal(by_length.values, [state.values[0] for state in states])
    np.testing.assert_array_equal(by_length.points, found.points)
    assert by_length.question.settings["label"] == "job 1 length"
    back = relabelled(WORLD, policy, by_length, states, "decision")
    assert back == found
    near = embed(WORLD, policy, states[:20], method="tsne", perplexity=5)
    with pytest.raises(DnnExplainError, match="use PCA"):
        locate(WORLD, policy, near, states[:1])


def test_a_layer_of_one_neuron_is_a_line():
    gate = FakeChoice()
    narrow = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(35, 1), nn.Linear(1, 3)), gate)
    states = visited(gate, narrow).states(gate)
    found = embed(gate, narrow, states)
    assert layer_of(gate, narrow).units == 1
    np.testing.assert_array_equal(found.points[:, 1], 0)
    np.testing.assert_allclose(locate(gate, narrow, found, [state_from_values(gate, {})])[:, 1], 0)


def test_costs_in_pieces_are_the_costs_at_once(policy, monkeypatch):
    workloads = WORLD.workloads("deeprm", 5, seed=3)
    whole = effect_on_cost(WORLD, policy, 2, workloads)
    monkeypatch.setattr("dnnexplain.explain.transfer.paired._WORKLOADS_AT_ONCE", 2)
    told: list[float] = []
    parts = effect_on_cost(WORLD, policy, 2, workloads, progress=told.append)
    assert parts == whole
    assert told == sorted(told)
    assert len(told) == 6
    assert torch.is_tensor(policy.module[1].weight)

    def stop(_fraction: float) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        effect_on_cost(WORLD, policy, 2, workloads, progress=stop)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_families_of_every_system_are_those_of_its_spec(name):
    told = families(make_system(name))
    assert told
    assert list(told) == [family.name for family in spec_of(name).families]
    assert all(told.values())


def test_a_system_without_workloads_has_no_families():
    assert families(FakeSystem()) == families(FakeChoice()) == {}
