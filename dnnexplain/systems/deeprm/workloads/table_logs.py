"""Logs of schedulers as tables: one line per job, any column names, told which column is what.

Slurm's ``sacct --parsable2`` (``|`` between columns) is known by its header, the public traces by the number of their
columns, which have no header: Alibaba's ``batch_task`` of 2018 (9) and Google's ``task_events`` of 2011 (13), whose
lines are events and are paired (scheduled, then ended). For any other table ``columns`` says it::

    submit=queued, start=began, end=done:ms, cpus=cores, memory=ram:MB

A column is given by its name, or by its number from 1 where there is no header. What it is measured in stands behind
a colon (:data:`UNITS`). ``run`` may stand for ``start`` and ``end``. The table becomes a :class:`SwfLog`, so that all
that is known of mapping logs holds here too. What is assumed is in the log's notes.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, csv_rows, read_text
from dnnexplain.systems.deeprm.workloads.swf import COLUMNS, SwfLog

__all__ = ["MACHINE_BYTES", "ROLES", "UNITS", "Column", "known_table", "parse_columns", "read_table"]

ROLES = ("submit", "start", "end", "run", "cpus", "memory")
"""What a column may be."""

MACHINE_BYTES = 64 * 2.0**30
"""What memory that is told as a part of a machine is told against; job sets do not depend on it."""

TIMES = MappingProxyType({"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0})
AMOUNTS = MappingProxyType({"B": 1.0, "kB": 2.0**10, "MB": 2.0**20, "GB": 2.0**30, "TB": 2.0**40})
SHARES = MappingProxyType({"machine": 1.0, "%": 0.01})
UNITS = MappingProxyType({
    "submit": TIMES, "start": TIMES, "end": TIMES, "run": TIMES,
    "cpus": MappingProxyType({"cores": 1.0, **SHARES}),
    "memory": MappingProxyType({**AMOUNTS, **{name: share * MACHINE_BYTES for name, share in SHARES.items()}}),
})  # fmt: skip
"""The units of each role; the first is meant where none is given."""

_ELAPSED = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")
_SIZE = re.compile(r"([\d.]+)\s*([KMGTP])(?:i?B)?([nc]?)", re.IGNORECASE)
_SUFFIX = {"k": 2.0**10, "m": 2.0**20, "g": 2.0**30, "t": 2.0**40, "p": 2.0**50}
_SEPARATORS = "|\t;,"
_ENDED, _SCHEDULED, _SUBMITTED = frozenset("23456"), "1", "0"
_EVENTS, _TASKS = 13, 9
_TIMED = ("submit", "start", "end", "run")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name (or its number from 1, as text), and how much one of its unit is (0: not said)."""

    name: str
    scale: float
    unit: str = ""


def parse_columns(text: str) -> dict[str, Column]:
    """``"submit=queued, run=took:min"`` by role.

    Raises:
        DnnExplainError: not of that form, no such role or unit, or a role without which there is no job.
    """
    columns: dict[str, Column] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, equals, given = part.partition("=")
        role, (name, colon, unit) = role.strip(), given.rpartition(":") if ":" in given else (given, "", "")
        if not equals or not name.strip():
            msg = f"columns are given as submit=NAME,run=NAME:min,cpus=NAME,memory=NAME:MB, not {part!r}"
            raise DnnExplainError(msg)
        if role not in ROLES:
            raise Choice("column", role, ROLES).error()
        if colon and unit not in UNITS[role]:
            raise Choice(f"unit of {role}", unit, tuple(UNITS[role])).error()
        scale = UNITS[role][unit] if colon else next(iter(UNITS[role].values()))
        columns[role] = Column(name.strip(), scale, unit)
    lacking = [name for name in ("submit", "cpus") if name not in columns]
    if "run" not in columns and not {"start", "end"} <= set(columns):
        lacking.append("run (or start and end)")
    if lacking:
        msg = f"a job needs {', '.join(lacking)}: say which column that is, as in submit=NAME,run=NAME,cpus=NAME"
        raise DnnExplainError(msg)
    return columns


SACCT = parse_columns("submit=Submit,run=Elapsed,cpus=AllocCPUS,memory=ReqMem:MB")
ALIBABA = parse_columns("submit=6,start=6,end=7,cpus=8:%,memory=9:%")
GOOGLE = parse_columns("submit=submit:us,start=start:us,end=end:us,cpus=cpus:machine,memory=memory:machine")


def known_table(rows: Sequence[Sequence[str]]) -> str:
    """Which known log a table's first lines are: ``"sacct"``, ``"alibaba"``, ``"google"``, or ``""``."""
    if not rows:
        return ""
    first = [cell.strip() for cell in rows[0]]
    if {"Submit", "Elapsed"} <= set(first) and {"AllocCPUS", "NCPUS", "ReqCPUS"} & set(first):
        return "sacct"
    numbers = [_number(cell) is not None for cell in first]
    if len(first) == _TASKS and numbers[5] and numbers[6] and not numbers[0] and not numbers[4]:
        return "alibaba"
    if len(first) == _EVENTS and numbers[0] and numbers[2] and numbers[3] and first[5] in {*_ENDED, "0", "1", "7", "8"}:
        return "google"
    return ""


def read_table(path: str | Path, columns: str = "") -> SwfLog:
    """A table of jobs as a log.

    Args:
        path: a text file, plain or packed; ``|``, tab, ``;`` or ``,`` between columns.
        columns: which column is what; not needed for a log of :func:`known_table`.

    Raises:
        DnnExplainError: the file cannot be read, is no table, lacks a column, or holds no job.
    """
    where = Path(path)
    rows = _rows(where, read_text(where))
    kind = known_table(rows)
    skipped: Counter[str] = Counter()
    notes: list[str] = []
    if columns:
        roles = parse_columns(columns)
    elif kind == "sacct":
        roles = _sacct(rows[0], notes)
    elif kind == "alibaba":
        roles = ALIBABA
        notes.append(
            "Read as Alibaba's batch_task: column 8 is CPU in % of a processor, column 9 memory in % of a machine."
        )
    elif kind == "google":
        roles, rows = GOOGLE, _paired(rows, skipped)
        notes.append(
            "Read as Google's task_events, times in microseconds: a job is a task from being scheduled to its end."
        )
    else:
        msg = (
            f"{where} is a table, and nothing says which columns hold the jobs; say it: columns "
            f"'submit=NAME,run=NAME,cpus=NAME,memory=NAME:MB' (its first line: {', '.join(rows[0])[:120]})"
        )
        raise DnnExplainError(msg)
    return _log(where, rows, roles, skipped, notes)


def _rows(where: Path, text: str) -> list[list[str]]:
    """The cells of each line that is not blank; by the separator that the first line has most of."""
    check_count(text.count("\n"), where, "lines")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        msg = f"{where} holds no line of a table"
        raise DnnExplainError(msg)
    separator = max(_SEPARATORS, key=lines[0].count)
    rows = csv_rows(io.StringIO("\n".join(lines), newline=""), where, separator)
    return [[cell.strip() for cell in row] for row in rows if row]


def _sacct(header: Sequence[str], notes: list[str]) -> dict[str, Column]:
    """Slurm's columns, those that are there; job steps (123.batch) are not jobs."""
    names = [name.strip() for name in header]
    cpus = next(name for name in ("AllocCPUS", "NCPUS", "ReqCPUS") if name in names)
    roles = {**SACCT, "cpus": Column(cpus, 1.0)}
    if "ReqMem" not in names:
        del roles["memory"]
    else:
        notes.append(
            "ReqMem is the whole job's memory, or per processor where it ends in c; without a suffix it is MB."
        )
    notes.insert(0, f"Read as Slurm's sacct: submitted at Submit, ran for Elapsed, on the processors of column {cpus}.")
    return roles


def _paired(rows: Sequence[Sequence[str]], skipped: Counter[str]) -> list[list[str]]:
    """Events (submitted 0, scheduled 1, ended 2 to 6) as one line per run of a task, with a header."""
    submitted: dict[tuple[str, str], str] = {}
    running: dict[tuple[str, str], list[str]] = {}
    result = [["submit", "start", "end", "cpus", "memory"]]
    for row in rows:
        if len(row) < _EVENTS:
            skipped["too few columns"] += 1
            continue
        key, event, when = (row[2], row[3]), row[5], row[0]
        if event == _SUBMITTED:
            submitted[key] = when
        elif event == _SCHEDULED:
            running[key] = [submitted.pop(key, when), when, "", row[9], row[10]]
        elif event in _ENDED and key in running:
            item = running.pop(key)
            item[2] = when
            result.append(item)
    if running:
        skipped["task that did not end in this file"] += len(running)
    return result


def _log(
    where: Path, rows: Sequence[Sequence[str]], roles: Mapping[str, Column], skipped: Counter[str], notes: list[str]
) -> SwfLog:
    header = list(rows[0])
    headed = any(column.name in header for column in roles.values())
    places = {role: _place(where, column, header, headed=headed) for role, column in roles.items()}
    steps = header.index("JobID") if "JobID" in header else None
    jobs, plain = [], False
    for row in rows[1:] if headed else rows:
        if len(row) <= max(places.values()):
            skipped["too few columns"] += 1
        elif steps is not None and "." in row[steps]:
            skipped["step of a job"] += 1
        else:
            cells = {role: row[place] for role, place in places.items()}
            job = _job(cells, roles)
            if job is None:
                skipped["a time or processors that cannot be read"] += 1
            else:
                jobs.append(job)
                plain |= any(role in cells and _number(cells[role]) is not None for role in _TIMED)
    if not jobs:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in skipped.items()) or "no line below the header"
        msg = f"{where} holds no job ({reasons})"
        raise DnnExplainError(msg)
    return SwfLog(
        _table(jobs), {}, dict(skipped), (*notes, *_assumed(roles, plain=plain)), where.name, memory_unit="bytes"
    )


def _place(where: Path, column: Column, header: Sequence[str], *, headed: bool) -> int:
    if column.name in header:
        return header.index(column.name)
    if not headed and column.name.isdigit() and 1 <= int(column.name) <= len(header):
        return int(column.name) - 1
    if headed:
        raise Choice(f"column in {where.name}", column.name, tuple(header)).error()
    msg = f"{where} has {counted(len(header), 'column')}; columns are names of its first line, or numbers from 1, not {column.name!r}"
    raise DnnExplainError(msg)


def _job(cells: Mapping[str, str], roles: Mapping[str, Column]) -> tuple[float, float, float, float, float] | None:
    """Submission, wait and run time in s, processors, memory in bytes of the whole job; -1 where unknown."""
    times = {role: _time(cells[role], roles[role].scale) for role in _TIMED if role in cells}
    cpus = _number(cells["cpus"])
    if cpus is None or any(value is None for value in times.values()):
        return None
    known = {role: value for role, value in times.items() if value is not None}
    submit = known["submit"]
    start = known.get("start", submit)
    run = known["run"] if "run" in known else known["end"] - start
    cpus *= roles["cpus"].scale
    memory = _memory(cells["memory"], roles["memory"].scale, cpus) if "memory" in cells else -1.0
    return submit, max(start - submit, 0.0), run, cpus, memory


def _time(cell: str, scale: float) -> float | None:
    """Seconds of a number, of days-hours:minutes:seconds, or since 1970 of a date (UTC where no zone is given)."""
    value = _number(cell)
    if value is not None:
        return value * scale
    elapsed = _ELAPSED.fullmatch(cell)
    if elapsed:
        days, hours, minutes, seconds = (int(part or 0) for part in elapsed.groups())
        return ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds
    try:
        when = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _memory(cell: str, scale: float, cpus: float) -> float:
    """Bytes; ``4Gc`` is per processor, ``4Gn`` (per node) counts as of one node."""
    value = _number(cell)
    if value is not None:
        return value * scale if value > 0 else -1.0
    size = _SIZE.fullmatch(cell)
    amount = _number(size[1]) if size else None
    if size is None or amount is None:
        return -1.0
    each = max(cpus, 1.0) if size[3].lower() == "c" else 1.0
    return amount * _SUFFIX[size[2].lower()] * each


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _table(jobs: Sequence[tuple[float, float, float, float, float]]) -> NDArray[np.float64]:
    """Jobs in the columns of a :class:`SwfLog`, in order of submission ``[N, 18]``."""
    rows = np.array(jobs, dtype=np.float64)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    table = np.full((len(rows), len(COLUMNS)), -1.0)
    for place, name in enumerate(("submit", "wait", "run", "cpus_used", "memory_asked")):
        table[:, COLUMNS.index(name)] = rows[:, place]
    table[:, COLUMNS.index("job")] = np.arange(1, len(rows) + 1)
    return table


def _assumed(roles: Mapping[str, Column], *, plain: bool) -> list[str]:
    """What was taken for granted, in sentences."""
    notes = []
    if plain and any(role in roles and not roles[role].unit for role in _TIMED):
        notes.append("Times are numbers without a unit: taken to be seconds.")
    if "memory" in roles and not roles["memory"].unit:
        notes.append("Memory without a unit is taken to be bytes of the whole job.")
    if "memory" in roles and roles["memory"].unit in SHARES:
        notes.append(f"Memory is told in parts of a machine; a whole one counts as {MACHINE_BYTES / 2**30:g} GiB.")
    if "cpus" in roles and roles["cpus"].unit == "machine":
        notes.append("Processors are told in parts of a machine, so one processor is one whole machine here.")
    notes.append("Every machine counts as equally fast.")
    return notes
