"""One menu to save, to compare and to open what was saved."""

import pytest

from dnnexplain_widgets import AttributionPanel, DecisionPanel, Session, StateEditor, WhiteBoxPanel
from tests.browser.axe import serious
from tests.browser.harness import finish, no_overflow, part


def menu_of(page, panel):
    shown = part(page, panel)
    shown.locator(".dx-menu summary").click()
    return shown.locator(".dx-menu-item").all_inner_texts()


@pytest.mark.parametrize(("width", "theme"), [(1100, "light"), (390, "dark")])
def test_a_saved_decision_is_compared_from_the_menu(open_panels, deeprm, drawn, start, tmp_path, width, theme):
    session = Session(deeprm, drawn, start)
    panel = DecisionPanel(session=session)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    assert "Compare with a saved result…" in menu_of(page, panel)
    with page.expect_download() as download:
        page.get_by_role("button", name="Result, JSON").click()
    download.value.save_as(tmp_path / "then.json")
    session.move(start.values * 0)
    harness.sync()
    menu_of(page, panel)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Compare with a saved result…").click()
    assert chooser.value.element.get_attribute("data-name") == "compare"
    content = (tmp_path / "then.json").read_bytes()  # the harness carries no bytes up; a browser's message does
    panel.set_state({"upload": {"name": "compare", "file": "then.json", "content": memoryview(content)}})
    finish(harness, panel)
    box = part(page, panel).locator(".dx-compared")
    assert box.locator("h4").inner_text() == "Saved in then.json, and now"
    assert box.locator(".dx-changes tr").count() == len(deeprm.output.names)
    assert "the state was another one" in box.locator(".dx-compared-words").inner_text()
    assert no_overflow(page)
    assert serious(page, "main") == []
    box.get_by_role("button", name="Close").click()
    harness.settle()
    assert not box.is_visible()


def test_each_panel_has_one_save_and_the_menu_says_what_it_can(open_panels, deeprm, drawn, start):
    session = Session(deeprm, drawn, start)
    panels = (StateEditor(session=session), WhiteBoxPanel(session=session), AttributionPanel(session=session))
    page = open_panels(*panels).page
    texts = [menu_of(page, panel) for panel in panels]
    compares = ["Compare with a saved result…" in text for text in texts]
    opens = ["Open a saved result…" in text for text in texts]
    assert compares == [False, True, True]
    assert opens == [False, False, True]
    for panel in panels:
        assert part(page, panel).get_by_text("Save", exact=True).count() == 1
