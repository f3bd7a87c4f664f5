"""Attribution against closed forms: linear networks, completeness, sums by knob group, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnnexplain.contract import DnnExplainError, State, Target, TargetKind
from dnnexplain.explain import METHODS, Attribution, attribute, attribute_units
from dnnexplain.explain.attribution.maps import group_sums
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import Convolutional, FourGroups, mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

GATE = FakeChoice()
STATE = State(np.array([3.0, 2.0]))
CELL_BY_CELL = ("input-x-gradient", "integrated-gradients", "deeplift", "gradient-shap")
BY_GROUP = ("feature-ablation", "shapley", "occlusion")
MAPS = tuple(name for name, method in METHODS.items() if not (method.neuron or method.units or method.conv))


def policy_of(net, system=GATE, **options):
    return TorchPolicy(net, system, **options)


@pytest.fixture(scope="module")
def linear():
    weights = np.random.default_rng(1).normal(size=(3, 35)).astype(np.float32)
    return policy_of(linear_network(GATE, weights)), weights.astype(np.float64).reshape(3, 5, 7)


# --- closed forms: a linear network ---


@pytest.mark.parametrize("method", CELL_BY_CELL)
@pytest.mark.parametrize("baseline", ["empty", "every state"])
def test_a_linear_networks_shares_are_weights_times_input_differences(linear, method, baseline):
    policy, weights = linear
    found = attribute(GATE, policy, STATE, method=method, target="left minus wait", baseline=baseline)
    distance = observe(GATE, [STATE])[0] - GATE.baselines(STATE)[baseline].mean(axis=0, dtype=np.float64)
    expected = (weights[0] - weights[2]) * distance
    if method == "gradient-shap" and baseline == "every state":
        draws = int(found.steps)
        assert np.abs(found.map - expected).max() < 5.0 * np.abs(weights[0] - weights[2]).max() / draws**0.5
    else:
        np.testing.assert_allclose(found.map, expected, atol=2e-6)
        assert found.explained == pytest.approx(expected.sum(), abs=1e-5)
        assert abs(found.completeness_error) < 1e-5


@pytest.mark.parametrize("method", ["saliency", "smoothgrad"])
def test_a_linear_networks_slopes_are_its_weights_with_their_sign(linear, method):
    policy, weights = linear
    found = attribute(GATE, policy, STATE, method=method, target="logit of right")
    np.testing.assert_allclose(found.map, weights[1], atol=1e-6)
    assert (found.map < 0).any()
    assert np.isnan(found.completeness_error)


@pytest.mark.parametrize("method", BY_GROUP)
def test_a_linear_networks_group_values_are_the_sums_of_its_shares(linear, method):
    policy, weights = linear
    settings_ = {"window": (1, 1)} if method == "occlusion" else None
    found = attribute(GATE, policy, STATE, method=method, target="left minus wait", settings=settings_)
    shares = (weights[0] - weights[2]) * observe(GATE, [STATE])[0]
    expected = np.add(*group_sums(shares, GATE))
    np.testing.assert_allclose(found.net, expected, atol=1e-5)
    assert found.map[observe(GATE, [STATE])[0] == 0].any() == np.False_


def test_a_linear_hidden_unit_has_its_weights_as_gradient():
    net = nn.Sequential(nn.Flatten(), nn.Linear(35, 4), nn.Linear(4, 3))
    found = attribute(GATE, policy_of(net), STATE, method="neuron-gradient", neuron=("1", 2))
    np.testing.assert_allclose(found.map.ravel(), net[1].weight[2].detach(), atol=1e-6)
    assert found.target == "activation of neuron 2 of layer 1"


def test_the_conductance_of_a_linear_layer_is_its_change_times_its_weight():
    net = nn.Sequential(nn.Flatten(), nn.Linear(35, 4), nn.Linear(4, 3))
    found = attribute_units(GATE, policy_of(net), STATE, layer="1", target="logit of wait")
    seen = torch.from_numpy(observe(GATE, [STATE]).reshape(1, -1))
    expected = (net[1].weight @ seen[0]) * net[2].weight[2]
    np.testing.assert_allclose(found.values, expected.detach(), atol=1e-5)
    assert abs(found.completeness_error) < 1e-5
    assert "of layer 1 carries most of logit of wait" in found.sentence()


# --- properties ---


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(0, 5), st.integers(0, 3), st.sampled_from(["contrast", "logit", "probability"])
)
def test_integrated_gradients_add_up_to_one_percent_or_say_by_how_much_not(seed, left, right, target):
    state = State(np.array([left, right], float))
    found = attribute(
        GATE, policy_of(mlp(GATE, seed=seed, scale=3.0)), state, method="integrated-gradients", target=target
    )
    good = abs(found.completeness_error) <= 0.01 * abs(found.explained) + 2e-6
    assert good != any("misses the difference" in note for note in found.notes)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["deeplift", "shapley"]))
def test_deeplift_and_shapley_add_up_to_rounding(seed, method):
    found = attribute(GATE, policy_of(mlp(GATE, seed=seed)), STATE, method=method, baseline="every state")
    assert found.completeness_error == pytest.approx(0.0, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(MAPS), st.integers(0, 1000))
def test_every_cell_is_in_one_group_and_the_groups_sum_to_the_map(method, seed):
    found = attribute(GATE, policy_of(mlp(GATE, seed=seed)), STATE, method=method)
    assert found.map.shape == GATE.observation_shape
    assert found.net.sum() == pytest.approx(found.map.sum(), abs=1e-9)
    assert found.positive.sum() == pytest.approx(found.map[found.map > 0].sum())
    for index, name in enumerate(GATE.groups):
        cells = found.map[GATE.cell_group == index]
        assert found.groups[name] == pytest.approx((cells[cells > 0].sum(), cells[cells < 0].sum()))


@pytest.mark.parametrize("method", [*MAPS, "grad-cam"])
def test_the_same_seed_gives_the_same_map_and_it_survives_a_file(method, tmp_path):
    policy = policy_of(Convolutional(GATE))
    one, other = (attribute(GATE, policy, STATE, method=method, seed=4) for _ in range(2))
    assert one == other
    assert Attribution.load(one.save(tmp_path / "map.json")) == one
    assert one.question.checkpoint == policy.checkpoint
    assert one.table()[0].keys() == {"group", "positive", "negative", "net"}


def test_more_references_are_averaged_and_named():
    policy = policy_of(mlp(GATE))
    every = GATE.baselines(STATE)["every state"]
    whole = attribute(GATE, policy, STATE, method="deeplift", baseline="every state")
    each = [attribute(GATE, policy, STATE, method="deeplift", baseline=one) for one in every]
    np.testing.assert_allclose(whole.map, np.mean([one.map for one in each], axis=0), atol=1e-6)
    assert whole.explained == pytest.approx(np.mean([one.explained for one in each]), abs=1e-6)
    assert (whole.baseline, each[0].baseline) == ("every state", "given observations")


def test_integrated_gradients_find_where_the_network_bends():
    """Two bends on the path: the exact integral needs the gradient on both sides of each, and no more."""
    net = mlp(GATE, hidden=2)
    with torch.no_grad():
        net[1].weight.zero_()
        net[1].weight[0, 0], net[1].weight[1, 3] = 1.0, 1.0  # one cell of the left, one of the right queue
        net[1].bias.copy_(torch.tensor([-0.3, -0.77]))
        net[3].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        net[3].bias.zero_()
    found = attribute(GATE, policy_of(net), STATE, method="integrated-gradients", target="left minus right")
    assert found.map[0, 0] == pytest.approx(0.7, abs=0.005)
    assert found.map[0, 3] == pytest.approx(-0.23, abs=0.005)
    assert np.count_nonzero(found.map) == 2
    assert abs(found.completeness_error) <= 0.01 * 0.47
    assert found.steps < 100


def test_integrated_gradients_with_too_few_steps_say_how_far_they_are():
    policy = policy_of(mlp(GATE, hidden=3, scale=4.0))
    few = attribute(GATE, policy, STATE, method="integrated-gradients", settings={"steps": 2})
    assert few.steps == 2
    assert f"misses the difference by {abs(few.completeness_error):.3g} of {few.explained:.3g}" in few.notes[0]
    policies = [policy_of(mlp(GATE, hidden=3, seed=seed, scale=4.0)) for seed in range(11)]
    enough = [attribute(GATE, policy, STATE, method="integrated-gradients") for policy in policies]
    assert max(found.steps for found in enough) > 32
    assert all(found.relative_error <= 0.01 for found in enough)


def test_a_state_that_is_its_own_baseline_has_nothing_to_explain():
    found = attribute(GATE, policy_of(mlp(GATE)), State(np.zeros(2)), method="integrated-gradients")
    assert not found.map.any()
    assert "no difference to explain" in found.notes[-1]
    assert np.isnan(found.relative_error)
    assert "zero everywhere" in found.sentence()


# --- words ---


def test_the_sentence_names_the_group_both_actions_and_the_share():
    weights = np.zeros((3, 5, 7), np.float32)
    weights[0, :3, 0:3] = 0.1
    weights[2, 0, 3] = 0.25
    found = attribute(GATE, policy_of(linear_network(GATE, weights.reshape(3, 35))), STATE, method="deeplift")
    assert found.target == "left minus wait"
    assert found.sentence() == "Left spoke most for left and against wait: +0.9; all together make 0.65."
    against = attribute(
        GATE,
        policy_of(linear_network(GATE, weights.reshape(3, 35))),
        STATE,
        method="deeplift",
        target="wait minus left",
    )
    assert against.sentence() == "Left spoke most against wait and for left: -0.9; all together make -0.65."
    whole = attribute(
        GATE, policy_of(linear_network(GATE, weights.reshape(3, 35))), STATE, method="deeplift", target="logit of left"
    )
    assert whole.sentence() == "Left spoke most for left: +0.9 of 0.9."
    slope = attribute(GATE, policy_of(linear_network(GATE, weights.reshape(3, 35))), STATE)
    assert slope.sentence() == "Left moves left minus wait most: slopes that sum to +0.9."


# --- other systems, targets, networks ---


def test_a_vector_output_is_explained_by_its_own_target():
    system = FakeSystem()
    policy = policy_of(mlp(system), system)
    state = State(np.array([0.5, 4.0]))
    for method in set(MAPS) - {"deeplift"}:
        found = attribute(system, policy, state, method=method)
        assert (found.target, found.for_name, found.against_name) == ("effort", "effort", "")
        assert found.map.shape == (2, 2)
    with pytest.raises(DnnExplainError, match="not linear in the outputs"):
        attribute(system, policy, state, method="deeplift")
    mine = Target("half the steer", TargetKind.VALUE, lambda outputs, _: outputs[:, 0] / 2)
    half = attribute(system, policy, state, method="deeplift", target=mine)
    whole = attribute(system, policy, state, method="deeplift", target="steer")
    np.testing.assert_allclose(2 * half.map, whole.map, atol=1e-6)


def test_a_background_is_part_of_what_is_explained():
    weather = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    system = FourGroups()
    policy = policy_of(mlp(system), system)
    found = attribute(system, policy, State(STATE.values, weather), method="saliency")
    seen = torch.from_numpy(observe(system, [State(STATE.values, weather)])).requires_grad_()
    out = policy.module(seen)[0]
    (gradient,) = torch.autograd.grad(out[found.decision.action] - out[system.output.index(found.against_name)], seen)
    np.testing.assert_allclose(found.map, gradient[0], atol=1e-6)


def test_grad_cam_is_signed():
    policy = policy_of(Convolutional(GATE))
    maps = [
        attribute(GATE, policy, STATE, method="grad-cam", target=t).map for t in ("left minus wait", "wait minus left")
    ]
    np.testing.assert_allclose(maps[0], -maps[1], atol=1e-6)
    assert maps[0].any()


def test_baselines_from_a_sample_are_its_mean_and_its_members():
    sample = GATE.baselines(STATE)["every state"]
    policy = policy_of(mlp(GATE))
    mean = attribute(GATE, policy, STATE, method="deeplift", baseline="mean state", sample=sample)
    np.testing.assert_allclose(mean.references[0], sample.mean(axis=0), atol=1e-6)
    members = attribute(GATE, policy, STATE, method="deeplift", baseline="reachable states", sample=sample)
    assert (
        members == attribute(GATE, policy, STATE, method="deeplift", baseline=sample)
        or members.baseline == "reachable states"
    )
    np.testing.assert_array_equal(members.references, sample)
    part_of_a_name = attribute(GATE, policy, STATE, method="deeplift", baseline="every")
    assert part_of_a_name.baseline == "every state"
