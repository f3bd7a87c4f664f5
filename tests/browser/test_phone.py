"""The whole dashboard on a phone, light and dark: nothing cut off, nothing too small for a finger."""

import re

import pytest

from tests.browser.conftest import LAPTOP, PHONE
from tests.browser.harness import no_overflow

LEAST = 23.5  # px; 24 but for rounding

SMALL = """(least) => [...document.querySelectorAll(
  '.dx button, .dx summary, .dx select, .dx input:not(.dx-hidden):not([hidden]), .dx label.dx-file, .dx [role=tab], .dx [role=option]'
)].flatMap((one) => {
  const box = (one.type === 'checkbox' ? one.closest('label') : one).getBoundingClientRect();
  if (!box.width || !box.height || (box.width >= least && box.height >= least)) return [];
  return [`${one.tagName} ${one.className} ${(one.ariaLabel || one.textContent || one.dataset.name || '').slice(0, 40)} ${box.width} x ${box.height}`];
})"""

OUTSIDE = """() => [...document.querySelectorAll('.dx *')].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!one.checkVisibility() || box.width < 3 || (box.right <= innerWidth + 1 && box.left >= -1)) return false;
  for (let up = one.parentElement; up && up !== document.body; up = up.parentElement)
    if (getComputedStyle(up).overflowX !== 'visible') return false;
  return true;
}).map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`)"""


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("section", ["decision", "neurons", "episodes", "failure"])
def test_everything_can_be_touched_and_nothing_is_cut_off(open_board, board, section, theme):
    board.show(section)
    harness = open_board(width=PHONE, theme=theme)
    harness.settle()
    page = harness.page
    assert no_overflow(page)
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(SMALL, LEAST) == []


IN_A_BOX = """() => {
  const box = document.body.appendChild(document.createElement("div"));
  box.style.cssText = "position: absolute; inset: 0; overflow: auto; contain: strict";
  box.append(document.querySelector(".dx-page"));
  box.scrollTo(0, box.scrollHeight);
}"""
"""As Voila and JupyterLab scroll a notebook: a fixed position counts from such a box, and scrolls away with it."""


def at_rest(place):
    """Until it lies where it lay a moment before: a browser with much to do lays a page out more than once."""
    before = None
    for _ in range(100):
        now = place.bounding_box()
        if now == before:
            return
        before = now
        place.page.wait_for_timeout(100)
    pytest.fail(f"it never came to rest: {before}, {now}")


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_the_decision_and_words_explained_stay_in_sight_where_a_box_scrolls(open_board, width):
    harness = open_board(width=width)
    harness.settle()
    page = harness.page
    page.set_viewport_size({"width": width, "height": 420})  # lower than what is below the decision
    last = page.locator(".dx-term:visible").last
    page.evaluate(IN_A_BOX)
    strip = page.locator(".dx-decision-strip")
    strip.wait_for(state="visible")
    assert 0 <= strip.bounding_box()["y"] < page.viewport_size["height"] - 30
    assert "job" in strip.inner_text()
    at_rest(last)
    last.focus()
    word, tip = last.bounding_box(), page.locator(".dx-term-tip:visible").bounding_box()
    assert min(abs(tip["y"] - word["y"] - word["height"]), abs(word["y"] - tip["y"] - tip["height"])) < 10


def test_the_strip_is_not_shown_where_nothing_of_the_dashboard_is_in_sight(open_board):
    page = open_board(width=PHONE).page
    strip = page.locator(".dx-decision-strip")
    page.evaluate(
        "() => { for (const where of ['beforebegin', 'afterend']) document.querySelector('.dx-page').insertAdjacentHTML(where, '<div style=height:3000px>text</div>') }"
    )
    page.evaluate("() => scrollTo(0, 9)")
    strip.wait_for(state="hidden")
    page.locator(".dx-page section.dx:visible").last.scroll_into_view_if_needed()
    strip.wait_for(state="visible")
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    strip.wait_for(state="hidden")


def test_all_of_a_page_that_scrolls_inside_of_its_window_is_printed(open_board):
    page = open_board(width=LAPTOP).page
    page.evaluate(IN_A_BOX)
    printed = page.pdf(print_background=True, prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("[data-kind=StateEditor]").is_visible()
    assert page.locator(".dx-masthead [data-name='policy']").is_visible()  # whose decisions these are
    assert not page.locator(".dx:visible > .dx-promise:not(:empty)").count()  # nothing was asked of these
    assert (
        page.evaluate("() => getComputedStyle(document.querySelector('.dx-page')).getPropertyValue('--dx-ink')")
        == "#1d2530"
    )
    assert b"/MediaBox [0 0 841.8" in printed.replace(b"841.9", b"841.8")  # A4, across
