"""Days from a cell's log: a table with a time, and congestion, sessions and efficiency in each period."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, csv_rows, read_text
from dnnexplain.systems.cellular.days import AHEAD, Day, day_of

__all__ = ["NAMES", "read_days"]

Floats = NDArray[np.float64]

NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "date"),
    "congestion": ("congestion", "rb_down", "load", "utilisation", "utilization"),
    "sessions": ("sessions", "rnti_count", "users"),
    "efficiency": ("efficiency", "mcs_down", "spectral_efficiency", "mcs"),
}
"""Columns by the names that logs give them, the first that is there; ``rb_down``, ``rnti_count`` and ``mcs_down`` are
the share of resource blocks, the number of users' ids and the modulation index of decoded LTE control channels."""

LONGEST_GAP = 15.0
"""Minutes: a longer hole in a log is not bridged, and its day is left out."""
LONGEST_PERIOD = 30.0
"""Minutes: a log that is coarser says nothing of minutes."""
MOST_FILLED = 0.2
"""Share of a day's minutes, those before and after it included, that holes may take in all: a day with more is left out."""
BUSY_SHARE = 99.0
"""Percentile of congestion that is scaled to ``busy``."""


@dataclass(frozen=True, eq=False)
class _Log:
    """Rows in order of time: minutes since the epoch ``[N]`` and series by name ``[N]``; and what was done, in sentences."""

    minutes: Floats
    series: dict[str, Floats]
    notes: list[str]


def read_days(
    path: str | Path,
    *,
    history: int,
    start: float,
    minutes: int,
    error: float,
    limit: int | None = None,
    busy: float = 0.8,
    seed: int = 0,
    time_column: str | None = None,
    congestion_column: str | None = None,
    sessions_column: str | None = None,
    efficiency_column: str | None = None,
) -> tuple[Sequence[Day], str]:
    """The whole days of a log, in order of time, and what was done to read them.

    A log of another period than a minute is interpolated (or averaged, if it is finer); holes of up to 15 minutes
    are bridged by straight lines, days with longer ones, or with more than a fifth of their minutes in holes, left out;
    what was done is said. Congestion is scaled so that its 99th
    percentile is ``busy``: recorded cells are often nearly empty, and then anything may be sent at any time.
    Sessions and efficiency become multiples of their medians. Forecasts are drawn as for generated days.

    Args:
        path: values with a header, separated by commas, semicolons or tabs.
        history, start, minutes, error: of the system that the days are for.
        limit: at most so many days.
        busy: the share of capacity of the busiest percent of minutes; 0: congestion is a share already.
        seed: of the forecasts' errors.
        time_column, congestion_column, sessions_column, efficiency_column: where they have none of the names in :data:`NAMES`.

    Raises:
        DnnExplainError: no table, no time or congestion, or no whole day.
    """
    where = Path(path)
    columns = (time_column, congestion_column, sessions_column, efficiency_column)
    log = _read_log(where, dict(zip(NAMES, columns, strict=True)))
    grid, series, holes, bridged = _by_minute(log)
    series = _scaled(series, busy, log.notes)
    days: list[Day] = []
    skipped = thin = filled = 0
    for first in _beginnings(grid, history, start, minutes):
        if limit is not None and len(days) >= limit:
            break
        part = slice(first, first + history + minutes + AHEAD)
        if holes[part].any():
            skipped += 1
            continue
        if bridged[part].mean() > MOST_FILLED:
            thin += 1
            continue
        filled += int(bridged[part].sum())
        date = datetime.fromtimestamp(grid[first + history] * 60, UTC).strftime("%Y-%m-%d")
        rng = np.random.default_rng([seed, int(grid[first])])
        cut = {name: values[part] for name, values in series.items()}
        days.append(day_of(cut, history, start, error, rng, f"{where.stem} {date}"))
    if skipped:
        log.notes.append(f"{counted(skipped, 'day')} with a hole of more than {LONGEST_GAP:g} minutes left out")
    if thin:
        log.notes.append(f"{counted(thin, 'day')} with more than {MOST_FILLED:.0%} of the minutes in holes left out")
    if filled:
        log.notes.append(f"{counted(filled, 'minute')} of the days that are read filled by straight lines")
    if not days:
        msg = (
            f"{where.name} holds no whole day of {counted(minutes, 'minute')} from {start:g} h on (with {counted(history, 'minute')} before and "
            f"{AHEAD} after it): {'; '.join(log.notes) or 'it is too short'}"
        )
        raise DnnExplainError(msg)
    words = "; ".join(log.notes) or "taken as it is"
    return days, f"{where.name}: {counted(len(days), 'day')}. {words[0].upper()}{words[1:]}."


def _read_log(path: Path, named: Mapping[str, str | None]) -> _Log:
    text = read_text(path, "a cell's log")
    rows = iter(csv_rows(io.StringIO(text), path, _separator(text)))
    header = [name.strip() for name in next(rows, [])]
    columns = _columns(path, header, named)
    kept: list[list[float]] = []
    bad = 0
    for row in rows:
        if not row:
            continue
        numbers = _numbers(row, columns)
        if numbers is None:
            bad += 1
        else:
            kept.append(numbers)
    check_count(len(kept), path, "rows")
    notes = [f"{counted(bad, 'row')} without a time or a number left out"] if bad else []
    missing = [name for name in ("sessions", "efficiency") if name not in columns]
    if missing:
        notes.append(f"no column of {' or '.join(missing)}: taken as typical all day")
    if len(kept) < 2:
        msg = (
            f"{path.name} holds {counted(len(kept), 'row')} with a time (2018-03-28 15:56, or seconds since 1970) and a "
            f"congestion; a day needs many. {'; '.join(notes)}"
        ).strip()
        raise DnnExplainError(msg)
    return _ordered(np.array(kept), list(columns), notes)


def _separator(text: str) -> str:
    """What parts the names of the first line: the most frequent of comma, semicolon and tab."""
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)


def _columns(path: Path, header: list[str], named: Mapping[str, str | None]) -> dict[str, int]:
    """Where each quantity stands in a row; those that may be missing are left out if they are."""
    lower = [name.lower() for name in header]
    places: dict[str, int] = {}
    for quantity, usual in NAMES.items():
        name = named[quantity]
        if name and name not in header:
            raise Choice(f"column in {path.name}", name, tuple(header)).error()
        result = [header.index(name)] if name else [lower.index(item) for item in usual if item in lower]
        if result:
            places[quantity] = result[0]
        elif quantity in {"time", "congestion"}:
            shown = ", ".join(header[:12]) or "nothing"
            msg = (
                f"{path.name} has no column of {quantity} (one of {', '.join(usual)}); it has: {shown}. Name it: "
                f"{quantity}_column=NAME (--{quantity}-column NAME)"
            )
            raise DnnExplainError(msg)
    return places


def _numbers(row: list[str], columns: Mapping[str, int]) -> list[float] | None:
    """Time in minutes and the other numbers; ``None`` if one is missing, no number, or below 0."""
    try:
        numbers = [_time(row[place]) if name == "time" else float(row[place]) for name, place in columns.items()]
    except (ValueError, IndexError, OverflowError):
        return None
    return numbers if all(np.isfinite(number) and number >= 0 for number in numbers) else None


def _time(text: str) -> float:
    """Minutes since 1970 from ISO 8601 (also with slashes) or seconds; a time zone is taken off, so that hours are the log's own."""
    try:
        return float(text) / 60
    except ValueError:
        return datetime.fromisoformat(text.strip().replace("/", "-")).replace(tzinfo=UTC).timestamp() / 60


def _ordered(table: Floats, names: list[str], notes: list[str]) -> _Log:
    """Rows in order of time, those of one time averaged."""
    if (np.diff(table[:, 0]) < 0).any():
        notes.append("rows put in order of time")
        table = table[np.argsort(table[:, 0], kind="stable")]
    times, place, counts = np.unique(table[:, 0], return_inverse=True, return_counts=True)
    if len(times) < len(table):
        notes.append(f"{counted(len(table) - len(times), 'row')} of a time that was there already averaged with it")
    series = {
        name: np.bincount(place, weights=table[:, column]) / counts for column, name in enumerate(names) if column > 0
    }
    return _Log(times, series, notes)


def _by_minute(log: _Log) -> tuple[Floats, dict[str, Floats], NDArray[np.bool_], NDArray[np.bool_]]:
    """The log on a grid of minutes: times ``[M]``, series, and whether a minute lies in a hole.

    Returns:
        Of the holes those that are too long ``[M]``, and those that are bridged ``[M]``.
    """
    if len(log.minutes) < 2:
        msg = "all rows of the log have the same time; a day needs many"
        raise DnnExplainError(msg)
    gaps = np.diff(log.minutes)
    period = float(np.median(gaps))
    if period > LONGEST_PERIOD:
        msg = f"a log with a row every {period:g} minutes says nothing of minutes; at most {LONGEST_PERIOD:g} are taken"
        raise DnnExplainError(msg)
    grid = np.arange(np.floor(log.minutes[0]), np.floor(log.minutes[-1]) + 1)
    times, series = log.minutes, log.series
    if period < 1:
        log.notes.append(f"rows every {period * 60:.3g} seconds averaged to minutes")
        whole, place, counts = np.unique(np.floor(times), return_inverse=True, return_counts=True)
        series = {name: np.bincount(place, weights=values) / counts for name, values in series.items()}
        times = whole
    elif period != 1:
        log.notes.append(f"rows every {period:g} minutes interpolated to minutes")
    filled = {name: np.interp(grid, times, values) for name, values in series.items()}
    long = np.diff(times) > max(LONGEST_GAP, period)
    short = (np.diff(times) > 1.5 * max(period, 1)) & ~long
    if short.any():
        log.notes.append(f"{counted(int(short.sum()), 'hole')} of up to {LONGEST_GAP:g} minutes bridged")
    after = np.clip(np.searchsorted(times, grid, side="left"), 1, len(times) - 1)
    between = (times[after] != grid) & (times[after - 1] != grid)
    for name in ("sessions", "efficiency"):
        filled.setdefault(name, np.ones(len(grid)))
    return grid, filled, long[after - 1] & between, short[after - 1] & between


def _scaled(series: dict[str, Floats], busy: float, notes: list[str]) -> dict[str, Floats]:
    """Congestion as a share of capacity, sessions and efficiency as multiples of their medians."""
    own = series["congestion"]
    top = float(np.percentile(own, BUSY_SHARE))
    if busy and top > 0:
        notes.append(
            f"congestion multiplied by {busy / top:.3g}, so that its 99th percentile, {top:.3g}, is {busy:g} of capacity"
        )
        own = own * (busy / top)
    elif own.max() > 1:
        msg = f"congestion must be a share of capacity, 0 to 1, but reaches {own.max():g}; let it be scaled (busy=0.8)"
        raise DnnExplainError(msg)
    scaled = {"own": own}
    for name in ("sessions", "efficiency"):
        middle = float(np.median(series[name]))
        scaled[name] = series[name] / middle if middle > 0 else np.ones_like(own)
    return scaled


def _beginnings(grid: Floats, history: int, start: float, minutes: int) -> list[int]:
    """Where in the grid the history of each whole day begins."""
    offset = round(start * 60) - history
    first = int(np.ceil((grid[0] - offset) / (24 * 60))) * 24 * 60 + offset
    last = grid[-1] - (history + minutes + AHEAD) + 1
    return [int(at - grid[0]) for at in np.arange(first, last + 1, 24 * 60)]
