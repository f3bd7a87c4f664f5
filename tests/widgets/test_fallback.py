"""What stands in place of a panel where widgets cannot be drawn."""

from dnnexplain.policies import named_policy
from dnnexplain.registry import make_system
from dnnexplain_widgets import Dashboard


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
