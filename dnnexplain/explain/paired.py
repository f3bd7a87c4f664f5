"""Two policies over the same workloads: their costs, and the interval of the mean difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, EpisodeSystem, Policy

__all__ = ["paired_costs", "paired_interval"]

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
    found: list[list[NDArray[np.float64]]] = [[], []]
    for first in range(0, len(workloads), size):
        for side, policy in enumerate(policies):
            if progress is not None:
                progress((first + side * min(size, len(workloads) - first) / 2) / len(workloads))
            ran = system.run(policy, workloads[first : first + size], seed=seed, sample=sample)
            if metric and metric not in ran.metrics:
                raise Choice("metric", metric, tuple(ran.metrics)).error()
            found[side].append(np.asarray(ran.metrics[metric] if metric else ran.cost))
    return np.concatenate(found[0]), np.concatenate(found[1])


def paired_interval(
    differences: NDArray[np.float64], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of paired differences ``[W]``."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(differences), size=(resamples, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
