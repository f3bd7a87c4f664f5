"""Systems that the product does not know are drawn from what they say as data."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, GraphView, Side, State, state_from_values
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard, EpisodePanel, GraphPanel, SettingsPanel, StateEditor, SweepMapPanel
from dnnexplain_widgets.panels.watch import run_pair
from dnnexplain_widgets.views import graph_picture
from tests.systems.fakes import Lamps, Piers

LAMPS = Lamps()


@pytest.fixture
def panel():
    panel = GraphPanel(LAMPS, TorchPolicy(mlp(LAMPS, (8,)), LAMPS), State(np.array([2.0, 5.0, 9.0])))
    yield panel
    panel.close()


def test_a_graph_is_drawn_with_its_rows_and_all_sliders(panel):
    assert [part["part"] for part in panel.parts] == ["graph", "series", "knobs"]
    graph = panel.parts[0]["graph"]
    assert graph["names"] == ["lamp 1", "lamp 2", "lamp 3", "people 1", "people 2", "people 3"]
    assert [node["amount"] for node in graph["nodes"]] == [-1, -1, -1, 0, 1, 2]
    assert panel.question == "Who is lit?"
    assert panel.parts[1]["series"]["lines"][0]["knobs"] == [0, 1, 2]


def test_the_picture_follows_each_step_and_is_what_the_view_returns(panel):
    session = panel.session
    for row in ([9.0, 9.0, 0.0], [0.0, 1.0, 8.0]):
        session.move(np.array(row), settled=False)
        taken, drawn = session.live.decision.taken, panel.figure["graph"]
        assert np.frombuffer(drawn["on"], np.uint8).reshape(2, 6)[0, :3].tolist() == list(taken)
        best = np.array(row) > 4
        level = np.frombuffer(drawn["level"], np.float32).reshape(2, 3)
        np.testing.assert_allclose(level[1], best * np.array(row) / 9, rtol=1e-6)
        assert drawn["headlines"] == [f"{taken.sum()} lamps", f"{best.sum()} lamps"]


def test_the_editor_of_a_dashboard_is_the_graph_where_there_is_one():
    for system, kind in ((LAMPS, GraphPanel), (Piers(), StateEditor)):
        board = Dashboard(system, TorchPolicy(mlp(system, (8,)), system))
        assert [type(one).__name__ for one in board.live if isinstance(one, StateEditor)] == [kind.__name__]
        board.close()


def test_a_view_that_fails_says_so_and_leaves_the_page(panel):
    panel.view = GraphView(
        "Broken",
        panel.view.nodes,
        panel.view.edges,
        lambda *_: [Side("a", "", np.zeros(3)), Side("b", "", np.zeros(2))],
    )
    panel.session.move(np.zeros(3))
    assert "as many levels" in panel.error
    with pytest.raises(DnnExplainError, match="as many levels"):
        graph_picture([Side("a", "", np.zeros(3)), Side("b", "", np.zeros(3), ("x",) * 3)], "")


def test_a_system_without_a_graph_is_told_how_to_have_one():
    with pytest.raises(DnnExplainError, match="GraphView"):
        GraphPanel(Piers(), TorchPolicy(mlp(Piers(), (8,)), Piers()))


@pytest.mark.parametrize(("name", "settings"), [("cellular", {"minutes": 40}), ("cran", {"heads": 3, "action": "set"})])
def test_episodes_of_numbers_and_switches_are_watched_with_the_optimum(name, settings):
    system = make_system(name, **settings)
    panel = EpisodePanel(system, TorchPolicy(mlp(system, (4,)), system))
    answers = dict(panel.answers)
    assert answers["optimum"]
    work = system.workloads(answers["work"], 1, 1)[0]
    rule = system.rules()[answers["rule"]]
    pair = run_pair(system, panel.session.policy, rule, work, task=SimpleNamespace(progress=lambda *_: None))
    apart = ~system.output.same(pair.network.actions, system.output.decide(rule.outputs(pair.network.observations)))
    np.testing.assert_array_equal(pair.apart, apart)
    panel._show(replace(pair, optimum=system.replay_optimum(work)))
    figure = panel.figure
    assert [run["name"] for run in figure["runs"]][2] == "Optimum"
    assert figure["marks"] == np.flatnonzero(apart).tolist()
    for run, shown in zip((pair.network, pair.rule), figure["runs"], strict=False):
        assert len(shown["objects"]) == len(run.objects)
        points = np.frombuffer(shown["curves"][0]["points"], np.float32).reshape(2, -1)
        np.testing.assert_allclose(points[1], run.curves[0].values, rtol=1e-6)
    lanes = [[track["capacity"] for track in run["tracks"]] for run in figure["runs"]]
    assert lanes[0] == lanes[1] == lanes[2]  # one scale for all runs
    assert "optimum" in panel.sentence.lower()
    panel.set_answers(decision=3)
    for load in (panel.hold_decision, panel.open_decision):
        load()
        assert panel.answers["opened"] == 3
    session = panel.session
    before = session.state.values
    wanted = [knob.high for knob in system.knobs]
    session.hub.wish = {"stamp": 1, "values": wanted, "from": before.tolist(), "settled": True}
    assert (session.state.values != before).any()
    assert panel.answers["opened"] == 3  # moved by hand it is still that decision's state
    session.state = state_from_values(system, {})
    assert panel.answers["opened"] == -1  # another one is not
    panel.close()


def test_a_map_of_two_knobs_follows_the_state_and_leads_to_it():
    system = Lamps()
    panel = SweepMapPanel(system, TorchPolicy(mlp(system, (8,)), system))
    panel.jobs.wait()
    assert panel.answers["view"] == "two knobs"
    panel.answers = {**panel.answers, "across": "need 2", "down": "need 3", "rule": "knows", "output": "lamp 2"}
    panel.jobs.wait()
    rule = np.frombuffer(panel.figure["sweep"]["sides"][1]["action"], np.float32).reshape(10, 10)
    np.testing.assert_array_equal(rule, np.tile(np.arange(10) > 4, (10, 1)))
    assert panel.result.names == ("lamp 2",)
    assert "Knows: " in panel.sentence  # as the menu calls the rule
    assert panel.finding[1].sentence().startswith("knows: ")
    panel.answers = {**panel.answers, "place": [7, 2]}
    assert panel.session.state.values.tolist() == [0.0, 2.0, 7.0]
    panel.close()


def test_a_map_that_is_quick_to_draw_follows_a_step_without_a_word():
    system = Lamps()
    panel = SweepMapPanel(system, TorchPolicy(mlp(system, (8,)), system))
    panel.jobs.wait()
    panel._spent = 0.0
    told = []
    panel.observe(lambda change: told.append(change["name"]), ["busy", "outdated"])
    panel.session.move(panel.session.state.values + np.array([1.0, 0.0, 2.0]))
    panel.jobs.wait()
    assert panel.result.question.state == system.state_to_json(panel.session.state)
    assert told == []
    panel._spent = 1.0  # slow: it says whose map is shown, and waits to be asked
    panel.session.move(panel.session.state.values + np.array([0.0, 0.0, 1.0]))
    assert "another state" in panel.outdated["text"]
    panel.close()


def test_a_rate_is_a_live_curve_beside_a_rule_s():
    system = make_system("cellular", minutes=40)
    policy = TorchPolicy(mlp(system, (4,), seed=5), system)
    panel = SettingsPanel(system, policy)
    assert panel.answers["along"] == "congestion last minute"
    panel.answers = {**panel.answers, "along": "our load", "rule": "proportional"}
    values = panel.session.state.values.copy()
    values[0] += 1.5
    panel.session.move(values, settled=False)
    curve = panel.figure["curve"]
    for one, line in zip((policy, system.rules()["proportional"]), curve["lines"], strict=True):
        xs, ys = np.frombuffer(line["points"], np.float32).reshape(2, -1)
        for at in (0, 17, len(xs) - 1):
            row = panel.session.state.values.copy()
            row[1] = xs[at]
            expected = system.output.decide(one.outputs(system.encode(system.repair(row[None]))))
            assert ys[at] == pytest.approx(expected[0, 0], abs=1e-6)
    assert (curve["knob"], curve["low"], curve["high"]) == (1, 0.0, 1.0)
    panel.close()
