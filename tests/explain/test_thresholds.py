from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnnexplain.contract import DnnExplainError, Knob, State, state_from_values
from dnnexplain.explain.decisions import sweeps
from dnnexplain.explain.decisions.sweeps import kind_of, kinds, knobs_of_kind
from dnnexplain.explain.probing.neurons import layer_of, random_values
from dnnexplain.explain.probing.responses import FLAT_SHARE, PACE_SHARE, Response, Threshold, classify
from dnnexplain.explain.probing.thresholds import ThresholdCurve, curve, curves
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeChoice, FakeSystem

D, A, S, F = Response.DEAD, Response.ACTIVE, Response.SATURATED, Response.FLAT


def gate_network(rows, bias, *, functional=False):
    """Neurons that weigh the five rows of the left queue's first column; three outputs of the first neuron."""
    system = FakeChoice()
    rows = np.atleast_2d(rows)
    weights = np.zeros((len(rows), *system.observation_shape), dtype=np.float32)
    weights[:, :, 0] = rows
    hidden, out = nn.Linear(35, len(rows)), nn.Linear(len(rows), 3)
    with torch.no_grad():
        hidden.weight.copy_(torch.as_tensor(weights.reshape(len(rows), -1)))
        hidden.bias.copy_(torch.as_tensor(np.broadcast_to(bias, len(rows)).astype(np.float32)))
    if functional:

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden, self.out = hidden, out

            def forward(self, x):
                return self.out(torch.relu(self.hidden(x.flatten(1))))

        return system, TorchPolicy(Net(), system)
    return system, TorchPolicy(nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), out), system)


def test_a_handmade_neuron_is_off_then_active_then_sees_no_difference():
    system, policy = gate_network([1, 1, 1, 0, 0], -1.5)
    found = curve(system, policy, 0, "left queue")
    assert found.activation.tolist() == [0, 0, 0.5, 1.5, 1.5, 1.5]
    assert found.labels.tolist() == [D, D, A, S, S, S]
    assert [(r.response, r.low, r.high) for r in found.ranges] == [
        ("dead", 0, 1),
        ("active", 2, 2),
        ("saturated", 3, 5),
    ]
    assert [(t.kind, t.before, t.after) for t in found.thresholds] == [("turns on", 1, 2), ("stops changing", 2, 3)]
    assert "turns on above 1 and stops changing from 3 on" in found.sentence()


def test_a_falling_neuron_starts_to_change_and_turns_off():
    system, policy = gate_network([0, 0, -1, -1, 0], 1.5)
    found = curve(system, policy, 0, "left queue")
    assert found.activation.tolist() == [1.5, 1.5, 1.5, 0.5, 0, 0]
    assert found.labels.tolist() == [S, S, S, A, D, D]
    assert [(t.kind, t.before, t.after) for t in found.thresholds] == [("starts changing", 2, 3), ("turns off", 3, 4)]


def test_dead_flat_and_plain_curves_have_no_thresholds():
    system, policy = gate_network([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0.01, 0, 0, 0, 0]], [-1.0, 1.0, 1.0])
    reference = np.stack([system.encode(np.array([[0.0, 0.0]]))[0]] * 2)
    reference[1, 0, 0] = 50.0
    found = curves(system, policy, ["left queue"], reference=reference)
    assert found.labels[0].tolist() == [[D] * 6, [A] * 6, [F] * 6]
    assert [len(found.curve(n, "left queue").thresholds) for n in range(3)] == [0, 0, 0]
    assert "off whatever" in found.curve(0, "left queue").sentence()
    assert "does not react" in found.curve(2, "left queue").sentence()


def slow_label(values, a, scale, rectified):
    """The definitions of the module, value by value."""
    n, spread, width = len(values), max(a) - min(a), values[-1] - values[0]
    dead = [rectified and x == 0 for x in a]
    if all(dead):
        return [D] * n
    if spread <= FLAT_SHARE * scale:
        return [F] * n
    labels = [A] * n
    for end, step in ((n - 1, 1), (0, -1)):
        if dead[end]:
            continue
        for start in range(n):  # the longest run first, whichever end it reaches
            first = start if step == 1 else n - 1 - start
            run = range(min(first, end), max(first, end) + 1)
            allowed = PACE_SHARE * spread * abs(values[end] - values[first]) / width
            if len(run) >= 2 and max(abs(a[i] - a[end]) for i in run) <= allowed:
                for i in run:
                    labels[i] = S
                break
    return [D if off else label for off, label in zip(dead, labels, strict=True)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.0, 0.5, 0.51, 0.6, 1.0, 2.0, 2.01]), min_size=2, max_size=12), st.booleans())
def test_labels_equal_the_definition_read_value_by_value(levels, rectified):
    values, a = np.arange(float(len(levels))), np.array(levels)
    got = classify(values, a[None], np.array([2.0]), rectified=rectified)[0]
    assert got.tolist() == slow_label(values.tolist(), levels, 2.0, rectified)


@settings(deadline=None)
@given(st.floats(-5, 5).filter(lambda slope: abs(slope) > 1e-3), st.integers(3, 101))
def test_a_straight_line_is_active_everywhere(slope, points):
    values = np.linspace(2.0, 7.0, points)
    assert (classify(values, (10 + slope * values)[None], np.array([5 * abs(slope)]), rectified=False) == A).all()


def test_a_relu_applied_by_a_function_is_noticed():
    system, policy = gate_network([1, 1, 1, 0, 0], -1.5, functional=True)
    layer = layer_of(system, policy)
    assert (layer.name, layer.rectified, layer.by_function) == ("hidden", True, True)
    assert curve(system, policy, 0, "left queue").activation.tolist() == [0, 0, 0.5, 1.5, 1.5, 1.5]


def test_a_tanh_layer_has_no_dead_range():
    system = FakeChoice()
    torch.manual_seed(0)
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(35, 4), nn.Tanh(), nn.Linear(4, 3)), system)
    found = curves(system, policy, ["left queue", "right queue"])
    assert not found.rectified
    assert not any((labels == D).any() for labels in found.labels)


def test_all_curves_equal_one_state_at_a_time():
    system = FakeChoice()
    torch.manual_seed(1)
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(35, 6), nn.ReLU(), nn.Linear(6, 3)), system)
    state = state_from_values(system, {"left queue": 4, "right queue": 2})
    found = curves(system, policy, ["left queue", "right queue"], state=state)
    for knob, name in enumerate(found.knobs):
        for place, value in enumerate(found.values[knob]):
            one = state_from_values(system, {name: value}, state)
            with torch.no_grad():
                expected = policy.module[:3](torch.from_numpy(system.encode(one.values[None])))[0]
            np.testing.assert_allclose(found.activation[knob][:, place], expected, rtol=1e-6)
    assert found.current.tolist() == [4, 2]


def test_threads_read_one_network_at_the_same_time():
    system = FakeChoice()
    torch.manual_seed(2)
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(35, 6), nn.ReLU(), nn.Linear(6, 3)), system)
    states = [State(row) for row in random_values(system, 40, np.random.default_rng(0))]
    expected = [curves(system, policy, ["left queue", "right queue"], state=state) for state in states]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda state: curves(system, policy, ["left queue", "right queue"], state=state), states))
    assert got == expected
    assert not policy.module[2]._forward_hooks


def test_weights_that_are_trained_on_are_seen():
    system, policy = gate_network([1, 1, 1, 0, 0], -1.5)
    assert curve(system, policy, 0, "left queue").activation[-1] == 1.5
    with torch.no_grad():
        policy.module[1].bias.fill_(0.0)
    assert curve(system, policy, 0, "left queue").activation[-1] == 3.0


def test_others_as_they_are_or_empty():
    system, policy = gate_network([1, 1, 1, 1, 1], 0.0)
    with torch.no_grad():
        policy.module[1].weight.view(1, 5, 7)[0, 0, 3:6] = 1.0  # the right queue's cars count too
        policy.module[1].weight.view(1, 5, 7)[0, 0, 6] = 10.0  # and the weather
    state = State(np.array([2.0, 3.0]), np.pad(np.zeros((5, 6)), ((0, 0), (0, 1)), constant_values=1.0))
    kept = curve(system, policy, 0, "left queue", state=state)
    empty = curve(system, policy, 0, "left queue", state=state, others="empty")
    assert kept.activation.tolist() == [13, 14, 15, 16, 17, 18]
    assert empty.activation.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(DnnExplainError, match="as they are, empty"):
        curve(system, policy, 0, "left queue", others="full")


def test_a_continuous_knob_is_swept_evenly():
    system = FakeSystem()
    hidden = nn.Linear(4, 1)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 0, 0, 0]]))
        hidden.bias.fill_(-0.25)
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(1, 2)), system)
    found = curve(system, policy, 0, "angle", points=201)
    assert len(found.values) == 201
    (turn,) = found.thresholds
    assert (turn.kind, turn.before, turn.after) == ("turns on", pytest.approx(0.25), pytest.approx(0.26))


def test_a_result_is_saved_and_read_back(tmp_path):
    system, policy = gate_network([1, 1, 1, 0, 0], -1.5)
    state = state_from_values(system, {"left queue": 4})
    for result in (
        curve(system, policy, 0, "left queue", state=state),
        curves(system, policy, ["left queue", "right queue"], state=state),
    ):
        assert type(result).from_json(result.to_json()) == result
    again = ThresholdCurve.from_json(curve(system, policy, 0, "left queue").to_json())
    assert again.thresholds[0].kind == "turns on"
    assert again.current is None


def test_mistakes_are_explained():
    system, policy = gate_network([1, 1, 1, 0, 0], -1.5)
    with pytest.raises(DnnExplainError, match="numbered 0 to 0"):
        curve(system, policy, 1, "left queue")
    with pytest.raises(DnnExplainError, match="Did you mean 'left queue'"):
        curve(system, policy, 0, "left queu")
    with pytest.raises(DnnExplainError, match="no layer"):
        curve(system, policy, 0, "left queue", layer="7")
    with pytest.raises(DnnExplainError, match="no torch network"):
        curve(system, system.rules()["longest"], 0, "left queue")


@pytest.fixture(scope="module")
def deeprm():
    from dnnexplain.systems import make_system

    return make_system("deeprm", slots=3)


@pytest.fixture(scope="module")
def network(deeprm):
    torch.manual_seed(0)
    cells = int(np.prod(deeprm.observation_shape))
    return TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(cells, 20), nn.ReLU(), nn.Linear(20, 4)), deeprm)


def test_kinds_of_knobs_are_found_by_name(deeprm):
    assert kinds(deeprm)["length"] == (0, 3, 6)
    assert knobs_of_kind(deeprm, "memory") == ("job 1 memory", "job 2 memory", "job 3 memory")
    assert kind_of(deeprm.knobs[1]) == "cpu"
    assert kind_of(Knob("demand A -> B", "Gb/s", 0, 1, group="A -> B")) == "demand"
    assert kind_of(Knob("backlog", "", 0, 1, group="backlog")) == "backlog"


def test_an_empty_slot_is_given_a_demand_and_says_so(deeprm, network):
    state = state_from_values(deeprm, {"job 1 length": 3, "job 1 cpu": 7})
    found = curves(deeprm, network, knobs_of_kind(deeprm, "length"), state=state)
    assert found.held == ({}, *({f"job {k} cpu": 5.0, f"job {k} memory": 5.0} for k in (2, 3)))
    assert "Job 2 is empty in this state" in found.notes[1]
    by_hand = curves(deeprm, network, ["job 2 length"], state=state, held={"cpu": 5, "memory": 5})
    np.testing.assert_allclose(by_hand.activation[0], found.activation[1], atol=1e-6)  # batches differ in size
    assert "was given" in by_hand.notes[0]


def test_a_state_of_an_episode_keeps_its_background(deeprm, network):
    seen = deeprm.reachable[40]
    state = State(deeprm.decode(seen[None])[0], seen)
    assert state.values[0] > 0
    place = int(state.values[0]) - 1
    found = curve(deeprm, network, 2, "job 1 length", state=state)
    with torch.no_grad():
        expected = network.module[:3](torch.from_numpy(seen[None].copy()))[0, 2]
    assert found.held == {}
    assert found.values.tolist() == list(range(1, 16))
    assert found.activation[place] == pytest.approx(float(expected), rel=1e-6)


def test_a_threshold_below_zero_can_be_read():
    assert Threshold("turns off", -0.57, -0.552).words() == "turns off between -0.57 and -0.552"


@pytest.mark.parametrize("numbers", [1, 40, 333])
def test_states_of_sweeps_made_in_blocks_are_those_made_at_once(deeprm, monkeypatch, numbers):
    names = [knob.name for knob in deeprm.knobs[:5]]
    whole = sweeps.sweep_rows(deeprm, names, None, "as they are", None)
    monkeypatch.setattr(sweeps, "_BLOCK_NUMBERS", numbers)
    parts = sweeps.sweep_rows(deeprm, names, None, "as they are", None)
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.observations, whole.observations)
    assert all(np.array_equal(*grids) for grids in zip(parts.grids, whole.grids, strict=True))
