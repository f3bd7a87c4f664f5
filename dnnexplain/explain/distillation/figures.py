"""Figures of how well one policy follows another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.decisions import Decisions
from dnnexplain.gone import renamed

__all__ = ["best_sentence", "macro_f1"]

__getattr__ = renamed(
    __name__,
    mean_interval="dnnexplain.old_intervals:mean_and_ends",
    ratio_interval="dnnexplain.old_intervals:ratio_and_ends",
)


def best_sentence(known: Decisions, seen: Decisions) -> dict[str, float | int]:
    """The move that says most decisions when it is made always: what a tree is worth is what it adds to that.

    Args:
        known: the decisions that it is chosen by.
        seen: those of the figures.

    Returns:
        ``single``, the move's place; ``single_fidelity``, the share of decisions that it says, and
        ``single_free``, the same where more than one action is valid.
    """
    always = np.eye(known.moves.shape[1])

    def says(move: int, of: Decisions) -> NDArray[np.bool_]:
        return np.asarray(of.follow(np.broadcast_to(always[move], of.moves.shape)) == of.action)

    best = int(np.argmax([says(move, known).mean() for move in range(len(always))]))
    right = says(best, seen)
    free = float(right[seen.free].mean()) if seen.free.any() else 1.0
    return {"single": best, "single_fidelity": float(right.mean()), "single_free": free}


def macro_f1(true: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """The mean over the actions that occur in ``true`` of F1 = 2 tp / (2 tp + fp + fn)."""
    scores = []
    for action in np.unique(true):
        hit = float(np.sum((true == action) & (said == action)))
        missed = float(np.sum((true == action) != (said == action)))
        scores.append(2 * hit / (2 * hit + missed))
    return float(np.mean(scores))
