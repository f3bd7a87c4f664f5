"""Job sets as rows of numbers in a box, for a search of the worst one (``contract.WorkloadBox``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.simulator.model import JobSet

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.cluster import Cluster

__all__ = ["JobBox"]

WIDEST_GAP = 4


class JobBox:
    """Job sets as rows: per job its length, CPU, memory, and the steps since the job before it.

    Args:
        system: bounds lengths and demands.
        jobs: how many jobs a set has; sets of up to about 15 are solved exactly in seconds.
    """

    unit = ""
    whole = True

    def __init__(self, system: Cluster, jobs: int = 12) -> None:
        params = system.params
        self.low = np.tile([1.0, 1.0, 1.0, 0.0], jobs)
        widest = float(params.max_job_units)
        self.high = np.tile([float(params.max_job_length), widest, widest, float(WIDEST_GAP)], jobs)
        parts = ("length, steps", "CPU, units", "memory, units", "gap before it, steps")
        self.names = tuple(f"job {job + 1} {part}" for job in range(jobs) for part in parts)
        self.blocks = tuple(np.arange(4 * job, 4 * job + 4) for job in range(jobs))

    def workload(self, x: NDArray[np.float64]) -> JobSet:
        """One row ``[4 J]``, rounded, as a job set."""
        length, cpu, memory, gap = np.rint(x.reshape(-1, 4)).astype(np.int64).T
        arrival = 1 + np.cumsum(gap)
        return JobSet(arrival, length, cpu, memory, int(arrival[-1]) + 1, "worst case")
