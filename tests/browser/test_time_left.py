"""The time left is told while it can be true: a step that takes longer than all before it has none."""

from dnnexplain_widgets import DecisionPanel, Session
from tests.browser.harness import Harness, part


def test_the_time_left_goes_when_it_has_long_passed(chromium, deeprm, drawn, start):
    context = chromium.new_context()
    panel = DecisionPanel(session=Session(deeprm, drawn, start))
    harness = Harness(context.new_page(), [panel])
    left = part(harness.page, panel).locator(".dx-left-over")

    def run(number):
        panel.busy = {"text": f"Run {number} of 14", "fraction": number / 14, "cancel": ""}
        harness.sync()

    run(1)
    harness.page.wait_for_timeout(1700)
    run(13)
    assert left.inner_text().startswith("about ")
    harness.page.wait_for_function("() => document.querySelector('.dx-left-over').textContent === ''", timeout=20_000)
    assert "Run 13 of 14" in part(harness.page, panel).inner_text()
    context.close()
