"""What probing asks of routing: facts against the slow way, what is seen, how good a routing is."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, EpisodeSystem, Measured, State
from dnnexplain.explain import domain_facts, effect_on_cost, embed, intervene, intervene_each, probe_facts, visited
from dnnexplain.explain.probing.domain_facts import objects_of
from dnnexplain.explain.probing.embedding import label_names
from dnnexplain.explain.probing.intervention import CostEffect, NeuronEffect
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.routing import RoutingSystem, Topology
from dnnexplain.systems.routing.networks import dote
from tests.fakes import FakeSystem

LINKS = ((0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0))


@pytest.fixture(scope="module")
def triangle():
    capacity = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 3.5])
    return RoutingSystem(Topology("triangle", ("a", "b", "c"), LINKS, capacity), k=2, history=2, routed=True)


@pytest.fixture(scope="module")
def policy(triangle):
    small = RoutingSystem(triangle.topology, 2, 2)
    return triangle.seen_by(TorchPolicy(dote(small, hidden=(6, 4), seed=1), small, name="small"))


@pytest.fixture(scope="module")
def state(triangle):
    return State(triangle.repair(np.random.default_rng(1).random((1, len(triangle.knobs))))[0])


def test_a_routing_system_is_measured_and_a_plain_one_is_not(triangle):
    assert isinstance(triangle, Measured)
    assert isinstance(FakeSystem(), EpisodeSystem)
    assert not isinstance(FakeSystem(), Measured)
    assert triangle.outcome in triangle.targets(State(np.zeros(len(triangle.knobs))))


@pytest.mark.parametrize(("history", "routed"), [(0, False), (2, False), (2, True)])
def test_the_outcome_of_a_state_is_the_metric_of_its_workload(history, routed):
    system = RoutingSystem(Topology("triangle", ("a", "b", "c"), LINKS, np.arange(1.0, 7.0)), 2, history, routed=routed)
    rule = system.rules()["shortest-path"]
    seen, episode = system.visit(rule, system.workloads("gravity", 5, 3))
    assert episode.tolist() == list(range(5))
    assert seen.shape == (5, *system.observation_shape)
    if history and not routed:
        return  # what is routed is not seen
    ran = system.run(rule, system.workloads("gravity", 5, 3))
    target = system.targets(State(system.decode(seen)[0]))[system.outcome]
    import torch

    got = target.scalar(torch.tensor(rule.outputs(seen), dtype=torch.float32), torch.tensor(seen))
    np.testing.assert_allclose(got, ran.metrics[system.metric], rtol=1e-5)


def test_facts_are_what_the_slow_way_says(triangle):
    workloads = triangle.workloads("gravity", 60, 7)
    seen, _ = triangle.visit(None, workloads)
    features = triangle.features
    table = features(seen)
    assert table.shape == (60, len(features.names))
    shortest = triangle.rules()["shortest-path"]
    for row, case in zip(table, workloads, strict=True):
        told = dict(zip(features.names, row == 1, strict=True))
        used = np.zeros(len(LINKS))
        for pair, (a, b) in enumerate(triangle.paths.pairs):  # in a triangle the shortest path is the link itself
            used[LINKS.index((a, b))] += case.demands[pair] / triangle.topology.capacity[LINKS.index((a, b))]
        np.testing.assert_allclose(used, triangle.run(shortest, [case]).detail["utilisation"][0])
        assert told[f"all demand is above {triangle.mean_demands.sum():.3g} Gb/s, its mean"] == (
            case.demands.sum() > triangle.mean_demands.sum()
        )
        assert told["on shortest paths some link would be above 80%"] == (used.max() > 0.8)
        busiest = triangle.topology.link_names[int(used.argmax())]
        assert told[f"the busiest link would be {busiest}"]
        assert sum(told[f"the busiest link would be {name}"] for name in triangle.topology.link_names) == 1
        assert told["all demand is higher than in the matrix before"] == (case.demands.sum() > case.history[-1].sum())
        for pair, name in enumerate(triangle.paths.pair_names):
            mean = triangle.mean_demands[pair]
            assert told[f"{name} asks for more than {mean:.3g} Gb/s, its mean"] == (case.demands[pair] > mean)


def test_facts_about_one_pair_are_its_own(triangle):
    seen, _ = triangle.visit(None, triangle.workloads("gravity", 60, 7))
    assert objects_of(triangle) == triangle.paths.pair_names
    found = domain_facts(triangle, seen, about="a -> b")
    assert {name for name in found if "ago" in name or "to route" in name}
    assert all("a -> b" in name for name in found)


def test_a_fact_that_a_layer_was_built_to_hold_is_found(triangle, policy):
    """A network whose first neuron adds up all demand of the newest matrix that it sees."""
    import torch

    twin = policy.copy()
    first = twin.module.network.hidden_1
    with torch.no_grad():
        first.weight.zero_()
        first.bias.zero_()
        first.weight[0, -6:] = 1.0
    seen = visited(triangle, twin, 200, seed=2)
    assert len(seen.observations) == 200
    assert seen.source == "states of the system's workloads (gravity)"
    total = seen.observations[:, 1].sum(axis=1)
    facts = {"total above its median": total > np.median(total), "heads": np.arange(200) % 2 == 0}
    found = probe_facts(triangle, twin, seen.states(triangle), facts, repeats=4)
    assert found.facts[0].low > 0
    assert found.facts[0].accuracy > 0.95
    assert not found.facts[1].low > 0


def test_holding_a_neuron_tells_the_ratio_to_the_optimum_here(triangle, policy, state):
    found = intervene(triangle, policy, state, 2, value=5.0)
    ours, best = triangle.flows(state, found.after.outputs)
    assert found.outcome == triangle.outcome
    assert found.outcome_after == pytest.approx(ours.cost / best.cost, rel=1e-5)
    ours, best = triangle.flows(state, found.before.outputs)
    assert found.outcome_before == pytest.approx(ours.cost / best.cost, rel=1e-5)
    assert found.worse == pytest.approx(found.outcome_after - found.outcome_before)
    assert "busiest link over optimum goes from" in found.sentence()
    assert NeuronEffect.from_json(found.to_json()) == found
    each = intervene_each(triangle, policy, state, value=5.0)
    assert each[2].outcome_after == found.outcome_after


def test_holding_a_neuron_over_workloads_tells_the_ratio_or_the_cost(triangle, policy):
    workloads = triangle.workloads("bursts", 12, 0)
    found = effect_on_cost(triangle, policy, 1, workloads, value=4.0)
    assert found.cost_name == "MLU over optimum"
    np.testing.assert_allclose(found.before, triangle.run(policy, workloads).metrics["MLU over optimum"])
    assert (found.before >= 1 - 1e-9).all()
    assert found.low <= found.mean <= found.high
    cost = effect_on_cost(triangle, policy, 1, workloads, value=4.0, metric="")
    assert cost.cost_name == triangle.cost_name
    np.testing.assert_allclose(cost.before, triangle.run(policy, workloads).cost)
    assert CostEffect.from_json(found.to_json()) == found
    with pytest.raises(DnnExplainError, match="metric"):
        effect_on_cost(triangle, policy, 1, workloads, metric="slowdown")


def test_a_neuron_that_nothing_reads_leaves_everything_as_it_is(triangle, policy):
    import torch

    twin = policy.copy()
    with torch.no_grad():
        twin.module.network.hidden_2.weight[:, 3] = 0.0
    found = effect_on_cost(triangle, twin, 3, triangle.workloads("gravity", 4, 0), value=9.0)
    assert "leaves the MLU over optimum of each of 4 workloads as it is" in found.sentence()


def test_points_are_coloured_by_outcome_fact_or_demand(triangle, policy):
    seen = visited(triangle, policy, 40, seed=2)
    states = seen.states(triangle)
    names = label_names(triangle)
    assert names[0] == triangle.outcome
    assert "decision" not in names
    found = embed(triangle, policy, states, label=names[0])
    splits = policy.outputs(seen.observations)
    for value, one, outputs in zip(found.values, states, splits, strict=True):
        ours, best = triangle.flows(one, outputs)
        assert value == pytest.approx(ours.cost / best.cost, rel=1e-5)
    fact = triangle.features.names[0]
    asked = embed(triangle, policy, states, label=fact)
    assert asked.names == ("no", "yes")
    np.testing.assert_array_equal(asked.values, triangle.features(seen.observations)[:, 0])
    knob = triangle.knobs[-1]
    np.testing.assert_array_equal(
        embed(triangle, policy, states, label=knob.name).values, [s.values[-1] for s in states]
    )
