"""Changing job sets for searches: other lengths and demands within limits, arrivals as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = ["change", "cross", "from_json", "redraw", "reshape", "settled_limits", "to_json"]

COLUMNS = ("length", "cpu", "memory")
ALIKE = 0.5
"""Share of changes that make many jobs alike: small moves alone get stuck."""

RESHAPES = 12
"""Most large moves that make a start for searches."""

Limits = Mapping[str, tuple[int, int]]
Ints = NDArray[np.int64]


def settled_limits(params: Params, limits: Limits) -> dict[str, tuple[int, int]]:
    """Limits for every column, those given within the cluster's own.

    Raises:
        DnnExplainError: an unknown name, or limits that leave no job.
    """
    own = {"length": (1, params.max_job_length), "cpu": (0, params.max_job_units), "memory": (0, params.max_job_units)}
    for name, (low, high) in limits.items():
        if name not in own:
            raise Choice("limit of a job set", name, COLUMNS).error()
        own[name] = (max(own[name][0], int(low)), min(own[name][1], int(high)))
        if own[name][0] > own[name][1]:
            msg = f"the limits of {name} leave no value: {low} to {high}, within the cluster's {own[name]}"
            raise DnnExplainError(msg)
    if own["cpu"][1] == 0 and own["memory"][1] == 0:
        msg = "the limits leave a job neither CPU nor memory; allow at least one unit of one"
        raise DnnExplainError(msg)
    return own


def change(jobs: JobSet, rng: np.random.Generator, params: Params, limits: Limits) -> JobSet:
    """A job set near the given one, by small moves or by one that makes many jobs alike.

    Small: some jobs (mostly one to three) get another value, near or anywhere, or two swap places. Large:
    a stretch of jobs, or some chosen anywhere, become copies of one job, or share one value.
    """
    spans = settled_limits(params, limits)
    columns = _columns(jobs)
    if rng.random() < ALIKE:
        _make_alike(columns, rng, spans)
    else:
        _nudge(columns, rng, spans)
    return _made(jobs, columns, spans)


def reshape(jobs: JobSet, rng: np.random.Generator, params: Params, limits: Limits) -> JobSet:
    """A job set far from the given one, by several of the large moves of :func:`change`: a start for searches."""
    spans = settled_limits(params, limits)
    columns = _columns(jobs)
    for _ in range(int(rng.integers(1, RESHAPES + 1))):
        _make_alike(columns, rng, spans)
    return _made(jobs, columns, spans)


def _nudge(columns: Ints, rng: np.random.Generator, spans: Mapping[str, tuple[int, int]]) -> None:
    jobs = columns.shape[1]
    for job in rng.choice(jobs, size=min(jobs, int(rng.geometric(0.4))), replace=False):
        kind = rng.random()
        if kind < 0.25:
            other = int(rng.integers(jobs))
            columns[:, [job, other]] = columns[:, [other, job]]
        elif kind < 0.4:
            columns[:, job] = _drawn(rng, spans, 1)[:, 0]
        else:
            row = int(rng.integers(3))
            low, high = spans[COLUMNS[row]]
            near = columns[row, job] + rng.choice((-3, -2, -1, 1, 2, 3)) if kind < 0.7 else rng.integers(low, high + 1)
            columns[row, job] = np.clip(near, low, high)


def _make_alike(columns: Ints, rng: np.random.Generator, spans: Mapping[str, tuple[int, int]]) -> None:
    jobs = columns.shape[1]
    first, last = np.sort(rng.integers(0, jobs + 1, size=2))
    kind = int(rng.integers(3))
    if kind == 0:
        columns[:, first:last] = columns[:, [int(rng.integers(jobs))]]
    elif kind == 1:
        row = int(rng.integers(3))
        low, high = spans[COLUMNS[row]]
        columns[row, first:last] = rng.integers(low, high + 1)
    else:
        chosen = rng.choice(jobs, size=int(rng.integers(1, max(2, jobs // 3))), replace=False)
        columns[:, chosen] = columns[:, [int(rng.integers(jobs))]]


def redraw(jobs: JobSet, rng: np.random.Generator, params: Params, limits: Limits) -> JobSet:
    """Every length and demand drawn anew, uniformly within the limits."""
    spans = settled_limits(params, limits)
    return _made(jobs, _drawn(rng, spans, len(jobs)), spans)


def cross(job_set: JobSet, two: JobSet, rng: np.random.Generator) -> JobSet:
    """A stretch of jobs from another set with as many jobs; the first one itself if it has not."""
    if len(job_set) != len(two) or len(job_set) < 2:
        return job_set
    first, last = np.sort(rng.integers(0, len(job_set) + 1, size=2))
    columns = _columns(job_set)
    columns[:, first:last] = _columns(two)[:, first:last]
    length, cpu, memory = columns
    return JobSet(job_set.arrival, length, cpu, memory, steps=job_set.steps, name=job_set.name)


def to_json(jobs: JobSet) -> dict[str, Any]:
    """As in job files: ``{"steps", "jobs": [{"arrival", "length", "cpu", "memory"}]}``."""
    names = ("arrival", *COLUMNS)
    rows = zip(*(getattr(jobs, name).tolist() for name in names), strict=True)
    return {"steps": int(jobs.steps), "jobs": [dict(zip(names, row, strict=True)) for row in rows]}


def from_json(data: Mapping[str, Any]) -> JobSet:
    """The inverse of :func:`to_json`."""
    try:
        rows = [[int(job[name]) for name in ("arrival", *COLUMNS)] for job in data["jobs"]]
        arrival, length, cpu, memory = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        return JobSet(arrival, length, cpu, memory, steps=int(data["steps"]), name="saved")
    except (KeyError, TypeError) as error:
        msg = f"a saved job set needs steps and jobs with arrival, length, cpu and memory; {error} is missing or wrong"
        raise DnnExplainError(msg) from None


def _columns(jobs: JobSet) -> Ints:
    return np.array([getattr(jobs, name) for name in COLUMNS], dtype=np.int64)


def _drawn(rng: np.random.Generator, spans: Mapping[str, tuple[int, int]], count: int) -> Ints:
    return np.array([rng.integers(low, high + 1, size=count) for low, high in (spans[name] for name in COLUMNS)])


def _made(jobs: JobSet, columns: Ints, spans: Mapping[str, tuple[int, int]]) -> JobSet:
    nothing = (columns[1] == 0) & (columns[2] == 0)
    row = 1 if spans["cpu"][1] > 0 else 2
    columns[row, nothing] = 1
    length, cpu, memory = columns
    return JobSet(jobs.arrival, length, cpu, memory, steps=jobs.steps, name=jobs.name)
