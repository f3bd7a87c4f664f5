"""What stands in place of a panel where widgets cannot be drawn."""

import IPython.display
import pytest

from dnnexplain.policies import named_policy
from dnnexplain.registry import make_system
from dnnexplain_widgets import Dashboard, SaliencyPanel, WorstCasePanel
from dnnexplain_widgets.served import SERVED


def test_panel_and_dashboard_say_in_text_what_they_are():
    system = make_system("deeprm")
    policy = named_policy(system, "untrained")
    board = Dashboard(system, policy)
    for panel in board.panels:
        told = panel._repr_mimebundle_()
        text = told[0] if isinstance(told, tuple) else told
        assert panel.question in text["text/plain"]
        assert "deeprm" in text["text/plain"]
    assert repr(board) == f"Dashboard of deeprm, {policy.name}; run the cell in Jupyter to see it"
    board.close()


VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def displayed(monkeypatch):
    """What a cell that ends with a widget puts out, each a mapping of types."""
    said = []
    monkeypatch.setattr(IPython.display, "display", lambda data, **_options: said.append(data))

    def outputs(widget):
        said.clear()
        widget._ipython_display_()
        return list(said)

    return outputs


def test_a_cell_keeps_the_picture_of_a_panel_before_the_panel_itself(displayed, monkeypatch):
    system = make_system("deeprm")
    panel = SaliencyPanel(system, named_policy(system, "untrained"))
    before, shown = displayed(panel)
    assert VIEW not in before
    assert shown[VIEW]["model_id"] == panel.model_id
    assert f'data-dnnexplain-still="{panel.hub}"' in before["text/html"]  # by which the page hides it
    assert "<svg" in before["text/html"]
    assert panel.result.sentence() in before["text/html"]
    assert "<script" not in before["text/html"]
    monkeypatch.setenv(SERVED, "1")
    assert [set(one) for one in displayed(panel)] == [{VIEW, "text/plain"}]
    panel.close()


def test_a_panel_without_an_answer_says_what_it_will_show(displayed):
    system = make_system("routing")
    panel = WorstCasePanel(system, named_policy(system, "untrained"))
    before, _ = displayed(panel)
    assert panel.question in before["text/html"]
    assert "<svg" not in before["text/html"]
    panel.close()


def test_a_dashboard_keeps_the_pictures_of_what_follows_the_state_and_an_app_none(displayed):
    system = make_system("deeprm")
    policy = named_policy(system, "untrained")
    board = Dashboard(system, policy)
    before, _ = displayed(board)
    assert "What moved this decision?" in before["text/html"]
    board.close()
    app = Dashboard(system, policy, still=False)
    assert [VIEW in one for one in displayed(app)] == [True]
    app.close()
