"""A state that a panel loads into the editor: the page goes there, says what it is, and leads back."""

import pytest

from dnnexplain_widgets import AdversarialPanel, DecisionPanel, Session, StateEditor
from tests.browser.harness import part, until

TALL = """<div data-panel="{0}"></div><div data-panel="{1}"></div><div style="height:1500px"></div><div data-panel="{2}"></div>"""


@pytest.fixture
def opened(chromium, deeprm, drawn, start):
    """An editor, and a screen and a half below it a panel with a button that opens a state."""
    from tests.browser.harness import Harness

    contexts = []

    def open_page(**options):
        session = Session(deeprm, drawn, start)
        panels = (StateEditor(session=session), DecisionPanel(session=session), AdversarialPanel(session=session))
        empty = panels[2].session.system.state_from_json({"slots": []})
        panels[2].controls = [{"kind": "button", "name": "look", "label": "Open it"}]
        panels[2].on_press = lambda name: session.open_in_editor(empty, "the empty cluster")
        context = chromium.new_context(viewport={"width": 390, "height": 700}, **options)
        contexts.append(context)
        harness = Harness(context.new_page(), panels, TALL)
        return harness, panels

    yield open_page
    for context in contexts:
        context.close()


def in_view(page, panel):
    return page.evaluate(
        "(id) => { const b = document.querySelector(`[data-panel='${id}']`).getBoundingClientRect();"
        " return b.top > -5 && b.top < innerHeight / 3; }",
        panel.model_id,
    )


def open_it(harness, panel, by):
    button = part(harness.page, panel).get_by_role("button", name="Open it")
    button.scroll_into_view_if_needed()
    assert not in_view(harness.page, harness.widgets[next(iter(list(harness.widgets)[1:]))])
    if by == "keys":
        button.focus()
        harness.page.keyboard.press("Enter")
    else:
        button.click()
    harness.settle()
    part(harness.page, harness.widgets[next(iter(list(harness.widgets)[1:]))]).locator(".dx-opened-note").filter(
        has_text="the empty cluster"
    ).wait_for()
    return button


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_editor_comes_into_view_and_says_what_was_opened(opened, motion):
    harness, (editor, _decision, panel) = opened(reduced_motion=motion)
    page = harness.page
    open_it(harness, panel, "mouse")
    note = part(page, editor).get_by_role("status").filter(has_text="Opened in the editor")
    note.wait_for()
    assert note.inner_text().startswith("Opened in the editor: the empty cluster.")
    assert "dx-opened" in part(page, editor).locator(".dx").get_attribute("class")
    until(harness, lambda: in_view(page, editor))
    assert page.evaluate("() => document.activeElement.textContent") != "Back"  # a mouse needs no focus
    until(harness, lambda: "dx-opened" not in part(page, editor).locator(".dx").get_attribute("class"))
    assert harness.errors == []


def test_by_keyboard_the_focus_goes_along_and_back(opened):
    harness, (editor, _decision, panel) = opened(reduced_motion="reduce")
    page = harness.page
    open_it(harness, panel, "keys")
    until(harness, lambda: in_view(page, editor))
    until(harness, lambda: page.evaluate("() => document.activeElement.textContent") == "Back")
    page.keyboard.press("Enter")
    until(harness, lambda: page.evaluate("() => document.activeElement.textContent") == "Open it")
    until(harness, lambda: not in_view(page, editor))
    open_it(harness, panel, "keys")  # the same once more is said once more
    note = part(page, editor).locator(".dx-opened-note")
    until(harness, lambda: "the empty cluster" in note.inner_text())
    page.keyboard.press("Tab")
    slider = part(page, editor).get_by_role("slider", name="job 1 length", exact=True)
    slider.focus()
    page.keyboard.press("ArrowRight")
    harness.settle()
    assert note.locator("[role=status]").inner_text() == ""  # what is shown now is the user's own
    assert harness.errors == []
