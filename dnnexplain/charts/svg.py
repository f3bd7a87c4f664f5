"""A chart as SVG in the colours of the page that it stands in: text and axes take ``currentColor``."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts.chart import Chart, Kind, Series
from dnnexplain.charts.look import DASHES, FEW, HUES, hues, named_cells, ramp, shown_bars, span, ticks
from dnnexplain.counts import counted
from dnnexplain.numbers import number, with_minus

__all__ = ["draw"]

WIDE, ROW = 560.0, 15.0
NAMED = 13.0
"""Height of a level's name above bars."""
_FONT = 'font-family="system-ui, sans-serif" font-size="11"'
_LONGEST = 34
_MOST_POINTS = 600


@dataclass(frozen=True)
class Frame:
    """The part of the picture that holds the values, and the scales of its axes."""

    left: float
    top: float
    right: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        """Where a value of ``x`` stands."""
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.right - self.left)

    def up(self, value: float) -> float:
        """Where a value of ``y`` stands."""
        return self.bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * (self.bottom - self.top)


def draw(chart: Chart) -> str:
    """The picture as one ``<svg>`` element without scripts, styles or links; it is read aloud by its title."""
    drawer: dict[Kind, Callable[[Chart], tuple[list[str], float]]] = {
        Kind.BARS: _bars, Kind.CURVES: _lines, Kind.SCATTER: _lines, Kind.HEAT: _heat,
    }  # fmt: skip
    parts, high = drawer[chart.kind](chart)
    words = escape(_spoken(chart))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE:.0f} {high:.0f}" role="img" aria-label="{words}" '
        f'style="max-width:{WIDE:.0f}px;width:100%;height:auto;color:inherit" fill="currentColor" {_FONT}>'
        f"<title>{words}</title>\n{''.join(parts)}</svg>"
    )


def as_image(picture: str) -> str:
    """The picture as HTML's ``<img>`` with its data inside."""
    words, wide = re.search(r'aria-label="([^"]*)"', picture), re.search(r'viewBox="0 0 (\d+)', picture)
    assert words is not None
    assert wide is not None  # as draw has it
    coded = b64encode(alone(picture).encode()).decode()
    return f'<img alt="{words[1]}" width="{wide[1]}" src="data:image/svg+xml;base64,{coded}"/>'


def alone(picture: str) -> str:
    """The picture as an image, which knows no page's colours: its words read on white and on black."""
    return picture.replace("color:inherit", f"color:{_ANYWHERE}", 1)


_ANYWHERE = "#77818d"


def _spoken(chart: Chart) -> str:
    names = ", ".join(series.name for series in chart.series[:6])
    measured = (chart.value if chart.kind == Kind.HEAT else chart.y).title
    return "; ".join(part for part in (f"{chart.kind} of {measured}", chart.title, names) if part)


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(with_minus(text))}</text>\n'


def _line(x1: float, y1: float, x2: float, y2: float, extra: str = 'stroke-opacity="0.18"') -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" {extra}/>'


def _short(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _head(chart: Chart) -> tuple[list[str], float]:
    """Title and legend, and where the rest begins."""
    parts, y = [], 4.0
    if chart.title:
        parts.append(_text(0, 14, _short(chart.title, 90), extra='font-weight="600"'))
        y = 22.0
    if len(chart.series) > 1:
        x = 0.0
        for place, item in enumerate(chart.series[: len(HUES)]):
            parts.append(f'<rect x="{x:.1f}" y="{y + 3:.1f}" width="10" height="8" fill="{hues(chart)[place]}"/>')
            parts.append(_text(x + 14, y + 11, _short(item.name)))
            x += 26 + 6.2 * len(_short(item.name))
        if len(chart.series) > len(HUES):
            parts.append(_text(x, y + 11, f"and {len(chart.series) - len(HUES)} more"))
        y += 18.0
    return parts, y


def _bars(chart: Chart) -> tuple[list[str], float]:
    parts, top = _head(chart)
    keep, left_out = shown_bars(chart)
    drawn = chart.series[: len(HUES)]
    every = [part for entry in drawn for part in (entry.y, entry.low, entry.high)] + [
        np.array([v for _, v in chart.levels])
    ]
    ends = span(np.concatenate(every) if every else np.zeros(0), zero=True)
    label = min(_LONGEST, max((len(chart.labels[i]) for i in keep), default=0)) * 6.7 + 10
    thick = ROW if len(drawn) == 1 else 11.0 * max(len(drawn), 1) + 4
    band, top = top, top + NAMED * len(chart.levels)
    bottom = top + thick * max(len(keep), 1) + 2
    frame = Frame(label, band, WIDE - 52, bottom, ends, (0.0, 1.0))
    parts += _ruler(frame, chart)
    for row, place in enumerate(keep):
        y = top + row * thick
        parts.append(_text(label - 6, y + thick / 2 + 4, _short(chart.labels[place]), "end"))
        each = (thick - 4) / max(len(drawn), 1)
        for k, item in enumerate(drawn):
            others = [other.y[place] for other in drawn[:k] + drawn[k + 1 :]]
            if item.y[place] or not (any(others) or k):  # a 0 beside a bar says nothing, and one 0 is enough
                parts += _bar(frame, item, place, y + 2 + k * each, each, hues(chart)[k])
    if left_out:
        parts.append(_text(label, bottom + 42, f"{counted(left_out, 'shorter bar')} are left out"))
    return parts, bottom + (48 if left_out else 34)


def _bar(frame: Frame, series: Series, place: int, y: float, high: float, colour: str) -> list[str]:
    value = series.y[place]
    if not np.isfinite(value):
        return [_text(frame.across(0.0) + 4, y + high - 2, "-")]
    zero, end = frame.across(0.0), frame.across(value)
    x, wide = min(zero, end), abs(end - zero)
    parts = [f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{colour}"/>']
    tip = max(zero, end)
    if len(series.low) and np.isfinite([series.low[place], series.high[place]]).all():
        low, top, middle = frame.across(series.low[place]), frame.across(series.high[place]), y + high / 2
        parts.append(_line(low, middle, top, middle, 'stroke-width="1.5"'))
        tip = max(tip, top)
    return [*parts, _text(tip + 4, y + high / 2 + 4, number(float(value)), extra='font-size="10"')]


def _ruler(frame: Frame, chart: Chart) -> list[str]:
    """The axis below bars, and the levels across them, their names above: to the left of a line that is far to the right."""
    parts = []
    for tick in ticks(*frame.x):
        x = frame.across(tick)
        parts += [_line(x, frame.top, x, frame.bottom), _text(x, frame.bottom + 13, number(tick), "middle")]
    for place, (name, value) in enumerate(chart.levels):
        x, y = frame.across(value), frame.top + NAMED * (place + 1) - 4
        parts.append(_line(x, frame.top, x, frame.bottom, 'stroke-dasharray="4 3"'))
        far = x > (frame.left + frame.right) / 2
        parts.append(_text(x - 3 if far else x + 3, y, _short(name), "end" if far else "start", 'font-size="10"'))
    return [*parts, _text((frame.left + frame.right) / 2, frame.bottom + 28, chart.y.title, "middle")]


def _lines(chart: Chart) -> tuple[list[str], float]:
    parts, top = _head(chart)
    drawn, bottom = chart.series[: len(HUES)], top + 190
    xs = [entry.x for entry in drawn] + [np.array([v for _, v in chart.places])]
    ys = [entry.y for entry in drawn] + [np.array([v for _, v in chart.levels])]
    frame = Frame(58, top + 6, WIDE - 14, bottom, span(np.concatenate(xs)), span(np.concatenate(ys)))
    parts += _axes(frame, chart)
    for place, item in enumerate(drawn):
        parts.append(
            _curve(frame, item, place, chart.steps) if chart.kind == Kind.CURVES else _dots(frame, item, place)
        )
    return [*parts, *_references(frame, chart)], bottom + 36


def _references(frame: Frame, chart: Chart) -> list[str]:
    """Levels and places with their names, none over another: of levels close together the next is named below its line."""
    parts, above = [], [-np.inf]
    for name, value in chart.levels:
        y = frame.up(value)
        below = min(abs(y - 3 - other) for other in above) < _APART
        above.append(y + _APART if below else y - 3)
        parts.append(_line(frame.left, y, frame.right, y, 'stroke-dasharray="4 3"'))
        parts.append(_text(frame.right - 2, above[-1], _short(name), "end", 'font-size="10"'))
    for row, (name, value) in enumerate(chart.places):
        x, y = frame.across(value), frame.top + 9 + _APART * row
        far = x > (frame.left + frame.right) / 2
        parts.append(_line(x, frame.top, x, frame.bottom, 'stroke-dasharray="4 3"'))
        parts.append(_text(x - 3 if far else x + 3, y, _short(name), "end" if far else "start", 'font-size="10"'))
    return parts


def _axes(frame: Frame, chart: Chart) -> list[str]:
    parts = []
    for tick in ticks(*frame.x, 6):
        x = frame.across(tick)
        parts += [_line(x, frame.top, x, frame.bottom), _text(x, frame.bottom + 14, number(tick), "middle")]
    for tick in ticks(*frame.y):
        y = frame.up(tick)
        parts += [_line(frame.left, y, frame.right, y), _text(frame.left - 5, y + 4, number(tick), "end")]
    middle = (frame.top + frame.bottom) / 2
    turned = f'transform="rotate(-90 10 {middle:.1f})"'
    parts.append(_text((frame.left + frame.right) / 2, frame.bottom + 30, chart.x.title, "middle"))
    return [*parts, _text(10, middle, _short(chart.y.title, 34), "middle", turned)]


def _curve(frame: Frame, series: Series, place: int, steps: bool) -> str:
    """A path with a gap wherever a value is missing."""
    path, pen = [], False
    for x, y in zip(series.x, series.y, strict=True):
        if not (np.isfinite(x) and np.isfinite(y)):
            pen = False
            continue
        to = f"{frame.across(x):.1f} {frame.up(y):.1f}"
        move = f"H{frame.across(x):.1f}V{frame.up(y):.1f}" if steps else f"L{to}"
        path.append(move if pen else f"M{to}")
        pen = True
    dash = f'stroke-dasharray="{DASHES[place]}"' if DASHES[place] else ""
    marks = _dots(frame, series, place) if len(series.x) <= FEW else ""
    return f'<path d="{"".join(path)}" fill="none" stroke="{HUES[place]}" stroke-width="2" {dash}/>{marks}'


def _dots(frame: Frame, series: Series, place: int) -> str:
    keep = np.flatnonzero(np.isfinite(series.x) & np.isfinite(series.y))
    keep = keep[:: max(1, -(-len(keep) // _MOST_POINTS))]
    return "".join(
        f'<circle cx="{frame.across(series.x[i]):.1f}" cy="{frame.up(series.y[i]):.1f}" r="2.6" fill="{HUES[place]}" fill-opacity="0.75"/>'
        for i in keep
    )


_APART = 11.0
"""Between the names of references, in the picture's units."""
_MOST_ROWS, _MOST_COLUMNS = 100, 120
"""Of a heat map; more are put together, for they would be thinner than a line, and a page of megabytes."""


def _fewer(chart: Chart) -> tuple[Chart, str]:
    """A heat map whose rows and columns can be seen, each cell the one furthest from zero of those it stands for; and words."""
    rows, columns = chart.grid.shape
    down, along = max(1, -(-rows // _MOST_ROWS)), max(1, -(-columns // _MOST_COLUMNS))
    if down == along == 1:
        return chart, ""
    known = np.isfinite(chart.grid)
    most, least = (
        _ends(np.where(known, chart.grid, -np.inf), down, along),
        -_ends(np.where(known, -chart.grid, -np.inf), down, along),
    )
    grid = np.where(most >= -least, most, least)
    what = "largest" if chart.grid[known].min(initial=0.0) >= 0 else "one furthest from 0"
    kept = replace(
        chart,
        grid=np.where(np.isfinite(grid), grid, np.nan),
        rows=tuple(chart.rows[::down]),
        columns=tuple(chart.columns[::along]),
    )
    return kept, f"; each cell is the {what} of {down} x {along}"


def _ends(grid: NDArray[np.float64], down: int, along: int) -> NDArray[np.float64]:
    """The largest of each block."""
    tall = np.maximum.reduceat(grid, np.arange(0, len(grid), down), axis=0)
    return np.asarray(np.maximum.reduceat(tall, np.arange(0, grid.shape[1], along), axis=1))


def _heat(chart: Chart) -> tuple[list[str], float]:
    chart, put_together = _fewer(chart)
    parts, top = _head(chart)
    rows, columns = chart.grid.shape
    low, high = span(chart.grid)
    left = min(_LONGEST, max((len(name) for name in chart.rows), default=0)) * 6.7 + 10
    wide, tall = (WIDE - left - 6) / max(columns, 1), max(3.0, min(22.0, 320 / max(rows, 1)))
    written = named_cells(chart)
    for r, c in np.ndindex(rows, columns):
        if not np.isfinite(value := chart.grid[r, c]):
            continue
        share, x, y = (value - low) / (high - low), left + c * wide, top + r * tall
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.2f}" height="{tall:.2f}" fill="{ramp(float(share))}" shape-rendering="crispEdges"/>'
        )
        if written and tall >= 12:
            ink = "#fff" if share < 0.55 else "#000"
            parts.append(_text(x + wide / 2, y + tall / 2 + 4, number(float(value)), "middle", f'fill="{ink}"'))
    parts += _names(chart, left, top, wide, tall)
    bottom = top + rows * tall + (32 if chart.x.title else 18)
    parts.append(
        _text(left, bottom + 12, f"{chart.value.title}: {number(low)} (dark) to {number(high)} (light){put_together}")
    )
    return parts, bottom + 20


def _names(chart: Chart, left: float, top: float, wide: float, tall: float) -> list[str]:
    """Names of as many rows and columns as have room."""
    every = max(1, int(np.ceil(12 / tall)))
    parts = [
        _text(left - 5, top + r * tall + tall / 2 + 4, _short(name), "end")
        for r, name in enumerate(chart.rows)
        if r % every == 0
    ]
    bottom = top + len(chart.rows) * tall
    longest = max((len(name) for name in chart.columns), default=1)
    room = max(3, int(wide / 6.2))
    skip = 1 if longest <= room else max(1, int(np.ceil(min(longest, 12) / room)))
    parts += [
        _text(left + (c + 0.5) * wide, bottom + 13, _short(name, max(room * skip, 3)), "middle")
        for c, name in enumerate(chart.columns)
        if c % skip == 0
    ]
    if chart.x.title:
        parts.append(_text(left, bottom + 28, chart.x.title))
    return parts
