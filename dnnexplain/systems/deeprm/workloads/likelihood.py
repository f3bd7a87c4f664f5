"""How plausible the jobs of a state are under a training workload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dnnexplain.contract import State
from dnnexplain.systems.deeprm.system import DeepRM
from dnnexplain.systems.deeprm.workloads.families import plausibility

__all__ = ["state_likelihood"]


def state_likelihood(system: DeepRM, family: str = "deeprm", **parameters: Any) -> Callable[[State], dict[str, float]]:
    """A function from a state to the log-probability of each waiting job: ``{"job 1": -5.2}``.

    ``-inf`` for a job that the family never draws.

    Args:
        system: whose states.
        family: a workload family, with its ``parameters``.
    """

    def of(state: State) -> dict[str, float]:
        jobs = system.codec.jobs(state.values[None])[0]
        present = np.flatnonzero(jobs[:, 0])
        logs = plausibility(tuple(jobs[present].T), family, system.params, **parameters)
        return {f"job {slot + 1}": float(log) for slot, log in zip(present, logs, strict=True)}

    return of
