import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import RoutingSystem, best_oblivious_splits, worst_demand
from dnnexplain.systems.routing.rules import even_splits, shortest_path_splits
from dnnexplain.systems.routing.utilisation import normalise_splits


@pytest.mark.parametrize(
    ("name", "even", "shortest"), [("abilene", 6.25, 4.0), ("abilene-12", 15.5, 9.0), ("ring-4", 2.0, 2.0)]
)
def test_known_worst_cases(name, even, shortest):
    paths = RoutingSystem(name).paths
    for splits, ratio in ((even_splits(paths), even), (shortest_path_splits(paths), shortest)):
        worst = worst_demand(paths, splits)
        assert worst.lower == pytest.approx(ratio, rel=1e-9)
        assert worst.upper == pytest.approx(ratio, rel=1e-9)


def test_the_found_demand_reaches_the_ratio_within_the_cap(abilene):
    splits = even_splits(abilene.paths)
    worst = worst_demand(abilene.paths, splits)
    assert 0 <= worst.demands.min() <= worst.demands.max() <= abilene.cap
    reached = abilene.mlu(splits, worst.demands) / abilene.oracle.solve(worst.demands).upper
    assert reached == pytest.approx(worst.upper, rel=1e-9)
    assert abilene.utilisation(splits, worst.demands).argmax() == worst.link
    assert worst.per_link.max() == pytest.approx(worst.upper)


def test_no_sampled_demand_exceeds_the_exact_worst_case(abilene):
    rng = np.random.default_rng(0)
    splits = normalise_splits(abilene.paths, rng.exponential(size=440))
    worst = worst_demand(abilene.paths, splits)
    sparse = rng.uniform(0, 10, (150, 110)) * (rng.random((150, 110)) < rng.choice([0.01, 0.05, 0.5], (150, 1)))
    demands = sparse[sparse.any(axis=1)]
    ratios = abilene.mlu(splits, demands) / abilene.oracle.mlu(demands)
    assert ratios.max() <= worst.upper * (1 + 1e-9)
    assert ratios.max() > 1.5


def test_the_best_oblivious_splits_beat_all_others_in_the_worst_case(abilene):
    paths = abilene.paths
    splits, ratio = best_oblivious_splits(paths)
    assert worst_demand(paths, splits).upper == pytest.approx(ratio, rel=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(5):
        other = normalise_splits(paths, splits + 0.2 * rng.exponential(size=paths.count))
        assert worst_demand(paths, other).upper >= ratio * (1 - 1e-6)


def test_the_ring_s_best_oblivious_ratio(ring):
    """Two ways round, four links of capacity 1; the value agrees with a search over symmetric splits."""
    _, ratio = best_oblivious_splits(ring.paths)
    hops = ring.paths.hops
    grid = np.linspace(0, 1, 101)
    best = min(worst_demand(ring.paths, np.where(hops == 1, x, np.where(hops == 3, 1 - x, 0.5))).upper for x in grid)
    assert ratio == pytest.approx(best, abs=0.02)
    assert ratio <= best + 1e-9


def test_too_large_a_program_is_refused():
    with pytest.raises(DnnExplainError, match="up to 60,000 are solved here"):
        best_oblivious_splits(RoutingSystem("sndlib/geant").paths)
