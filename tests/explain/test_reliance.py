import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.attribution.reliance import reliance
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.explain.networks.paths import wired_cells
from dnnexplain.policies import TorchPolicy
from dnnexplain.policies._adapters import Normalized
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, linear_network

GATE = FakeChoice()
STATES = [State(np.array([left, right], float)) for left in range(6) for right in range(4)]
SEEN = observe(GATE, STATES)


def test_cells_without_a_weight_are_dead_and_no_others():
    weights = np.zeros((3, 5, 7))
    weights[0, :, :3], weights[1, 2, 4] = 1.0, -2.0
    found = reliance(GATE, TorchPolicy(linear_network(GATE, weights.reshape(3, 35)), GATE), SEEN)
    expected = (weights == 0).all(axis=0)
    np.testing.assert_array_equal(found.dead, expected)
    assert found.dead_cells == np.argwhere(expected).tolist()
    assert f"{expected.sum()} of 35 cells have no gradient in any of 24 states" in found.sentence()
    assert found.never_wired_cells == found.dead_cells
    assert found.wired_dead_cells == []
    assert f"Of these {expected.sum()} never wired" in found.sentence()


def test_a_cell_behind_a_unit_that_is_never_on_is_dead():
    network = mlp(GATE, hidden=4, seed=1)
    network[1].bias.data[:] = -1e6
    network[1].weight.data[:, :3] = 0.0  # three cells lead nowhere at all
    found = reliance(GATE, TorchPolicy(network, GATE), SEEN)
    assert found.dead.all()
    assert found.never_wired_cells == [[0, 0], [0, 1], [0, 2]]
    assert len(found.wired_dead_cells) == 35 - 3
    assert "3 never wired" in found.sentence()
    assert "32 wired and dead" in found.sentence()


def test_the_wiring_is_what_a_walk_over_the_weights_finds_through_pools_and_saturated_units():
    layers = nn.Conv2d(1, 2, 2, stride=2), nn.Sigmoid(), nn.MaxPool2d((1, 2)), nn.Flatten(), nn.Linear(8, 3)
    network = nn.Sequential(nn.Unflatten(1, (1, 4)), *layers)  # sees 4 x 8
    with torch.no_grad():
        layers[0].weight.mul_(1e4)  # saturates
        layers[0].weight[:, :, 0, 1] = 0.0
        layers[4].weight[:, [2, 3, 6, 7]] = 0.0  # nothing looks at the lower half
    cells = np.zeros((4, 8), dtype=bool)
    cells[0, 0::2] = cells[1] = True
    np.testing.assert_array_equal(wired_cells(network, (4, 8)), cells)


def _normalised():
    first = Normalized((6,))
    first.mean.fill_(40.0)
    return first


def _batch_normed():
    layer = nn.BatchNorm1d(6)
    layer.running_mean.fill_(100.0)
    return layer


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [nn.Softmax(-1)]),
        ([], [nn.Hardtanh(0.0, 1.0)]),
        ([], [nn.Linear(3, 1), nn.ReLU(), nn.Linear(1, 3), nn.LogSoftmax(-1)]),
        ([], [part for _ in range(8) for part in (nn.ReLU6(), nn.Linear(3, 3))]),
        ([_batch_normed()], [nn.ReLU(), nn.Linear(3, 3)]),
        ([_normalised()], [nn.ReLU(), nn.Linear(3, 3)]),
    ],
    ids=["probabilities", "cut", "one-unit", "deep", "batch-norm", "normalised"],
)
def test_no_cut_no_normalisation_and_no_sum_that_stays_hides_the_wiring(before, after):
    layer = nn.Linear(6, 3)
    with torch.no_grad():
        layer.weight[:, [1, 4]] = 0.0
    network = nn.Sequential(*before, layer, *after)
    np.testing.assert_array_equal(wired_cells(network, (6,)), [True, False, True, True, False, True])


def test_constant_cells_are_told():
    found = reliance(GATE, TorchPolicy(mlp(GATE, seed=3), GATE), SEEN)
    np.testing.assert_array_equal(found.constant, (SEEN[0] == SEEN).all(axis=0))


def test_only_what_a_decision_rests_on_changes_it_and_by_the_share_of_a_literal_loop():
    weights = np.zeros((3, 5, 7))
    weights[0, :, :3] = 1.0
    weights[1] = weights[0].mean() * 0.7
    weights[1, :, 3:] = 0.0
    policy = TorchPolicy(linear_network(GATE, weights.reshape(3, 35)), GATE)
    found = reliance(GATE, policy, SEEN, seed=4, shuffles=3)
    assert found.changed[1] == found.changed[2] == 0.0
    valid = GATE.valid_actions(SEEN)
    shares, rng = [], np.random.default_rng([4, 0])
    for _ in range(3):
        order = rng.permutation(len(SEEN))
        moved = 0
        for place, other in enumerate(order):
            one = SEEN[place].copy()
            one[GATE.cell_group == 0] = SEEN[other][GATE.cell_group == 0]
            said = [
                GATE.output.decide(policy.outputs(seen[None]), valid[place : place + 1])[0]
                for seen in (SEEN[place], one)
            ]
            moved += said[0] != said[1]
        shares.append(moved / len(SEEN))
    assert found.changed[0] == pytest.approx(np.mean(shares))


def test_no_states_are_refused():
    with pytest.raises(DnnExplainError, match="at least one state"):
        reliance(GATE, TorchPolicy(mlp(GATE, seed=3), GATE), SEEN[:0])
