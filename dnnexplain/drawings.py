"""Small drawings as SVG in a page's own colours: what gallery cards are drawn with."""

from __future__ import annotations

__all__ = ["COLOURS", "HIGH", "WIDE", "drawing", "rectangle"]

COLOURS = (
    "#2a9d8f",
    "#dd9a1a",
    "#8a63d2",
    "#67a031",
    "#d1589b",
    "#a8713a",
    "#3aa5cf",
    "#7d8794",
    "#b9a516",
    "#6172e0",
)
"""Colours of domain objects, by their number."""

WIDE, HIGH = 320, 150
"""Size of a drawing."""


def drawing(*parts: str) -> str:
    """Parts on the page's ground, one picture; nothing in it is read aloud."""
    ground = f'<rect width="{WIDE}" height="{HIGH}" fill="var(--rail)"/>'
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" aria-hidden="true" focusable="false">{ground}{"".join(parts)}</svg>'


def rectangle(x: float, y: float, wide: float, high: float, fill: str, *, round_: float = 1) -> str:
    """A rectangle with rounded corners."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{round_:g}" fill="{fill}"/>'
