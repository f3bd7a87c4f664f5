"""``dnnexplain explain``: what it prints and saves, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dnnexplain.cli import main
from dnnexplain.explain import METHODS, Attribution, UnitAttribution, decide
from dnnexplain.policies import load_any
from dnnexplain.systems import make_system

STATE = {
    "slots": [{"length": 3, "cpu": 7, "memory": 1}, {"length": 12, "cpu": 2, "memory": 8}],
    "running": [{"remaining": 4, "cpu": 2, "memory": 5}],
    "backlog": 2,
    "since_last_arrival": 1,
}
SYSTEM = make_system("deeprm", slots=3)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("explain")
    torch.manual_seed(0)
    inputs = int(np.prod(SYSTEM.observation_shape))
    net = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 6), nn.ReLU(), nn.Linear(6, 4))
    torch.save(net.state_dict(), folder / "net.pt")
    save_file({"anything": torch.zeros(2)}, folder / "other.safetensors")
    (folder / "state.json").write_text(json.dumps(STATE))
    (folder / "broken.json").write_text("{")
    (folder / "wide.json").write_text(json.dumps(STATE | {"slots": [{"length": 3, "cpu": 70, "memory": 1}]}))
    names = ("net.pt", "other.safetensors", "state.json", "broken.json", "wide.json")
    return {"folder": str(folder)} | {name: str(folder / name) for name in names}


def command(files: dict[str, str], *more: str, state: str = "state.json") -> list[str]:
    return ["explain", "deeprm", "--slots", "3", "--policy", files["net.pt"], "--state", files[state], *more]


def asked(files: dict[str, str], capsys: pytest.CaptureFixture[str], *more: str) -> dict:
    assert main(command(files, "--json", *more)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    report: dict = json.loads(said.out)
    return report


def test_the_report_agrees_with_the_network_and_adds_up(files, capsys):
    report = asked(files, capsys, "--method", "integrated-gradients", "--target", "contrast", "--baseline", "empty")
    policy = load_any(files["net.pt"], SYSTEM)
    state = SYSTEM.state_from_json(STATE)
    made = decide(SYSTEM, policy, state)
    names = SYSTEM.output.names
    assert report["decision"] == names[made.action]
    assert report["probabilities"] == pytest.approx(dict(zip(names, made.probabilities.tolist(), strict=True)))
    first, _, second = report["target"].partition(" minus ")
    empty = policy.outputs(SYSTEM.baselines(state)["empty"])[0]
    i, j = names.index(first), names.index(second)
    difference = (made.outputs[i] - made.outputs[j]) - (empty[i] - empty[j])
    assert report["explained"] == pytest.approx(difference, abs=1e-5)
    assert set(report["groups"]) == set(SYSTEM.groups)
    total = sum(part["positive"] + part["negative"] for part in report["groups"].values())
    assert total - report["explained"] == pytest.approx(report["completeness_error"], abs=1e-9)
    assert abs(report["completeness_error"]) <= 0.01 * abs(difference)
    assert report["checkpoint"] == policy.checkpoint
    figures = report["badge"]["figures"]
    assert set(figures) == {
        "completeness",
        "cells",
        "infidelity",
        "sensitivity",
        "randomisation",
        "intervention",
        "agreement",
    }
    assert all(one["sentence"] for one in figures.values())
    assert report["badge"]["overall"] in {"green", "amber", "red"}


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if not one.conv])
def test_every_method_answers_on_the_command_line(files, capsys, method):
    which = ("--neuron", "2") if METHODS[method].neuron else ()
    report = asked(files, capsys, "--method", method, *which, "--badge", "none")
    assert report["method"] == method
    assert ("units" in report) == (method == "layer-conductance")
    assert report["badge"] is None


def test_the_first_method_that_anybody_sees_adds_up(files, capsys):
    report = asked(files, capsys, "--badge", "none")
    assert report["method"] == "integrated-gradients"
    total = sum(group["positive"] + group["negative"] for group in report["groups"].values())
    assert total == pytest.approx(report["explained"], abs=0.01 * abs(report["explained"]))
    assert main(["explain", "deeprm", "--survey", "4", "--json", "--slots", "3", "--policy", files["net.pt"]]) == 0
    assert "saliency" in capsys.readouterr().out  # a survey's maps are many: one look at each state


def test_the_map_is_saved_as_json_or_arrays(files, capsys):
    path = Path(files["folder"]) / "map.json"
    report = asked(files, capsys, "--method", "deeplift", "--out", str(path))
    saved = Attribution.load(path)
    assert saved.groups["job 1 cpu"].positive == report["groups"]["job 1 cpu"]["positive"]
    asked(files, capsys, "--method", "deeplift", "--out", str(path.with_suffix(".npz")))
    with np.load(path.with_suffix(".npz")) as arrays:
        np.testing.assert_array_equal(arrays["map"], saved.map)
        assert arrays["map"].shape == SYSTEM.observation_shape
        assert Attribution.from_json(str(arrays["question"])) == saved
    asked(files, capsys, "--method", "layer-conductance", "--out", str(path))
    assert UnitAttribution.load(path).explained == pytest.approx(saved.explained)


def test_people_read_sentences_and_tables(files, capsys):
    assert main(command(files, "--method", "shapley", "--badge", "full")) == 0
    said = capsys.readouterr().out
    assert "spoke most" in said
    assert "job 1 memory" in said
    assert "Trust: " in said
    assert "Agrees with real changes" in said
    assert main(command(files, "--method", "layer-conductance")) == 0
    assert "the ten strongest units" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "salency"], "Did you mean 'saliency'"),
        (["--method", "grad-cam"], "needs a convolutional layer"),
        (["--method", "neuron-gradient"], "needs --neuron"),
        (["--method", "neuron-gradient", "--neuron", "6"], "neurons 0 to 5, not 6"),
        (["--method", "layer-conductance", "--layer", "nowhere"], "no layer 'nowhere'"),
        (["--target", "logit of job 9"], "job 9"),
        (["--target", "probability of job 3"], "not allowed in this state"),
        (["--baseline", "zeros"], "bare zero"),
        (["--baseline", "without job 3"], "there is no baseline"),
        (["--badge", "gold"], "there is no badge 'gold'"),
        (["--policy", "sjf"], "has no torch network"),
        (["--policy", "nothing.safetensors"], "nothing.safetensors"),
        (["--out", "map.txt"], "must end in .json or .npz"),
        (["--out", "nowhere/map.json"], "nowhere"),
        (["--slots", "5"], "set slots to 3"),
        (["--state", "missing.json"], "missing.json"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(files, capsys, more, message, monkeypatch):
    monkeypatch.chdir(files["folder"])
    before = sorted(Path(files["folder"]).iterdir())
    assert main(command(files, *more)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert sorted(Path(files["folder"]).iterdir()) == before


@pytest.mark.parametrize(("state", "message"), [("broken.json", "not valid JSON"), ("wide.json", "cpu of slot 1")])
def test_a_bad_state_is_named(files, capsys, state, message):
    assert main(command(files, state=state)) == 2
    assert message in capsys.readouterr().err


def test_help_shows_an_example(capsys):
    assert main(["explain", "--help"]) == 0
    assert "dnnexplain explain deeprm --state state.json" in capsys.readouterr().out


def test_without_a_state_one_that_the_network_meets_is_explained_and_said(files, capsys):
    assert main(["explain", "deeprm", "--slots", "3", "--policy", files["net.pt"], "--badge", "none", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any("no state was given" in sentence for sentence in told["assumed"])
    assert told["state"]


def test_what_will_take_long_is_announced_after_the_map_and_a_long_table_is_cut(files, capsys, monkeypatch):
    for name, value in (("_LONG", -1.0), ("_ROWS", 2)):
        monkeypatch.setattr(f"dnnexplain.cli.explain.{name}", value)
    assert main(command(files)) == 0
    said = capsys.readouterr()
    assert "These are the 2 strongest of" in said.out
    assert "Trust: " in said.out
    assert "measured now: about 0 s of computing; --badge none leaves it out" in said.err
    assert main(command(files, "--badge", "none")) == 0
    assert capsys.readouterr().err == ""
