from __future__ import annotations

import json

import pytest

from dnnexplain.cli import main
from dnnexplain.explain.distillation import Distillation
from dnnexplain.systems import make_system

SMALL = (
    "--policy",
    "sjf",
    "--slots",
    "2",
    "--steps",
    "15",
    "--sets",
    "4",
    "--unseen",
    "6",
    "--rounds",
    "1",
    "--seeds",
    "2",
)


def distilled(capsys, *arguments):
    assert main(["distill", "deeprm", *SMALL, "--seed", "1", *arguments]) == 0
    return capsys.readouterr().out


def test_json_says_how_closely_and_at_what_cost(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("dnnexplain.cli.distill.DIFFERENCE_SETS", 4)
    rules, kept = tmp_path / "rules.py", tmp_path / "kept.json"
    arguments = ("--leaves", "6", "--json", "--export", str(rules), "--out", str(kept), "--compare", "packer")
    told = json.loads(distilled(capsys, *arguments))
    assert told["leaves"] <= 6
    assert 0 < told["fidelity"] <= 1
    assert told["fidelity_interval"] == [None, None]  # too few workloads for an interval
    assert 0 < told["macro_f1"] <= 1
    assert told["cpu_seconds"] > 0
    for name in ("cost", "teacher_cost"):
        assert told[name]["mean"] > 0
        assert told[name] == told[name.replace("cost", "slowdown")]
    assert told["compared"]["same"]["mean"] < 1
    found = Distillation.load(kept)
    assert found.fidelity == told["fidelity"]
    space = {}
    exec(rules.read_text(), space)
    system = make_system("deeprm", slots=2)
    observations, _ = system.visit(system.rules()["sjf"], system.workloads("deeprm", 2, 5, rate=0.7, steps=15))
    features = system.features(observations)
    expected = found.tree.action[found.tree.apply(features)]
    assert [space["decide"](row) for row in features] == expected.tolist()


def test_plain_output_is_the_tree_and_a_sentence(capsys):
    said = distilled(capsys, "--leaves", "4")
    assert said.startswith("start the shortest job that fits now, else wait  (100.0%)")
    assert "1 rule decides as sjf does in 100% of the states" in said
    assert "unseen workloads" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--leaves", "1"), "leaves must be at least 2"),
        (("--export", "rules.exe"), "language for the file ending"),
        (("--compare", "sjff"), "Did you mean 'sjf'"),
        (("--weighting", "gaps"), "Did you mean 'gap'"),
    ],
)
def test_mistakes_are_one_sentence(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["distill", "deeprm", *SMALL, *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_router_is_told_pair_by_pair(capsys, tmp_path):
    rules = tmp_path / "rules.txt"
    small = ("--topology", "ring-4", "--sets", "3", "--unseen", "3", "--rounds", "0", "--seeds", "1", "--leaves", "4")
    assert main(["distill", "routing", "--policy", "shortest-path", *small, "--json", "--export", str(rules)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["fidelity"] == 1
    assert said["slowdown"]["mean"] == pytest.approx(said["teacher_slowdown"]["mean"], rel=0.01)
    assert rules.read_text() == said["rules"]


def test_an_unknown_system_is_one_sentence(capsys):
    assert main(["distill", "routin"]) == 2
    assert "Did you mean 'routing'" in capsys.readouterr().err
