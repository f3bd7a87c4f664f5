"""What a routing case is held against, and after which histories: silent, plausible; some paths, all paths."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box import Budget, worst_case
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.all_paths import AllPathsOracle
from dnnexplain.systems.routing.plausible import PLAUSIBLE_RULE, plausible_range
from dnnexplain.systems.routing.traffic import generate
from tests.gray_box.routers import load_routing_policy, routing_problem


@pytest.fixture(scope="module")
def history():
    return load_routing_policy("dote-history")


@pytest.fixture(scope="module")
def cases(history):
    """The worst after any history and after a plausible one, by a short search."""
    return {
        kind: worst_case(routing_problem(*history, history=kind), "exact-inner", budget=Budget(3600, rounds=12), seed=0)
        for kind in ("any", "plausible")
    }


def test_plausible_bounds_are_the_quantiles_of_generated_traffic(history):
    system, _ = history
    low, high, mean = plausible_range(system.paths)
    drawn = generate(system.paths, "gravity", 3000, 1, 77)[:, 0]  # another seed than the bounds'
    inside = ((drawn >= low) & (drawn <= high)).mean(axis=0)
    assert inside.min() > 0.96
    assert inside.max() < 0.999
    assert mean == pytest.approx(drawn.mean(), rel=0.02)
    assert "1%" in PLAUSIBLE_RULE


def test_every_history_that_a_plausible_search_tries_is_plausible(history, cases):
    system, policy = history
    problem = routing_problem(system, policy, history="plausible")
    low, high, _ = plausible_range(system.paths)
    pairs = len(system.paths.pairs)
    random = np.random.default_rng(0)
    wild = random.uniform(-1, 2 * system.cap, (20, problem.domain.size))
    for rows in (problem.domain.valid(wild), problem.domain.mixed(20, random)):
        seen = rows[:, : system.history * pairs].reshape(20, system.history, pairs)
        assert ((seen >= low) & (seen <= high)).all()
    found = cases["plausible"]
    seen = found.x[: system.history * pairs].reshape(system.history, pairs)
    assert ((seen >= low) & (seen <= high)).all()
    assert any("plausible" in one for one in found.remarks)


def test_a_silent_history_is_called_silent_and_ordinary_traffic_is_less_bad(cases):
    wild, tame = cases["any"], cases["plausible"]
    assert "silent" in wild.sentence()
    assert "silent" not in tame.sentence()
    assert tame.ratio < wild.ratio
    assert "same 4 paths per pair" in wild.sentence()


def test_only_policies_with_a_history_have_a_plausible_one():
    system, policy = load_routing_policy("dote-current")
    with pytest.raises(DnnExplainError, match="no history"):
        routing_problem(system, policy, history="plausible")
    with pytest.raises(DnnExplainError, match="usual"):
        routing_problem(*load_routing_policy("dote-history"), history="usual")


def test_one_number_where_the_interval_agrees(cases):
    found = cases["any"]
    assert found.upper == pytest.approx(found.lower, rel=1e-9)
    assert f"certified: {found.lower:.6g}" in found.sentence()
    assert "between" not in found.sentence()
    assert found.certificate is not None
    assert found.certificate.holds
    assert found.ended_by == "rounds"


def test_all_paths_equal_the_given_paths_where_these_are_all():
    ring = RoutingSystem("ring-4", 2)  # a ring has two paths per pair
    oracle = AllPathsOracle(ring.paths)
    random = np.random.default_rng(0)
    for _ in range(8):
        demands = random.exponential(1.0, len(ring.paths.pairs)) * (random.random(len(ring.paths.pairs)) < 0.5)
        bound = oracle.solve(demands)
        assert bound.lower <= bound.upper
        assert bound.upper == pytest.approx(ring.oracle.solve(demands).upper, rel=1e-7, abs=1e-12)


def test_all_paths_are_never_worse_and_their_bound_holds_for_any_cut():
    some = RoutingSystem("abilene", 1)
    oracle, random = AllPathsOracle(some.paths), np.random.default_rng(1)
    nodes, links = len(some.topology.nodes), np.array(some.topology.links)
    for _ in range(5):
        demands = random.exponential(1.0, len(some.paths.pairs)) * (random.random(len(some.paths.pairs)) < 0.1)
        bound = oracle.solve(demands)
        assert bound.upper <= some.oracle.solve(demands).upper * (1 + 1e-9)
        assert bound.upper - bound.lower <= 1e-7 * bound.upper
        for side in itertools.islice((set(np.flatnonzero(random.random(nodes) < 0.5)) for _ in itertools.count()), 20):
            crossing = sum(
                d for (a, b), d in zip(some.paths.pairs, demands, strict=True) if a in side and b not in side
            )
            room = sum(
                c for (a, b), c in zip(links, some.topology.capacity, strict=True) if a in side and b not in side
            )
            if room > 0:
                assert crossing / room <= bound.upper * (1 + 1e-9)
    assert oracle.solve(np.zeros(len(some.paths.pairs))).upper == 0


def test_a_ratio_over_all_paths_is_at_least_that_over_some(history):
    system, policy = load_routing_policy("dote-current")
    some, whole = (routing_problem(system, policy, all_paths=every) for every in (False, True))
    x = some.domain.mixed(4, np.random.default_rng(0))
    for row in x:
        assert whole.certify(row)[2] >= some.certify(row)[2] * (1 - 1e-9)
    found = worst_case(whole, budget=Budget(3600, rounds=5), seed=0)
    assert any("all paths of the topology" in one for one in found.remarks)


def test_the_command_tells_both_histories(capsys):
    from dnnexplain.cli import main

    assert main(["worst-case", "routing", "--policy", "dote-history", "--rounds", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any("plausible:" in one for one in told["after_ordinary_traffic"]["remarks"])
    assert told["history"] == "any"
    assert told["ended_by"] == "rounds"
    assert told["optimum_over"].startswith("4 paths")
    words = ["worst-case", "routing", "--policy", "dote-history", "--rounds", "2", "--history", "plausible"]
    assert main([*words, "--all-paths", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "after_ordinary_traffic" not in told
    assert told["optimum_over"] == "all paths"


def test_a_budget_in_seconds_holds_its_certificates():
    system, policy = load_routing_policy("dote-current")
    found = worst_case(routing_problem(system, policy), budget=1.5, seed=0)
    assert found.cpu_seconds <= 1.5 * 1.25  # a second in the tests; within a tenth at ten seconds and more
    assert found.certifying_seconds < 0.5
    assert found.ended_by == "CPU-seconds"
    assert "limit in CPU-seconds" in found.sentence()
