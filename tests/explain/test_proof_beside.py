"""A proved reason beside an attribution: shares by group of knobs, and what the two disagree about."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.attribution import attribute
from dnnexplain.explain.proofs.beside import _owners, beside_attribution
from dnnexplain.explain.proofs.sufficient import sufficient_reason
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import make_system
from tests.fakes import FakeChoice

GATE = FakeChoice()
STATE = State(np.array([5.0, 1.0]))


def network(left: float, right: float) -> TorchPolicy:
    """The left queue's cars count ``left`` each for going left, the right one's ``right`` for going right; waiting is worth 0.5."""
    layer = nn.Linear(35, 3)
    with torch.no_grad():
        weights = np.zeros((3, 5, 7))
        weights[0, :, 0], weights[1, :, 3:6] = left, right / 5
        layer.weight.copy_(torch.tensor(weights.reshape(3, 35)))
        layer.bias.copy_(torch.tensor([0.0, 0.0, 0.5]))
    return TorchPolicy(nn.Sequential(nn.Flatten(), layer), GATE, masked=False)


def test_an_input_that_is_given_much_may_be_free() -> None:
    policy = network(2.0, 3.0)  # five cars on the left count ten; all three on the right count nine
    reason = sufficient_reason(GATE, policy, STATE)
    assert reason.proved
    assert set(reason.fixed) == {"left queue"}
    found = beside_attribution(GATE, policy, STATE, reason.fixed, method="input-x-gradient")
    map_ = attribute(GATE, policy, STATE, method="input-x-gradient")
    size = np.abs(map_.positive) + np.abs(map_.negative)
    assert found.shares["left"] == pytest.approx(size[0] / (size[0] + size[1]))
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.fixed == {"left": 1, "right": 0}


def test_both_kinds_of_disagreement_are_told() -> None:
    policy = network(2.0, 3.0)
    free = beside_attribution(GATE, policy, STATE, {"left queue": 5.0}, method="saliency")
    size = {name: free.shares[name] for name in ("left", "right")}
    assert free.large_but_free == (("right",) if size["right"] > 0.5 else ())
    small = beside_attribution(GATE, network(2.0, 1e-4), STATE, {"right queue": 1.0}, method="saliency")
    assert small.large_but_free == ("left",)
    assert small.small_but_fixed == ("right",)
    assert "whatever is there the decision stays" in small.words
    assert small.words.endswith("it gives hardly anything to right, which is part of what forces it.")
    both = {"left queue": 5.0, "right queue": 1.0}
    same = beside_attribution(GATE, network(1.0, 1.0), STATE, both, method="saliency")
    assert same.words == "Saliency and the proof name the same inputs."


def test_a_method_that_is_not_there_is_refused() -> None:

    with pytest.raises(DnnExplainError, match="method"):
        beside_attribution(GATE, network(1.0, 1.0), STATE, {}, method="nonsense")


def test_cells_of_a_scheduler_belong_to_the_job_that_paints_them() -> None:
    system = make_system("deeprm")
    owner = _owners(system)
    assert owner["job 2 cpu"] == owner["job 2 memory"] == "job 2"
    assert owner["running cpu"] == "running cpu"
