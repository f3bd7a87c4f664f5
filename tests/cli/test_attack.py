"""``attack`` on DeepRM's shipped network, against brute force over every change of one job."""

from __future__ import annotations

import json
import signal
import threading
from itertools import product

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import State
from dnnexplain.policies import load_any
from dnnexplain.results import Result
from dnnexplain.systems.deeprm import DeepRM

STATE = {
    "slots": [
        {"length": 3, "cpu": 7, "memory": 1},
        {"length": 2, "cpu": 1, "memory": 8},
        {"length": 12, "cpu": 2, "memory": 5},
    ],
    "running": [{"remaining": 2, "cpu": 2, "memory": 1}],
}


@pytest.fixture(scope="module")
def state_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("attack") / "state.json"
    path.write_text(json.dumps(STATE))
    return path


def run(capsys, *arguments, code=0):
    assert main(["attack", "deeprm", *map(str, arguments)]) == code
    return capsys.readouterr()


def single_job_flips(system, policy, state):
    """Every change of one job: cost and whether it is adversarial, by the plain definitions."""
    rows, costs = [], []
    for slot in range(3):
        for length, cpu, memory in product(range(1, 16), range(11), range(11)):
            if cpu + memory:
                row = state.values.copy()
                row[3 * slot : 3 * slot + 3] = length, cpu, memory
                rows.append(row)
                costs.append(np.abs(row - state.values).sum())
    seen = system.encode(np.array(rows), state.background)
    chosen = np.where(system.valid_values(np.array(rows)), policy.outputs(seen), -np.inf).argmax(axis=1)
    return np.array(rows), np.array(costs), chosen


def test_the_change_of_one_job_is_the_smallest_that_brute_force_finds(capsys, state_file):
    found = json.loads(run(capsys, "--state", state_file, "--method", "exhaustive", "--jobs", 1, "--json").out)
    system = DeepRM()
    policy = load_any("default", system)
    state = system.state_from_json(STATE)
    rows, costs, chosen = single_job_flips(system, policy, state)
    first = chosen[costs == 0][0]
    before = system.judge(state)
    assert found["before"]["action"] == first
    assert found["before"]["loss"] == pytest.approx(before.loss[first])
    cheapest = None
    for at in np.argsort(costs, kind="stable"):
        if (
            chosen[at] != first
            and system.judge(State(rows[at], state.background)).loss[chosen[at]] > before.loss[first]
        ):
            cheapest = costs[at]
            break
    assert found["found"] == (cheapest is not None)
    assert found["distance"] == cheapest
    assert found["proved_minimal"]
    assert found["after"]["action"] not in found["after"]["best_actions"]
    changed = system.state_from_json(found["state"])
    judged = system.judge(changed)
    assert found["after"]["best_actions"] == list(judged.best)
    assert found["after"]["loss"] == pytest.approx(judged.loss[found["after"]["action"]])
    names = [knob.name for knob in system.knobs]
    for change in found["changes"]:
        at = names.index(change["knob"])
        assert (state.values[at], changed.values[at]) == (change["before"], change["after"])
    assert np.array_equal(changed.background[:, :10] > 0, state.background[:, :10] > 0)  # the cluster stays


def test_costs_bounds_and_knobs_are_the_users(capsys, state_file):
    arguments = ["--state", state_file, "--jobs", 1, "--json"]
    found = json.loads(
        run(capsys, *arguments, "--knob", "memory", "--cost", "memory=3", "--bound", "job 1 memory=1:4").out
    )
    assert all(change["knob"].endswith("memory") for change in found["changes"])
    assert found["distance"] is None or found["distance"] % 3 == 0
    reversed_ = [*map(str, arguments), "--bound", "length=5:2", "--knob", "length"]
    assert main(["attack", "deeprm", *reversed_]) == 2
    assert "lower bound is above the upper one" in capsys.readouterr().err


def test_a_result_is_kept_and_resumed(capsys, state_file, tmp_path):
    kept = tmp_path / "kept.json"
    arguments = ["--state", state_file, "--jobs", 1]
    text = run(capsys, *arguments, "--out", kept).out
    assert "cost" in text
    again = json.loads(run(capsys, *arguments, "--resume", kept, "--json").out)
    assert again["proved_minimal"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to attack"),
        (["--state", "nothing.json"], "nothing.json"),
        (["--pairs", "--budget", "0"], "--budget must be above 0"),
        (["--state", "STATE", "--cost", "memory"], "NAME=NUMBER"),
        (["--state", "STATE", "--bound", "length=3"], "NAME=LOW:HIGH"),
        (["--state", "STATE", "--target", "job 9"], "job 9"),
        (["--state", "STATE", "--method", "magic"], "magic"),
        (["--state", "STATE", "--out", "/nowhere/x.json"], "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(capsys, state_file, arguments, said):
    told = run(capsys, *(str(state_file) if part == "STATE" else part for part in arguments), code=2)
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not told.out


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--state", "STATE", "--method", "random"], "Adversarial"),
        (["--workload", "deeprm", "--steps", "10", "--rate", "0.4", "--oracle-seconds", "1"], "SequenceAttack"),
    ],
)
def test_ctrl_c_keeps_what_was_found(capsys, state_file, tmp_path, arguments, kind):
    kept = tmp_path / "kept.json"
    given = [str(state_file) if part == "STATE" else part for part in arguments]
    run(capsys, *given, "--budget", 1, "--json")  # everything is loaded and compiled now
    threading.Timer(1.5, lambda: signal.raise_signal(signal.SIGINT)).start()
    told = run(capsys, *given, "--budget", 300, "--out", kept, "--json", code=130)
    assert "what was found is kept" in told.err
    found = json.loads(told.out)
    saved = Result.load(kept)
    assert type(saved).__name__ == kind
    assert saved.words == found["words"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_pairs_hold_what_they_say(capsys):
    found = json.loads(run(capsys, "--pairs", "--budget", 2, "--json").out)
    assert found["searched"] > 0
    for pair in found["pairs"][:3]:
        assert pair["before"] in pair["best after"].split(" or ")
        assert pair["after"] not in pair["best after"].split(" or ")
        assert pair["loss"] > 0
