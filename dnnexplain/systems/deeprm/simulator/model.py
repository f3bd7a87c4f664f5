"""DeepRM's sizes and jobs: what is configured (``Params``) and what arrives (``JobSet``).

DeepRM: Mao et al., "Resource Management with Deep Reinforcement Learning", HotNets 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["CHARGE", "ORIGINAL_RULES", "JobSet", "Params", "pack_job_sets"]

CHARGE = "charge"

ORIGINAL_RULES: dict[str, Any] = {"cluster_cells": "colours", "finished_jobs": "linger", "full_backlog": "vanish"}
"""The published environment's behaviour where ours differs; ``Params(**ORIGINAL_RULES)``."""

_FINEST = 40

_CHOICES = {
    "cluster_cells": ("binary", "colours"),
    "finished_jobs": ("leave", "linger"),
    "full_backlog": (CHARGE, "vanish"),
}


@dataclass(frozen=True, slots=True)
class Params:
    """The sizes of the cluster and its picture, and three rules in which the original differs.

    Args:
        slots: waiting jobs that the network sees, ``M`` (paper 10, code 5).
        horizon: time steps that the picture shows, rows.
        units: capacity of the cluster per resource, columns.
        max_job_units: the widest job, columns per slot.
        max_job_length: the longest job, steps; must be below ``horizon``.
        backlog: jobs that may wait behind the slots.
        tracking: steps after which "time since the last arrival" saturates.
        cluster_cells: ``"binary"`` (1 where in use) or the original's random ``"colours"``.
        finished_jobs: ``"leave"`` at once, or may ``"linger"`` as in the original, whose loop removes
            from the list it walks.
        full_backlog: a job that finds the backlog full is turned away and ``"charge"``-d, or may
            ``"vanish"`` as in the original.
    """

    slots: int = 5
    horizon: int = 20
    units: int = 10
    max_job_units: int = 10
    max_job_length: int = 15
    backlog: int = 60
    tracking: int = 10
    cluster_cells: str = "binary"
    finished_jobs: str = "leave"
    full_backlog: str = CHARGE

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _CHOICES:
                if value not in _CHOICES[item.name]:
                    msg = f"{item.name} must be one of {', '.join(_CHOICES[item.name])}, not {value!r}"
                    raise DnnExplainError(msg)
            elif not isinstance(value, int) or value < 1:
                msg = f"{item.name} must be a whole number of at least 1, not {value!r}"
                raise DnnExplainError(msg)
        if self.tracking > _FINEST:
            msg = f"tracking must be at most {_FINEST} steps, the levels that the picture can show, not {self.tracking}"
            raise DnnExplainError(msg)
        if self.max_job_length >= self.horizon:
            msg = (
                f"max_job_length {self.max_job_length} must be below the horizon {self.horizon}: "
                "a longer job could never be placed; raise horizon"
            )
            raise DnnExplainError(msg)
        if self.max_job_units > self.units:
            msg = f"max_job_units {self.max_job_units} must not exceed the cluster's units {self.units}"
            raise DnnExplainError(msg)

    @property
    def backlog_width(self) -> int:
        """Columns that the backlog takes in the picture."""
        return -(-self.backlog // self.horizon)

    @property
    def columns(self) -> int:
        """Width of the picture: two resources of cluster and slots, the backlog, one extra column."""
        return 2 * (self.units + self.slots * self.max_job_units) + self.backlog_width + 1

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the picture, ``(rows, columns)``."""
        return self.horizon, self.columns

    @property
    def wait(self) -> int:
        """The action that lets time pass."""
        return self.slots


def _column(name: str, values: Any, jobs: int | None) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (jobs is not None and len(array) != jobs):
        msg = f"{name} must be a list with one number per job, not an array of shape {array.shape}"
        raise DnnExplainError(msg)
    if array.size and not np.all(np.isfinite(array.astype(np.float64))):
        where = int(np.flatnonzero(~np.isfinite(array.astype(np.float64)))[0])
        msg = f"{name} of job {where} is not a number ({array[where]})"
        raise DnnExplainError(msg)
    if array.size and np.any(array.astype(np.float64) != np.round(array.astype(np.float64))):
        where = int(np.flatnonzero(array != np.round(array))[0])
        msg = f"{name} of job {where} must be a whole number, not {array[where]}"
        raise DnnExplainError(msg)
    return array.astype(np.int64)


@dataclass(frozen=True, eq=False)
class JobSet:
    """One workload: jobs in order of arrival.

    Attributes:
        arrival: the step in which each job arrives ``[J]``. As in the original, the clock starts at
            step 0 and the first arrivals are admitted in step 1: a job with arrival 0 never arrives
            in ``replay``; loaders shift such lists and say so.
        length: steps ``[J]``, at least 1.
        cpu, memory: units ``[J]``, at least 0, not both 0.
        steps: time steps in which jobs may arrive (the original's ``simu_len``).
        name: where it comes from, for tables and messages.
        order: where each job stood in what was given, before it was sorted by arrival ``[J]``.
    """

    arrival: NDArray[np.int64]
    length: NDArray[np.int64]
    cpu: NDArray[np.int64]
    memory: NDArray[np.int64]
    steps: int
    name: str = field(default="jobs")
    order: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        arrival = _column("arrival", self.arrival, None)
        columns = {"arrival": arrival}
        for name in ("length", "cpu", "memory"):
            columns[name] = _column(name, getattr(self, name), len(arrival))
        order = np.argsort(arrival, kind="stable")
        object.__setattr__(self, "order", order)
        for name, column in columns.items():
            ordered = column[order]
            ordered.setflags(write=False)
            object.__setattr__(self, name, ordered)
        self._check_values()

    def _check_values(self) -> None:
        for name, low in (("arrival", 0), ("length", 1), ("cpu", 0), ("memory", 0)):
            column = getattr(self, name)
            if np.any(column < low):
                where = int(np.flatnonzero(column < low)[0])
                msg = f"{name} of job {where} must be at least {low}, not {column[where]}"
                raise DnnExplainError(msg)
        if np.any(self.cpu + self.memory == 0):
            where = int(np.flatnonzero(self.cpu + self.memory == 0)[0])
            msg = f"job {where} asks for neither CPU nor memory; give it at least one unit"
            raise DnnExplainError(msg)
        if not isinstance(self.steps, int | np.integer) or self.steps < 1:
            msg = f"steps must be a whole number of at least 1, not {self.steps!r}"
            raise DnnExplainError(msg)

    def __len__(self) -> int:
        return len(self.arrival)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JobSet):
            return NotImplemented
        return self.steps == other.steps and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("arrival", "length", "cpu", "memory")
        )

    __hash__ = None  # type: ignore[assignment]

    def check_fits(self, params: Params) -> None:
        """Raise if a job is longer or wider than the cluster allows: it could never be placed."""
        limits = (
            ("length", self.length, params.max_job_length, "steps"),
            ("cpu", self.cpu, params.max_job_units, "units"),
            ("memory", self.memory, params.max_job_units, "units"),
        )
        for name, column, limit, unit in limits:
            if np.any(column > limit):
                where = int(np.flatnonzero(column > limit)[0])
                msg = (
                    f"{self.name}: {name} of job {where} is {column[where]} {unit}, above the limit of {limit}; "
                    f"shorten it, or make a larger cluster (Params(max_job_{'length' if name == 'length' else 'units'}=...))"
                )
                raise DnnExplainError(msg)


def pack_job_sets(job_sets: Sequence[JobSet]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Job sets as padded arrays for the simulator.

    Returns:
        ``jobs`` int32 ``[S, J, 4]`` (arrival, length, cpu, memory; padding has length 0),
        ``count`` int32 ``[S]``, ``steps`` int32 ``[S]``.
    """
    if not job_sets:
        msg = "give at least one job set"
        raise DnnExplainError(msg)
    longest = max(1, *(len(jobs) for jobs in job_sets))
    packed = np.zeros((len(job_sets), longest, 4), dtype=np.int32)
    for row, jobs in zip(packed, job_sets, strict=True):
        for column, name in enumerate(("arrival", "length", "cpu", "memory")):
            row[: len(jobs), column] = getattr(jobs, name)
    count = np.array([len(jobs) for jobs in job_sets], dtype=np.int32)
    steps = np.array([jobs.steps for jobs in job_sets], dtype=np.int32)
    return packed, count, steps
