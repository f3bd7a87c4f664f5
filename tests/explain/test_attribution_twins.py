# ruff: noqa: NPY002 - what is tested is that the global generators are left alone
"""Attribution against Captum called directly, brute force over all orders, and itself in many threads."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from captum import attr
from torch import nn

from dnnexplain.contract import State
from dnnexplain.explain import METHODS, attribute, attribute_units
from dnnexplain.explain.attribution import removal
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.explain.networks.hooks import activations, hooked, layer_names, layers, private
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import Convolutional, FourGroups, mlp
from tests.fakes import FakeChoice

GATE = FakeChoice()
STATE = State(np.array([3.0, 2.0]))
WEATHER = np.random.default_rng(3).random((5, 7)).astype(np.float32)
FOUR = FourGroups()
CLOUDY = State(STATE.values, WEATHER)


# --- Captum as the twin ---


@pytest.fixture(scope="module")
def twin():
    policy = TorchPolicy(Convolutional(GATE), GATE)
    net = private(policy)
    inputs = torch.from_numpy(observe(GATE, [STATE])).requires_grad_()
    return policy, net, inputs, torch.zeros_like(inputs), lambda x: net(x) @ torch.tensor([1.0, 0.0, -1.0])


def ours(policy, method, **options):
    return attribute(GATE, policy, STATE, method=method, target="left minus wait", **options)


def test_saliency_equals_captum(twin):
    policy, _, inputs, _, forward = twin
    expected = attr.Saliency(forward).attribute(inputs, abs=False)
    np.testing.assert_allclose(ours(policy, "saliency").map, expected[0].detach(), atol=1e-6)


def test_integrated_gradients_equal_captum(twin):
    policy, _, inputs, zeros, forward = twin
    found = ours(policy, "integrated-gradients", settings={"steps": 64})
    expected = attr.IntegratedGradients(forward).attribute(inputs, zeros, n_steps=64, method="riemann_middle")
    np.testing.assert_allclose(found.map, expected[0].detach(), atol=1e-6)


def test_feature_ablation_equals_captum_group_by_group(twin):
    policy, _, inputs, zeros, forward = twin
    groups = torch.from_numpy(GATE.cell_group)
    expected = attr.FeatureAblation(forward).attribute(inputs, zeros, feature_mask=groups[None])[0]
    for index, value in enumerate(ours(policy, "feature-ablation").net):
        assert value == pytest.approx(float(expected[groups == index][0]), abs=1e-6)


def test_occlusion_equals_captum_window_by_window(twin):
    policy, _, inputs, zeros, forward = twin
    expected = attr.Occlusion(forward).attribute(inputs, (2, 2), strides=(2, 2), baselines=zeros)[0].numpy()
    found = ours(policy, "occlusion").map
    for row, column in itertools.product(range(0, 5, 2), range(0, 7, 2)):
        window = np.s_[row : row + 2, column : column + 2]
        if found[window].any():
            assert found[window].sum() == pytest.approx(expected[row, column], abs=1e-6)


def test_grad_cam_equals_captum(twin):
    policy, net, inputs, _, forward = twin
    small = attr.LayerGradCam(forward, net.second).attribute(inputs)
    expected = attr.LayerAttribution.interpolate(small, (5, 7), interpolate_mode="bilinear")[0, 0]
    np.testing.assert_allclose(ours(policy, "grad-cam").map, expected.detach(), atol=1e-6)


def test_conductance_equals_captum_and_its_neurons_are_its_parts(twin):
    policy, net, inputs, zeros, forward = twin
    options = {"n_steps": 32, "method": "riemann_trapezoid"}
    expected = attr.LayerConductance(forward, net.relu2).attribute(inputs, zeros, **options)
    found = attribute_units(GATE, policy, STATE, layer="relu2", target="left minus wait", settings={"steps": 32})
    np.testing.assert_allclose(found.values, expected.flatten().detach(), atol=1e-6)
    unit = int(np.abs(found.values).argmax())
    part = ours(policy, "neuron-conductance", neuron=("relu2", unit), settings={"steps": 32})
    assert part.map.sum() == pytest.approx(found.values[unit], rel=0.05, abs=1e-4)


# --- Shapley values ---


def worth_of(system, policy, state, index, against):
    """The scalar of every coalition of groups, the others as in the empty baseline."""
    seen, empty = observe(system, [state])[0], system.baselines(state)["empty"][0]

    def worth(players):
        inside = np.isin(system.cell_group, list(players))
        out = policy.outputs(np.where(inside, seen, empty)[None])[0]
        return out[index] - out[against]

    return worth


def no_weather(system):
    """The baseline of an empty gate under a clear sky: all four groups differ from it."""
    return np.zeros((1, *system.observation_shape), np.float32)


@pytest.fixture(scope="module")
def four():
    policy = TorchPolicy(mlp(FOUR, seed=2, scale=2.0), FOUR)
    seen = observe(FOUR, [CLOUDY])[0]

    def worth(players):
        inside = np.isin(FOUR.cell_group, list(players))
        out = policy.outputs(np.where(inside, seen, 0.0)[None])[0]
        return out[0] - out[2]

    return policy, worth


def shapley_of(policy, **options):
    return attribute(
        FOUR, policy, CLOUDY, method="shapley", target="left minus wait", baseline=no_weather(FOUR), **options
    )


def test_shapley_values_equal_the_mean_over_all_orders(four):
    policy, worth = four
    orders = list(itertools.permutations(range(4)))
    expected = np.zeros(4)
    for order in orders:
        for place, player in enumerate(order):
            expected[player] += worth(order[: place + 1]) - worth(order[:place])
    np.testing.assert_allclose(shapley_of(policy).net, expected / len(orders), atol=1e-5)


def test_shapley_values_equal_captums_over_all_orders(four):
    policy, _ = four
    inputs, groups = torch.from_numpy(observe(FOUR, [CLOUDY])), torch.from_numpy(FOUR.cell_group)
    net = private(policy)
    exact = attr.ShapleyValues(lambda x: net(x)[:, 0] - net(x)[:, 2])
    expected = exact.attribute(inputs, torch.zeros_like(inputs), feature_mask=groups[None])[0]
    values = [float(expected[groups == index][0]) for index in range(4)]
    np.testing.assert_allclose(shapley_of(policy).net, values, atol=1e-5)


def test_shapley_axioms_efficiency_dummy_and_linearity(four):
    policy, worth = four
    found = shapley_of(policy)
    assert found.net.sum() == pytest.approx(worth(range(4)) - worth(()), abs=1e-5)
    same = attribute(FOUR, policy, CLOUDY, method="shapley", target="left minus wait")
    assert same.groups["upper weather"] == (0.0, 0.0)
    logits = [
        attribute(FOUR, policy, CLOUDY, method="shapley", target=f"logit of {name}", baseline=no_weather(FOUR)).net
        for name in ("left", "wait")
    ]
    np.testing.assert_allclose(found.net, logits[0] - logits[1], atol=1e-5)


def test_shapley_axiom_symmetry():
    """Two groups that the network only sees summed get the same value."""

    class Summed(nn.Module):
        def forward(self, x):
            both = x[:, :, 0].mean(1) + x[:, 0, 3:6].mean(1)
            return torch.stack([both**2, both, 0 * both], dim=1)

    policy = TorchPolicy(Summed(), FOUR)
    state = State(np.array([5.0, 3.0]))
    found = attribute(FOUR, policy, state, method="shapley", target="logit of left")
    assert found.groups["left"].net == pytest.approx(found.groups["right"].net, abs=1e-6)
    assert found.groups["left"].net == pytest.approx(2.0, abs=1e-5)


def test_sampled_shapley_values_come_near_the_exact_ones_and_add_up(four, monkeypatch):
    policy, _ = four
    exact = shapley_of(policy)
    monkeypatch.setattr(removal, "MOST_EXACT", 2)
    sampled = shapley_of(policy, settings={"samples": 400})
    assert "estimated from 400 orders" in sampled.notes[0]
    np.testing.assert_allclose(sampled.net, exact.net, atol=0.1 * np.abs(exact.net).max())
    assert abs(sampled.completeness_error) < 1e-4


# --- threads, random numbers, the network itself ---


def test_eight_threads_on_one_policy_give_what_one_gives():
    policy = TorchPolicy(Convolutional(GATE), GATE)
    names = [name for name, one in METHODS.items() if not (one.units or one.heavy)]
    states = [State(np.array([left, 1.0])) for left in range(6)]
    questions = [(name, state) for state in states for name in names]

    def ask(question):
        name, state = question
        return attribute(GATE, policy, state, method=name, seed=5, neuron=("relu2", 7))

    alone = [ask(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, questions * 2))
    assert len(together) == 2 * len(alone)
    for one, other in zip(alone * 2, together, strict=True):
        assert one == other, one.method


def test_random_methods_follow_their_seed_and_leave_the_global_one_alone():
    policy = TorchPolicy(mlp(GATE, scale=3.0), GATE)
    torch.manual_seed(11)
    np.random.seed(11)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(11)
    np.random.seed(11)
    for method in ("smoothgrad", "gradient-shap"):
        maps = [attribute(GATE, policy, STATE, method=method, baseline="every state", seed=s).map for s in (1, 1, 2)]
        np.testing.assert_array_equal(maps[0], maps[1])
        assert not np.array_equal(maps[0], maps[2])
    assert torch.equal(torch.rand(3), expected[0])
    np.testing.assert_array_equal(np.random.rand(3), expected[1])


def test_the_policys_network_is_left_as_it_was():
    policy = TorchPolicy(Convolutional(GATE), GATE)
    policy.module.train()
    before = {name: weight.clone() for name, weight in policy.module.state_dict().items()}
    for name, method in METHODS.items():
        if not method.units:
            attribute(GATE, policy, STATE, method=name, neuron=("relu2", 0))
    attribute_units(GATE, policy, STATE, layer="second")
    assert policy.module.training
    assert all(weight.requires_grad for weight in policy.module.parameters())
    assert not any(
        part._forward_hooks or part._backward_hooks or part._forward_pre_hooks for part in policy.module.modules()
    )
    assert all(torch.equal(weight, before[name]) for name, weight in policy.module.state_dict().items())


def test_layers_are_found_in_running_order_after_their_activation():
    found = layers(Convolutional(GATE), (5, 7))
    assert [(layer.name, layer.weights, layer.activated, layer.last) for layer in found] == [
        ("relu", "first", True, False),
        ("relu2", "second", True, False),
        ("out", "out", False, True),
    ]
    assert [layer.units for layer in found] == [140, 72, 3]
    assert layer_names(mlp(GATE), (5, 7)) == ("2", "3")


def test_activations_equal_the_network_run_by_hand():
    net = mlp(GATE)
    seen = GATE.baselines(STATE)["every state"]
    expected = torch.relu(net[1](torch.from_numpy(seen).flatten(1)))
    np.testing.assert_allclose(activations(net, "2", seen), expected.detach(), atol=1e-6)
    twin = private(net)
    with hooked(twin, {"2": torch.zeros_like}):
        off = twin(torch.from_numpy(seen))
    np.testing.assert_allclose(off, net[3].bias.detach().expand(24, 3), atol=1e-6)
    assert not np.allclose(twin(torch.from_numpy(seen)), off)
