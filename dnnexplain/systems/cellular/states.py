"""States of a cell in words and JSON, reference states, and what rules may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.numbers import share
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.layout import WINDOWS, Layout

__all__ = ["CellFeatures", "describe_values", "values_from_json", "values_to_json", "without_parts"]

Floats = NDArray[np.float64]

_SERIES = ("congestion", "sessions", "efficiency", "forecast")


def values_to_json(layout: Layout, values: Floats) -> dict[str, Any]:
    """``{"time of day": 9.5, "our load": 0.1, "congestion": [newest, ..., oldest], ..., "forecast": [...]}``."""
    return {
        "time of day": float(values[layout.time]),
        "our load": float(values[layout.load]),
        **{name: [float(value) for value in values[getattr(layout, name)]] for name in _SERIES},
    }


def values_from_json(layout: Layout, data: Mapping[str, Any]) -> Floats:
    """The inverse ``[K]``; what is not named has its default.

    Raises:
        DnnExplainError: an unknown field, or one that does not hold the numbers that it should.
    """
    knobs = layout.knobs()
    row = np.array([knob.start for knob in knobs])
    places = {"time of day": slice(0, 1), "our load": slice(1, 2)} | {name: getattr(layout, name) for name in _SERIES}
    for name, given in data.items():
        if name not in places:
            raise Choice("field of a state", str(name), tuple(places)).error()
        place = places[name]
        numbers = given if isinstance(given, list | tuple) else [given]
        count = place.stop - place.start
        plain = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
        if len(numbers) != count or not plain or not np.isfinite(np.array(numbers, dtype=np.float64)).all():
            what = "a number" if count == 1 else f"a list of {count} numbers, newest first"
            msg = f"{name!r} of a state must be {what if name != 'forecast' else f'a list of {count} numbers'}, not {given!r}"
            raise DnnExplainError(msg)
        row[place] = [knobs[place.start + k].snap(number) for k, number in enumerate(numbers)]
    return row


def describe_values(layout: Layout, values: Floats) -> str:
    """One sentence."""
    hour = float(values[layout.time])
    clock = f"{int(hour):02d}:{int(hour * 60 + 0.5) % 60:02d}"
    now = float(values[layout.congestion.start])
    ahead = values[layout.forecast]
    trend = "rises to" if ahead[-1] > ahead[0] + 0.02 else "falls to" if ahead[-1] < ahead[0] - 0.02 else "stays near"
    radio = float(values[layout.efficiency.start])
    return (
        f"At {clock} the cell was {share(now)} full in the last minute, {share(values[layout.load])} of its capacity being "
        f"ours; the forecast of its own traffic {trend} {share(ahead[-1])} within {WINDOWS[-1][1]} minutes; radio "
        f"conditions are {radio:.2f} times the typical."
    )


def without_parts(layout: Layout, observations: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """This state without our load, with a flat forecast, and with typical radio conditions ``[1, K]`` each."""
    ours, flat, typical = (observations.copy() for _ in range(3))
    ours[:, layout.congestion] = np.maximum(ours[:, layout.congestion] - ours[:, [layout.load]], 0)
    ours[:, layout.load] = 0
    own = np.clip(observations[:, [layout.congestion.start]] - observations[:, [layout.load]], 0, 1)
    flat[:, layout.forecast] = own
    typical[:, layout.efficiency] = 1
    return {"without our load": ours, "forecast as now": flat, "typical radio conditions": typical}


class CellFeatures:
    """Quantities that a controller's rules may speak of (``explain.distillation.Features``).

    Args:
        layout: of states.
        cell: its throughput model and limit.
    """

    def __init__(self, layout: Layout, cell: Cell) -> None:
        self.layout = layout
        self.cell = cell
        share = "of capacity"
        self.units: dict[str, str] = {
            "congestion": share,
            "our load": share,
            "own congestion": share,
            "forecast next minute": share,
            "forecast of half an hour": share,
            "rise within half an hour": share,
            "efficiency": "x typical",
            "sessions": "x typical",
            "throughput forecast": "Mb/s",
            "throughput above the limit": "Mb/s",
            "hour": "h",
        }
        self.names = tuple(self.units)
        self.moves: tuple[str, ...] = ()

    def __call__(self, observations: NDArray[Any]) -> Floats:
        """The quantities ``[B, F]``."""
        seen, at = np.asarray(observations, dtype=np.float64), self.layout
        load, congestion, radio = seen[:, at.load], seen[:, at.congestion.start], seen[:, at.efficiency.start]
        ahead = seen[:, at.forecast]
        lengths = np.array([last - first + 1 for first, last in WINDOWS])
        whole = ahead @ (lengths / lengths.sum())
        through = self.throughput(ahead[:, 0] + self.cell.keep * load, radio)
        columns = [
            congestion, load, congestion - load, ahead[:, 0], whole, ahead[:, -1] - ahead[:, 0], radio,
            seen[:, at.sessions.start], through, through - self.cell.limit, seen[:, at.time],
        ]  # fmt: skip
        return np.stack(columns, axis=1)

    def throughput(self, congestion: Floats, efficiency: Floats) -> Floats:
        """By the cell's model, Mb/s, same shape."""
        cell = self.cell
        if cell.throughput == "inverse":
            return np.asarray(cell.peak * efficiency * cell.knee / (cell.knee + congestion))
        return np.asarray(cell.peak * efficiency * np.maximum(1 - congestion, cell.floor))
