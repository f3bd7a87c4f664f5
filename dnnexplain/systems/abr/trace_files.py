"""Read links from files: Pensieve's two columns, Mahimahi's packet times, Sabre's JSON, tables of public measurements.

What is wrong in a file is mended where it can be and told in sentences, which travel with the trace.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, read_text
from dnnexplain.systems.abr.sabre_files import read_sabre
from dnnexplain.systems.abr.tables import Samples, read_table
from dnnexplain.systems.abr.traces import Trace

__all__ = ["FORMATS", "RATE_UNITS", "read_trace", "read_traces", "write_trace"]

Floats = NDArray[np.float64]
RATE_UNITS: dict[str, float] = {"Mb/s": 1.0, "kb/s": 1e-3, "b/s": 1e-6, "kB/s": 8e-3, "B/s": 8e-6, "MB/s": 8.0}
"""Factors to Mbit/s."""

FORMATS = ("auto", "pensieve", "mahimahi", "sabre", "table")
_PACKET_MBIT = 1500 * 8 / 1e6
_BIN_MS = 500.0
_FAST_MBPS, _MOST_MBPS = 200.0, 2000.0
_DEAD_AIR = 30.0
_NO_SECONDS = 10_000.0
_LONG_GAP = 600.0
_MOST_FILES = 20_000


def read_traces(
    path: str | Path, *, limit: int | None = None, form: str = "auto", unit: str | None = None
) -> tuple[list[Trace], str]:
    """Every link of a folder, by name and in the order of names, or the one of a file; and what was done, in sentences.

    Args:
        path: a file, or a folder whose files (not those that begin with a dot) are links.
        limit: at most so many, the first ones.
        form: one of :data:`FORMATS`; ``"auto"`` looks at the content.
        unit: of the throughputs, one of :data:`RATE_UNITS`; told from header or size if not given.

    Raises:
        DnnExplainError: nothing there, or nothing in it is a link; a file of a folder that is none is named and left out.
    """
    folder = Path(path)
    if not folder.is_dir():
        links = _links(folder, form, unit)[:limit]
        return links, _summary(links, [])
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    if len(files) > _MOST_FILES:
        msg = f"{folder} holds {counted(len(files), 'file')}; at most {_MOST_FILES} are read as one workload set"
        raise DnnExplainError(msg)
    traces: list[Trace] = []
    refused: list[str] = []
    for file in files:
        if limit is not None and len(traces) >= limit:
            break
        try:
            traces += _links(file, form, unit)
        except DnnExplainError as error:
            refused.append(f"{file.name} was left out: {error}")
    traces = traces[:limit]
    if not traces:
        why = f"; the first: {refused[0]}" if refused else ""
        msg = f"{folder} holds no file that is a link's throughput{why}"
        raise DnnExplainError(msg)
    return traces, _summary(traces, refused)


def _summary(traces: list[Trace], refused: list[str]) -> str:
    mended: dict[str, list[str]] = {}
    for trace in traces:
        for note in trace.notes:
            mended.setdefault(note.partition(": ")[2] or note, []).append(trace.name)
    lines = [f"{len(traces)} {'link was' if len(traces) == 1 else 'links were'} read."]
    for note, names in mended.items():
        who = names[0] if len(names) == 1 else f"{len(names)} links ({names[0]}, ...)"
        lines.append(f"{who}: {note}")
    shown = refused[:3]
    if len(refused) > len(shown):
        shown.append(f"{counted(len(refused) - len(shown), 'more file')} were left out for such reasons.")
    return " ".join([*lines, *shown])


def read_trace(path: str | Path, *, form: str = "auto", unit: str | None = None) -> Trace:
    """The link of a file, or its first; see :func:`read_traces`. Its name is the file's.

    Raises:
        DnnExplainError: the file cannot be read or is no link's throughput.
    """
    return _links(Path(path), form, unit)[0]


def write_trace(trace: Trace, path: Path) -> None:
    """Write a link as two columns, seconds and Mbit/s, to the last digit (the form of Pensieve's traces)."""
    rows = zip(trace.seconds.tolist(), trace.mbps.tolist(), strict=True)
    path.write_text("".join(f"{second!r} {rate!r}\n" for second, rate in rows))


def _links(file: Path, form: str, unit: str | None) -> list[Trace]:
    if form not in FORMATS:
        raise Choice("format of traces", form, FORMATS).error()
    if unit is not None and unit not in RATE_UNITS:
        raise Choice("unit of throughput", unit, tuple(RATE_UNITS)).error()
    text = read_text(file, "a link's throughput")
    lines = [line for line in text.splitlines() if line.strip()]
    check_count(len(lines), file, "samples")
    if not lines:
        msg = f"{file.name} is empty; a link needs at least two samples of time and throughput"
        raise DnnExplainError(msg)
    chosen = _recognise(lines) if form == "auto" else form
    if chosen == "sabre":
        return [_clean(read_sabre(file.name, text), unit)]
    try:
        return [_clean(samples, unit) for samples in _READERS[chosen](file.name, lines)]
    except DnnExplainError:
        _refuse_decimal_commas(file.name, lines)
        raise


def _refuse_decimal_commas(name: str, lines: list[str]) -> None:
    """Why a file was no link's, where its cells, parted by blanks, tabs or semicolons, have a comma before the decimals."""
    for line in lines:
        cells = re.split(r"[\s;]+", line.strip())
        comma = next((cell for cell in cells if re.fullmatch(r"[-+]?\d+,\d+", cell)), None)
        if comma is not None and len(cells) > 1:
            point = comma.replace(",", ".")
            msg = f"{name} has numbers with a decimal comma ({comma}); write them with a point: {point}"
            raise DnnExplainError(msg)


def _recognise(lines: list[str]) -> str:
    """By content: JSON is Sabre's, a table has a header or commas, Mahimahi one whole number a line, Pensieve two numbers."""
    if lines[0].lstrip()[0] in "[{":
        return "sabre"
    first = next((line for line in lines if not line.lstrip().startswith("#")), lines[0])
    parts = first.replace(",", " ").replace(";", " ").split()
    if any(not _is_number(part) for part in parts) or len(parts) > 2:
        return "table"
    return "mahimahi" if len(parts) == 1 else "pensieve"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(name: str, lines: Iterable[str], columns: int) -> tuple[Floats, int]:
    """Rows of numbers ``[n, columns]``, and how many lines were none."""
    rows: list[list[float]] = []
    odd = 0
    for line in lines:
        if line.lstrip().startswith("#"):
            continue
        parts = line.replace(",", " ").replace(";", " ").split()[:columns]
        if len(parts) == columns and all(_is_number(part) for part in parts):
            rows.append([float(part) for part in parts])
        else:
            odd += 1
    if not rows:
        msg = f"{name} has no line of {columns} number{'s' if columns > 1 else ''}"
        raise DnnExplainError(msg)
    return np.array(rows), odd


def _pensieve(name: str, lines: list[str]) -> list[Samples]:
    rows, odd = _numbers(name, lines, 2)
    notes = [f"{name}: {counted(odd, 'line was', 'lines were')} not two numbers and left out."] if odd else []
    return [Samples(name, rows[:, 0], rows[:, 1], notes=notes)]


def _mahimahi(name: str, lines: list[str]) -> list[Samples]:
    """Times in ms at which a packet of 1500 bytes may leave, counted in half seconds."""
    rows, odd = _numbers(name, lines, 1)
    notes = [f"{name}: {counted(odd, 'line was', 'lines were')} no number and left out."] if odd else []
    times = rows[:, 0][np.isfinite(rows[:, 0])]
    if (times < 0).any() or not len(times):
        msg = f"{name} was read as Mahimahi's packet times, which are milliseconds from 0 on; it has {times.min(initial=0):g}"
        raise DnnExplainError(msg)
    if (np.diff(times) < 0).any():
        times = np.sort(times)
        notes.append(f"{name}: packet times ran backwards and were sorted.")
    if times[-1] > 1e9:
        msg = f"{name} was read as Mahimahi's packet times in ms; {times[-1]:g} ms is more than 11 days"
        raise DnnExplainError(msg)
    bins = max(1, math.ceil((times[-1] + 1e-9) / _BIN_MS))
    packets = np.bincount(np.minimum((times / _BIN_MS).astype(np.int64), bins - 1), minlength=bins)
    ends = np.minimum(np.arange(1, bins + 1) * _BIN_MS, max(times[-1], 1.0)) / 1000.0
    widths = np.diff(np.concatenate([[0.0], ends]))
    rates = packets * _PACKET_MBIT / np.maximum(widths, 1e-3)
    notes.append(f"{name}: Mahimahi's packet times were counted in half seconds, 1500 bytes a packet.")
    shown = np.concatenate([[0.0], ends]), np.concatenate([rates[:1], rates])
    return [Samples(name, *shown, clock=True, notes=notes)]


_READERS: dict[str, Callable[[str, list[str]], list[Samples]]] = {
    "pensieve": _pensieve, "mahimahi": _mahimahi, "table": read_table,
}  # fmt: skip


def _clean(samples: Samples, unit: str | None) -> Trace:
    """A trace from samples with their dirt: everything that is done is told."""
    name, notes = samples.name, list(samples.notes)
    seconds, rates = samples.seconds.astype(np.float64), samples.rates.astype(np.float64)
    good = np.isfinite(seconds) & np.isfinite(rates) & (rates >= 0)
    if not good.all():
        lost = int((~good).sum())
        notes.append(f"{name}: {counted(lost, 'sample was', 'samples were')} negative or no number and left out.")
        seconds, rates = seconds[good], rates[good]
    if len(seconds) < 2:
        msg = f"{name} has {counted(len(seconds), 'usable sample', 'usable samples')} of throughput; a link needs at least two"
        raise DnnExplainError(msg)
    seconds, rates = _in_order(samples, seconds, rates, notes)
    rates = rates * _factor(name, rates, unit, samples.unit, notes)
    gaps = np.diff(seconds)
    if gaps.max() > _LONG_GAP:
        notes.append(
            f"{name}: one gap between samples is {gaps.max():,.0f} s; the throughput after it holds for all of it."
        )
    longest = _longest_silence(gaps, rates[1:])
    if longest > _DEAD_AIR:
        notes.append(f"{name}: the link carries nothing for {longest:,.0f} s on end.")
    return Trace(name, seconds, rates, tuple(notes))


def _in_order(samples: Samples, seconds: Floats, rates: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Times from 0 on (or near it) that do not fall; clocks in ms, epochs and steps backwards are mended."""
    name, back = samples.name, int((np.diff(seconds) < 0).sum())
    if back:
        order = np.argsort(seconds, kind="stable")
        seconds, rates = seconds[order], rates[order]
        notes.append(f"{name}: time ran backwards {counted(back, 'time', 'times')}; the samples were sorted by time.")
    if seconds[0] < 0 or seconds[0] > 60.0:
        notes.append(f"{name}: its clock begins at {seconds[0]:,.0f}, which was taken for 0.")
        seconds = seconds - seconds[0]
    step = float(np.median(np.diff(seconds)))
    if not samples.clock and step >= 100.0 and seconds[-1] - seconds[0] >= _NO_SECONDS:
        notes.append(f"{name}: samples are {step:,.0f} apart, so that times were taken for milliseconds.")
        seconds = seconds / 1000.0
    if seconds[-1] - seconds[0] <= 0:
        msg = f"all samples of {name} have the same time; a link needs throughput over time"
        raise DnnExplainError(msg)
    return seconds, rates


def _factor(name: str, rates: Floats, unit: str | None, unit_said: str, notes: list[str]) -> float:
    """To Mbit/s: the unit asked for, else the one that the file tells, else Mbit/s unless that cannot be."""
    if unit is not None:
        return RATE_UNITS[unit]
    middle = float(np.median(rates[rates > 0])) if (rates > 0).any() else 0.0
    factor = RATE_UNITS[unit_said]
    if middle * factor > _MOST_MBPS:
        for guess in ("kb/s", "b/s"):
            if middle * RATE_UNITS[guess] <= _MOST_MBPS:
                notes.append(
                    f"{name}: a median of {middle:,.0f} cannot be {unit_said}, so that it was taken for {guess}; name the unit to be sure."
                )
                return RATE_UNITS[guess]
        msg = f"{name}: a median throughput of {middle:g} is no link's in any unit (at most {_MOST_MBPS:,.0f} Mb/s is read)"
        raise DnnExplainError(msg)
    if middle * factor > _FAST_MBPS:
        notes.append(
            f"{name}: a median of {middle:,.0f} was taken for {unit_said}, a very fast link; if it is kb/s, name the unit."
        )
    return factor


def _longest_silence(gaps: Floats, rates: Floats) -> float:
    """Seconds of the longest run without any throughput."""
    longest = running = 0.0
    for gap, rate in zip(gaps, rates, strict=True):
        running = running + float(gap) if rate == 0 else 0.0
        longest = max(longest, running)
    return longest
