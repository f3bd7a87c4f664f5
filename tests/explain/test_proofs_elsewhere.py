"""Proofs against another verifier, Marabou (Katz et al., CAV 2019), where it is installed: ``pip install maraboupy``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import Case, Property, StateSet
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.explain.proofs.vnnlib import cell_ranges
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import make_system

pytestmark = pytest.mark.filterwarnings("ignore:Tensorflow parser")
maraboupy = pytest.importorskip("maraboupy", reason="pip install maraboupy for a cross-check", exc_type=ImportError)


def network_of_cells(system: Any, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    cells = int(np.prod(system.observation_shape))
    return nn.Sequential(nn.Flatten(), nn.Linear(cells, 6), nn.ReLU(), nn.Linear(6, len(system.output.names)))


def satisfiable(module: nn.Sequential, low: Any, high: Any, row: Any, offset: float) -> bool:
    """Whether Marabou finds cells in the box with ``row @ outputs + offset >= 0``."""
    from maraboupy import Marabou, MarabouNetwork

    net = MarabouNetwork.MarabouNetwork()
    values = [net.getNewVariable() for _ in low]
    for variable, least, most in zip(values, low, high, strict=True):
        net.setLowerBound(variable, float(least))
        net.setUpperBound(variable, float(most))
    for layer in module:
        if isinstance(layer, nn.Linear):
            made = [net.getNewVariable() for _ in range(layer.out_features)]
            for variable, weights, bias in zip(made, layer.weight.tolist(), layer.bias.tolist(), strict=True):
                net.addEquality([*values, variable], [*weights, -1.0], -bias)
            values = made
        elif isinstance(layer, nn.ReLU):
            made = [net.getNewVariable() for _ in values]
            for before, after in zip(values, made, strict=True):
                net.addRelu(before, after)
            values = made
    net.addInequality(values, [-float(one) for one in row], offset)
    answer, *_ = net.solve(verbose=False, options=Marabou.createOptions(verbosity=0))
    return bool(answer == "sat")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_both_agree_on_what_can_be_reached_and_what_cannot(seed: int) -> None:
    """The largest output is bracketed by both: reached a little below, out of reach a little above."""
    system: Any = make_system("cellular")
    module = network_of_cells(system, seed)
    policy = TorchPolicy(module, system, masked=False)
    row = np.zeros((1, len(system.output.names)))
    row[0, 0] = 1.0
    whole = StateSet.all_of(system)
    far = prove(system, policy, Property("most", "most", (Case("most", whole, row, np.array([1e3])),)))
    top = far.cases[0].bound - 1e3
    low, high = cell_ranges(system, Case("", whole, row, np.zeros(1)))
    reached = far.cases[0].best - 1e3
    for offset, ours in ((-reached + 1e-3, "fails"), (-top - 0.05 * max(1.0, abs(top)), "holds")):
        claim = Property("one", "one", (Case("one", whole, row, np.array([offset])),))
        assert prove(system, policy, claim, budget=ProofBudget(seconds=20)).verdict == ours
        assert satisfiable(module, low, high, row[0], offset) is (ours == "fails")
