"""Changing traffic for searches: demands of some pairs, in all matrices of a case or in one of them, within limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Limits, settled_limits
from dnnexplain.contract import table_from_json as read_table
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.records import from_records, record_knobs, to_records
from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["change", "cross", "from_json", "redraw", "reshape", "to_json"]

Floats = NDArray[np.float64]
LARGE = 6
"""Most changes that make a start for searches far from the given traffic."""


def change(paths: PathSet, case: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
    """Traffic near the given one: in one to three ways some demands differ.

    Raises:
        DnnExplainError: an unknown name among the limits, or limits that leave nothing.
    """
    return _changed(paths, case, rng, limits, min(3, int(rng.geometric(0.5))))


def reshape(paths: PathSet, case: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
    """Traffic far from the given one, by several changes."""
    return _changed(paths, case, rng, limits, int(rng.integers(2, LARGE + 1)))


def redraw(paths: PathSet, case: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
    """Every demand of every matrix drawn uniformly within the limits."""
    table = to_records(case)
    return _made(paths, rng.uniform(*_span(paths, case, limits), table.shape))


def cross(paths: PathSet, traffic_case: TrafficCase, two: TrafficCase, rng: np.random.Generator) -> TrafficCase:
    """Traffic in which some pairs want, at all times, what they want in another case."""
    theirs = rng.random(len(traffic_case.demands)) < rng.uniform(0.1, 0.9)
    return _made(paths, np.where(theirs, to_records(two), to_records(traffic_case)))


def to_json(paths: PathSet, case: TrafficCase) -> dict[str, Any]:
    """``{"columns": [...], "matrices": [[...], ...]}``: a row per matrix, the one to route last."""
    return {"columns": [knob.name for knob in record_knobs(paths)], "matrices": to_records(case).tolist()}


def from_json(paths: PathSet, data: Mapping[str, Any], history: int) -> TrafficCase:
    """The inverse of :func:`to_json`.

    Raises:
        DnnExplainError: something is missing, or it is traffic of another topology or history.
    """
    return from_records(read_table(data, "matrices", len(paths.pairs), "traffic"), paths, history)


def _span(paths: PathSet, case: TrafficCase, limits: Limits) -> tuple[float, float]:
    """By default from nothing to the largest demand of the case: its shape is searched, not its size."""
    most = float(record_knobs(paths)[0].high)
    largest = float(to_records(case).max()) or most
    return settled_limits(limits, {"demand": (0.0, largest)}, {"demand": (0.0, most)}, "traffic")["demand"]


def _changed(paths: PathSet, case: TrafficCase, rng: np.random.Generator, limits: Limits, times: int) -> TrafficCase:
    low, high = _span(paths, case, limits)
    table = to_records(case)
    for _ in range(times):
        pairs = rng.choice(table.shape[1], size=min(table.shape[1], int(rng.geometric(0.3))), replace=False)
        row = int(rng.integers(len(table)))
        rows = slice(None) if rng.random() < 0.5 else slice(row, row + 1)
        move = _MOVES[int(rng.integers(len(_MOVES)))]
        table[rows, pairs] = np.clip(move(table[rows, pairs], rng, low, high), low, high)
    return _made(paths, table)


def _level(values: Floats, rng: np.random.Generator, low: float, high: float) -> Floats:
    return np.full_like(values, rng.uniform(low, high))


def _least_or_most(values: Floats, rng: np.random.Generator, low: float, high: float) -> Floats:
    return np.full_like(values, rng.choice([low, high]))


def _scaled(values: Floats, rng: np.random.Generator, low: float, high: float) -> Floats:
    del low, high
    return np.multiply(values, np.exp(rng.normal(0.0, 0.7)))


def _exchanged(values: Floats, rng: np.random.Generator, low: float, high: float) -> Floats:
    del low, high
    exchanged: Floats = values[:, rng.permutation(values.shape[1])]
    return exchanged


_MOVES: tuple[Callable[[Floats, np.random.Generator, float, float], Floats], ...] = (
    _level,
    _least_or_most,
    _scaled,
    _exchanged,
)
"""What may happen to the demands of some pairs ``[R, N]``."""


def _made(paths: PathSet, table: Floats) -> TrafficCase:
    return from_records(table, paths, len(table) - 1)
