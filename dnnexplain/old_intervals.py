"""Functions of intervals by names and arguments that they had once, for one release; see :mod:`dnnexplain.intervals`.

They were bootstraps; what they give now are the intervals that every screen shows, which need neither a seed nor resamples.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from dnnexplain.gone import instead
from dnnexplain.intervals import Interval, compared_interval, mean_interval, ratio_interval

__all__ = [
    "Interval",
    "interval",
    "mean_and_ends",
    "mean_of_differences",
    "paired_interval",
    "ratio_and_ends",
]

Ends = tuple[float, float, float]


def interval(
    values: ArrayLike,
    seed: int = 0,
    *,
    level: float = 0.95,
    weights: ArrayLike | None = None,
    resamples: int = 0,
) -> Interval:
    """The mean over workloads ``[W]``; ``seed`` and ``resamples`` do nothing."""
    del seed, resamples
    instead("interval(values)", "dnnexplain.intervals.mean_interval(values)")
    return mean_interval(values, level=level, weights=weights)


def paired_interval(a: ArrayLike, b: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 0) -> Interval:
    """``mean(a) / mean(b) - 1`` over the same workloads ``[W]``; ``seed`` and ``resamples`` do nothing."""
    del seed, resamples
    instead("paired_interval(a, b)", "dnnexplain.intervals.compared_interval(a, b, ratio=True)")
    return compared_interval(a, b, ratio=True, level=level)


def mean_of_differences(
    differences: ArrayLike, *, level: float = 0.95, resamples: int = 0, seed: int = 0
) -> tuple[float, float]:
    """The ends of the interval of the mean of differences ``[W]``; ``seed`` and ``resamples`` do nothing."""
    del seed, resamples
    instead("paired_interval(differences)", "dnnexplain.intervals.mean_interval(differences)")
    interval = mean_interval(differences, level=level)
    return interval.low, interval.high


def mean_and_ends(values: ArrayLike, seed: int = 0) -> Ends:
    """``mean, low, high`` over workloads ``[W]``; ``seed`` does nothing."""
    del seed
    instead("mean_interval of distillation.figures", "dnnexplain.intervals.mean_interval(values).three")
    return mean_interval(values).three


def ratio_and_ends(top: ArrayLike, bottom: ArrayLike, seed: int = 0) -> Ends:
    """``sum(top) / sum(bottom)`` with its ends; ``seed`` does nothing."""
    del seed
    instead("ratio_interval of distillation.figures", "dnnexplain.intervals.ratio_interval(top, bottom).three")
    return ratio_interval(top, bottom).three
