"""Systems that the product does not know are drawn from what they say as data."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, GraphView, Side, State
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain_widgets import Dashboard, GraphPanel, StateEditor
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
