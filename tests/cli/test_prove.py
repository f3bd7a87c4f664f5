"""Properties and sufficient reasons from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dnnexplain.cli import main
from dnnexplain.registry import BUILT_IN


def told(capsys: Any, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def state(tmp_path: Path, capsys: Any) -> str:
    """A valid state, as the system writes it."""
    from dnnexplain.contract import State
    from dnnexplain.registry import make_system

    system = make_system("deeprm")
    values = system.repair([[3, 2, 1, 9, 1, 8] + [0] * (len(system.knobs) - 6)])[0]
    path = tmp_path / "state.json"
    path.write_text(json.dumps(system.state_to_json(State(values))))
    capsys.readouterr()
    return str(path)


@pytest.mark.parametrize("name", BUILT_IN)
def test_without_a_name_the_properties_are_listed(capsys: Any, name: str) -> None:
    found = told(capsys, "prove", name)["properties"]
    assert "robust" in found
    assert len(found) >= 3
    assert all(about.endswith(".") for about in found.values())


def test_the_robustness_of_a_decision(capsys: Any, state: str) -> None:
    asked = ("prove", "deeprm", "--policy", "default", "--property", "robust", "--state", state, "--within", "3")
    found = told(capsys, *asked)
    assert found["verdict"] in {"holds", "fails"}
    assert {"bound", "gap", "witness", "checked", "seconds"} <= set(found)
    assert (found["witness"] is not None) == (found["verdict"] == "fails")


@pytest.mark.parametrize("policy", ["default", "conv"])
def test_an_empty_slot_is_ranked_first_by_each_network(capsys: Any, policy: str) -> None:
    found = told(capsys, "prove", "deeprm", "--policy", policy, "--property", "never-empty-slot")
    assert found["verdict"] == "fails"
    assert found["violation"]["margin"] > 0
    assert found["bound"] >= found["violation"]["margin"]
    assert found["checked"] <= 1e-2


def test_a_sufficient_reason(capsys: Any, state: str) -> None:
    found = told(capsys, "explain", "deeprm", "--state", state, "--sufficient")
    assert {"fixed", "free", "proved", "minimal"} <= set(found)
    assert found["proved"]
    assert found["minimal"]
    assert found["fixed"]
    assert not set(found["fixed"]) & set(found["free"])


def test_a_property_of_ones_own(capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"where": {"congestion last minute": [0, 0.1]}, "never": [["rate - 1000000"]]}))
    found = told(capsys, "prove", "cellular", "--property", str(path))
    assert found["verdict"] == "holds"
    assert found["bound"] < 0


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("--property", "nonsense"), "never-empty-slot"),
        (("--property", "robust"), "--state"),
        (("--property", "never-empty-slot", "--seconds", "0"), "--seconds"),
    ],
)
def test_wrong_input_is_told_what_to_write(capsys: Any, more: tuple[str, ...], word: str) -> None:
    assert main(["prove", "deeprm", *more]) != 0
    assert word in capsys.readouterr().err
