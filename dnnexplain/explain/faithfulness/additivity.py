"""How much of what a network does in a state no map can tell: what is not the sum of single effects.

A map gives one number to each cell, and so one to each object: it says that effects add up. Where the network's answer
hangs on combinations (this job matters only while that one waits), no map predicts what happens when objects leave,
not even the best one. A figure of the badge that is bad for that reason speaks of the network, not of the map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.decisions.real_changes import objects
from dnnexplain.explain.faithfulness.tried_cells import apart, half_signs

if TYPE_CHECKING:
    from dnnexplain.explain.faithfulness.tried_map import Case

__all__ = ["JOINT", "bent_share", "joint_share"]

JOINT = 0.25
"""From this share on a figure does not condemn a map; ``benchmarks/trust.md`` has the table that it rests on."""

_SPARE = 8
"""So many more states than objects are needed to tell."""


def joint_share(case: Case, rows: NDArray[np.float64], lost: NDArray[np.float64]) -> float:
    """The part of the changes (in squares) that no sum over objects explains; NaN where that cannot be told.

    The best sum is the least-squares fit ``lost ~ sum of what each object that changed is worth``; its residual is
    corrected for the number of objects fitted, as in the adjusted R squared (Theil 1961).

    Args:
        case: the map on trial.
        rows: knob values of the changed states ``[n, K]``.
        lost: what the target lost there ``[n]``.
    """
    changed = np.asarray(rows) != case.state.values
    gone = np.stack([changed[:, places].any(axis=1) for places in objects(case.system).values()], axis=1)
    gone = np.unique(gone[:, gone.any(axis=0)].astype(np.float64), axis=1)
    free, size = len(gone) - gone.shape[1], float((lost**2).mean())
    if free < _SPARE or size < 1e-18:
        return float("nan")
    worth = np.linalg.lstsq(gone, lost, rcond=None)[0]
    return float(((lost - gone @ worth) ** 2).sum() / free / size)


def bent_share(case: Case, count: int, real: NDArray[np.float64]) -> float:
    """The part of what halves of cells do (in squares) that no sum over cells explains, at least; NaN if nothing.

    For a sum over cells what two vectors of signs do is twice what their mean does: ``f(u) + f(v) = 2 f((u + v) / 2)``.

    Args:
        case: the map on trial.
        count: of the trials in ``real``.
        real: what they did ``[count]``.
    """
    signs = half_signs(case, count)
    pairs = count // 2
    both = real[:pairs] + real[pairs : 2 * pairs]
    size = float((both**2).mean())
    if size < 1e-18:
        return float("nan")
    means = (signs[:pairs] + signs[pairs : 2 * pairs]) / 2.0
    return float(((both - 2.0 * apart(case, means)) ** 2).mean() / size)
