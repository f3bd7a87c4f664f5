"""From raw outputs to probabilities and actions, in numpy: masked softmax, argmax, sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["choose", "probabilities"]


def probabilities(outputs: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Softmax over the valid outputs; an invalid one gets exactly 0.

    Args:
        outputs: logits ``[B, A]``.
        valid: which outputs are allowed ``[B, A]``, or ``None`` for all.

    Returns:
        float64 ``[B, A]``; every row sums to 1.

    Raises:
        DnnExplainError: shapes differ, a row has no valid output, or a valid output is not finite.
    """
    scores, allowed = _checked(outputs, valid)
    shifted = np.where(allowed, scores, -np.inf)
    weights = np.exp(shifted - shifted.max(axis=1, keepdims=True, initial=-np.inf))
    return weights / weights.sum(axis=1, keepdims=True)


def choose(
    outputs: NDArray[Any], valid: NDArray[np.bool_] | None = None, rng: np.random.Generator | None = None
) -> NDArray[np.int64]:
    """One action per row: the highest valid output, or with ``rng`` one drawn from the probabilities.

    Args:
        outputs: logits ``[B, A]``.
        valid: which outputs are allowed ``[B, A]``, or ``None`` for all.
        rng: draws exactly one uniform number per row, so that runs stay aligned; ``None`` for argmax
            (ties go to the lowest index).

    Returns:
        int64 ``[B]``.

    Raises:
        DnnExplainError: as :func:`probabilities`.
    """
    if rng is None:
        scores, allowed = _checked(outputs, valid)
        return np.where(allowed, scores, -np.inf).argmax(axis=1)
    cumulative = np.cumsum(probabilities(outputs, valid), axis=1)
    drawn = rng.random(len(cumulative)) * cumulative[:, -1]
    return (cumulative > drawn[:, None]).argmax(axis=1)


def _checked(outputs: NDArray[Any], valid: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    scores = np.asarray(outputs, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] == 0:
        msg = f"outputs must be [B, A], states by actions, not {list(scores.shape)}; one state is outputs[None]"
        raise DnnExplainError(msg)
    allowed = np.ones(scores.shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool)
    if allowed.shape != scores.shape:
        msg = f"valid must have the shape of outputs, {list(scores.shape)}, not {list(allowed.shape)}"
        raise DnnExplainError(msg)
    if not allowed.any(axis=1).all():
        row = int(np.flatnonzero(~allowed.any(axis=1))[0])
        msg = f"state {row} allows no action at all; a system must leave at least one valid (such as wait)"
        raise DnnExplainError(msg)
    if not np.isfinite(scores[allowed]).all():
        row = int(np.flatnonzero((allowed & ~np.isfinite(scores)).any(axis=1))[0])
        msg = f"the outputs in state {row} are not finite; the network's weights or its input hold NaN or overflow"
        raise DnnExplainError(msg)
    return scores, allowed
