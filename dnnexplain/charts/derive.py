"""A picture of rows for people: what is drawn of a result that says no more than its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dnnexplain.charts.chart import Axis, Chart, bars

__all__ = ["from_table"]

MOST_SERIES = 3


def from_table(rows: Sequence[Mapping[str, Any]], title: str = "") -> Chart:
    """Bars of the columns that are numbers, at the first column that is text (or the rows' places).

    A single row without text becomes one bar per number.
    """
    texts = [name for name in _columns(rows) if all(isinstance(row.get(name), str) for row in rows)]
    numbers = [name for name in _columns(rows) if all(_is_number(row.get(name)) for row in rows)]
    if len(rows) == 1:
        return bars(numbers, {"value": [float(rows[0][name]) for name in numbers]}, Axis("value"), title=title)
    labels = [row[texts[0]] if texts else place for place, row in enumerate(rows)]
    shown = {name: [_float(row[name]) for row in rows] for name in numbers[:MOST_SERIES]}
    only = next(iter(shown)) if len(shown) == 1 else "value"
    return bars(labels, shown, Axis(only), x=Axis(texts[0] if texts else "row"), title=title)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(rows[0]) if rows else []


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
