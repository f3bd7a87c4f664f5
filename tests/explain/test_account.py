from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.explain.probing.account import Account, account
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeChoice, FakeSystem, linear_network


def network(system, hidden=7, seed=0, **options):
    torch.manual_seed(seed)
    cells = int(np.prod(system.observation_shape))
    out = nn.Linear(hidden, len(system.output.names))
    return TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(cells, hidden, **options), nn.ReLU(), out), system)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    hidden=st.integers(1, 30),
    left=st.integers(0, 5),
    right=st.integers(0, 3),
    weather=st.floats(0, 1, width=32),
    pair=st.permutations(range(3)),
)
def test_the_account_adds_up_to_the_networks_own_contrast(seed, hidden, left, right, weather, pair):
    system = FakeChoice()
    policy = network(system, hidden, seed)
    background = np.zeros(system.observation_shape, np.float32)
    background[:, 6] = weather
    found = account(system, policy, State(np.array([left, right]), background), pro=pair[0], contra=pair[1])
    assert found.effects.sum() + found.offset == pytest.approx(found.contrast, abs=1e-5)
    assert found.paths.sum() + found.constant == pytest.approx(found.contrast, abs=1e-5)
    assert found.by_group.sum() + found.constant == pytest.approx(found.contrast, abs=1e-5)
    np.testing.assert_allclose(np.maximum(found.inputs.sum(1) + found.bias, 0), found.activation)


def test_the_shares_of_groups_equal_the_gradient_times_the_input():
    system = FakeChoice()
    policy = network(system, seed=3)
    state = state_from_values(system, {"left queue": 4, "right queue": 2})
    found = account(system, policy, state, pro="left", contra="wait")
    x = torch.from_numpy(system.encode(state.values[None])).requires_grad_()
    y = policy.module(x)[0]
    (slope,) = torch.autograd.grad(y[0] - y[2], x)
    product = (slope * x).detach().numpy()[0]
    expected = [product[system.cell_group == g].sum() for g in range(3)]
    np.testing.assert_allclose(found.by_group, expected, atol=1e-6)


def test_a_handmade_network_is_told_in_words():
    system = FakeChoice()
    policy = network(system, 2)
    with torch.no_grad():
        first, second = policy.module[1], policy.module[3]
        first.weight.zero_()
        first.weight.view(2, 5, 7)[0, :, 0] = 1.0  # neuron 0 counts the left queue
        first.weight.view(2, 5, 7)[1, 0, 3:6] = 1.0  # neuron 1 counts the right queue
        first.bias.copy_(torch.tensor([-1.0, 0.5]))
        second.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
        second.bias.copy_(torch.tensor([0.25, 0.0, 0.0]))
    state = state_from_values(system, {"left queue": 4, "right queue": 1})
    found = account(system, policy, state)
    assert (found.pro, found.contra, found.contrast) == ("left", "right", 0.25)
    assert found.effects.tolist() == [3.0, -3.0]
    assert [(p.group, p.neuron, p.value) for p in found.top(3)] == [("left", 0, 4.0), ("right", 1, -2.0)]
    assert found.constant == pytest.approx(-1.0 - 1.0 + 0.25)
    told = found.sentences()
    assert told[0].startswith("Left minus right is 0.25: 2 of 2 neurons are on")
    assert "Neuron 0 is at 3, moved most by left (+4)" in told[1]
    assert "+3, for left" in told[1]
    assert "-3, against left" in told[2]


def test_a_vector_output_is_accounted_for_by_itself():
    system = FakeSystem()
    policy = network(system, 5)
    found = account(system, policy, state_from_values(system, {"angle": 0.5}), pro="brake")
    assert (found.pro, found.contra) == ("brake", "")
    assert found.effects.sum() + found.offset == pytest.approx(found.contrast, abs=1e-6)


def test_a_layer_without_bias_and_a_softmax_by_function():
    system = FakeChoice()
    state = state_from_values(system, {})
    plain = account(system, network(system, bias=False), state)
    assert (plain.bias == 0).all()

    class Shares(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(35, 4), nn.Linear(4, 3)

        def forward(self, x):
            return torch.softmax(self.two(torch.relu(self.one(x.flatten(1)))), 1)

    found = account(system, TorchPolicy(Shares(), system), state)
    assert found.effects.sum() + found.offset == pytest.approx(found.contrast, abs=1e-5)


def refused(module):
    system = FakeChoice()
    with pytest.raises(DnnExplainError) as caught:
        account(system, TorchPolicy(module, system), state_from_values(system, {}))
    return str(caught.value)


def test_other_architectures_are_refused_with_the_reason():
    deep = nn.Sequential(nn.Flatten(), nn.Linear(35, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    assert "has 3 dense layers" in refused(deep)
    assert "has 1 dense layer." in refused(linear_network(FakeChoice()))
    assert "2 (Tanh)" in refused(nn.Sequential(nn.Flatten(), nn.Linear(35, 4), nn.Tanh(), nn.Linear(4, 3)))

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(35, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.two(torch.relu(self.one(2 * x.flatten(1))))

    assert "something in between" in refused(Scaled())
    system = FakeChoice()
    with pytest.raises(DnnExplainError, match="no torch network"):
        account(system, system.rules()["longest"], state_from_values(system, {}))


def test_wrong_outputs_are_explained():
    system = FakeChoice()
    policy, state = network(system), state_from_values(system, {})
    with pytest.raises(DnnExplainError, match="two different outputs"):
        account(system, policy, state, pro="left", contra="left")
    with pytest.raises(DnnExplainError, match="no output is called 'up'"):
        account(system, policy, state, pro="up")
    with pytest.raises(DnnExplainError, match="outputs 0 to 2, not 3"):
        account(system, policy, state, pro=3)


def test_an_account_is_saved_and_read_back():
    system = FakeChoice()
    found = account(system, network(system), state_from_values(system, {}))
    assert Account.from_json(found.to_json()) == found
