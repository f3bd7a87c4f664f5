"""Hill climbing of several inputs in one batch: the last stretch where the cost has steps and no slope."""

from __future__ import annotations

import numpy as np

from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["near", "polish"]

REACH = 0.1
NEIGHBOURS = 10
PATIENCE = 25


def near(run: Run, x: Array) -> Array:
    """One neighbour of each input ``[B, n]``: Gaussian steps of a tenth of the range on a log-uniform number of inputs."""
    domain = run.problem.domain
    count = len(x)
    share = np.exp(run.random.uniform(np.log(1.0 / domain.size), 0.0, (count, 1)))
    moved = run.random.random((count, domain.size)) < share
    moved[np.arange(count), run.random.integers(0, domain.size, count)] = True
    step = REACH * run.random.standard_normal((count, domain.size)) * domain.width
    return domain.valid(x + moved * step)


def polish(problem: Problem, run: Run, x: Array, *, patience: int = PATIENCE) -> None:
    """Move every input to the best of its neighbours while that helps; all of them in one batch.

    An input whose neighbours were no better ``patience`` times in a row is left.

    Args:
        problem: what is searched.
        run: takes every candidate.
        x: the inputs to begin with ``[B, n]``.
        patience: tries in vain.
    """
    x = x[: run.affordable(len(x) * NEIGHBOURS) // NEIGHBOURS or 1]
    height, failures = problem.ratio(x), np.zeros(len(x), dtype=np.int64)
    while len(x) and run.going():
        tried = near(run, np.repeat(x, NEIGHBOURS, axis=0))
        ratio = problem.ratio(tried)
        run.offer(tried, ratio)
        best = np.arange(len(x)) * NEIGHBOURS + ratio.reshape(len(x), NEIGHBOURS).argmax(axis=1)
        better = ratio[best] > height
        x = np.where(better[:, None], tried[best], x)
        height, failures = np.where(better, ratio[best], height), np.where(better, 0, failures + 1)
        going = np.flatnonzero(failures < patience)
        x, height, failures = x[going], height[going], failures[going]
