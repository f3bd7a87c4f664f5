"""Routing pair by pair: costs are the router's, quantities are those read off by hand, rules come out."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.distillation import Distillable, TreePolicy, disagree, distil
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.pairs import PairPolicy, PairRouting
from tests.jobs import until_no_job_is_left


@pytest.fixture(scope="module")
def pairs(ring):
    return PairRouting(ring)


@pytest.fixture(scope="module")
def draw(pairs):
    return lambda count, seed: pairs.workloads("gravity", count, seed)


def test_a_router_costs_pair_by_pair_what_it_costs_as_a_router(abilene, draw):
    pairs = PairRouting(abilene)
    assert isinstance(pairs, Distillable)
    work = pairs.workloads("gravity", 3, 1)
    for name in ("shortest-path", "ecmp", "even", "optimum"):
        one, whole = pairs.run(pairs.rules()[name], work), abilene.run(abilene.rules()[name], work)
        np.testing.assert_allclose(one.cost, whole.cost, rtol=1e-6)
        np.testing.assert_allclose(one.metrics["optimal MLU"], whole.metrics["optimal MLU"])


class Swinging:
    """Splits by how the newest matrix of a history stands to the oldest; no two histories alike."""

    name = "swinging"

    def __init__(self, routing):
        self.paths = routing.paths

    def outputs(self, observations):
        rows = np.asarray(observations, dtype=float)
        assert rows.shape[1:] == (3, len(self.paths.pairs))
        swing = rows[:, -1].sum(axis=1) / rows[:, 0].sum(axis=1)
        shares = np.exp(-self.paths.rank[None] * swing[:, None])
        total = np.stack([shares[:, self.paths.pair_of_path == pair].sum(axis=1) for pair in range(12)], axis=1)
        return shares / total[:, self.paths.pair_of_path]


def test_a_router_with_a_history_is_asked_with_its_history():
    routing = RoutingSystem("ring-4", k=2, history=3)
    pairs, router = PairRouting(routing), Swinging(routing)
    work = pairs.workloads("gravity", 3, 1)
    np.testing.assert_allclose(
        pairs.run(PairPolicy(router, pairs), work).cost, routing.run(router, work).cost, rtol=1e-6
    )


def test_states_are_every_pair_of_every_matrix_and_come_back_in_words(pairs, draw):
    work = draw(2, 3)
    seen, episode = pairs.visit(pairs.rules()["ecmp"], work)
    assert seen.shape == (2 * pairs.pairs, 1 + len(pairs.routing.knobs))
    np.testing.assert_array_equal(episode, np.repeat([0, 1], pairs.pairs))
    np.testing.assert_array_equal(pairs.encode(pairs.decode(seen)), seen)
    state = State(pairs.repair(pairs.decode(seen[5:6]))[0])
    again = pairs.state_from_json(pairs.state_to_json(state))
    np.testing.assert_allclose(again.values, state.values)
    assert pairs.describe(state).startswith(pairs.routing.paths.pair_names[5])
    with pytest.raises(DnnExplainError, match="'pair' must name a pair"):
        pairs.state_from_json({**pairs.state_to_json(state), "pair": "Paris -> Rome"})


def test_quantities_are_those_that_a_loop_reads_off_the_paths(abilene):
    pairs = PairRouting(abilene)
    paths, topology = abilene.paths, abilene.topology
    seen, episode = pairs.visit(pairs.rules()["even"], pairs.workloads("gravity", 2, 4))
    told = dict(zip(pairs.features.names, pairs.features(seen).T, strict=True))
    moves = pairs.features.actions(seen)
    demands = abilene.observe(pairs.workloads("gravity", 2, 4)).astype(float)
    links = dict(zip(topology.links, topology.capacity, strict=True))

    def on(path):
        return [(a, b) for a, b in zip(paths.nodes[path], paths.nodes[path][1:], strict=False)]

    for row in range(0, len(seen), 37):
        pair, matrix = int(seen[row, 0]), demands[episode[row]]
        use = dict.fromkeys(links, 0.0)
        for other, first in enumerate(paths.first_path):
            for link in on(first):
                use[link] += matrix[other] * (other != pair)
        mine = np.flatnonzero(paths.pair_of_path == pair)
        busiest = [max(100 * use[link] / links[link] for link in on(path)) for path in mine]
        assert told["demand of the pair"][row] == pytest.approx(matrix[pair])
        assert told["share of all demand"][row] == pytest.approx(100 * matrix[pair] / matrix.sum())
        for rank, path in enumerate(mine):
            name = ("shortest", "second", "third", "fourth")[rank]
            assert told[f"length of the {name} path"][row] == len(on(path))
            assert told[f"width of the {name} path"][row] == min(links[link] for link in on(path))
            assert told[f"others' use of the {name} path"][row] == pytest.approx(busiest[rank], abs=1e-6)
            if rank:
                shared = len(set(on(path)) & set(on(mine[0])))
                assert told[f"links that the {name} path shares with the shortest"][row] == shared
        assert busiest[moves[row, 0]] == pytest.approx(min(busiest), abs=1e-6)


def test_a_rule_of_thumb_comes_out_of_a_router_as_itself(pairs, draw):
    rule = pairs.rules()["shortest-path"]
    found = distil(pairs, rule, draw, leaves=4, rounds=0, sets=6, unseen=6, seeds=2, seed=1)
    assert found.fidelity == 1
    assert "the shortest path" in found.text() or "widest path" in found.text()
    assert found.relative == pytest.approx(0, abs=0.01)
    assert disagree(pairs, rule, rule, draw(4, 2)).same == 1


def test_shares_are_learned_as_shares(pairs, draw):
    """An even split has no dominant path: only a tree that learns the shares routes as it does."""
    even = pairs.rules()["even"]
    options = {"leaves": 8, "rounds": 0, "sets": 6, "unseen": 6, "seeds": 1, "seed": 1}
    soft = distil(pairs, even, draw, weighting="soft", **options)
    hard = distil(pairs, even, draw, weighting="none", **options)
    assert abs(soft.relative) < 0.02
    assert abs(soft.relative) < abs(hard.relative)
    policy = TreePolicy(soft.tree, pairs.features, pairs.most)
    assert np.isfinite(pairs.run(policy, draw(3, 5)).cost).all()


def test_the_rules_panel_tells_a_router_as_rules(pairs):
    from dnnexplain_widgets import RulesPanel

    settings = {"rounds": 0, "sets": 4, "unseen": 4, "seeds": 1}
    panel = RulesPanel(pairs, pairs.rules()["shortest-path"], settings=settings, compare_sets=3, bound_seconds=1)
    panel.set_answers(leaves=4)
    panel.distil()
    until_no_job_is_left()
    assert panel.error == ""
    assert panel.result.distillation.fidelity == 1
    low, high = panel.result.comparison.optimum
    assert low == pytest.approx(high)
    assert [row["label"] for row in panel.figure["cells"]["rows"]][-1] == "Optimum, all work known"
