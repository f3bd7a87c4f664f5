import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import RoutingOracle, k_shortest_paths, load_topology, warm
from dnnexplain.systems.routing.flows import FlowPolytope
from dnnexplain.systems.routing.oracle import _columns
from dnnexplain.systems.routing.topology import bidirectional
from dnnexplain.systems.routing.utilisation import mlu, normalise_splits


def by_scipy(paths, demands):
    """The same linear program, written once more and given to scipy."""
    links, count = len(paths.topology.links), paths.count
    upper = np.c_[paths.incidence.toarray(), -paths.topology.capacity]
    equal = np.c_[paths.pair_incidence.toarray(), np.zeros(len(paths.pairs))]
    answer = linprog(np.r_[np.zeros(count), 1.0], upper, np.zeros(links), equal, demands, method="highs")
    assert answer.status == 0
    return answer.fun


def check_certificate(optimum, paths, demands):
    """Primal and dual feasibility by their definitions."""
    assert optimum.gap <= 1e-9
    assert (optimum.splits >= 0).all()
    np.testing.assert_allclose(paths.pair_incidence @ optimum.splits, 1.0, rtol=1e-12)
    np.testing.assert_allclose(mlu(paths, optimum.splits, demands), optimum.upper, rtol=1e-12)
    assert (optimum.link_prices >= 0).all()
    np.testing.assert_allclose(optimum.link_prices @ paths.topology.capacity, 1.0, rtol=1e-12)
    cost = paths.incidence.T @ optimum.link_prices
    assert (optimum.demand_prices[paths.pair_of_path] <= cost + 1e-15).all()
    np.testing.assert_allclose(optimum.demand_prices @ demands, optimum.lower, rtol=1e-9)


@pytest.mark.parametrize("name", ["abilene", "abilene-12"])
def test_agrees_with_scipy_and_proves_it(name):
    paths = k_shortest_paths(load_topology(name))
    oracle = RoutingOracle(paths)
    rng = np.random.default_rng(3)
    for density in (1.0, 0.3, 0.02):
        demands = rng.uniform(0, 9, len(paths.pairs)) * (rng.random(len(paths.pairs)) < density)
        demands[0] = 1.0
        optimum = oracle.solve(demands)
        check_certificate(optimum, paths, demands)
        assert abs(optimum.upper - by_scipy(paths, demands)) <= 1e-7 * optimum.upper


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e9])
def test_the_ratio_to_scale_is_exact_down_to_tiny_demands(abilene, scale):
    demands = abilene.mean_demands
    whole = abilene.oracle.solve(demands).upper
    scaled = RoutingOracle(abilene.paths).solve(demands * scale)
    np.testing.assert_allclose(scaled.upper, whole * scale, rtol=1e-9)
    assert scaled.gap <= 1e-9


def test_ring_by_brute_force(ring):
    """On a ring with two paths per pair the optimum is found on a fine grid of one active pair's splits."""
    paths = ring.paths
    for pair, (a, b) in enumerate(paths.pairs):
        demands = np.zeros(len(paths.pairs))
        demands[pair] = 0.8
        grid = np.linspace(0, 1, 1001)
        splits = np.zeros((len(grid), paths.count))
        splits[:, paths.first_path] = 1
        first = paths.first_path[pair]
        splits[:, first], splits[:, first + 1] = grid, 1 - grid
        best = mlu(paths, splits, demands).min()
        np.testing.assert_allclose(ring.oracle.solve(demands).upper, best, atol=1e-9, err_msg=f"{a}->{b}")


def test_two_pairs_on_a_ring_by_brute_force(ring):
    paths = ring.paths
    demands = np.zeros(len(paths.pairs))
    demands[0], demands[4] = 1.0, 0.5
    grid = np.linspace(0, 1, 101)
    first, second = np.meshgrid(grid, grid)
    splits = np.zeros((first.size, paths.count))
    splits[:, paths.first_path] = 1
    for pair, share in ((0, first), (4, second)):
        splits[:, 2 * pair], splits[:, 2 * pair + 1] = share.ravel(), 1 - share.ravel()
    best = mlu(paths, splits, demands).min()
    optimum = ring.oracle.solve(demands)
    assert optimum.lower <= best + 1e-12
    assert best - optimum.upper <= 0.011


def test_demand_prices_are_the_gradient(abilene):
    rng = np.random.default_rng(0)
    demands = rng.uniform(0.1, 1.0, 110)
    prices = abilene.oracle.solve(demands).demand_prices
    direction = rng.normal(size=110)
    step = 1e-6
    up, down = (abilene.oracle.solve(demands + sign * step * direction).upper for sign in (1, -1))
    np.testing.assert_allclose((up - down) / (2 * step), prices @ direction, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 6), st.integers(1, 4))
def test_certificate_on_random_networks(seed, nodes, k):
    rng = np.random.default_rng(seed)
    cables = {(i, i + 1) for i in range(nodes - 1)}
    cables |= {(a, b) for a in range(nodes) for b in range(a + 1, nodes) if rng.random() < 0.3}
    names = [f"n{i}" for i in range(nodes)]
    topology = bidirectional("random", names, sorted(cables), rng.uniform(0.01, 100, len(cables)))
    paths = k_shortest_paths(topology, k)
    demands = rng.exponential(size=len(paths.pairs)) * (rng.random(len(paths.pairs)) < 0.7)
    optimum = RoutingOracle(paths).solve(demands)
    check_certificate(optimum, paths, demands)
    some_splits = normalise_splits(paths, rng.exponential(size=paths.count))
    assert optimum.lower <= mlu(paths, some_splits, demands) * (1 + 1e-12)


def test_nothing_to_route_costs_nothing(abilene):
    optimum = abilene.oracle.solve(np.zeros(110))
    assert (optimum.lower, optimum.upper, optimum.gap) == (0.0, 0.0, 0.0)


def test_many_at_once_and_one_by_one_agree(abilene):
    demands = np.random.default_rng(5).uniform(0, 1, (2, 3, 110))
    values = abilene.oracle.mlu(demands)
    assert values.shape == (2, 3)
    np.testing.assert_allclose(values[1, 2], RoutingOracle(abilene.paths).solve(demands[1, 2]).upper, rtol=1e-9)


@pytest.mark.parametrize(
    ("demands", "words"),
    [
        (np.ones(109), "110 ordered pairs"),
        (np.full(110, -1.0), "New York -> Chicago is -1 Gb/s"),
        (np.full(110, np.nan), "nan Gb/s"),
        (np.full(110, np.inf), "inf Gb/s"),
        (np.ones((2, 110)), "one traffic matrix"),
    ],
)
def test_bad_demands_are_told(abilene, demands, words):
    with pytest.raises(DnnExplainError, match=words):
        abilene.oracle.solve(demands)


def test_a_solver_that_fails_is_told_and_the_next_solve_works(abilene, monkeypatch):
    import highspy

    oracle = RoutingOracle(abilene.paths)
    with monkeypatch.context() as patch:
        patch.setattr(highspy.Highs, "modelStatusToString", lambda *_: "Numerical trouble")
        with pytest.raises(DnnExplainError, match=r"HiGHS did not solve the routing of 'abilene'.*Numerical trouble"):
            oracle.solve(abilene.mean_demands)
    assert oracle.solve(abilene.mean_demands).gap <= 1e-9


def test_a_solver_that_is_not_kept_gives_the_same_answers(abilene, monkeypatch):
    rows = np.random.default_rng(2).uniform(0, 1, (4, 110))
    kept = RoutingOracle(abilene.paths)
    expected = [(one.upper, one.splits) for one in kept.solve_all(rows)]
    assert kept._solver is not None
    monkeypatch.setattr("dnnexplain.systems.routing.warm._KEPT", abilene.paths.count)  # one column more: the MLU
    loaded = RoutingOracle(abilene.paths)
    for row, (upper, splits) in zip(rows[::-1], expected[::-1], strict=True):
        optimum = loaded.solve(row)
        assert optimum.upper == upper
        np.testing.assert_array_equal(optimum.splits, splits)
        assert loaded._solver is None


def test_an_oracle_may_be_sent_and_shared_and_no_answer_depends_on_the_ones_before(abilene):
    twin = pickle.loads(pickle.dumps(abilene.oracle))
    rows = np.random.default_rng(1).uniform(0, 1, (8, 110))
    found = {}

    def work(index):
        found[index] = abilene.oracle.solve(rows[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    back = twin.solve_all(rows[::-1])[::-1]
    for one, other in zip(back, (found[index] for index in range(8)), strict=True):
        for part in ("lower", "upper", "splits", "link_prices", "demand_prices"):
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


def test_the_worst_demand_of_a_link_does_not_depend_on_the_ones_before(ring):
    splits = normalise_splits(ring.paths, np.random.default_rng(2).random(ring.paths.count))
    links = range(len(ring.topology.links))
    first, last = FlowPolytope(ring.paths), FlowPolytope(ring.paths)
    forth = [first.worst_demands(splits, link) for link in links]
    back = [last.worst_demands(splits, link) for link in reversed(links)][::-1]
    for (demands, value), (others, other) in zip(forth, back, strict=True):
        np.testing.assert_array_equal(demands, others)
        assert value == other


@pytest.mark.parametrize("name", ["abilene", "abilene-12"])
def test_the_program_by_columns_is_the_stacked_one(name):
    paths = k_shortest_paths(load_topology(name))
    capacity = paths.topology.capacity / paths.topology.mean_capacity
    demands = sparse.hstack([paths.pair_incidence, sparse.csr_array((len(paths.pairs), 1))])
    links = sparse.hstack([paths.incidence, sparse.csr_array(-capacity[:, None])])
    stacked = sparse.csc_array(sparse.vstack([demands, links]))
    for ours, theirs in zip(_columns(paths), (stacked.indptr, stacked.indices, stacked.data), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_large_program_is_let_go_of_and_solved_alike(abilene, monkeypatch):
    kept, gone = RoutingOracle(abilene.paths), RoutingOracle(abilene.paths)
    answers = [kept.solve(abilene.mean_demands) for _ in range(2)]
    monkeypatch.setattr(warm, "_KEPT", 0)
    for ours in answers:
        theirs = gone.solve(abilene.mean_demands)
        assert gone._solver is gone._program is None
        assert (ours.lower, ours.upper) == (theirs.lower, theirs.upper)
        np.testing.assert_array_equal(ours.splits, theirs.splits)
    assert kept._solver is not None
