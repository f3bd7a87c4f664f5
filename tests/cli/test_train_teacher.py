"""``dnnexplain train deeprm`` with ``--teacher``, ``--from`` and a mix: what is recorded, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.explain.distillation.export import export
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.policies import load, read_metadata
from dnnexplain.policies.training import GRID_FAMILIES, GRID_RATES
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.spec import SPEC
from dnnexplain.training.teachers import read_teacher, training_workload


def tree_file(path: Path, system: DeepRM, move: str = "start the shortest job that fits now, else wait") -> Path:
    features = system.features
    scores = np.eye(len(features.moves))[[features.moves.index(move)]]
    leaf = np.array([-1])
    tree = Tree(leaf, np.zeros(1), leaf, leaf, scores, np.ones(1))
    path.write_text(export(tree, "json", features.names, features.moves, features.units))
    return path


def test_the_teacher_and_the_mix_are_recorded_and_the_network_is_started_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = DeepRM(slots=3)
    (tmp_path / "mine.py").write_text("def place(features, valid):\n    return valid.argmax(axis=1)\n")
    tree = tree_file(tmp_path / "tree.json", system)
    monkeypatch.setattr("dnnexplain.systems.deeprm.trained.FIGURE_SETS", 4)
    monkeypatch.setattr("dnnexplain.systems.deeprm.trained.MIX_SETS", 3)
    monkeypatch.setattr("dnnexplain.policies.training.workload_mix.HELD_OUT_SETS", 4)
    common = ["--slots", "3", "--iterations", "1", "--threads", "1", "--json"]
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert main(["train", "deeprm", *common, "--imitation-rounds", "0", "--out", str(first)]) == 0
    rules = ["sjf:2", "never-hold", "utilisation:0.7:1.5", str(tree), f"{tmp_path / 'mine.py'}:place:0.5"]
    mix = ["--workload", "deeprm", "--workload", "small-jobs", "--rate", "0.4", "--teacher-weight", "0.5"]
    teachers = [part for rule in rules for part in ("--teacher", rule)]
    assert main(["train", "deeprm", *common, *mix, *teachers, "--from", str(first), "--out", str(second)]) == 0
    capsys.readouterr()
    story = read_metadata(second)
    told = [(one["rule"], one["strength"]) for one in story["recipe"]["teacher"]]
    assert told == [
        ("sjf", 2), ("never-hold", 3), ("utilisation:0.7", 1.5), ("tree.json", 3), ("mine.py:place", 0.5)
    ]  # fmt: skip
    assert [bool(one["source"]) for one in story["recipe"]["teacher"]] == [False, False, False, True, True]
    assert story["recipe"]["start"] == load(first, system).checkpoint
    assert story["recipe"]["workload"]["families"] == ["deeprm", "small-jobs"]
    assert story["recipe"]["imitation_rounds"] == 0
    assert story["curve"][-1]["agreement sjf"] == pytest.approx(story["curve"][-1]["agreement tree.json"])
    told = story["figures"]["cells of the mix, 3 unseen job sets each"]
    assert told["cells"] == 2
    (worst,) = (value["mean"] for name, value in told.items() if name.startswith("worst cell"))
    assert worst >= told["mean over cells, relative to sjf"]
    assert (worst > 0.02) == (told["cells more than 2% behind sjf"] > 0)
    assert "never-hold with strength 3" in second.with_suffix(".md").read_text()
    assert load(second, system).checkpoint != load(first, system).checkpoint


def test_a_tree_that_says_sjf_teaches_sjf(tmp_path: Path) -> None:
    system = DeepRM(slots=3)
    _, rules = read_teacher([str(tree_file(tmp_path / "sjf.json", system)), "sjf"], system)
    environment = system.environment(system.workloads("deeprm", 5, 0, steps=20))
    while len(rows := environment.active()):
        pictures, valid = environment.observe(rows), environment.valid(rows)
        told = [rule.truth(environment, rows, pictures, valid) for rule in rules.values()]
        assert np.array_equal(*told)
        environment.step(told[0].argmax(axis=1), rows)


def test_mix_stands_for_the_grid() -> None:
    assert training_workload(["deeprm"], [], 0.25) == {"name": "deeprm", "rate": 0.7, "steps": 50}
    assert training_workload(["uniform"], [0.5], 0.25) == {"name": "uniform", "rate": 0.5, "steps": 50}
    grid = SPEC.grid()
    assert list(GRID_FAMILIES) == [row.family for row in grid.rows]
    assert list(GRID_RATES) == [column.value for column in grid.columns]
    whole = training_workload(["mix"], [], 0.3)
    assert (len(whole["families"]), whole["rates"]) == (8, [0.4, 0.55, 0.7, 0.85])
    assert whole["home"] == {"name": "deeprm", "rate": 0.7, "share": 0.3}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--teacher", "sfj"], "Did you mean 'sjf'"),
        (["--teacher", "sjf:strong"], "a strength is a number of at least 0"),
        (["--teacher", "sjf:-1"], "a strength is a number of at least 0"),
        (["--teacher", "sjf", "--teacher", "sjf:2"], "was given twice"),
        (["--teacher", "utilisation:1.2"], "threshold is a share"),
        (["--teacher", "none.json"], "none.json"),
        (["--teacher", "none.py"], "write none.py:FUNCTION"),
        (["--teacher", "none.py:rule"], "none.py"),
        (["--teacher", "sjf", "--teacher-weight", "2"], "schedule needs"),
        (["--workload", "mixed"], "workload family"),
        (["--workload", "mix", "--home-share", "1"], "home_share"),
        (["--from", "none.safetensors"], "none.safetensors"),
        (["--teacher", "sjf", "--recipe", "as-published"], "no teacher"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.safetensors"
    assert main(["train", "deeprm", "--iterations", "1", "--out", str(out), *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not list(tmp_path.glob("net*"))


def test_a_tree_of_another_size_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tree_file(tmp_path / "tree.json", DeepRM(slots=4))
    (tmp_path / "list.json").write_text(json.dumps([1, 2]))
    for name, said in ((tree, "another number of slots"), (tmp_path / "list.json", "is no tree")):
        out = tmp_path / "net.safetensors"
        assert main(["train", "deeprm", "--iterations", "1", "--out", str(out), "--teacher", str(name)]) == 2
        assert said in capsys.readouterr().err
