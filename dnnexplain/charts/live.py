"""A chart as a bqplot figure: marks with tooltips and selection, which are the reader's to restyle and to link."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bqplot
import numpy as np
from ipywidgets import Box

from dnnexplain.charts import svg
from dnnexplain.charts.boxed import inside, watch_boxes
from dnnexplain.charts.chart import Chart, Kind, bars
from dnnexplain.charts.look import FEW, HUES, RAMP, hues, shown_bars, span
from dnnexplain.showing import in_cell

__all__ = ["draw"]

_LINES = ("solid", "dashed", "dotted", "dash_dotted", "dotted", "dashed")
_MARKS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
_LABEL = "#767676"  # read on a light page and on a dark one; bqplot's own is orange there
_COLUMN = {"width": "100%", "max_width": "640px", "height": "320px"}


class LiveFigure(bqplot.Figure):  # type: ignore[misc]  # bqplot has no types
    """A figure that leaves its picture where no widget can be drawn.

    A viewer that knows widgets draws the widget or, without their code and a kernel, nothing: ``nbconvert --to html``
    without a network takes no other type of the same output. So the picture is an output of its own, before the
    widget's, and is hidden where a figure of bqplot is drawn after it. So it is with a box that holds such figures.
    """

    still: str = ""

    def __repr__(self) -> str:
        return f"A figure of bqplot: {self.title}" if self.title else "A figure of bqplot"

    def _repr_mimebundle_(self, **given: Any) -> Any:
        data = super()._repr_mimebundle_(**given)
        return {**data, **self._seen(svg.as_image(self.still))} if isinstance(data, dict) else data

    def _seen(self, html: str) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": html, "image/svg+xml": svg.alone(self.still)}

    def _ipython_display_(self) -> None:
        """As the last expression of a cell: the picture, then the widget, which is nothing to viewers without widgets."""
        _displayed(super()._repr_mimebundle_(), repr(self), self._seen(_stills([self])))


def _show_box(box: Box) -> None:
    """A user's own box: the pictures of all live figures in it, then the box itself."""
    words = f"A {type(box).__name__} of widgets"
    figures = [figure for figure in inside(box, LiveFigure) if figure.still]
    seen = {"text/plain": "\n".join(map(repr, figures)), "text/html": _stills(figures)}
    _displayed(box._repr_mimebundle_(), words, seen if figures else None)


def _stills(figures: Sequence[LiveFigure]) -> str:
    return f'<div class="dnnexplain-still">{_HIDDEN}{"".join(in_cell(figure.still) for figure in figures)}</div>'


def _displayed(bundle: Any, words: str, still: dict[str, str] | None) -> None:
    """Puts out what is seen without widgets, then the widget, which is nothing to viewers without them."""
    from IPython.display import display  # noqa: PLC0415 - only where something is displayed

    view, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    if still is not None:
        display(still, raw=True)  # type: ignore[no-untyped-call] # IPython has no types
        view = {**view, "text/plain": words, "text/html": ""}
    display(view, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


_HIDDEN = (
    "<style>.jp-OutputArea-child:has(.dnnexplain-still):has(+ .jp-OutputArea-child .bqplot){display:none}"
    ".output_area:has(.dnnexplain-still):has(+ .output_area .bqplot){display:none}</style>"
)
"""In JupyterLab, Voilà and pages of nbconvert, and in the older look of the latter."""


def draw(chart: Chart) -> Any:
    """The picture as a ``bqplot.Figure``; ``figure.marks`` are its parts, ``figure.axes`` its axes."""
    watch_boxes(_show_box)
    drawer = {Kind.BARS: _bars, Kind.HEAT: _heat, Kind.CURVES: _lines, Kind.SCATTER: _lines}[chart.kind]
    figure = drawer(chart)
    figure.still = svg.draw(chart)
    figure.title = _title(chart)
    figure.title_style = {"fill": "currentColor", **figure.title_style}  # bqplot's own is orange on a dark page
    figure.legend_style = {"fill": "var(--jp-layout-color0, #fff)", "fill-opacity": "0.85"}  # it may lie over curves
    figure.legend_location = (
        "bottom-right" if chart.kind == Kind.BARS else "top-right"
    )  # of bars it has rows of its own
    figure.layout = {**_COLUMN, "height": f"{_height(chart)}px"}
    return figure


def _title(chart: Chart) -> str:
    """The title; of a heat map with what its colours measure, which bqplot cuts off beside them."""
    named = chart.kind == Kind.HEAT and min(chart.grid.shape) > 1
    return ": ".join(part for part in (chart.title, chart.value.title if named else "") if part)


def _height(chart: Chart) -> int:
    rows = len(_rows(chart)) if chart.kind == Kind.BARS else len(chart.rows)
    return max(320, min(900, 110 + 22 * rows))


def _axis(scale: Any, label: str, side: str, **options: Any) -> Any:
    return bqplot.Axis(
        scale=scale, label=label, side=side, **{"label_offset": "2.6em", "label_color": _LABEL, **options}
    )


def _bars(chart: Chart) -> Any:
    keep, _ = shown_bars(chart)
    labels = [chart.labels[place] for place in keep]
    low, high = span(
        np.concatenate([series.y[keep] for series in chart.series]) if chart.series else np.zeros(0), zero=True
    )
    edge = 0.03 * (high - low)  # bqplot finds no ends for bars side by side, and draws none
    lengths = bqplot.LinearScale(min=low - (edge if low < 0 else 0.0), max=high + (edge if high > 0 else 0.0))
    names = bqplot.OrdinalScale(domain=_rows(chart), reverse=True)
    drawn = chart.series[: len(HUES)]
    values = np.array([np.where(np.isfinite(item.y[keep]), item.y[keep], 0.0) for item in drawn]).reshape(
        len(drawn), len(keep)
    )
    mark = bqplot.Bars(
        x=_apart(labels),
        y=values[0] if len(drawn) == 1 else values,
        scales={"x": names, "y": lengths},
        type="grouped",
        orientation="horizontal",
        colors=list(hues(chart) or HUES[:1]),
        labels=[item.name for item in drawn],
        display_legend=len(drawn) > 1,
        tooltip=bqplot.Tooltip(fields=["x", "y"], labels=[chart.x.title or "of", chart.y.title]),
        interactions={"click": "select", "hover": "tooltip"},
        selected_style={"opacity": "1"},
        unselected_style={"opacity": "0.35"},
    )
    across = _axis(lengths, chart.y.title, "bottom")
    down = _axis(names, "", "left", tick_style={"font-size": "11px"})
    room = min(220, 20 + 7 * max((len(label) for label in labels), default=0))
    return LiveFigure(marks=[mark], axes=[across, down], fig_margin=_margin(left=room))


def _rows(chart: Chart) -> list[str]:
    """The bars' names, and below them empty rows for the legend, which would stand over the bars."""
    labels = _apart([chart.labels[place] for place in shown_bars(chart)[0]])
    named = min(len(chart.series), len(HUES))
    if named < 2:
        return labels
    row = 220 / max(len(labels), 1)  # as high as the least figure makes it
    empty = math.ceil((20 * named + 12) / max(22.0, row))
    return [*labels, *("\u200b" * (place + 1) for place in range(empty))]


def _apart(labels: list[str]) -> list[str]:
    """Labels that all differ: an ordinal scale has one place for each name."""
    seen: dict[str, int] = {}
    apart = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        apart.append(label if seen[label] == 1 else f"{label} [{seen[label]}]")
    return apart


def _margin(left: int = 70) -> dict[str, int]:
    return {"top": 40, "bottom": 56, "left": left, "right": 24}


def _lines(chart: Chart) -> Any:
    scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
    marks = []
    for k, item in enumerate(chart.series[: len(HUES)]):
        shared = {"x": item.x, "y": item.y, "scales": scales, "colors": [HUES[k]], "labels": [item.name]}
        shared["display_legend"] = len(chart.series) > 1
        few = {"marker": _MARKS[k], "marker_size": 28} if len(item.x) <= FEW else {}  # a single one has no line
        if chart.kind == Kind.SCATTER:
            tip = bqplot.Tooltip(fields=["x", "y"], labels=[chart.x.title, chart.y.title])
            marks.append(bqplot.Scatter(**shared, marker=_MARKS[k], default_size=28, tooltip=tip))
        else:
            held = "step-after" if chart.steps else "linear"
            marks.append(bqplot.Lines(**shared, line_style=_LINES[k], interpolation=held, **few))
    marks += [_rule(scales, name, y=value) for name, value in chart.levels]
    marks += [_rule(scales, name, x=value) for name, value in chart.places]
    axes = [
        _axis(scales["x"], chart.x.title, "bottom"),
        _axis(scales["y"], chart.y.title, "left", label_offset="3.8em"),
    ]
    return LiveFigure(marks=marks, axes=axes, fig_margin=_margin(left=84))


def _rule(scales: dict[str, Any], name: str, *, x: float | None = None, y: float | None = None) -> Any:
    """A dashed line across the figure at one value: its other ends are shares of the figure."""
    share = bqplot.LinearScale(min=0, max=1)
    if y is not None:
        ends, own = {"x": [0, 1], "y": [y, y]}, {"x": share, "y": scales["y"]}
    else:
        ends, own = {"x": [x, x], "y": [0, 1]}, {"x": scales["x"], "y": share}
    return bqplot.Lines(**ends, scales=own, colors=["#7d8794"], line_style="dashed", labels=[name], display_legend=True)


def _heat(chart: Chart) -> Any:
    if min(chart.grid.shape) < 2:  # bqplot squeezes a single row or column away; its cells become bars
        names = chart.columns if len(chart.rows) == 1 else chart.rows
        shown = {chart.value.label: chart.grid.ravel()} if chart.grid.size else {}
        return _bars(bars(names if shown else (), shown, chart.value, x=chart.x, title=chart.title))
    rows, columns = _apart(list(chart.rows)), _apart(list(chart.columns))
    colour = bqplot.ColorScale(colors=list(RAMP))
    down, along = bqplot.OrdinalScale(domain=rows, reverse=True), bqplot.OrdinalScale(domain=columns)
    mark = bqplot.GridHeatMap(
        color=chart.grid,
        row=rows,
        column=columns,
        scales={"row": down, "column": along, "color": colour},
        null_color="rgba(0,0,0,0)",
        interactions={"click": "select", "hover": "tooltip"},
        tooltip=bqplot.Tooltip(fields=["row", "column", "color"], labels=["row", "column", chart.value.title]),
    )
    bar = bqplot.ColorAxis(scale=colour, side="top")
    room = min(220, 40 + 7 * max((len(label) for label in rows), default=0))
    beside = _axis(down, chart.y.title, "left", label_offset=f"{room - 16}px")
    axes = [_axis(along, chart.x.title, "bottom"), beside, bar]
    above = {"transform": "translate(0, -44px)", "font-size": "14px"}  # the title: the bar of colours is below it
    margin = {**_margin(left=room), "top": 84}
    return LiveFigure(marks=[mark], axes=axes, fig_margin=margin, padding_y=0.0, title_style=above)
