"""Traffic on a network: what the panels show is what the explainers return."""

from itertools import pairwise

import numpy as np
import pytest

from dnnexplain.contract import Attackable, DnnExplainError, Flowing, State
from dnnexplain.explain import problem_of
from dnnexplain.explain.decisions.flows import BOTH, NEITHER, OURS, THEIRS, USED, compare_flows
from dnnexplain.systems.routing import RoutingSystem, TrafficCase
from dnnexplain.systems.routing.oracle import RoutingOracle
from dnnexplain_widgets import (
    AttributionPanel,
    Dashboard,
    NeuronsPanel,
    SaliencyPanel,
    StateEditor,
    TopologyPanel,
    WorstCasePanel,
)
from tests.widgets.rings import CASES, RING, answer, drawn_router, press

# --- the system's side -------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [RING, CASES, RoutingSystem("ring-4", 2, 2)])
def test_routing_is_a_graph_with_an_adversary(system):
    assert isinstance(system, Flowing)
    assert isinstance(system, Attackable)
    graph = system.graph
    assert graph.places.min() == 0
    assert graph.places.max() == 1
    for path, links in enumerate(graph.path_links):
        ends = [graph.links[link] for link in links]
        assert (ends[0][0], ends[-1][1]) == graph.pairs[graph.path_pair[path]]
        assert all(one[1] == two[0] for one, two in pairwise(ends))


def test_nodes_are_never_drawn_on_one_another():
    places = RoutingSystem("abilene-12", 1).graph.places
    between = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1)) + np.eye(len(places))
    assert between.min() > 0.06


def test_flows_add_up_to_demands_and_their_cost_is_the_system_s(seeing_history):
    rng = np.random.default_rng(0)
    rows = rng.uniform(0, CASES.cap, (3, 12)).astype(np.float32).astype(float)
    state = State(rows.ravel())
    policy = seeing_history.policy
    found = compare_flows(CASES, policy, state)
    run = RoutingSystem("ring-4", 2, 2).run(policy.inner, [TrafficCase(rows[-1], rows[:-1])])
    assert found.cost == pytest.approx(run.cost[0], rel=1e-6)
    assert found.ratio == pytest.approx(run.metrics["MLU over optimum"][0], rel=1e-6)
    assert found.lower <= found.ratio <= found.upper * (1 + 1e-12)
    graph = CASES.graph
    for shares, loads in ((found.shares, found.loads), (found.best_shares, found.best_loads)):
        expected = np.zeros(len(graph.links))
        for path, links in enumerate(graph.path_links):
            for link in links:
                expected[link] += shares[path] * rows[-1][graph.path_pair[path]]
        np.testing.assert_allclose(loads, expected, rtol=1e-9)


def test_a_link_is_marked_by_who_uses_it(seeing_now):
    found = compare_flows(RING, seeing_now.policy, seeing_now.state)
    ours, best = found.used >= USED * found.used.max(), found.best_used >= USED * found.best_used.max()
    expected = {(True, True): BOTH, (True, False): OURS, (False, True): THEIRS, (False, False): NEITHER}
    assert found.marks.tolist() == [expected[pair] for pair in zip(ours.tolist(), best.tolist(), strict=True)]


def test_a_policy_sees_its_own_part_of_a_case():
    rng = np.random.default_rng(1)
    cases = rng.uniform(0, 1, (4, 3, 12)).astype(np.float32)
    now, before = drawn_router(0), drawn_router(2)
    np.testing.assert_array_equal(CASES.seen_by(now).outputs(cases), now.outputs(cases[:, -1]))
    np.testing.assert_array_equal(CASES.seen_by(before).outputs(cases), before.outputs(cases[:, :-1]))
    with pytest.raises(DnnExplainError, match="made for ring-4"):
        RoutingSystem("ring-4", 1, 2, routed=True).seen_by(now)
    with pytest.raises(DnnExplainError, match="routed=True"):
        RING.seen_by(now)


@pytest.mark.parametrize("history", [0, 2])
def test_a_case_of_the_adversary_is_a_state_with_the_same_ratio(history):
    policy = CASES.seen_by(drawn_router(history))
    adversary = CASES.adversary(policy)
    problem = problem_of(CASES, policy)
    for x in problem.domain.mixed(5, np.random.default_rng(2)):
        cost, optimum, lower, _ = problem.certify(x)
        found = compare_flows(CASES, policy, adversary.state(x))
        assert found.ratio == pytest.approx(lower, rel=1e-6)
        np.testing.assert_array_equal(found.demand, adversary.carried(x))
        assert (found.cost, found.optimum) == pytest.approx((cost, optimum), rel=1e-6)


# --- the topology panel ------------------------------------------------------------------------------


def test_a_dragged_demand_changes_the_ratio_to_what_the_explainer_returns(seeing_history):
    panel = TopologyPanel(session=seeing_history)
    before = panel.result.ratio
    values = seeing_history.state.values.copy()
    values[CASES.graph.knobs[3]] = CASES.cap
    seeing_history.move(values)
    expected = compare_flows(CASES, seeing_history.policy, seeing_history.state)
    assert panel.result == expected
    assert panel.result.ratio != before
    used = np.frombuffer(panel.figure["graph"]["level"], np.float32).reshape(2, -1)
    np.testing.assert_allclose(used[0], expected.used, rtol=1e-6)
    np.testing.assert_allclose(used[1], expected.best_used, rtol=1e-6)
    assert expected.sentence() in panel.sentence
    seeing_history.undo()
    assert panel.result.ratio == before


def test_it_is_the_editor_with_presets_and_history(seeing_now):
    alone = np.zeros(12)
    alone[0] = 1.0
    panel = TopologyPanel(session=seeing_now, presets={"one pair": State(alone)})
    assert isinstance(panel, StateEditor)
    answer(panel, preset="one pair")
    assert panel.result.demand.tolist() == alone.tolist()
    press(panel, "empty")
    assert panel.result.ratio == 1.0
    assert "no traffic" in panel.sentence
    press(panel, "undo")
    assert panel.result.demand.tolist() == alone.tolist()
    assert "compare_flows(system, policy, state)" in panel.copy_as_python()


def test_a_solver_that_fails_is_told_and_the_last_picture_stays(seeing_now, monkeypatch):
    panel = TopologyPanel(session=seeing_now)
    kept = panel.figure

    def fail(self, demands):
        msg = "HiGHS did not solve the routing of 'ring-4'"
        raise DnnExplainError(msg)

    monkeypatch.setattr(RoutingOracle, "solve", fail)
    values = np.full(12, 0.5)
    seeing_now.move(values)
    assert panel.error == "HiGHS did not solve the routing of 'ring-4'."
    assert panel.figure == kept
    np.testing.assert_allclose(seeing_now.state.values, values)
    monkeypatch.undo()
    seeing_now.move(values * 0.5)
    assert panel.error == ""


@pytest.mark.parametrize(("bad", "message"), [(np.nan, "finite"), (np.inf, "finite")])
def test_demands_that_are_no_numbers_leave_the_state_alone(seeing_now, bad, message):
    panel = TopologyPanel(session=seeing_now)
    before, values = seeing_now.state, seeing_now.state.values.copy()
    values[2] = bad
    with pytest.raises(DnnExplainError, match=message):
        seeing_now.move(values)
    assert seeing_now.state is before
    seeing_now._on_wish({"new": {"stamp": 1, "values": values.tolist(), "settled": True}})
    assert message in seeing_now.live.failures["all"]
    assert panel.error == ""


def test_a_negative_demand_is_none(seeing_now):
    panel = TopologyPanel(session=seeing_now)
    values = seeing_now.state.values.copy()
    values[2] = -4.0
    seeing_now.move(values)
    assert seeing_now.state.values[2] == 0
    assert panel.error == ""


def test_other_systems_are_refused_in_words(gate, network):
    with pytest.raises(DnnExplainError, match="sends nothing over a graph"):
        TopologyPanel(gate, network)
    with pytest.raises(DnnExplainError, match="what an adversary may choose"):
        WorstCasePanel(gate, network)


# --- attribution and neurons -------------------------------------------------------------------------


def test_the_busiest_link_and_a_pair_s_split_can_be_explained(seeing_history):
    panel = SaliencyPanel(session=seeing_history)
    assert seeing_history.live.attribution.target == "utilisation of the busiest link"
    split = "split of node 1 -> node 2 over path 1"
    answer(panel, target=split)
    assert panel.error == ""
    found = seeing_history.live.attribution
    assert found.target == split
    carried = CASES.cell_group[-1]
    assert found.map[-1].shape == carried.shape
    assert not found.map[-1].any(), "a router that sees the history alone does not look at the matrix to route"
    trust = AttributionPanel(session=seeing_history, methods=["saliency", "integrated-gradients"])
    assert trust.controls[0]["options"][0][1] == "utilisation of the busiest link"
    answer(trust, target=split)
    press(trust, "check")
    assert trust.jobs.wait(60)
    assert trust.error == ""
    assert trust.result.comparison.attributions[0].target == split


def test_curves_run_over_a_demand_that_the_network_sees(seeing_history):
    panel = NeuronsPanel(session=seeing_history)
    assert seeing_history.ask.sweep.endswith("1 matrix ago")
    assert max(np.ptp(values) for values in panel.result.activation) > 0
    offered = [name for name, _ in panel.controls[-1]["options"]]
    assert len(offered) == 24
    assert np.ptp(panel.result.activation[0][seeing_history.unit]) > 0
    seeing_history.policy = CASES.seen_by(drawn_router(0))
    assert seeing_history.ask.sweep.endswith("to route")
    assert np.ptp(panel.result.activation[0][seeing_history.unit]) > 0
    assert max(np.ptp(values) for values in panel.result.activation) > 0


def test_the_dashboard_has_the_panels_that_fit():
    quiet = State(np.zeros(len(CASES.knobs)))
    board = Dashboard(CASES, CASES.seen_by(drawn_router(2)), presets={"quiet": quiet})
    board.panel("TopologyPanel").load("quiet")
    assert board.session.state == quiet
    assert [type(panel).__name__ for panel in board.live] == ["TopologyPanel", "SaliencyPanel", "NeuronsPanel"]
    assert isinstance(board.panel("WorstCasePanel"), WorstCasePanel)
    assert [panel.error for panel in board.panels] == [""] * len(board.panels)


def test_the_app_knows_routers_rules_and_matrices():
    from dnnexplain.app import dashboard_parts

    parts = dashboard_parts(system="routing")
    system = parts["system"]
    assert [name.partition(" on ")[0] for name in parts["policies"]][:3] == ["DOTE", "DOTE", "Learning to Route"]
    for make in parts["policies"].values():
        found = compare_flows(system, make(), parts["state"])
        assert found.ratio >= 1 - 1e-9
    for state in parts["presets"].values():
        np.testing.assert_array_equal(system.repair(state.values[None])[0], state.values)
    assert dashboard_parts(system="routing", policy="dote-history")["policy"].name == "DOTE on the 12 matrices before"
    with pytest.raises(DnnExplainError, match="no topology"):
        dashboard_parts(system="routing", topology="atlantis")
    with pytest.raises(DnnExplainError, match="parameter of"):
        dashboard_parts(system="routing", slots=5)


def test_default_is_the_router_that_sees_what_the_system_shows():
    from dnnexplain.policies import load_any

    assert load_any("default", RoutingSystem()).metadata["role"] == "dote-current"
    assert load_any("default", RoutingSystem(history=12)).metadata["role"] == "dote-history"
