"""Whether more is lost inside a region than outside: Wilcoxon's rank sum and Fisher's exact test, corrected by Holm."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["fisher", "holm", "rank_sum"]

Floats = NDArray[np.float64]


def rank_sum(within: NDArray[np.bool_], loss: Floats) -> float:
    """One-sided p of Wilcoxon's rank-sum test (Mann and Whitney's U) that losses inside are larger; 1 without two sides."""
    if within.all() or not within.any() or not np.ptp(loss) > 0:
        return 1.0
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - slow to import

    return float(mannwhitneyu(loss[within], loss[~within], alternative="greater").pvalue)


def fisher(within: NDArray[np.bool_], failed: NDArray[np.bool_]) -> float:
    """One-sided p of Fisher's exact test that the share of failures inside is larger."""
    from scipy.stats import fisher_exact  # noqa: PLC0415 - slow to import

    table = [[int((within & failed).sum()), int((within & ~failed).sum())],
             [int((~within & failed).sum()), int((~within & ~failed).sum())]]  # fmt: skip
    return float(fisher_exact(table, alternative="greater").pvalue)


def holm(p: ArrayLike) -> Floats:
    """P values corrected for how many were tried ``[n]`` (Holm 1979): none of them wrong with one minus the level."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
