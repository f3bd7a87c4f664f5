"""Job sets as tables of records: a row per job in order of arrival, with the gap to the job before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, settled_records
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = ["from_records", "record_knobs", "to_records"]

STEPS = 50
"""Steps in which jobs may arrive; more where a table's jobs come later."""


def record_knobs(params: Params) -> tuple[Knob, ...]:
    """Gap, length, CPU and memory of a job."""
    units = float(params.max_job_units)
    return (
        Knob("gap", "steps", 0.0, 1000.0),
        Knob("length", "steps", 1.0, float(params.max_job_length)),
        Knob("cpu", "units", 0.0, units),
        Knob("memory", "units", 0.0, units),
    )


def to_records(jobs: JobSet) -> NDArray[np.float64]:
    """Jobs as rows ``[J, 4]``."""
    gaps = np.diff(jobs.arrival, prepend=0)
    return np.stack([gaps, jobs.length, jobs.cpu, jobs.memory], axis=1).astype(np.float64)


def from_records(records: NDArray[np.float64], params: Params, name: str = "") -> JobSet:
    """The job set of rows ``[J, 4]``; a job that asks for nothing asks for one unit of CPU, arrivals begin at step 1.

    Its ``steps`` are 50, or up to its last arrival; those of a set that was cut otherwise are not kept.
    """
    gap, length, cpu, memory = settled_records(records, record_knobs(params)).T.astype(np.int64)
    cpu = np.where(cpu + memory == 0, 1, cpu)
    arrival = np.maximum(np.cumsum(gap), 1)
    return JobSet(arrival, length, cpu, memory, steps=max(STEPS, int(arrival[-1]) + 1), name=name or "jobs")
