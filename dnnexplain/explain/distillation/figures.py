"""Figures of how well one policy follows another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["macro_f1"]


def macro_f1(true: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """The mean over the actions that occur in ``true`` of F1 = 2 tp / (2 tp + fp + fn)."""
    scores = []
    for action in np.unique(true):
        hit = float(np.sum((true == action) & (said == action)))
        missed = float(np.sum((true == action) != (said == action)))
        scores.append(2 * hit / (2 * hit + missed))
    return float(np.mean(scores))
