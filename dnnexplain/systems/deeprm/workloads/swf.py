"""Logs of real clusters in the Standard Workload Format, dirt and all.

The format: Chapin et al. 1999; https://www.cs.huji.ac.il/labs/parallel/workload/swf.html. One job per
line in 18 columns, ``-1`` where a value is unknown, header lines that begin with ``;``. Reading is one
stage, mapping onto DeepRM's grid the next (:mod:`dnnexplain.systems.deeprm.workloads.swf_sets`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.lazy import lazy_attribute
from dnnexplain.reading import read_bytes

__all__ = ["COLUMNS", "SwfLog", "is_swf", "read_swf"]

_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?")

COLUMNS = (
    "job",
    "submit",
    "wait",
    "run",
    "cpus_used",
    "cpu_time",
    "memory_used",
    "cpus_asked",
    "time_asked",
    "memory_asked",
    "status",
    "user",
    "group",
    "application",
    "queue",
    "partition",
    "preceding_job",
    "think_time",
)
"""The 18 columns: times in seconds, memory in kB per processor, ``status`` 0 failed, 1 done, 5 cancelled."""

TIMES = ("submit", "wait", "run", "cpu_time", "time_asked", "think_time")
MILLISECONDS = 1e11
"""A log whose jobs are submitted later is in milliseconds: in seconds this is the year 5138."""

LARGEST = 1e15
"""No number of a log is as large: so many seconds are 32 million years."""

NEEDED = 5
"""A job needs at least its number, submission, wait, run time and processors."""


@dataclass(frozen=True, eq=False)
class SwfLog:
    """The jobs of a log as they stand in it.

    Attributes:
        table: float64 ``[N, 18]`` in the order of :data:`COLUMNS`; -1 where unknown.
        header: what the lines ``; Key: value`` say.
        skipped: lines that are no job, counted by reason.
        notes: what was done to lines that were kept.
        name: the file's name.
        memory_unit: ``"bytes"`` of the whole job where that is known, else ``""``: what it is then is guessed.
    """

    table: NDArray[np.float64]
    header: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = "log"
    memory_unit: str = ""

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[np.float64]:
        """One column by its name ``[N]``."""
        if name not in COLUMNS:
            raise Choice("column", name, COLUMNS).error()
        return self.table[:, COLUMNS.index(name)]


def read_swf(path: str | Path) -> SwfLog:
    """Read a log: plain, gzip, bzip2 or xz (told by its content); UTF-8, UTF-16 or a Windows code page; any line ends.

    Text behind the 18th column is ignored. Lines that cannot be a job are skipped and counted: too few
    columns for this log, something that is not a number, a last line that was cut off.

    Raises:
        DnnExplainError: the file cannot be read, is not text, or has no line that is a job.
    """
    where = Path(path)
    lines = _text(where, read_bytes(where)).splitlines()
    header: dict[str, str] = {}
    skipped: Counter[str] = Counter()
    rows: list[list[str]] = []
    for line in lines:
        stripped = line.strip()
        if not stripped:
            skipped["blank line"] += 1
        elif stripped[0] in ";#":
            skipped["comment"] += 1
            key, colon, value = stripped.lstrip(";# ").partition(":")
            if colon and key:
                header.setdefault(key.strip(), value.strip())
        else:
            rows.append(stripped.split(None, len(COLUMNS))[: len(COLUMNS)])
    usual = _usual_width(where, rows)
    table = _numbers(rows, usual, skipped)
    if not len(table):
        reasons = ", ".join(f"{count} x {reason}" for reason, count in skipped.items())
        msg = f"{where} holds no job in the Standard Workload Format ({reasons})"
        raise DnnExplainError(msg)
    notes = [] if usual == len(COLUMNS) else [f"lines have {usual} columns; the other {18 - usual} count as unknown"]
    if np.median(table[:, COLUMNS.index("submit")]) > MILLISECONDS:
        for name in TIMES:
            column = table[:, COLUMNS.index(name)]
            column[column > 0] /= 1000.0
        notes.append("Submission times are milliseconds since 1970: all times were divided by 1,000.")
    return SwfLog(table, header, dict(skipped), tuple(notes), where.name)


def is_swf(path: str | Path) -> bool:
    """Whether a file is a log in the Standard Workload Format: named so (``.swf``, packed or not), or made so.

    Made so is one whose first line that is no comment has 18 numbers with spaces between them.
    """
    where = Path(path)
    if ".swf" in [suffix.lower() for suffix in where.suffixes[-2:]]:
        return True
    if not where.is_file():  # a pipe can be read but once, by whoever takes it
        return False
    data = read_bytes(where)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    lines = (line.strip() for line in _text(where, data).splitlines())
    first = next((line for line in lines if line and line[0] not in ";#"), "")
    return len(first.split()) == len(COLUMNS) and all(_NUMBER.fullmatch(cell) for cell in first.split())


def _text(where: Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        msg = f"{where} is not a text file; a log in the Standard Workload Format is one"
        raise DnnExplainError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _usual_width(where: Path, rows: list[list[str]]) -> int:
    if not rows:
        msg = f"{where} holds no job: every line is blank or a comment"
        raise DnnExplainError(msg)
    usual = Counter(map(len, rows)).most_common(1)[0][0]
    if usual < NEEDED:
        msg = (
            f"{where} is not in the Standard Workload Format: its lines have {usual} columns separated by spaces, "
            "expected 18 (job, submit, wait, run, processors, ...)"
        )
        raise DnnExplainError(msg)
    return usual


def _numbers(rows: list[list[str]], usual: int, skipped: Counter[str]) -> NDArray[np.float64]:
    kept: list[list[float]] = []
    padding = [-1.0] * len(COLUMNS)
    for index, row in enumerate(rows):
        if len(row) < usual:
            last = index == len(rows) - 1
            skipped["last line cut off" if last else f"fewer than the usual {usual} columns"] += 1
            continue
        try:
            numbers = list(map(float, row))
        except ValueError:
            skipped["something that is not a number"] += 1
            continue
        if max(map(abs, numbers)) > LARGEST:
            skipped[f"a number beyond {LARGEST:.0e}"] += 1
        elif all(map(math.isfinite, numbers)):
            kept.append((numbers + padding)[: len(COLUMNS)])
        else:
            skipped["something that is not a number"] += 1
    return np.array(kept, dtype=np.float64).reshape(len(kept), len(COLUMNS))


def __getattr__(name: str) -> Any:
    """``windows`` by its old place, for one release."""
    return lazy_attribute(__package__, {"windows": "swf_windows"}, name)
