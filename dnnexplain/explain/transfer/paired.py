"""Two policies over the same workloads: their costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, EpisodeSystem, Policy
from dnnexplain.gone import renamed

__all__ = ["paired_costs"]

__getattr__ = renamed(
    __name__,
    paired_interval="dnnexplain.old_intervals:mean_of_differences",
)

_WORKLOADS_AT_ONCE = 20


def paired_costs(
    system: EpisodeSystem,
    policies: tuple[Policy, Policy],
    workloads: Sequence[Any],
    seed: int,
    sample: bool,
    progress: Callable[[float], None] | None,
    metric: str = "",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs (or a metric by name) of two policies over the same workloads ``[W]``; in pieces, which changes nothing unless actions are drawn.

    Raises:
        DnnExplainError: the system's episodes have no such metric.
    """
    size = len(workloads) if sample else _WORKLOADS_AT_ONCE
    costs: list[list[NDArray[np.float64]]] = [[], []]
    for first in range(0, len(workloads), size):
        for side, policy in enumerate(policies):
            if progress is not None:
                progress((first + side * min(size, len(workloads) - first) / 2) / len(workloads))
            ran = system.run(policy, workloads[first : first + size], seed=seed, sample=sample)
            if metric and metric not in ran.metrics:
                raise Choice("metric", metric, tuple(ran.metrics)).error()
            costs[side].append(np.asarray(ran.metrics[metric] if metric else ran.cost))
    return np.concatenate(costs[0]), np.concatenate(costs[1])
