"""On a laptop of 1280 x 800, what is dragged, what it changes and what moved it are seen together."""

from tests.browser.conftest import LAPTOP

EDITOR, DECISION, EXPLANATION = "StateEditor", "DecisionPanel", "SaliencyPanel"


def ends(page, kind):
    box = page.locator(f"[data-kind={kind}]").bounding_box()
    return box["y"], box["y"] + box["height"]


def test_editor_decision_and_explanation_are_on_one_screen(open_board):
    harness = open_board(width=LAPTOP)
    harness.settle()
    height = harness.page.viewport_size["height"]
    for kind in (EDITOR, DECISION, EXPLANATION):
        top, bottom = ends(harness.page, kind)
        assert top < height - 250, kind
        assert kind != DECISION or bottom <= height
    largest = harness.page.locator(
        f"[data-kind={EXPLANATION}] .dx-hero"
    ).bounding_box()  # what counts most, in a figure
    assert largest["y"] + largest["height"] <= height


def test_the_guide_leaves_room_for_all_three_on_a_low_screen_and_shows_its_other_steps_on_a_high_one(open_board):
    harness = open_board(width=LAPTOP)
    harness.settle()
    page = harness.page
    page.evaluate(
        "() => { const guide = document.querySelector('[data-kind=GuidePanel]').parentElement; guide.style.display = ''; guide.className = 'dx-top'; }"
    )
    low = ends(page, "GuidePanel")
    steps = page.locator(".dx-guide-steps > li:visible")
    assert low[1] - low[0] <= 100
    assert steps.count() == 1
    assert ends(page, EXPLANATION)[0] < 700
    page.set_viewport_size({"width": LAPTOP, "height": 1000})
    assert steps.count() == 3
