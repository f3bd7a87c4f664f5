"""A picture of rows for people: what is drawn of a result that says no more than its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dnnexplain.charts.chart import Axis, Chart, bars

__all__ = ["from_table"]


def from_table(rows: Sequence[Mapping[str, Any]], title: str = "") -> Chart:
    """Bars of the first column that is measured, at the first column that is text (or the rows' places).

    One column alone: others have units of their own, and would stand on an axis that is not theirs. Columns ``low`` and
    ``high`` are its interval. A column of counts is drawn where nothing else is a number. A single row becomes one bar
    per number.
    """
    texts = [name for name in _columns(rows) if all(isinstance(row.get(name), str) for row in rows)]
    numbers = [name for name in _columns(rows) if all(_is_number(row.get(name)) for row in rows)]
    if len(rows) == 1:
        return bars(numbers, {"value": [float(rows[0][name]) for name in numbers]}, Axis("value"), title=title)
    labels = [row[texts[0]] if texts else place for place, row in enumerate(rows)]
    shown = {name: [_float(row[name]) for row in rows] for name in numbers}
    only = _drawn(rows, numbers)
    ends = {only: (shown["low"], shown["high"])} if only not in _ENDS and shown.keys() >= _ENDS else {}
    series = {only: shown[only]} if only else {}
    what = Axis(texts[0] if texts else "row")
    return bars(labels, series, Axis(only or "value"), x=what, title=title, intervals=ends)


_ENDS = {"low", "high"}


def _drawn(rows: Sequence[Mapping[str, Any]], numbers: Sequence[str]) -> str:
    """The column that is drawn: the first one of measured numbers, else the first of counts; none if there is none."""
    measured = [name for name in numbers if any(isinstance(row[name], float | np.floating) for row in rows)]
    return next(iter([*measured, *numbers]), "")


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(rows[0]) if rows else []


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
