"""What happens to a cell: days for stress tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cellular.days import Day
from dnnexplain.systems.cellular.layout import EFFICIENCY
from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["bad_radio", "flash_crowd", "neighbour_fails", "stadium_day"]

Floats = NDArray[np.float64]


def stadium_day(system: CellularSystem, count: int, seed: int) -> list[Day]:
    """A match with a crowd of 0.6 of the capacity."""
    return list(system.workloads("stadium", count, seed, crowd=0.6))


def flash_crowd(system: CellularSystem, count: int, seed: int) -> list[Day]:
    """0.4 of the capacity more for half an hour; forecasts know nothing of it."""

    def crowd(day: Day, rng: np.random.Generator) -> Day:
        since = _minutes(day) - int(rng.integers(0, max(1, day.minutes - 30)))
        added = 0.4 * np.clip((since + 1) / 3, 0, 1) * (since < 30) * (since >= 0)
        return replace(day, own=_single(np.clip(day.own + added, 0, 1)))

    return _changed(system, count, seed, crowd)


def neighbour_fails(system: CellularSystem, count: int, seed: int) -> list[Day]:
    """Half as much again from a random minute on; forecasts are made of it from half an hour later on."""

    def more(day: Day, rng: np.random.Generator) -> Day:
        first = int(rng.integers(0, max(1, day.minutes // 2)))
        own = np.where(_minutes(day) >= first, 1.5, 1.0) * day.own
        known = np.where(np.arange(day.minutes) >= first + 30, 1.5, 1.0)[:, None] * day.forecast
        return replace(day, own=_single(np.clip(own, 0, 1)), forecast=_single(np.clip(known, 0, 1)))

    return _changed(system, count, seed, more)


def bad_radio(system: CellularSystem, count: int, seed: int) -> list[Day]:
    """Half the efficiency for three hours."""

    def worse(day: Day, rng: np.random.Generator) -> Day:
        since = _minutes(day) - int(rng.integers(0, max(1, day.minutes - 180)))
        factor = np.where((since >= 0) & (since < 180), 0.5, 1.0)
        return replace(day, efficiency=_single(np.clip(day.efficiency * factor, *EFFICIENCY)))

    return _changed(system, count, seed, worse)


def _minutes(day: Day) -> NDArray[np.int64]:
    """The minute of each entry of the series ``[H + T]``; 0 is the day's first."""
    return np.arange(len(day.own)) - day.history


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)


def _changed(
    system: CellularSystem, count: int, seed: int, change: Callable[[Day, np.random.Generator], Day]
) -> list[Day]:
    days = system.workloads("diurnal", count, seed)
    return [
        change(day, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, 1))))
        for place, day in enumerate(days)
    ]
