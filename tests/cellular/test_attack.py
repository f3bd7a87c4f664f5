"""The smallest change that moves the rate by more than an amount, for the worse; the cell's losses are no proofs."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.explain.adversarial import attack
from dnnexplain.policies import load_shipped
from dnnexplain.systems.cellular import CellularSystem
from dnnexplain.systems.cran import CloudRan


@pytest.fixture(scope="module")
def cell():
    system = CellularSystem()
    return system, load_shipped(system, "default"), state_from_values(system, {})


@pytest.mark.parametrize("amount", [0.1, 0.3])
def test_a_change_moves_the_rate_by_more_than_the_amount_and_is_worse_by_an_estimate(cell, amount):
    system, network, state = cell
    found = attack(system, network, state, method="gradient", amount=amount, rounds=6)
    assert found.found
    before, after = (
        np.clip(network.outputs(system.encode(one.values[None])), 0, 1)[0, 0] for one in (state, found.state)
    )
    assert abs(after - before) > amount
    losses = [system.losses(one, np.array([rate]))[0] for one, rate in ((state, before), (found.state, after))]
    assert losses[1] > losses[0]
    assert not found.proved_minimal
    assert found.after.estimated
    assert not found.after.exact
    assert "By an estimate of the oracle" in found.words


def test_amounts_are_checked(cell):
    system, network, state = cell
    for amount in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(DnnExplainError, match="amount must be above 0 and below 1"):
            attack(system, network, state, amount=amount, rounds=1)
    heads = CloudRan()
    with pytest.raises(DnnExplainError, match="no numbers"):
        attack(heads, heads.rules()["greedy"], state_from_values(heads, {}), amount=0.1, rounds=1)
