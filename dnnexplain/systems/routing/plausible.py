"""Which histories are plausible: every pair's demand inside the range of generated traffic.

A search that may choose any history finds a silent one (no demand above a thousandth of a link): the policy then
knows nothing, and is as bad as it can be. Whether it is bad after ordinary traffic is another question. Here a
history is plausible if each demand lies between two quantiles of the gravity traffic that networks are trained
on, pair by pair. Dependence between pairs and steps is not bounded.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.traffic import generate

__all__ = ["PLAUSIBLE_RULE", "SILENT", "plausible_range"]

_MATRICES, _SEED = 4000, 2024
_QUANTILES = (0.01, 0.99)
PLAUSIBLE_RULE = (
    f"each pair's demand in the history lies between the {_QUANTILES[0]:.0%} and {_QUANTILES[1]:.0%} quantiles of "
    f"{_MATRICES:,} generated gravity matrices"
)
SILENT = 0.05
"""A history is called silent if its mean demand is below this share of that of generated traffic."""

Array = NDArray[np.float64]


@lru_cache(maxsize=8)
def plausible_range(paths: PathSet) -> tuple[Array, Array, float]:
    """Lowest and highest plausible demand of each pair ``[P]``, and the mean demand of generated traffic, Gb/s.

    The bounds are single-precision numbers, as all traffic that a network sees.
    """
    drawn = generate(paths, "gravity", _MATRICES, 1, _SEED)[:, 0]
    low, high = np.quantile(drawn, _QUANTILES, axis=0).astype(np.float32).astype(np.float64)
    return low, high, float(drawn.mean())
