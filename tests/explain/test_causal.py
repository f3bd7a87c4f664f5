from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, NetworkPolicy, state_from_values
from dnnexplain.explain.networks.hooks import array, tensor
from dnnexplain.explain.probing.intervention import (
    CostEffect,
    NeuronEffect,
    clamped,
    effect_on_cost,
    intervene,
    intervene_each,
)
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeChoice, FakeSystem


def network(system, hidden=5, seed=0):
    torch.manual_seed(seed)
    cells = int(np.prod(system.observation_shape))
    out = nn.Linear(hidden, len(system.output.names))
    return TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(cells, hidden), nn.ReLU(), out), system)


def queues(system):
    """Neuron 0 counts the left queue, neuron 1 the right one; the longer queue goes first."""
    policy = network(system, 2)
    with torch.no_grad():
        first, second = policy.module[1], policy.module[3]
        first.weight.zero_()
        first.weight.view(2, 5, 7)[0, :, 0] = 1.0
        first.weight.view(2, 5, 7)[1, 0, 3:6] = 1.0
        first.bias.zero_()
        second.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        second.bias.copy_(torch.tensor([0.0, 0.0, -1.0]))
    return policy


def test_an_ablation_equals_the_network_without_that_column():
    system = FakeChoice()
    policy = network(system)
    state = state_from_values(system, {"left queue": 4, "right queue": 3})
    x = tensor(system.encode(state.values[None]))
    hidden = array(policy.module[:3](x))[0]
    weight, bias = (array(part) for part in (policy.module[3].weight, policy.module[3].bias))
    for found in intervene_each(system, policy, state):
        left = np.delete(hidden, found.neuron)
        expected = np.delete(weight, found.neuron, axis=1) @ left + bias
        np.testing.assert_allclose(found.after.outputs, expected, atol=1e-6)
        np.testing.assert_allclose(found.moved, -weight[:, found.neuron] * hidden[found.neuron], atol=1e-6)
        assert found.natural == pytest.approx(hidden[found.neuron])


def test_a_neuron_held_at_its_own_value_changes_nothing():
    system = FakeChoice()
    policy = network(system, seed=1)
    state = state_from_values(system, {"left queue": 3, "right queue": 1})
    natural = intervene(system, policy, state, 2).natural
    same = intervene(system, policy, state, 2, value=natural)
    np.testing.assert_allclose(same.moved, 0.0, atol=1e-6)
    assert not same.flips


def test_a_decision_flips_and_says_so():
    system = FakeChoice()
    policy = queues(system)
    state = state_from_values(system, {"left queue": 4, "right queue": 2})
    off = intervene(system, policy, state, 0)
    assert off.flips
    assert off.sentence() == "With neuron 0 held at 0 (it is 4 here), the decision changes from left to right."
    other = intervene(system, policy, state, 1)
    assert not other.flips
    assert "the decision stays left; its probability goes from" in other.sentence()


def test_the_policy_itself_is_untouched():
    system = FakeChoice()
    policy = network(system)
    x = system.encode(np.array([[4.0, 2.0]]))
    before = policy.outputs(x)
    changed = clamped(system, policy, {0: 3.0, 1: 0.0})
    assert isinstance(changed, NetworkPolicy)
    assert not np.allclose(changed.outputs(x), before)
    np.testing.assert_array_equal(policy.outputs(x), before)
    assert changed.name == f"{policy.name} with neuron 0 at 3, neuron 1 at 0"
    assert changed.outputs(x[:0]).shape == (0, 3)


def test_the_cost_of_an_ablation_over_episodes_is_that_of_the_rule_it_leaves():
    system = FakeChoice()
    policy = queues(system)
    workloads = system.workloads("", 40, seed=0)
    found = effect_on_cost(system, policy, 0, workloads, seed=0)
    longest = system.run(policy, workloads).cost
    right_first = system.run(system.rules()["right first"], workloads).cost
    np.testing.assert_array_equal(found.before, longest)
    assert (found.after >= found.before).all()
    assert found.mean == pytest.approx((found.after - found.before).mean())
    assert found.low <= found.mean <= found.high
    assert "changes the waiting, car steps over 40 workloads" in found.sentence()
    np.testing.assert_array_equal(found.after, right_first)
    assert found == effect_on_cost(system, policy, 0, workloads, seed=0)


def test_a_vector_output_moves():
    system = FakeSystem()
    policy = network(system, 4)
    found = intervene(system, policy, state_from_values(system, {"angle": 0.7}), 1, value=2.0)
    assert not found.flips
    assert "moves most, by" in found.sentence()
    cost = effect_on_cost(system, policy, 1, system.workloads("wild", 10, 0), value=2.0, sample=True)
    assert cost.after.shape == (10,)


def test_mistakes_are_explained():
    system = FakeChoice()
    policy = network(system)
    with pytest.raises(DnnExplainError, match="never below 0"):
        clamped(system, policy, {0: -1.0})
    with pytest.raises(DnnExplainError, match="finite number, not nan"):
        clamped(system, policy, {0: float("nan")})
    with pytest.raises(DnnExplainError, match="numbered 0 to 4"):
        clamped(system, policy, {5: 0.0})
    with pytest.raises(DnnExplainError, match="at least two workloads, not 1"):
        effect_on_cost(system, policy, 0, system.workloads("", 1, 0))


def test_effects_are_saved_and_read_back():
    system = FakeChoice()
    policy = network(system)
    effect = intervene(system, policy, state_from_values(system, {}), 0)
    assert NeuronEffect.from_json(effect.to_json()) == effect
    cost = effect_on_cost(system, policy, 0, system.workloads("", 3, 0))
    assert CostEffect.from_json(cost.to_json()) == cost
