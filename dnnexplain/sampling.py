"""From raw outputs to probabilities and actions, in numpy: masked softmax, argmax, sampling."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.spaces import drawn, masked_scores, softmax

__all__ = ["choose", "own_streams", "probabilities"]


def own_streams(seed: int, contents: Sequence[bytes]) -> list[np.random.Generator]:
    """A stream of chance for each workload, from what it holds and the seed, whatever lies beside it.

    Of equal workloads the second, third, ... have streams of their own, so that one can be run many times at once.

    Args:
        seed: of the run.
        contents: what makes each workload, as bytes.
    """
    copies: Counter[bytes] = Counter()
    streams = []
    for content in contents:
        key = np.frombuffer(hashlib.sha256(content).digest(), dtype=np.uint32)
        streams.append(
            np.random.default_rng(np.random.SeedSequence([seed, *key.tolist()], spawn_key=(copies[content],)))
        )
        copies[content] += 1
    return streams


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
    return softmax(masked_scores(outputs, valid))


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
    scores = masked_scores(outputs, valid)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64) if rng is None else drawn(softmax(scores), rng)
