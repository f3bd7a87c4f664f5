// What is wider than its box scrolls sideways; where more of it lies is shown, or nobody would know.

const SLACK = 2; // px that rounding may leave over

/**
 * On which sides of a scrolled box there is more to see.
 * @param {{scrollLeft: number, clientWidth: number, scrollWidth: number}} box
 */
export function hiddenSides({ scrollLeft, clientWidth, scrollWidth }) {
  return { left: scrollLeft > SLACK, right: scrollLeft + clientWidth < scrollWidth - SLACK };
}

/**
 * Fade a box out on the side where there is more (classes dx-more-left and dx-more-right), while it scrolls and is resized.
 * Returns what ends it.
 * @param {HTMLElement} box
 */
export function showOverflow(box) {
  const look = () => {
    const { left, right } = hiddenSides(box);
    box.classList.toggle("dx-more-left", left);
    box.classList.toggle("dx-more-right", right);
  };
  const sizes = new ResizeObserver(look);
  const watch = () => [box, ...box.children].forEach((part) => sizes.observe(part));
  const children = new MutationObserver(watch);
  children.observe(box, { childList: true });
  watch();
  box.addEventListener("scroll", look, { passive: true });
  return () => {
    sizes.disconnect();
    children.disconnect();
    box.removeEventListener("scroll", look);
  };
}
