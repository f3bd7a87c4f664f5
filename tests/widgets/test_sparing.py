"""Controls are sent whole once and then by what changed; the page never lacks one."""

from dnnexplain_widgets.panels.sparing import SparingControls

MENU = {"kind": "select", "name": "target", "options": [["a", "a"], ["b", "second"]]}


def test_controls_that_are_there_when_the_widget_is_made_are_sent():
    widget = SparingControls(controls=[MENU])
    assert widget.get_state()["controls"] == [{**MENU, "options": ["a", ["b", "second"]]}]
    assert widget.get_state()["turned"] == {}


def test_what_changes_later_is_sent_beside_what_was():
    widget = SparingControls(controls=[MENU])
    widget.controls = [{**MENU, "options": [["a", "first"], ["b", "second"]]}]
    state = widget.get_state()
    assert state["controls"] == [{**MENU, "options": ["a", ["b", "second"]]}]
    assert state["turned"] == {"0": {"options": [["a", "first"], ["b", "second"]]}}
    widget.controls = [{**MENU, "name": "method"}]
    assert widget.get_state()["turned"] == {}
    assert widget.get_state()["controls"][0]["name"] == "method"
