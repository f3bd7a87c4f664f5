"""The generators that come with the systems: real enough, with a card, and valid in what they write."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.cli.workloads import find_workloads, workload_name
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate import (
    files,
    find_generator,
    generator_card,
    load_generator,
    read_story,
    realism,
    shipped_generator,
)
from dnnexplain.explain.stress.cases import read_case_file
from dnnexplain.registry import make_system, spec_of, specs


def _system(name: str) -> Any:
    return make_system(name, **dict(spec_of(name).compared))


SHIPPED = [name for name, spec in specs().items() if spec.weights and (spec.weights.parent / "generators").is_dir()]


def test_some_system_ships_one():
    assert SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_generator_is_real_on_workloads_of_another_seed(name):
    spec, system = spec_of(name), _system(name)
    file = shipped_generator(spec, system)
    assert file is not None
    story = read_story(file)
    assert story["figures"]["auc"] <= 0.7
    assert file.with_suffix(".md").read_text(encoding="utf-8") == generator_card(story, file.stem)
    made = [system.from_records(one) for one in load_generator(file, system).sample(40, seed=5)]
    tables = [system.to_records(one) for one in made]
    drawn = [system.to_records(one) for one in system.workloads(story["family"], 40, 99)]
    found = realism(tables, drawn, drawn)
    moved = realism([table + np.maximum(drawn[0].std(axis=0), 1e-3) for table in tables], drawn, drawn)
    assert found.auc <= 0.75  # forty of each tell less surely than the two hundred of its card
    assert found.auc < moved.auc


def test_workloads_are_written_as_files_that_are_workloads_again(tmp_path, capsys):
    name = SHIPPED[0]
    for folder in ("one", "two"):
        assert main(["generate", name, "--sets", "2", "--seed", "3", "--out", str(tmp_path / folder), "--json"]) == 0
    files = sorted((tmp_path / "one").iterdir())
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in sorted((tmp_path / "two").iterdir())]
    assert [Path(file).name for file in json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["files"]] == [
        file.name for file in files
    ]
    system = _system(name)
    one = read_case_file(system, json.loads(files[0].read_text(encoding="utf-8")))
    assert len(system.run(next(iter(system.rules().values())), [one], seed=0).cost) == 1


def test_it_says_what_an_earlier_run_left_in_the_folder(tmp_path, capsys):
    words = ["generate", SHIPPED[0], "--out", str(tmp_path / "made")]
    assert main([*words, "--sets", "3"]) == 0
    assert "replaced" not in capsys.readouterr().out
    assert main([*words, "--sets", "2"]) == 0
    said = capsys.readouterr().out
    assert "2 files of an earlier run with this seed were replaced." in said
    assert f"1 other file of the folder stayed; --workload {tmp_path / 'made'} takes all of them." in said
    assert main([*words, "--sets", "1", "--seed", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["replaced"], told["beside"]) == (0, 3)


def test_a_folder_of_them_is_a_workload_of_every_command(tmp_path, capsys):
    name = SHIPPED[0]
    assert main(["generate", name, "--sets", "11", "--out", str(tmp_path)]) == 0
    (tmp_path / "notes.json").write_text("{}")
    system, options = _system(name), SystemOptions(spec_of(name), spec_of(name).compared)
    workloads = find_workloads(system, options, str(tmp_path), None, 0)
    assert [workload_name(workloads, place, "", 0) for place in range(11)] == [f"generated-0-{k}" for k in range(11)]
    assert len(find_workloads(system, options, str(tmp_path), 4, 0)) == 4
    assert find_workloads(system, options, str(tmp_path / "generated-0-10.json"), None, 0) == workloads[10:]


@pytest.mark.parametrize(
    "said", [("--like", "log.json"), ("--workload", "deeprm"), ("--training-steps", "9"), ("--components", "9")]
)
def test_what_a_generator_is_fitted_to_is_refused_where_none_is_fitted(said, capsys):
    assert main(["generate", SHIPPED[0], *said, "--out", "nowhere"]) == 2
    assert f"{said[0]} says what a generator is fitted to, or how: add --fit" in capsys.readouterr().err


def test_a_generator_of_another_system_is_refused(capsys):
    one, two = SHIPPED[:2]
    file = shipped_generator(spec_of(one), _system(one))
    assert main(["generate", two, "--generator", str(file), "--out", "nowhere"]) == 2
    assert f"writes workloads of {one}, not of {two}" in capsys.readouterr().err


def test_where_none_ships_it_says_how_one_is_made(monkeypatch):
    name = SHIPPED[0]
    monkeypatch.setattr(files, "written_columns", lambda system: ["other"])
    with pytest.raises(
        DnnExplainError,
        match=f"no generator is shipped for this {name}; write one with: dnnexplain generate {name} --fit",
    ):
        find_generator(spec_of(name), _system(name), "default")
    assert find_generator(spec_of(name), _system(name), "mine.safetensors") == Path("mine.safetensors")


def test_how_one_is_made_says_the_options_that_were_given():
    name = SHIPPED[0]
    flag = next(parameter for parameter in spec_of(name).parameters if isinstance(parameter.default, int))
    options = SystemOptions(spec_of(name), {flag.name: 7, "place": "a b", "plain": True, "none": False, "many": [1, 2]})
    words = ["--" + flag.name.replace("_", "-"), "7", "--place", "'a b'", "--plain", "--many", "1", "--many", "2"]
    assert options.words == words
    spec = replace(spec_of(name), weights=None)
    with pytest.raises(DnnExplainError, match=f"generate {name} {' '.join(words)} --fit autoregressive --out FILE"):
        find_generator(spec, _system(name), "default", options.words)
