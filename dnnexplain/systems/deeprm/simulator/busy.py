"""How much of the time a cluster is nearly full: the paper's 80% rule, measured after the fact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.simulator.runner import Run

__all__ = ["share_above"]


def share_above(run: Run, params: Params, threshold: float = 0.8) -> NDArray[np.float64]:
    """Share of steps in which the busiest resource is more than ``threshold`` in use, per job set ``[S]``.

    Counted are the steps in which at least one job runs.

    Args:
        run: of a policy over job sets.
        params: the cluster.
        threshold: a share of the cluster's units, 0 to below 1.

    Raises:
        DnnExplainError: the threshold is no such share.
    """
    if not 0 <= threshold < 1:
        msg = f"the threshold is a share from 0 to below 1, such as 0.8, not {threshold:g}"
        raise DnnExplainError(msg)
    shares = np.zeros(len(run.job_sets))
    for number, jobs in enumerate(run.job_sets):
        count = len(jobs.length)
        start, finish = run.start[number, :count], run.finish[number, :count]
        placed = start >= 0
        change = np.zeros((2, int(finish.max(initial=0)) + 2))
        for resource, demand in enumerate((jobs.cpu, jobs.memory)):
            np.add.at(change[resource], start[placed], demand[placed])
            np.add.at(change[resource], finish[placed], -demand[placed])
        use = change.cumsum(axis=1).max(axis=0) / params.units
        shares[number] = np.mean(use[use > 0] > threshold + 1e-9) if (use > 0).any() else 0.0
    return shares
