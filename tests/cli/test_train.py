"""``dnnexplain train SYSTEM`` for every system that has recipes: one command, from data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnnexplain.cli import main
from dnnexplain.contract import load_reference
from dnnexplain.policies import load_any, read_metadata
from dnnexplain.registry import BUILT_IN, make_system, spec_of, specs
from dnnexplain.training.figures import UNSEEN_SEED

UNSEEN = 8
"""Workloads on which a network is measured here: so many are enough to compare with a run by hand."""

SMALLEST = {
    "abr": ["--iterations", "1", "--sessions", "8"],
    "cellular": ["--iterations", "2", "--days", "2", "--batch", "4"],
}
"""Options of the least training of a system whose own tests do not train by the command."""


def test_every_built_in_system_can_be_trained() -> None:
    for name in BUILT_IN:
        spec = spec_of(name)
        assert spec.recipes, name
        assert all(callable(load_reference(recipe.run)) for recipe in spec.recipes)


@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_a_network_is_trained_written_and_measured_beside_the_baselines(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnnexplain.training.figures.UNSEEN", UNSEEN)
    out = tmp_path / "net.safetensors"
    assert main(["train", name, *SMALLEST[name], "--seed", "3", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (figures,) = (value for title, value in told["figures"].items() if title.startswith(f"{UNSEEN} unseen"))
    spec = spec_of(name)
    assert set(figures) >= {rule for rule in spec.baselines if rule not in spec.apart}
    story = read_metadata(out)
    assert (story["seed"], story["role"]) == (3, "default")
    assert story["figures"] == told["figures"]
    assert story["command"].startswith("dnnexplain ")
    assert out.with_suffix(".md").exists()
    system = make_system(name)
    workloads = system.workloads(spec.family().name, UNSEEN, UNSEEN_SEED)
    assert system.run(load_any(str(out), system), workloads).cost.mean() == pytest.approx(
        figures["default"]["cost"]["mean"]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["abr", "--recipe", "defualt"], "Did you mean 'default'"),
        (["abr", "--iterations", "0"], "iterations must be"),
        (["dnnexplain.systems.small:MOSTLY_NOTHING"], "cannot be imported"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words, "--out", str(tmp_path / "net.safetensors")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_a_network_to_begin_from_is_named_alike_in_every_training():
    named = [
        parameter.flags
        for spec in specs().values()
        for recipe in spec.recipes
        for parameter in recipe.parameters
        if parameter.name == "begin"
    ]
    assert len(named) > 1
    assert all("--from" in flags for flags in named)
