"""Drawings for the gallery's cards: a dashboard's own by its spec's reference, a plain one, and one for each lesson."""

from __future__ import annotations

import math

from dnnexplain.contract import load_reference
from dnnexplain.drawings import COLOURS, drawing, rectangle

__all__ = ["card_picture", "lesson_picture"]


def card_picture(reference: str) -> str:
    """The drawing that a reference names, or bars where there is none."""
    if reference:
        drawn: str = load_reference(reference)()
        return drawn
    return drawing(*(rectangle(40 + 48 * at, 120 - 18 * at, 30, 12 + 18 * at, COLOURS[at]) for at in range(5)))


def lesson_picture(number: int) -> str:
    """A curve and bars of a lesson's own, so that cards can be told apart."""
    bars = [
        rectangle(40 + 24 * at, 118 - 60 * (0.5 + 0.5 * math.sin(at * (0.5 + 0.13 * number) + number)), 15, 12 + 60 * (0.5 + 0.5 * math.sin(at * (0.5 + 0.13 * number) + number)), "var(--card)", round_=3)
        for at in range(10)
    ]  # fmt: skip
    heights = (75 - 45 * math.tanh((step - 4 - number) / 2.2) * math.cos(step * 0.11 * number) for step in range(21))
    points = " ".join(f"{40 + 12 * step:.1f},{y:.1f}" for step, y in enumerate(heights))
    colour = COLOURS[(number - 1) % len(COLOURS)]
    line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="4" stroke-linejoin="round"/>'
    return drawing(*bars, line)
