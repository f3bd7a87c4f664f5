"""The white box panel without a browser: its column adds up to the contrast, and other networks are refused."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import account
from dnnexplain.policies import TorchPolicy
from dnnexplain_widgets import NeuronsPanel, Session, WhiteBoxPanel
from tests.fakes import FakeChoice, FakeSystem


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


def relu_network(system, units=10, seed=0):
    torch.manual_seed(seed)
    cells = int(np.prod(system.observation_shape))
    return nn.Sequential(nn.Flatten(), nn.Linear(cells, units), nn.ReLU(), nn.Linear(units, len(system.output.names)))


@pytest.fixture
def dense(gate):
    return TorchPolicy(relu_network(gate), gate, name="dense")


@pytest.fixture
def panel(gate, dense):
    return WhiteBoxPanel(gate, dense, State(np.array([4.0, 2.0])), neurons=2, groups=1)


def test_it_works_alone_in_one_line(gate, dense):
    panel = WhiteBoxPanel(gate, dense)
    assert panel.question.endswith("?")
    assert panel.error == ""
    assert panel.result == account(gate, dense, panel.session.state)
    with pytest.raises(DnnExplainError, match="no option of WhiteBoxPanel 'neuron'"):
        WhiteBoxPanel(gate, dense, neuron=3)


@pytest.mark.parametrize("values", [(0.0, 0.0), (5.0, 3.0), (1.0, 2.0)])
def test_the_column_adds_up_to_the_networks_own_difference(panel, dense, gate, values):
    panel.session.move(np.array(values))
    shown = panel.figure["account"]
    total = sum(row["effect"] for row in shown["rows"]) + shown["others"]["effect"] + shown["offset"]
    outputs = dense.outputs(gate.encode(panel.session.state.values[None]))[0]
    names = gate.output.names
    expected = outputs[names.index(shown["pro"])] - outputs[names.index(shown["contra"])]
    assert total == pytest.approx(expected, abs=1e-5)
    assert shown["total"] == pytest.approx(expected, abs=1e-5)


def test_each_neurons_feeds_add_up_to_its_activation(panel):
    shown = panel.figure["account"]
    assert shown["rows"]
    for row in shown["rows"]:
        total = sum(driver["value"] for driver in row["drivers"]) + (row["others"] or 0.0) + row["bias"]
        assert max(0.0, total) == pytest.approx(row["activation"], abs=1e-9)
        assert row["weight"] * row["activation"] == pytest.approx(row["effect"])
        assert len(row["drivers"]) <= 1


def test_the_neurons_shown_are_those_with_the_largest_effect(panel):
    shown = panel.figure["account"]
    sizes = np.abs(panel.result.effects)
    named = [row["neuron"] for row in shown["rows"]]
    assert len(named) == 2
    assert sizes[named].min() >= np.delete(sizes, named).max()
    assert shown["others"]["count"] == len(sizes) - 2
    assert panel.sentence == panel.result.sentence()
    assert shown["sentences"] == list(panel.result.sentences(2)[1:])
    json.dumps(shown, allow_nan=False)


def test_it_follows_the_state_and_the_network(panel, gate):
    before = panel.figure["account"]
    panel.session.move(np.array([1.0, 3.0]))
    assert panel.figure["account"] != before
    assert panel.result == account(gate, panel.session.policy, panel.session.state)
    panel.session.policy = TorchPolicy(relu_network(gate, seed=3), gate, name="second")
    assert panel.result.question.policy == "second"


def test_another_architecture_is_refused_with_the_reason(panel, gate, dense, network):
    panel.session.policy = network
    assert panel.result is None
    assert "dense, ReLU, dense" in panel.figure["account"]["note"]
    assert panel.error == ""
    assert panel.controls == []
    panel.session.policy = next(iter(gate.rules().values()))
    assert panel.result is None
    assert panel.figure["account"]["note"]
    panel.session.policy = dense
    assert panel.result is not None
    assert "note" not in panel.figure["account"]
    assert panel.controls


def test_other_outputs_are_compared(panel, gate, dense):
    names = gate.output.names
    answer(panel, pro=names[2], contra=names[0])
    assert (panel.result.pro, panel.result.contra) == (names[2], names[0])
    namespace = {"system": gate, "policy": dense, "state": panel.session.state, "print": lambda *_a, **_k: None}
    exec("\n".join(panel.code_lines()), namespace)
    assert namespace["found"] == panel.result
    answer(panel, contra=names[2])
    assert "two different outputs" in panel.figure["account"]["note"]
    assert panel.controls
    answer(panel, contra="")
    assert panel.result is not None


def test_a_click_on_a_neuron_shows_it_in_the_other_panels(gate, dense):
    session = Session(gate, dense)
    panel = WhiteBoxPanel(session=session)
    NeuronsPanel(session=session)
    answer(panel, unit=7)
    assert session.unit == 7


def test_a_vector_output_is_accounted_for_too():
    vehicle = FakeSystem()
    policy = TorchPolicy(relu_network(vehicle), vehicle, name="dense")
    panel = WhiteBoxPanel(vehicle, policy)
    shown = panel.figure["account"]
    assert shown["contra"] == ""
    outputs = policy.outputs(vehicle.encode(panel.session.state.values[None]))[0]
    assert shown["total"] == pytest.approx(outputs[0], abs=1e-5)


def test_it_is_light():
    gate = FakeChoice()
    calls = []

    class Counting(TorchPolicy):
        def outputs(self, observations):
            calls.append(len(observations))
            return super().outputs(observations)

    panel = WhiteBoxPanel(gate, Counting(relu_network(gate), gate, name="counting"))
    calls.clear()
    panel.session.move(np.array([1.0, 3.0]))
    assert sum(calls) < 64
