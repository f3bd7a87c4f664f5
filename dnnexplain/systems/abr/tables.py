"""Tables of throughput as public measurements come in: FCC's broadband tests, HSDPA and 4G logs, 5G logs, own CSV."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import csv_rows

__all__ = ["Samples", "read_table"]

Floats = NDArray[np.float64]
_TIME = (
    "time",
    "timestamp",
    "t",
    "seconds",
    "sec",
    "s",
    "dtime",
    "date",
    "datetime",
    "timems",
    "ms",
    "elapsedms",
    "epoch",
)
_RATE = ("throughput", "bandwidth", "bw", "rate", "bitrate", "mbps", "kbps", "mbits", "kbits", "bytessec", "dlbitrate",
         "downlink", "goodput", "speed", "download")  # fmt: skip
_BYTES = ("bytes", "bytesreceived", "bytestotal", "nbytes")
_SPAN = ("elapsedms", "intervalms", "ms", "durationms", "fetchtime")
_UNITS = (
    ("Mb/s", r"mbps|mbit|mb/s|megabit"), ("kb/s", r"kbps|kbit|kb/s|dl_?bitrate|kilobit"),
    ("B/s", r"bytes_?/?(per)?_?sec|bytes/s|\bB/s"), ("b/s", r"\bbps|bit/s|bits_?per|\bb/s"),
)  # fmt: skip
_MOST_GROUPS = 5000


@dataclass
class Samples:
    """Raw samples of one link.

    Attributes:
        name: of the link; the file's, and what tells it from others in the file.
        seconds, rates: ``[n]``, rates in ``unit``.
        clock: whether the times are known to be seconds; else milliseconds are guessed by their size.
        notes: what was done, in sentences.
    """

    name: str
    seconds: Floats
    rates: Floats
    unit: str = "Mb/s"
    clock: bool = False
    notes: list[str] = field(default_factory=list)


def read_table(name: str, lines: Sequence[str]) -> list[Samples]:
    """The links of a table: one, or one for each unit and target of FCC's tests.

    Without a header, lines of six numbers are read as the HSDPA and 4G logs have them (Riiser et al. 2013, van
    der Hooft et al. 2016): epoch, ms, latitude, longitude, bytes, ms they took.

    Raises:
        DnnExplainError: no column is known as time or throughput.
    """
    rows = _split(name, lines)
    if all(_number(cell) is not None for cell in rows[0] if cell):
        return [_log(name, rows)]
    header = [_word(cell) for cell in rows[0]]
    if "bytessec" in header and {"unitid", "dtime"} <= set(header):
        return _broadband(name, header, rows[1:])
    return [_named(name, rows[0], header, rows[1:])]


def _split(name: str, lines: Sequence[str]) -> list[list[str]]:
    kept = [line for line in lines if not line.lstrip().startswith("#")]
    if not kept:
        return [[]]
    mark = max(",;\t", key=kept[0].count)
    if kept[0].count(mark) == 0:
        return [line.split() for line in kept]
    return [[cell.strip() for cell in row] for row in csv_rows(kept, name, mark)]


def _word(cell: str) -> str:
    return re.sub(r"\([^()]*\)|\[[^\[\]]*\]|[^a-z]", "", cell.lower())


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _time(cell: str) -> float:
    """Seconds from a number or a date; NaN if it is neither."""
    plain = _number(cell)
    if plain is not None:
        return plain
    for read in (datetime.fromisoformat, _dotted):
        try:
            moment = read(cell)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return math.nan


def _dotted(cell: str) -> datetime:
    """As 5G logs write it: ``2019.12.14_10.16.30``."""
    return datetime.strptime(cell, "%Y.%m.%d_%H.%M.%S").replace(tzinfo=UTC)


def _column(rows: Sequence[Sequence[str]], index: int, read: Callable[[str], float | None]) -> Floats:
    values = [read(row[index]) if index < len(row) else None for row in rows]
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _log(name: str, rows: list[list[str]]) -> Samples:
    if min(len(row) for row in rows) < 6:
        widths = sorted({len(row) for row in rows})
        msg = (
            f"{name} has lines of {' or '.join(map(str, widths))} numbers and no header; known are two numbers (time, "
            "throughput), six (an HSDPA or 4G log), or a table whose first line names its columns"
        )
        raise DnnExplainError(msg)
    elapsed, moved, took = (_column(rows, index, _number) for index in (1, 4, 5))
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(took > 0, moved * 8.0 / (took * 1000.0), math.nan)
    notes = [f"{name}: read as an HSDPA or 4G log, bytes over the ms they took."]
    return Samples(name, elapsed / 1000.0, rates, "Mb/s", clock=True, notes=notes)


def _broadband(name: str, header: list[str], rows: list[list[str]]) -> list[Samples]:
    """FCC's Measuring Broadband America, ``curr_webget.csv``: one link for each unit and target with enough samples."""
    unit, when, rate = (header.index(word) for word in ("unitid", "dtime", "bytessec"))
    target = header.index("target") if "target" in header else unit
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for row in rows:
        if len(row) > max(unit, when, rate, target):
            groups.setdefault((row[unit], row[target]), []).append(row)
    broadband = []
    for (device, place), own in sorted(groups.items())[:_MOST_GROUPS]:
        times = _column(own, when, _time)
        if len(own) < 2 or not np.nanmax(times) > np.nanmin(times):
            continue
        note = f"{name}: read as FCC's broadband tests, one link for each unit and target, bytes per second."
        label = f"{name}, unit {device}" + (f", {place}" if place != device else "")
        broadband.append(Samples(label, times, _column(own, rate, _number), "B/s", clock=True, notes=[note]))
    if not broadband:
        msg = f"{name} looks like FCC's broadband tests, but no unit and target has two samples at different times"
        raise DnnExplainError(msg)
    return broadband


def _named(name: str, titles: Sequence[str], header: list[str], rows: list[list[str]]) -> Samples:
    when = _find(header, _TIME)
    rate = _find(header, _RATE)
    moved, took = _find(header, _BYTES), _find(header, _SPAN)
    if when is None or (rate is None and (moved is None or took is None)):
        msg = (
            f"{name}: no column is known as {'time' if when is None else 'throughput'} (its columns are "
            f"{', '.join(titles)[:200]}); call them time and throughput (Mb/s)"
        )
        raise DnnExplainError(msg)
    times = _column(rows, when, _time)
    known = header[when] in {"timems", "ms", "elapsedms"} or bool(re.search(r"\bms\b|milli", titles[when].lower()))
    notes: list[str] = []
    if known:
        times = times / 1000.0
    if rate is None:
        assert moved is not None
        assert took is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = _column(rows, moved, _number) * 8e-3 / _column(rows, took, _number)
        return Samples(name, times, rates, "Mb/s", clock=known, notes=notes)
    values, unit = _column(rows, rate, _number), _unit(titles[rate])
    if not unit:
        notes.append(f"{name}: the column {titles[rate]!r} names no unit, so that Mb/s was assumed.")
    return Samples(name, times, values, unit or "Mb/s", clock=known, notes=notes)


def _find(header: list[str], words: Sequence[str]) -> int | None:
    """The first column that is called by a known word, or that begins with one of several letters."""
    for word in words:
        if word in header:
            return header.index(word)
    for place, cell in enumerate(header):
        if any(len(word) > 3 and cell.startswith(word) for word in words):
            return place
    return None


def _unit(title: str) -> str:
    for unit, pattern in _UNITS:
        if re.search(pattern, title, re.IGNORECASE if unit in {"Mb/s", "kb/s"} or "bytes" in pattern else 0):
            return unit
    return ""
