"""What a picture shows, and nothing of how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["Axis", "Chart", "Kind", "Series", "bars", "heat", "lines", "scatter"]

Floats = NDArray[np.float64]


def _none() -> Floats:
    return np.zeros(0)


class Kind(StrEnum):
    """What kind of picture it is."""

    BARS = "bars"
    CURVES = "curves"
    HEAT = "heat map"
    SCATTER = "scatter"


@dataclass(frozen=True)
class Axis:
    """What an axis measures, and in which unit (empty if it has none)."""

    label: str = ""
    unit: str = ""

    @property
    def title(self) -> str:
        """As it stands beside the axis: ``length (steps)``."""
        return f"{self.label} ({self.unit})" if self.unit and self.unit != self.label else self.label


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers that belong together, with an interval where there is one.

    Attributes:
        name: in the legend.
        y: values ``[n]``; NaN where there is none.
        x: places ``[n]``; of bars empty, for they stand at their labels.
        low, high: ends of each value's interval ``[n]``, or empty.
    """

    name: str
    y: Floats
    x: Floats = field(default_factory=_none)
    low: Floats = field(default_factory=_none)
    high: Floats = field(default_factory=_none)


@dataclass(frozen=True, eq=False)
class Chart:
    """One picture.

    Attributes:
        kind: bars at labels, curves over an axis, a heat map, or points.
        title: what is shown; may be empty.
        x, y: the axes. Of bars, ``y`` is what the bars' lengths measure and ``x`` what the labels are; of a
            heat map, ``x`` names the columns, ``y`` the rows.
        series: of bars, curves and points.
        labels: of the bars, from the top.
        rows, columns: names along a heat map; ``grid`` its values ``[R, C]``, NaN where there is none;
            ``value`` what they measure.
        levels: lines across a picture at a value, by name: a reference that is no series of its own.
        places: the same at a value of ``x``.
        steps: whether curves hold their value until the next one.
    """

    kind: Kind
    title: str = ""
    x: Axis = Axis()
    y: Axis = Axis()
    series: tuple[Series, ...] = ()
    labels: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    grid: Floats = field(default_factory=_none)
    value: Axis = Axis()
    levels: tuple[tuple[str, float], ...] = ()
    places: tuple[tuple[str, float], ...] = ()
    steps: bool = False


def _floats(values: Any) -> Floats:
    """Numbers, with NaN for what is none."""
    if isinstance(values, np.ndarray):
        return np.asarray(values, dtype=np.float64).ravel()
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def bars(
    labels: Iterable[Any],
    series: Mapping[str, Any],
    y: Axis,
    *,
    x: Axis | None = None,
    title: str = "",
    intervals: Mapping[str, tuple[Any, Any]] | None = None,
    levels: Sequence[tuple[str, float]] = (),
) -> Chart:
    """Bars: per label one of each series.

    Args:
        labels: ``[n]``, from the top.
        series: by name, ``[n]`` numbers each.
        y: what the lengths measure.
        x: what the labels are.
        title: what is shown.
        intervals: per series, if it has one, the low and the high ends ``[n]``.
        levels: named values to compare with.

    Raises:
        DnnExplainError: a series has another length than the labels.
    """
    names, ends = tuple(str(label) for label in labels), intervals or {}
    made = []
    for name, values in series.items():
        low, high = ends.get(name, ((), ()))
        made.append(Series(name, _floats(values), low=_floats(low), high=_floats(high)))
    _alike(made, len(names))
    return Chart(Kind.BARS, title, x or Axis(), y, tuple(made), labels=names, levels=tuple(levels))


def lines(
    series: Mapping[str, tuple[Any, Any]],
    x: Axis,
    y: Axis,
    *,
    title: str = "",
    levels: Sequence[tuple[str, float]] = (),
    places: Sequence[tuple[str, float]] = (),
    steps: bool = False,
) -> Chart:
    """Curves: per name its places and values, ``[n]`` each.

    Raises:
        DnnExplainError: a curve has more places than values, or fewer.
    """
    made = tuple(Series(name, _floats(values), _floats(at)) for name, (at, values) in series.items())
    for item in made:
        _alike([item], len(item.x))
    return Chart(Kind.CURVES, title, x, y, made, levels=tuple(levels), places=tuple(places), steps=steps)


def scatter(series: Mapping[str, tuple[Any, Any]], x: Axis, y: Axis, *, title: str = "") -> Chart:
    """Points: per group its coordinates, ``[n]`` each.

    Raises:
        DnnExplainError: a group's coordinates differ in number.
    """
    made = tuple(Series(name, _floats(up), _floats(right)) for name, (right, up) in series.items())
    for item in made:
        _alike([item], len(item.x))
    return Chart(Kind.SCATTER, title, x, y, made)


def heat(
    grid: Any,
    rows: Iterable[Any],
    columns: Iterable[Any],
    value: Axis,
    *,
    x: Axis | None = None,
    y: Axis | None = None,
    title: str = "",
) -> Chart:
    """A heat map of ``[R, C]`` numbers with a name for each row (from the top) and column.

    Raises:
        DnnExplainError: the names do not fit the grid.
    """
    down, along = tuple(map(str, rows)), tuple(map(str, columns))
    cells = np.asarray(grid, dtype=np.float64)
    if cells.shape != (len(down), len(along)):
        msg = f"a heat map of {counted(len(down), 'row')} and {counted(len(along), 'column')} needs as many numbers, not {cells.shape}"
        raise DnnExplainError(msg)
    return Chart(Kind.HEAT, title, x or Axis(), y or Axis(), rows=down, columns=along, grid=cells, value=value)


def _alike(series: Sequence[Series], count: int) -> None:
    for item in series:
        for part in (item.y, item.low, item.high):
            if len(part) not in ({count} if part is item.y else {0, count}):
                msg = f"series {item.name!r} has {counted(len(part), 'value')} for {counted(count, 'place')}"
                raise DnnExplainError(msg)
