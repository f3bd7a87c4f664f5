"""Accessibility checks: axe-core in the page, and what of its findings counts."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["serious"]

_SOURCE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN = """
async (where) => {
  const found = await axe.run(where || document, { resultTypes: ["violations"] });
  return found.violations.map((one) => [one.impact, one.id, one.help,
    one.nodes.map((node) => node.target.join(" ") + " :: " + node.html.slice(0, 160) + " :: " + (node.any[0]?.message || ""))]);
}
"""


def serious(page, where: str | None = None) -> list[str]:
    """Every serious or critical finding of axe in a page (or inside what a CSS selector finds), in words."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(_SOURCE)
    found = page.evaluate(_RUN, where)
    return [
        f"{impact}: {help_} ({rule}) at {node}"
        for impact, rule, help_, nodes in found
        if impact in {"serious", "critical"}
        for node in nodes
    ]
