"""Budgets in counts: the same answer whatever the clock says, and the limit that ended a search is named."""

from __future__ import annotations

import json

import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.explain.adversarial import attack, compare_methods
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system

SYSTEM = make_system("deeprm", slots=2)
JOBS = {"job 1 length": 3, "job 1 cpu": 4, "job 1 memory": 2, "job 2 length": 6, "job 2 cpu": 2, "job 2 memory": 5}


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(0)
    return TorchPolicy(mlp(SYSTEM), SYSTEM)


def strange_clock(step):
    """A clock that goes ``step`` seconds whenever it is looked at."""
    now = [0.0]

    def clock():
        now[0] += step
        return now[0]

    return clock


@pytest.mark.parametrize("method", ["local", "random", "gradient"])
def test_an_attack_in_rounds_is_the_same_at_any_speed(policy, method):
    state = state_from_values(SYSTEM, JOBS)
    slow, fast = (
        attack(SYSTEM, policy, state, method=method, rounds=5, seed=3, clock=strange_clock(step))
        for step in (10.0, 1e-6)
    )
    assert (slow.distance, slow.evaluated, slow.rounds) == (fast.distance, fast.evaluated, fast.rounds)
    assert slow.ended_by == fast.ended_by == "rounds"
    assert slow.rounds == 5


def test_a_limit_in_seconds_is_named(policy):
    state = state_from_values(SYSTEM, JOBS)
    found = attack(SYSTEM, policy, state, method="random", seconds=5.0, clock=strange_clock(1.0))
    assert found.ended_by == "seconds"
    assert "limit in seconds" in found.words


def test_workloads_in_rounds_are_the_same_at_any_speed(policy):
    starts = SYSTEM.workloads("deeprm", 2, 0)
    options = {"rounds": 2, "seed": 1, "oracle_seconds": 0.5}
    one, two = (attack_sequence(SYSTEM, policy, starts, **options, clock=strange_clock(t)) for t in (50.0, 1e-6))
    assert (one.gap, one.evaluated, one.ended_by) == (two.gap, two.evaluated, "rounds")
    timed = attack_sequence(SYSTEM, policy, starts, seconds=1.0, oracle_seconds=0.5, clock=strange_clock(0.6))
    assert timed.ended_by == "seconds"
    assert "limit in seconds" in timed.sentence()


def test_methods_are_compared_by_rounds(policy):
    table = compare_methods(
        SYSTEM, policy, state_from_values(SYSTEM, JOBS), methods=("local",), rounds=4, seconds=float("inf")
    )
    assert "4 batches" in table.words
    assert table.answers["local"].rounds <= 4


def test_rounds_are_at_least_one(policy):
    with pytest.raises(DnnExplainError, match="at least 1"):
        attack(SYSTEM, policy, state_from_values(SYSTEM, JOBS), rounds=0)
    with pytest.raises(DnnExplainError, match="at least 1"):
        attack_sequence(SYSTEM, policy, SYSTEM.workloads("deeprm", 1, 0), rounds=0)


def test_the_command_takes_rounds(capsys, tmp_path):
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"slots": [{"length": 3, "cpu": 4, "memory": 2}]}))
    words = ["attack", "deeprm", "--slots", "5", "--state", str(file), "--method", "random", "--rounds", "3", "--json"]
    answers = []
    for _ in range(2):
        assert main(words) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["ended_by"] == "rounds"
    assert answers[0]["rounds"] == 3
    assert answers[0]["evaluated"] == answers[1]["evaluated"]
    assert main(["attack", "deeprm", "--pairs", "--rounds", "3"]) == 2


def test_a_policy_that_decides_otherwise_in_a_batch_proves_nothing(policy):
    class Batchwise:
        """Answers to one state depend on how many are asked about at once."""

        name, checkpoint, masked = "batchwise", "", True

        def __init__(self, inner):
            self.inner, self.module = inner, inner.module

        def outputs(self, observations):
            return self.inner.outputs(observations) + (0.0 if len(observations) == 1 else 0.5)

    state = state_from_values(SYSTEM, JOBS)
    honest = attack(SYSTEM, policy, state, objects=1, seconds=20.0)
    assert honest.certificate is not None
    assert honest.certificate.holds
    found = attack(SYSTEM, Batchwise(policy), state, objects=1, seconds=20.0)
    assert not found.proved_minimal
    assert not found.complete
    assert found.radius == found.single_radius == 0.0
    assert "No proof" in found.words
