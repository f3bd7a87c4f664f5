from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.contract import State
from dnnexplain.policies import TorchPolicy, mlp, save
from dnnexplain.systems import make_system

STATE = {
    "slots": [{"length": 3, "cpu": 7, "memory": 1}, {"length": 12, "cpu": 2, "memory": 6}],
    "running": [{"remaining": 4, "cpu": 2, "memory": 5}],
    "backlog": 0,
    "since_last_arrival": 1,
}


@pytest.fixture(scope="module")
def system():
    return make_system("deeprm", slots=2)


@pytest.fixture(scope="module")
def policy(system):
    torch.manual_seed(0)
    return TorchPolicy(mlp(system), system)


@pytest.fixture(scope="module")
def weights(policy, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save(path, policy)
    return str(path)


def probed(capsys, *arguments):
    assert main(["probe", "deeprm", "--slots", "2", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def hidden(system, policy, state):
    """The hidden activations, by hand."""
    x = system.encode(state.values[None], state.background).reshape(1, -1).astype(np.float64)
    weight, bias = (part.detach().numpy().astype(np.float64) for part in list(policy.module.parameters())[:2])
    return np.maximum(x @ weight.T + bias, 0)[0]


def test_json_holds_the_maximum_and_each_slots_curve_and_thresholds(capsys, system, policy, weights):
    found = probed(capsys, "--neuron", "3", "--policy", weights)
    assert (found["neuron"], found["neurons"], found["counted_from"]) == (3, 20, 0)
    maximum = found["maximum"]
    assert maximum["proved"] is True
    state = system.state_from_json(maximum["state"])
    assert maximum["activation"] == pytest.approx(hidden(system, policy, state)[3], abs=1e-5)
    rows = system.repair(np.random.default_rng(0).integers(0, 16, (300, len(system.knobs))).astype(float))
    seen = [hidden(system, policy, type(state)(row))[3] for row in rows]
    assert maximum["activation"] >= max(seen)
    assert [slot["knob"] for slot in found["slots"]] == ["job 1 length", "job 2 length"]
    for slot in found["slots"]:
        assert slot["curve"]["values"] == list(range(1, 16))
        assert len(slot["curve"]["activations"]) == 15
        assert {step["kind"] for step in slot["thresholds"]} <= {
            "turns on",
            "turns off",
            "stops changing",
            "starts changing",
        }
    assert "activation" not in found


def test_a_state_adds_the_neurons_activation_in_it(capsys, system, policy, weights, tmp_path):
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    found = probed(capsys, "--neuron", "5", "--policy", weights, "--state", str(tmp_path / "state.json"))
    expected = hidden(system, policy, system.state_from_json(STATE))[5]
    assert found["activation"] == pytest.approx(expected, abs=1e-6)
    first = found["slots"][0]
    assert first["current"] == 3
    assert first["curve"]["activations"][2] == pytest.approx(expected, abs=1e-6)
    assert first["held"] == {}


def test_a_cluster_with_gaps_lies_outside_what_is_proved_and_says_so(capsys, system, policy, weights, tmp_path):
    rows = ["#" * 10] * system.params.horizon
    for gaps in ("#.#.#.#.#.", "##########"):
        state = {"slots": [], "cluster": {"cpu": [gaps, *rows[1:]], "memory": rows}}
        file = tmp_path / "state.json"
        file.write_text(json.dumps(state))
        told = probed(capsys, "--policy", weights, "--neuron", "0", "--state", str(file))
        assert ("outside the valid ones" in told["outside_valid"]) == ("." in gaps)
        assert told["valid_states"] in told["maximum"]["words"]
        assert (
            main(["probe", "deeprm", "--slots", "2", "--policy", weights, "--neuron", "0", "--state", str(file)]) == 0
        )
        assert ("rows of the cluster with gaps" in capsys.readouterr().out) == ("." in gaps)


def test_what_a_neuron_is_is_said(capsys, weights):
    told = probed(capsys, "--policy", weights, "--neuron", "1")
    assert told["measured"].startswith("after ReLU")
    assert told["maximum"]["certificate"]["holds"]


def test_another_kind_of_knob_and_all_neurons(capsys, weights):
    found = probed(capsys, "--policy", weights, "--by", "memory", "--others", "empty")
    assert [one["neuron"] for one in found["probed"]] == list(range(20))
    assert found["probed"][7]["slots"][1]["knob"] == "job 2 memory"


def test_people_get_sentences(capsys, weights):
    assert main(["probe", "deeprm", "--slots", "2", "--policy", weights, "--neuron", "0"]) == 0
    told = capsys.readouterr().out
    assert "Neuron 0 reaches" in told
    assert "Proved: no valid state" in told
    assert "Maximal state:" in told
    assert main(["probe", "deeprm", "--slots", "2", "--policy", weights]) == 0
    assert "neurons counted from 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--neuron", "20"), "20 neurons, numbered 0 to 19"),
        (("--neuron", "0", "--layer", "conv"), "there is no layer 'conv'"),
        (("--neuron", "0", "--by", "lenght"), "Did you mean 'length'?"),
        (("--neuron", "0", "--others", "gone"), "as they are, empty"),
        (("--neuron", "0", "--state", "nowhere.json"), "nowhere.json"),
    ],
)
def test_mistakes_are_one_sentence(capsys, weights, arguments, words):
    assert main(["probe", "deeprm", "--slots", "2", "--policy", weights, *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err


def test_a_rule_has_no_neurons(capsys):
    assert main(["probe", "deeprm", "--policy", "sjf", "--neuron", "0"]) == 2
    assert "no torch network" in capsys.readouterr().err


def test_slots_are_deeprms_alone(capsys):
    assert main(["probe", "routing", "--slots", "3", "--neuron", "0"]) == 2
    assert "--slots belongs to deeprm" in capsys.readouterr().err


def test_of_very_many_knobs_the_largest_are_swept_and_that_is_said(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("dnnexplain.cli.probe.MOST_SWEPT", 2)
    state = tmp_path / "state.json"
    ring = make_system("routing", topology="ring-4")
    values = np.linspace(0.1, 0.5, len(ring.knobs))
    values[[3, 7]] = 0.9
    state.write_text(json.dumps(ring.state_to_json(State(values))))
    line = ["probe", "routing", "--topology", "ring-4", "--policy", "untrained", "--neuron", "0", "--restarts", "1"]
    assert main([*line, "--state", str(state), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [curve["knob"] for curve in said["curves"]] == [ring.knobs[3].name, ring.knobs[7].name]
    assert any("of 12 knobs those 2 are swept" in sentence for sentence in said["assumed"])
