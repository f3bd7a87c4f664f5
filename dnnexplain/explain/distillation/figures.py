"""Figures of how well one policy follows another, and their bootstrap intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["macro_f1", "mean_interval", "ratio_interval"]

RESAMPLES = 2000


def macro_f1(true: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """The mean over the actions that occur in ``true`` of F1 = 2 tp / (2 tp + fp + fn)."""
    scores = []
    for action in np.unique(true):
        hit = float(np.sum((true == action) & (said == action)))
        missed = float(np.sum((true == action) != (said == action)))
        scores.append(2 * hit / (2 * hit + missed))
    return float(np.mean(scores))


def ratio_interval(top: ArrayLike, bottom: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """``sum(top) / sum(bottom)`` and its 95% percentile bootstrap interval (Efron 1979), pairs resampled.

    Args:
        top, bottom: one value per workload ``[W]``.
        seed: of the resampling.
    """
    above, below = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(above), (RESAMPLES, len(above)))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios: NDArray[Any] = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    low, high = np.nanpercentile(ratios, [2.5, 97.5])
    return float(above.sum() / below.sum()), float(low), float(high)


def mean_interval(values: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """The mean over workloads ``[W]`` and its 95% bootstrap interval."""
    numbers = np.asarray(values, dtype=float)
    return ratio_interval(numbers, np.ones(len(numbers)), seed)
