"""Properties and sufficient reasons from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.cli.prove_export import exported
from dnnexplain.cli.system_options import DEFAULT_SYSTEM
from dnnexplain.contract import State, state_from_values
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.explain.proofs import prover
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.models import pairs_hold
from dnnexplain.explain.proofs.ready import named_property
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of


def told(capsys: Any, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def state(tmp_path: Path, capsys: Any) -> str:
    """A valid state, as the system writes it."""
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
    """How large a violation can be has a tenth of the seconds: of the convolutional one, on a busy machine, six are few."""
    found = told(
        capsys,
        "prove",
        "deeprm",
        "--policy",
        policy,
        "--property",
        "never-empty-slot",
        "--nodes",
        "40",
        "--seconds",
        "1000",
    )
    assert found["verdict"] == "fails"
    assert found["violation"]["margin"] > 0
    assert found["bound"] >= found["violation"]["margin"]
    assert found["checked"] <= 1e-2


def test_a_sufficient_reason(capsys: Any, state: str) -> None:
    found = told(capsys, "explain", "deeprm", "--state", state, "--sufficient", "--seconds", "1000")
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


def test_what_is_exported_is_the_network_and_holds_every_state(capsys: Any, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    asked = ("prove", "cellular", "--property", "never-fast-when-congested", "--export", str(tmp_path))
    found = told(capsys, *asked)
    assert found["exported"]["cases"] == ["case-0.vnnlib"]
    system = make_system("cellular")
    policy = named_policy(system, "default")
    claim = named_property(spec_of("cellular"), system, policy, "never-fast-when-congested", None, 3)
    rows = draw(system, claim.cases[0].states, 64, np.random.default_rng(0))
    seen = np.asarray(system.encode(rows), dtype=np.float32)
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    given = session.get_inputs()[0]
    answers = np.stack([session.run(None, {given.name: one[None]})[0][0] for one in seen])
    assert np.abs(answers - policy.outputs(seen)).max() < 1e-2
    text = (tmp_path / "case-0.vnnlib").read_text()
    ends = {
        (sign, int(cell)): float(value)
        for sign, cell, value in re.findall(r"\(assert \((<=|>=) X_(\d+) (\S+?)\)\)", text)
    }
    assert len(ends) == 2 * seen.shape[1]
    for cell in range(seen.shape[1]):
        assert (seen[:, cell] <= ends["<=", cell] + 1e-4).all()
        assert (seen[:, cell] >= ends[">=", cell] - 1e-4).all()
    assert "(assert (>= (* 1.0 Y_0) 0.5))" in text


@pytest.mark.parametrize(
    ("system_name", "name"),
    [
        ("abr", "monotone-buffer"),
        ("cellular", "monotone-congestion"),
        ("cran", "monotone-demand"),
        ("deeprm", "monotone-length"),
    ],
)
def test_what_is_exported_of_two_states_is_the_network_twice_and_holds_every_pair(
    system_name: str, name: str, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    system = make_system(system_name)
    policy = named_policy(system, "default")
    claim = named_property(spec_of(system_name), system, policy, name, None, 3)
    case = claim.cases[0]
    found = exported(tmp_path, system, policy, replace(claim, cases=(case,)), None)
    assert (tmp_path / "instances.csv").read_text() == "network-of-pairs.onnx,case-0.vnnlib,60\n"
    assert not found["left_out"]
    rng = np.random.default_rng(0)
    rows = draw(system, case.states, 400, rng)
    place = [knob.name for knob in system.knobs].index(case.change.knob)
    moved = rows.copy()
    moved[:, place] += rng.uniform(case.change.low, case.change.high, len(rows))
    pairs = np.hstack([rows, system.repair(moved)])
    pairs = pairs[pairs_hold(system, case, pairs)][:64]
    assert len(pairs) > 5
    first, second = (np.asarray(system.encode(part), dtype=np.float32) for part in np.split(pairs, 2, axis=1))
    assert (first != second).any()
    seen = np.stack([first, second - first], axis=1)
    session = onnxruntime.InferenceSession(str(tmp_path / "network-of-pairs.onnx"))
    answers = session.run(None, {session.get_inputs()[0].name: seen})[0]
    both = np.hstack([policy.outputs(first), policy.outputs(second)])
    assert np.abs(answers - both).max() < 1e-4 * max(1.0, np.abs(both).max())
    text, flat = (tmp_path / "case-0.vnnlib").read_text(), seen.reshape(len(seen), -1)
    ends = {
        (sign, int(cell)): float(value)
        for sign, cell, value in re.findall(r"\(assert \((<=|>=) X_(\d+) (\S+?)\)\)", text)
    }
    low, high = (np.array([ends[sign, cell] for cell in range(flat.shape[1])]) for sign in (">=", "<="))
    assert (flat <= high + 1e-4).all()
    assert (flat >= low - 1e-4).all()
    same = flat.shape[1] // 2
    assert ((high - low)[same:] < 1e-6).any(), "what the knob does not paint stays the same"
    assert ((high - low)[same:] > 1e-6).any()
    assert f"Y_{both.shape[1] - 1})" in text
    assert f"Y_{both.shape[1]} " not in text


def test_a_property_of_two_decisions_is_not_exported_and_it_is_said_before_any_work(
    capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(prover, "prove", None)
    folder = tmp_path / "verifiers"
    assert main(["prove", "deeprm", "--property", "starts-both", "--export", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "starts-both speaks of a state and of the one that a decision leads to" in said
    assert "leave --export out" in said
    assert not folder.exists()


def test_a_budget_in_nodes_bounds_every_way_of_proving_and_json_says_which_limit_ended_it(capsys: Any) -> None:
    asked = ("prove", "abr", "--property", "never-lowest-with-full-buffer", "--seconds", "100000")
    found = told(capsys, *asked, "--nodes", "3")
    assert (found["verdict"], found["limit"]) == ("open", "nodes")
    assert told(capsys, *asked[:-1], "0.001", "--nodes", "3")["limit"] == "seconds"


def test_what_was_settled_is_printed_when_it_is_asked_to_end(capsys: Any, monkeypatch: Any) -> None:
    first = prover.by_proof

    def ask(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return first(*arguments)

    monkeypatch.setattr(prover, "by_proof", ask)
    line = ("prove", "abr", "--property", "never-lowest-with-full-buffer", "--nodes", "3", "--json")
    assert main(line) == 128 + signal.SIGTERM
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["limit"]) == ("open", "cancelled")


@pytest.mark.parametrize("system", [name for name in BUILT_IN if name != DEFAULT_SYSTEM])
def test_examples_of_a_system_name_its_own_properties_and_rules(system: str, capsys: Any) -> None:
    spec = spec_of(system)
    assert main(["prove", system, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"dnnexplain prove {system} --property {spec.properties[0].name} --json" in shown
    assert DEFAULT_SYSTEM not in shown.split("Examples:")[1]
    assert main(["distill", system, "--help"]) == 0
    assert f"--compare {next(iter(spec.rules))}" in capsys.readouterr().out


@pytest.mark.parametrize("name", BUILT_IN)
def test_examples_of_a_system_speak_of_what_it_has(name: str, capsys: Any) -> None:
    system, said = make_system(name), spec_of(name).said
    names = {*kinds(system), *(knob.group for knob in system.knobs), *(knob.name for knob in system.knobs)}
    assert {said["KNOB"], said["COSTLY"], said["BOUND"].partition("=")[0]} <= names
    assert said["SWEPT"] in {*kinds(system), *(knob.name for knob in system.knobs)}
    assert said["BASELINE"] in system.baselines(state_from_values(system, {}))
    condition, _, rule = said["SAYING"].rpartition(": ")
    quantity = re.split(r" (?:>|<=) (?=[\d.]+$)", condition)[0]
    assert rule in system.rules()
    assert quantity in quantities_of(system).names
    for command in ("attack", "explain", "probe", "hypotheses", "replay"):
        assert main([command, name, "--help"]) == 0
        shown = capsys.readouterr().out.split("Example")[1]
        assert not re.search(r"\b(KNOB|COSTLY|BOUND|TARGET|BASELINE|SWEPT|SAYING|FAMILY|FILE_OPTION)\b", shown)
