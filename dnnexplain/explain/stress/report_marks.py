"""The small pictures of a deployment report, as SVG: shares of verdicts, a gap with its interval, likely against bad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import BETTER, UNSAFE, UNSURE, WITHIN, WORSE
from dnnexplain.numbers import figure, interval, percent, with_minus

__all__ = ["ends", "front_chart", "gap_mark", "shade", "share_bar"]

SPAN = 1.0
"""Gaps beyond this are drawn at the edge, as an arrow."""
WIDTH, HEIGHT = 560, 230
LEFT, RIGHT, ABOVE, BELOW = 64, 22, 30, 38


def shade(verdict: str) -> str:
    """The class of a verdict's colour; what may be better and may not is in no colour that claims it."""
    return "within" if verdict == UNSURE else verdict.split(maxsplit=1)[0]


def ends(scenario: ScenarioResult) -> str:
    """The gap's interval in words."""
    return (
        "no interval"
        if math.isnan(scenario.gap_low)
        else f"95% interval {interval(scenario.gap_low, scenario.gap_high, ratio=True)}"
    )


def share_bar(test: StressTest) -> str:
    """How many scenarios have each verdict, as a bar and in figures."""
    standing = [scenario.standing for scenario in test.scenarios]
    counts = [(verdict, standing.count(verdict)) for verdict in (BETTER, UNSURE, WITHIN, WORSE, UNSAFE)]
    bar = "".join(f"<i class={shade(verdict)} style='flex:{count}'></i>" for verdict, count in counts if count)
    legend = "".join(
        f"<li class={shade(verdict)}><b>{count}</b> {verdict}</li>"
        for verdict, count in counts
        if count or verdict != UNSURE
    )
    return f"<div class=share aria-hidden=true>{bar}</div><ul class=legend>{legend}</ul>"


def gap_mark(scenario: ScenarioResult) -> str:
    """The gap and its interval on an axis from -100% to +100%."""

    def place(value: float) -> float:
        return 60.0 + 54.0 * max(-SPAN, min(SPAN, value)) / SPAN

    line = (
        ""
        if math.isnan(scenario.gap_low)
        else f"<line class=line x1={place(scenario.gap_low):.1f} x2={place(scenario.gap_high):.1f} y1=8 y2=8 />"
    )
    x = place(scenario.gap)
    beyond = abs(scenario.gap) > SPAN
    sign = math.copysign(5, scenario.gap)
    dot = (
        f"<path class=dot d='M{x - sign:.1f} 3.5 L{x + sign:.1f} 8 L{x - sign:.1f} 12.5 Z'/>"
        if beyond
        else f"<circle class=dot cx={x:.1f} cy=8 r=3.4 />"
    )
    label = f"gap {percent(scenario.gap, sign=True)}, {ends(scenario)}"
    return (
        f"<svg width=120 height=16 viewBox='0 0 120 16' role=img aria-label='{escape(label, quote=True)}' class={shade(scenario.verdict)}>"
        f"<line class=axis x1=60 x2=60 y1=0 y2=16 />{line}{dot}</svg>"
    )


def front_chart(front: Sequence[Mapping[str, Any]], drawn: float, unit: str) -> str:
    """Regret against plausibility of the points of a front, with the drawn inputs' mean as a line."""
    if len(front) < 2:
        return ""
    top = max(*(point["regret"] for point in front), drawn, 0.0)
    low = min(*(point["regret"] for point in front), drawn, 0.0)
    reach = (top - low) or 1.0

    def x(share: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y(regret: float) -> float:
        return float(ABOVE + (HEIGHT - BELOW - ABOVE) * (top - regret) / reach)

    dots = "".join(
        f"<circle class=dot cx={x(point['plausibility']):.1f} cy={y(point['regret']):.1f} r=4 />" for point in front
    )
    ticks = "".join(
        f"<text x={x(share):.1f} y={HEIGHT - BELOW + 18} text-anchor=middle>{share:.0%}</text>" for share in (0, 0.5, 1)
    )
    levels = "".join(
        f"<line class=axis x1={LEFT} x2={WIDTH - RIGHT} y1={y(value):.1f} y2={y(value):.1f} />"
        f"<text x={LEFT - 8} y={y(value) + 4:.1f} text-anchor=end>{with_minus(figure(value))}</text>"
        for value in ((top, low) if min(abs(low), abs(top)) < 0.12 * reach else (top, 0.0, low))
    )
    mean = (
        f"<line x1={LEFT} x2={WIDTH - RIGHT} y1={y(drawn):.1f} y2={y(drawn):.1f} stroke=currentColor stroke-dasharray='4 4' />"
        f"<text x={WIDTH - RIGHT} y={y(drawn) - 5:.1f} text-anchor=end>mean of the ten worst drawn</text>"
    )
    label = f"Regret ({unit}) against plausibility of {counted(len(front), 'generated input')}"
    return (
        f"<svg width={WIDTH} height={HEIGHT} viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{escape(label, quote=True)}'>"
        f"<text x=0 y=12>regret, {escape(unit)}</text>{levels}{ticks}{mean}<g class=unsafe>{dots}</g>"
        f"<text x={LEFT} y={HEIGHT - 4}>share of ordinary inputs that are no likelier</text></svg>"
    )
