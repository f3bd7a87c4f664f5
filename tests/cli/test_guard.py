"""Guards, regions and hypotheses from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dnnexplain.cli import main
from dnnexplain.explain.guards import Guard, GuardRule
from dnnexplain.explain.regions import FailureProfile, Where

SYSTEM = ("deeprm", "--slots", "2")
WORKLOADS = ("--steps", "12")


@pytest.fixture
def as_sjf(tmp_path: Path) -> str:
    """A guard that does as sjf everywhere."""
    return str(Guard("deeprm", (GuardRule(Where(), "sjf"),)).save(tmp_path / "sjf.json"))


def told(capsys: Any, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_evaluate_runs_networks_with_the_guard(capsys: Any, as_sjf: str) -> None:
    asked = ("evaluate", *SYSTEM, *WORKLOADS, "--policy", "untrained", "--policy", "sjf", "--sets", "3")
    plain, guarded = (told(capsys, *asked, *more)["results"] for more in ((), ("--guard", as_sjf)))
    assert guarded[0]["metrics"]["cost"] == guarded[1]["metrics"]["cost"] == plain[1]["metrics"]["cost"]
    assert (
        guarded[0]["sampled"]["metrics"]["cost"] == guarded[1]["metrics"]["cost"]
    )  # firm even where actions are drawn
    assert plain[0]["metrics"]["cost"] != plain[1]["metrics"]["cost"]
    assert guarded[0]["guard"]["stepped_in"] == 1.0
    assert "guard" not in guarded[1]
    assert "guard" not in plain[0]


def test_replay_says_when_the_guard_stepped_in(capsys: Any, as_sjf: str, tmp_path: Path) -> None:
    asked = (
        "replay",
        *SYSTEM,
        *WORKLOADS,
        "--policy",
        "untrained",
        "--guard",
        as_sjf,
        "--out",
        str(tmp_path / "e.npz"),
    )
    assert told(capsys, *asked)["guard"]["rules"][0]["rule"] == "everywhere: do as sjf"
    (tmp_path / "a.json").write_text("[0]")
    alone = (
        "replay",
        *SYSTEM,
        "--actions",
        str(tmp_path / "a.json"),
        "--guard",
        as_sjf,
        "--out",
        str(tmp_path / "f.npz"),
    )
    assert main([*alone]) == 2
    assert "a guard is for a policy" in capsys.readouterr().err


def test_the_attack_knows_the_guard(capsys: Any, as_sjf: str) -> None:
    asked = ("attack", *SYSTEM, *WORKLOADS, "--workload", "deeprm", "--rounds", "1", "--oracle-seconds", "0")
    found = told(capsys, *asked, "--policy", "untrained", "--rule", "sjf", "--guard", as_sjf)
    assert found["network"] == pytest.approx(found["rule"])
    assert "guard:" in found["checkpoint"]
    assert not found["optimum_proved"]
    assert any("the optimum was not proved within 0 s (--oracle-seconds)" in said for said in found["assumed"])


def test_a_guard_is_measured_and_exported(capsys: Any, as_sjf: str, tmp_path: Path) -> None:
    small = ("--sets", "3", "--rounds", "1", "--tries", "3", "--rule", "sjf", "--policy", "packer")
    found = told(capsys, "guard", *SYSTEM, *WORKLOADS, *small, "--guard", as_sjf, "--export", str(tmp_path / "g.py"))
    assert found["seconds"]["making"] == 0.0, "it is there"
    assert found["seconds"]["measuring"] > 0.0
    assert found["rules"][0]["do"] == "sjf"
    assert found["nominal"]["without"] > 0
    assert found["gap_with"] == pytest.approx(found["worst_with"]["network"] / found["worst_with"]["rule"] - 1)
    assert "SOURCES = ('the network', 'sjf')" in (tmp_path / "g.py").read_text()
    assert main(["guard", *SYSTEM, *small, "--guard", as_sjf, "--export", str(tmp_path / "g.f90")]) == 2


def test_regions_are_kept_and_compared(capsys: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    small = ("regions", *SYSTEM, *WORKLOADS, "--policy", "fcfs", "--sets", "6", "--states", "60")
    found = told(capsys, *small, "--out", str(kept))
    assert found["of"] == "decisions"
    assert found["samples"] == len(FailureProfile.load(kept).losses)
    for region in found["regions"]:
        assert {"rule", "share", "mass", "loss", "p", "samples", "words"} <= set(region)
        assert region["p"] < 0.05
    assert "fates" in told(capsys, *small, "--before", str(kept))["compared"]


def test_hypotheses_say_that_a_rule_is_itself(capsys: Any) -> None:
    small = ("--policy", "sjf", "--sets", "4", "--states", "100", "--pairs", "10", "--say", "always: sjf")
    found = told(capsys, "hypotheses", *SYSTEM, *WORKLOADS, *small)
    itself = next(one for one in found["statements"] if one["words"] == "it does as sjf")
    assert itself["agrees"] == 1.0
    assert found["explained"] == 1.0
    assert found["tried"] == len(found["statements"])


def test_a_guard_of_another_system_is_refused(capsys: Any, tmp_path: Path) -> None:
    path = str(Guard("abr").save(tmp_path / "abr.json"))
    assert main(["evaluate", *SYSTEM, "--policy", "untrained", "--sets", "1", "--guard", path]) == 2
    assert "made for abr" in capsys.readouterr().err


def test_the_worst_case_is_that_of_the_guarded_policy(capsys: Any, as_sjf: str) -> None:
    asked = ("worst-case", *SYSTEM, "--jobs", "4", "--rounds", "1", "--method", "random", "--seed", "1")
    guarded = told(capsys, *asked, "--policy", "untrained", "--guard", as_sjf)
    rule, bare = (told(capsys, *asked, "--policy", name) for name in ("sjf", "untrained"))
    assert guarded["ratio"] == rule["ratio"] != bare["ratio"]


def test_more_workloads_than_are_held_in_memory_are_refused(capsys: Any) -> None:
    for command, option in (
        ("guard", "--sets"),
        ("regions", "--states"),
        ("evaluate", "--sets"),
        ("distill", "--unseen"),
    ):
        assert main([command, "deeprm", option, "1000000000"]) == 2
        assert f"{option} is at most 1,000,000" in capsys.readouterr().err


@pytest.mark.parametrize(("more", "ended_by"), [((), "counts"), (("--seconds", "0.001"), "seconds")])
def test_a_guard_says_what_ended_its_making(capsys: Any, more: tuple[str, ...], ended_by: str) -> None:
    small = ("--sets", "2", "--rounds", "1", "--cycles", "0", "--tries", "0", "--runs", "50")
    found = told(capsys, "guard", *SYSTEM, *WORKLOADS, "--policy", "untrained", "--rule", "sjf", *small, *more)
    assert found["ended_by"] == ended_by
    assert found["counts"] == {"sets": 2, "rounds": 1, "cycles": 0, "most": 3, "tries": 0, "runs": 50}
