"""The whole dashboard on a phone, light and dark: nothing cut off, nothing too small for a finger."""

import pytest

from tests.browser.conftest import PHONE
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
