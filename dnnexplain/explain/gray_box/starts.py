"""Where climbs begin: one start per piece of the cost, and neighbours of what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.component import Array

__all__ = ["Starts", "inner_starts", "neighbours", "piecewise_starts"]

MOST_PIECES = 48
ALONE = 24
RATES = (0.002, 0.05)


@dataclass(frozen=True)
class Starts:
    """Inputs ``[B, n]``, the piece that each row climbs ``[B]`` (-1: the largest), and step sizes ``[B]``."""

    x: Array
    piece: NDArray[np.int64]
    rate: Array


def _rates(run: Run, count: int) -> Array:
    """Step sizes of very different scale, log-uniform: no single one suits every pipeline."""
    low, high = np.log(RATES)
    return np.exp(run.random.uniform(low, high, count))


def piecewise_starts(run: Run, samples: int = 240, *, near: bool = False) -> Starts:
    """For every piece of the cost the sampled input at which it is largest against the optimum.

    A batch that climbs only the largest piece ends on the same few peaks; one row per piece covers them all.
    A cost of one piece gets the best two dozen samples instead. With ``near`` half of the samples are
    variations of what was found so far.
    """
    problem = run.problem
    x = _samples(run, samples, near=near)

    def of_pieces(rows: Array) -> Array:
        pieces = problem.pipeline.pieces(rows)
        return problem.over(pieces, np.repeat(problem.optimum.output(rows), pieces.shape[1], axis=1))

    ratio = run.timed(x, of_pieces)
    x = x[: len(ratio)]
    run.offer(x, np.asarray(ratio.max(axis=1)))
    if ratio.shape[1] == 1:
        rows = np.argsort(-ratio[:, 0], kind="stable")[: run.affordable(ALONE)]
        return Starts(x[rows], np.full(len(rows), -1), _rates(run, len(rows)))
    chosen = np.argsort(-ratio.max(axis=0), kind="stable")[: run.affordable(MOST_PIECES)]
    return Starts(x[ratio[:, chosen].argmax(axis=0)], chosen, _rates(run, len(chosen)))


def neighbours(run: Run, count: int) -> Array:
    """Variations ``[<= count, n]`` of the best cases so far: some inputs switched off, some redrawn."""
    if not run.kept or count < 1:
        return np.zeros((0, run.problem.domain.size))
    domain = run.problem.domain
    base = np.stack([run.kept[i][1] for i in run.random.integers(0, len(run.kept), count)])
    share = np.exp(run.random.uniform(np.log(1.0 / domain.size), np.log(0.3), (len(base), 1)))
    changed = run.random.random(base.shape) < share
    redrawn = np.where(run.random.random(base.shape) < 0.5, domain.low, domain.sparse(len(base), run.random))
    return domain.valid(np.where(changed, redrawn, base))


def _samples(run: Run, count: int, *, near: bool) -> Array:
    old = neighbours(run, count // 2 if near else 0)
    return np.concatenate([run.problem.domain.mixed(count - len(old), run.random), old])


def inner_starts(run: Run, samples: int = 400, *, near: bool = False) -> Starts:
    """For every piece the sampled network input that drives it highest under that piece's ideal free part."""
    problem, inner = run.problem, run.problem.inner
    assert inner is not None
    x = _samples(run, samples, near=near)
    chosen: list[Array] = []
    for piece, free in enumerate(inner.ideal):
        if chosen and not run.going():
            break
        x[:, inner.free] = free
        chosen.append(x[problem.pipeline.pieces(x)[:, piece].argmax()].copy())
    rows = np.stack(chosen)
    ratio = run.timed(rows, problem.ratio)
    order = np.argsort(-ratio, kind="stable")[: run.affordable(len(ratio))]
    run.offer(rows[order], ratio[order])
    return Starts(rows[order], order, _rates(run, len(order)))
