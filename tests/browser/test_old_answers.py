"""An answer about another network or state is dimmed in the page, says so, and is asked anew by its button."""

import pytest

from dnnexplain.contract import State
from dnnexplain_widgets import Session
from dnnexplain_widgets.panels.attribution import AttributionPanel
from tests.browser.conftest import make_network
from tests.browser.harness import finish, no_overflow, part, press


def opacity(shown, selector):
    """Of what a selector finds, once its change has run out."""
    ended = (
        "async (element) => { await Promise.all(element.getAnimations().map((one) => one.finished));"
        " return getComputedStyle(element).opacity; }"
    )
    return float(shown.locator(selector).evaluate(ended))


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_an_old_answer_is_dimmed_and_asked_anew(open_panels, deeprm, drawn, start, width, theme):
    panel = AttributionPanel(session=Session(deeprm, drawn, start), methods=("integrated-gradients", "saliency"))
    harness = open_panels(panel, width=width, theme=theme)
    shown = part(harness.page, panel)
    note = shown.locator(".dx-stale")
    press(harness, panel, "Explain and check")
    assert not note.is_visible()
    other = make_network(deeprm, seed=2)
    other.name = "another one"
    panel.session.policy = other
    panel.session.state = State(start.values * 0.0, start.background)
    harness.sync()
    assert "An earlier answer, about the network drawn and another state." in note.inner_text()
    for dimmed in (".dx-body", ".dx-sentence"):
        assert opacity(shown, dimmed) < 0.8
    assert no_overflow(harness.page)
    panel.session.state = start
    harness.sync()
    note.get_by_role("button", name="Run again").click()
    finish(harness, panel)
    assert not note.is_visible()
    assert panel.result.question.policy == "another one"
    assert opacity(shown, ".dx-body") == 1.0
