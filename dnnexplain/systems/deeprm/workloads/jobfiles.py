"""Lists of jobs as JSON and CSV, plain or packed (gzip, bzip2, xz).

JSON: ``{"steps": 50, "jobs": [{"arrival": 3, "length": 2, "cpu": 7, "memory": 1}, ...]}``; ``steps``,
the time steps in which jobs may arrive, may be left out and is then the last arrival plus 1.
CSV: a header with ``arrival,length,cpu,memory`` in any order, one job per line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.files import atomic_write
from dnnexplain.reading import check_count, parse_json, read_text
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = ["FIELDS", "JobFile", "is_job_list", "read_job_file", "read_jobs", "shift_to_first_step", "write_jobs"]

FIELDS = ("arrival", "length", "cpu", "memory")
_LOWEST = {"arrival": 0, "length": 1, "cpu": 0, "memory": 0}
_UNITS = {"arrival": "step", "length": "steps", "cpu": "units", "memory": "units"}


@dataclass(frozen=True, slots=True)
class JobFile:
    """What a file held: the jobs, and in plain words what was ignored or assumed."""

    jobs: JobSet
    notes: tuple[str, ...] = ()


def read_jobs(path: str | Path, params: Params | None = None, *, steps: int | None = None) -> JobSet:
    """The jobs of a JSON or CSV file; see :func:`read_job_file`, which also says what was ignored."""
    return read_job_file(path, params, steps=steps).jobs


def read_job_file(path: str | Path, params: Params | None = None, *, steps: int | None = None) -> JobFile:
    """Read a list of jobs, told to be JSON or CSV by its content.

    Args:
        path: the file.
        params: the cluster's sizes that the jobs must fit; ``None`` checks no upper limits.
        steps: overrides the file's; needed for CSV if jobs may arrive after the last one listed.

    Raises:
        DnnExplainError: one sentence that names the file, the job (counted from 0) or line, and the field.
    """
    where = Path(path)
    text = read_text(where)
    if not text.strip():
        msg = f"{where} is empty; it should list jobs as JSON or CSV with {', '.join(FIELDS)}"
        raise DnnExplainError(msg)
    notes: list[str] = []
    if text.lstrip()[0] in "{[":
        rows, found_steps = _json_rows(where, text, notes)
    else:
        rows, found_steps = _csv_rows(where, text, notes), None
    columns: dict[str, list[int]] = {name: [] for name in FIELDS}
    for place, row in rows:
        for name in FIELDS:
            columns[name].append(_whole(f"{where}, {place}", name, row, params))
        if columns["cpu"][-1] + columns["memory"][-1] == 0:
            msg = f"{where}, {place}: cpu and memory are both 0; give the job at least one unit"
            raise DnnExplainError(msg)
    if not columns["arrival"]:
        msg = f"{where} lists no jobs"
        raise DnnExplainError(msg)
    return _finished(where, columns, steps if steps is not None else found_steps, notes)


def is_job_list(path: str | Path) -> bool:
    """Whether a file begins as a list of jobs does: as JSON, or with a header that names a field of them."""
    if ".json" in [suffix.lower() for suffix in Path(path).suffixes[-2:]]:
        return True
    first = next((line for line in read_text(path).splitlines() if line.strip()), "")
    cells = {cell.strip().strip('"').lower() for cell in first.split(",")}
    return first.lstrip()[:1] in {"{", "["} or len(cells & set(FIELDS)) >= 2


def shift_to_first_step(jobs: JobSet) -> JobSet:
    """The same jobs, all later by one step if any arrives in step 0, which the clock never admits."""
    if not len(jobs) or jobs.arrival.min() > 0:
        return jobs
    return replace(jobs, arrival=jobs.arrival + 1, steps=jobs.steps + 1)


def write_jobs(path: str | Path, jobs: JobSet) -> None:
    """Write jobs as CSV if the name ends in ``.csv``, else as JSON; ``.gz`` behind it packs the file.

    CSV does not hold ``steps``. The file appears whole or not at all.
    """
    where = Path(path)
    names = [suffix.lower() for suffix in where.suffixes]
    rows = [
        dict(zip(FIELDS, map(int, row), strict=True)) for row in zip(*(getattr(jobs, f) for f in FIELDS), strict=True)
    ]
    if ".csv" in names[-2:]:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    else:
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        text = f'{{"steps": {int(jobs.steps)}, "jobs": [\n  {lines}\n]}}\n'
    data = text.encode()
    with atomic_write(where, "wb") as stream:
        stream.write(gzip.compress(data, mtime=0) if names[-1:] == [".gz"] else data)


def _finished(where: Path, columns: Mapping[str, list[int]], steps: int | None, notes: list[str]) -> JobFile:
    last = max(columns["arrival"])
    if steps is None:
        steps = last + 1
        notes.append(f"steps is not given; taken as the last arrival plus 1, {steps}")
    elif last >= steps:
        job = columns["arrival"].index(last)
        msg = (
            f"{where}, job {job}: arrives in step {last}, but jobs may only arrive before step {steps}; "
            f"raise steps to {last + 1}"
        )
        raise DnnExplainError(msg)
    at_zero = sum(arrival == 0 for arrival in columns["arrival"])
    if at_zero:
        notes.append(
            f"{at_zero} {'job arrives' if at_zero == 1 else 'jobs arrive'} in step 0, before the clock's first step, "
            "and will never be admitted; shift all arrivals by 1 (shift_to_first_step)"
        )
    return JobFile(JobSet(**columns, steps=steps, name=where.name), tuple(notes))  # type: ignore[arg-type]


def _json_rows(where: Path, text: str, notes: list[str]) -> tuple[Iterator[tuple[str, Mapping[str, Any]]], int | None]:
    data = parse_json(text, where, finite=False)
    steps = None
    if isinstance(data, dict):
        _note_extra(data, ("steps", "jobs"), "fields", notes)
        if "steps" in data:
            steps = _steps(where, data["steps"])
        if "jobs" not in data:
            msg = f'{where}: the field "jobs" is missing; expected {{"steps": 50, "jobs": [{{"arrival": 3, ...}}]}}'
            raise DnnExplainError(msg)
        data = data["jobs"]
    if not isinstance(data, list):
        msg = f'{where}: "jobs" must be a list, not {_kind(data)}'
        raise DnnExplainError(msg)
    for index, row in enumerate(data):
        if not isinstance(row, dict):
            msg = f"{where}, job {index}: must be an object with {', '.join(FIELDS)}, not {_kind(row)}"
            raise DnnExplainError(msg)
    _note_extra({name: None for row in data for name in row}, FIELDS, "fields of jobs", notes)
    return ((f"job {index}", row) for index, row in enumerate(data)), steps


def _csv_rows(where: Path, text: str, notes: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    check_count(text.count("\n"), where, "lines")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        msg = f"{where}, line {reader.line_num}: not CSV ({error})"
        raise DnnExplainError(msg) from None
    if not table:
        msg = f"{where} lists no jobs; its first line should be {','.join(FIELDS)}"
        raise DnnExplainError(msg)
    header = [name.lower() for name in table[0][1]]
    for name in FIELDS:
        if header.count(name) != 1:
            how = "is missing from" if name not in header else "is twice in"
            msg = (
                f"{where}, line {table[0][0]}: column {name} {how} the header; expected {','.join(FIELDS)}, or a "
                "scheduler's table with --columns submit=NAME,run=NAME,cpus=NAME"
            )
            raise DnnExplainError(msg)
    _note_extra(dict.fromkeys(header), FIELDS, "columns", notes)

    def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for number, cells in table[1:]:
            if len(cells) != len(header):
                msg = f"{where}, line {number}: has {counted(len(cells), 'value')}, the header {counted(len(header), 'column')}"
                raise DnnExplainError(msg)
            yield f"line {number}", dict(zip(header, cells, strict=True))

    return rows()


def _whole(place: str, name: str, row: Mapping[str, Any], params: Params | None) -> int:
    if name not in row or row[name] is None or row[name] == "":
        msg = f"{place}: {name} is missing"
        raise DnnExplainError(msg)
    value = row[name]
    number = _number(value)
    if number is None or not math.isfinite(number) or number != int(number):
        msg = f"{place}: {name} must be a whole number, not {value if isinstance(value, float) else repr(value)}"
        raise DnnExplainError(msg)
    if number < _LOWEST[name]:
        msg = f"{place}: {name} must be at least {_LOWEST[name]}, not {int(number)}"
        raise DnnExplainError(msg)
    limit = _limit(name, params)
    if number > limit:
        why = "longer than the cluster's horizon allows" if name == "length" else "wider than the cluster"
        fix = "max_job_length and horizon" if name == "length" else "units and max_job_units"
        why, fix = ("absurdly late", "the numbers") if name == "arrival" else (why, fix)
        msg = f"{place}: {name} {int(number)} is {why} (at most {limit:,} {_UNITS[name]}); change the job or {fix}"
        raise DnnExplainError(msg)
    return int(number)


def _limit(name: str, params: Params | None) -> int:
    if params is None or name == "arrival":
        return 10**9
    return params.max_job_length if name == "length" else params.max_job_units


def _number(value: Any) -> float | None:
    """A number, or text that is one; not a truth value, a list or a word."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _steps(where: Path, value: Any) -> int:
    number = _number(value) if not isinstance(value, str) else None
    if number is None or not math.isfinite(number) or number != int(number) or not 1 <= number <= 10**9:
        msg = f"{where}: steps must be a whole number of at least 1, not {value!r}"
        raise DnnExplainError(msg)
    return int(number)


def _note_extra(given: Iterable[str], known: tuple[str, ...], what: str, notes: list[str]) -> None:
    extra = [str(name) for name in given if name not in known]
    if extra:
        notes.append(f"ignored {what}: {', '.join(extra)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
