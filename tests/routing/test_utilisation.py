from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing import utilisation as u
from dnnexplain.systems.routing.tensors import OptimalMLU, TorchRouting


def test_ring_by_hand(ring):
    """1 -> 3 (0.6 Gb/s) half each way, 1 -> 2 (0.3) three quarters direct, the rest the long way round."""
    pairs = {name: index for index, name in enumerate(ring.paths.pair_names)}
    demands = np.zeros(12)
    demands[pairs["node 1 -> node 3"]], demands[pairs["node 1 -> node 2"]] = 0.6, 0.3
    splits = np.tile([1.0, 0.0], 12)
    first = 2 * pairs["node 1 -> node 3"]
    assert ring.paths.describe(first) == "node 1 - node 2 - node 3"
    splits[first : first + 2] = 0.5
    splits[2 * pairs["node 1 -> node 2"] :][:2] = 0.75, 0.25
    used = dict(zip(ring.topology.link_names, ring.utilisation(splits, demands), strict=True))
    expected = dict.fromkeys(ring.topology.link_names, 0.0)
    expected |= {"node 1 -> node 2": 0.3 + 0.225, "node 2 -> node 3": 0.3}
    expected |= {"node 1 -> node 4": 0.3 + 0.075, "node 4 -> node 3": 0.3 + 0.075, "node 3 -> node 2": 0.075}
    assert used == pytest.approx(expected)
    assert ring.mlu(splits, demands) == pytest.approx(0.525)


def test_unequal_capacities_count():
    system = RoutingSystem("abilene-12")
    demands = np.zeros(132)
    demands[system.paths.pair_names.index("ATLAng -> IPLSng")] = 1.24
    splits = (system.paths.rank == 0).astype(float)
    assert system.mlu(splits, demands) == pytest.approx(0.5)


def slow_mlu(system, splits, demands):
    """The definition, with loops."""
    load = dict.fromkeys(system.topology.links, 0.0)
    for path, pair, share in zip(system.paths.nodes, system.paths.pair_of_path, splits, strict=True):
        for hop in pairwise(path):
            load[hop] += share * demands[pair]
    return max(load[link] / c for link, c in zip(system.topology.links, system.topology.capacity, strict=True))


@pytest.mark.parametrize("cells", [4_000_000, 0])
def test_numpy_and_torch_equal_the_slow_twin_dense_and_sparse(abilene, monkeypatch, cells):
    monkeypatch.setattr(u, "_DENSE_CELLS", cells)
    monkeypatch.setattr("dnnexplain.systems.routing.tensors._DENSE_CELLS", cells)
    rng = np.random.default_rng(0)
    shares, demands = rng.random((3, 440)), rng.random((3, 110))
    splits = u.normalise_splits(abilene.paths, shares)
    expected = [slow_mlu(abilene, s, d) for s, d in zip(splits, demands, strict=True)]
    np.testing.assert_allclose(u.mlu(abilene.paths, splits, demands), expected)
    model = TorchRouting(abilene.paths, torch.float64)
    mine = model(model.normalise(torch.as_tensor(shares)), torch.as_tensor(demands))
    np.testing.assert_allclose(mine, expected)
    prices = rng.random((2, 28))
    costs = [[prices[row] @ abilene.paths.incidence.toarray()[:, f] for f in range(440)] for row in range(2)]
    np.testing.assert_allclose(u.path_costs(abilene.paths, prices), costs)
    np.testing.assert_allclose(model.path_costs(torch.as_tensor(prices)), costs)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_normalised_splits_are_valid_and_keep_proportions(abilene, seed):
    rng = np.random.default_rng(seed)
    shares = rng.random(440) * (rng.random(440) < 0.5)
    splits = u.normalise_splits(abilene.paths, shares)
    np.testing.assert_allclose(splits.reshape(110, 4).sum(1), 1.0)
    u.check_splits(abilene.paths, splits)
    model = TorchRouting(abilene.paths, torch.float64)
    np.testing.assert_allclose(model.normalise(torch.as_tensor(shares)), splits, atol=1e-15)
    soft = model.softmax(torch.as_tensor(shares * 1000))
    expected = torch.softmax(torch.as_tensor(shares * 1000).reshape(110, 4), dim=1).reshape(-1)
    np.testing.assert_allclose(soft, expected, atol=1e-15)


def test_a_vanishing_softmax_still_has_a_finite_gradient(abilene):
    model = TorchRouting(abilene.paths)
    scores = torch.zeros(1, 440)
    scores[0, 0] = 1e4
    scores.requires_grad_()
    model.softmax(scores).square().sum().backward()
    assert torch.isfinite(scores.grad).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s[:-1], "has 440 paths; was it trained for another topology"),
        (lambda s: s * 2, "New York -> Chicago|sum to 2"),
        (lambda s: s - 1, "negative or not a number"),
        (lambda s: s * np.nan, "negative or not a number"),
    ],
)
def test_invalid_splits_are_told(abilene, change, words):
    with pytest.raises(DnnExplainError, match=words):
        abilene.mlu(change(np.full(440, 0.25)), abilene.mean_demands)


def test_float32_rounding_is_normalised_away(abilene):
    splits = u.check_splits(abilene.paths, np.full(440, 0.2500001))
    np.testing.assert_array_equal(splits, 0.25)


def test_the_optimum_differentiates_by_its_prices(abilene):
    demands = torch.rand(2, 110, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    OptimalMLU.apply(demands, abilene.oracle).sum().backward()
    rows = [abilene.oracle.solve(row).demand_prices for row in demands.detach().numpy()]
    np.testing.assert_allclose(demands.grad, rows)
