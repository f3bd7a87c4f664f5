"""Small drawings for the gallery's cards, as SVG in the page's own colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

__all__ = ["PICTURES", "lesson_picture"]

_COLOURS = (
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
_JOBS = (
    (5, 2, 8),
    (3, 7, 4),
    (11, 8, 2),
    (7, 1, 6),
    (13, 2, 3),
    (2, 6, 1),
    (9, 3, 7),
    (4, 2, 5),
    (12, 1, 9),
    (6, 4, 2),
)
"""Length, CPU, memory, as in the paper's Figure 4 for the first three."""
_LINKS = (((70, 40), (170, 30), 0.9), ((170, 30), (250, 70), 0.5), ((70, 40), (110, 110), 0.25), ((110, 110), (200, 120), 0.7),
          ((200, 120), (250, 70), 0.95), ((170, 30), (200, 120), 0.35), ((110, 110), (170, 30), 0.15))  # fmt: skip
_WIDE, _HIGH = 320, 150


def _svg(*parts: str) -> str:
    ground = f'<rect width="{_WIDE}" height="{_HIGH}" fill="var(--rail)"/>'
    return f'<svg viewBox="0 0 {_WIDE} {_HIGH}" aria-hidden="true" focusable="false">{ground}{"".join(parts)}</svg>'


def _rect(x: float, y: float, wide: float, high: float, fill: str, *, round_: float = 1) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{round_:g}" fill="{fill}"/>'


def _jobs(slots: int) -> str:
    """Waiting jobs as the network sees them: CPU above, memory below, length downwards."""
    pitch = (_WIDE - 40) / slots
    wide = pitch - 6
    parts = []
    for slot, (length, cpu, memory) in enumerate(_JOBS[:slots]):
        x = 20 + slot * pitch
        for row, units in enumerate((cpu, memory)):
            y = 14 + row * 64
            parts.append(_rect(x, y, wide, 56, "var(--card)", round_=3))
            parts.append(_rect(x, y, wide * units / 10, 56 * length / 15, _COLOURS[slot], round_=3))
    return _svg(*parts)


def _links() -> str:
    """A small backbone: links as wide as they are full, the fullest in red."""
    parts = []
    for (x1, y1), (x2, y2), full in _LINKS:
        colour = "#b2182b" if full > 0.8 else "#2166ac" if full < 0.3 else "#7d8794"
        parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{2 + 9 * full:.1f}" stroke-linecap="round"/>'
        )
    nodes = dict.fromkeys(point for link in _LINKS for point in link[:2])
    parts += [
        f'<circle cx="{x}" cy="{y}" r="9" fill="var(--card)" stroke="var(--ink)" stroke-width="2"/>' for x, y in nodes
    ]
    return _svg(*parts)


def lesson_picture(number: int) -> str:
    """A curve and bars of a lesson's own, so that cards can be told apart."""
    bars = [
        _rect(40 + 24 * at, 118 - 60 * (0.5 + 0.5 * math.sin(at * (0.5 + 0.13 * number) + number)), 15, 12 + 60 * (0.5 + 0.5 * math.sin(at * (0.5 + 0.13 * number) + number)), "var(--card)", round_=3)
        for at in range(10)
    ]  # fmt: skip
    heights = (75 - 45 * math.tanh((step - 4 - number) / 2.2) * math.cos(step * 0.11 * number) for step in range(21))
    points = " ".join(f"{40 + 12 * step:.1f},{y:.1f}" for step, y in enumerate(heights))
    colour = _COLOURS[(number - 1) % len(_COLOURS)]
    line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="4" stroke-linejoin="round"/>'
    return _svg(*bars, line)


PICTURES: dict[str, Callable[[], str]] = {
    "deeprm-5": partial(_jobs, 5),
    "deeprm-10": partial(_jobs, 10),
    "routing": _links,
}
"""The dashboards' drawings by name."""
