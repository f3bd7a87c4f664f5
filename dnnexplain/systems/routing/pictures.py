"""The gallery's drawing: a small backbone."""

from __future__ import annotations

from dnnexplain.charts.look import SIGNED
from dnnexplain.drawings import drawing

__all__ = ["backbone"]

_LINKS = (((70, 40), (170, 30), 0.9), ((170, 30), (250, 70), 0.5), ((70, 40), (110, 110), 0.25), ((110, 110), (200, 120), 0.7),
          ((200, 120), (250, 70), 0.95), ((170, 30), (200, 120), 0.35), ((110, 110), (170, 30), 0.15))  # fmt: skip
_FULL, _EMPTY = SIGNED["light"]["for"], SIGNED["light"]["against"]


def backbone() -> str:
    """A small backbone: links as wide as they are full, the fullest in a warm colour."""
    parts = []
    for (x1, y1), (x2, y2), full in _LINKS:
        colour = _FULL if full > 0.8 else _EMPTY if full < 0.3 else "#7d8794"
        parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{2 + 9 * full:.1f}" stroke-linecap="round"/>'
        )
    nodes = dict.fromkeys(point for link in _LINKS for point in link[:2])
    parts += [
        f'<circle cx="{x}" cy="{y}" r="9" fill="var(--card)" stroke="var(--ink)" stroke-width="2"/>' for x, y in nodes
    ]
    return drawing(*parts)
