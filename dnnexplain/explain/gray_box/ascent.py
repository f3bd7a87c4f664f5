"""Projected gradient ascent of a batch, and thinning it out to its best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.denominators import Way

__all__ = ["Adam", "Climb"]


class Adam:
    """Adam (Kingma and Ba 2015), uphill, in units of each parameter's scale; rows have their own memory."""

    def __init__(self, shape: tuple[int, int], scale: Array, rate: float | Array = 0.02) -> None:
        self.mean = np.zeros(shape)
        self.square = np.zeros(shape)
        self.age = np.zeros((shape[0], 1))
        self.scale = scale
        self.rate = np.broadcast_to(np.asarray(rate, dtype=np.float64), (shape[0],)).copy()

    def step(self, gradient: Array) -> Array:
        """The step ``[B, k]`` to add to the parameters, for the gradient at them."""
        slope = gradient * self.scale
        self.age += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.99 * self.square + 0.01 * slope * slope
        mean = self.mean / (1 - 0.9**self.age)
        size = np.sqrt(self.square / (1 - 0.99**self.age)) + 1e-10
        return np.asarray(self.rate[:, None] * mean / size * self.scale)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Forget all rows but these."""
        self.mean, self.square = self.mean[rows], self.square[rows]
        self.age, self.rate = self.age[rows], self.rate[rows]


class Climb:
    """A batch on its way up: its parameters, the best ratio of each row, and where that was.

    Args:
        way: how parameters become inputs and ratios.
        run: takes every candidate.
        x: the starts ``[B, n]``.
        piece: the piece of the cost that each row climbs ``[B]``; -1 climbs whichever is largest.
        rate: step size as a share of each parameter's scale.
    """

    def __init__(
        self, way: Way, run: Run, x: Array, piece: NDArray[np.int64] | None = None, rate: float | Array = 0.02
    ) -> None:
        self.way = way
        self.run = run
        self.p = way.valid(way.start(x))
        self.piece = np.full(len(x), -1) if piece is None else np.array(piece, dtype=np.int64)
        self.adam = Adam(self.p.shape, way.scale, rate)
        self.best = np.zeros(len(x))
        self.best_x = np.array(x)

    def step(self) -> None:
        """One gradient step of every row."""
        first = None if (self.piece < 0).all() else self._pieces()
        slope = self.way.slope(self.p, first)
        better = slope.ratio > self.best
        self.best = np.where(better, slope.ratio, self.best)
        self.best_x = np.where(better[:, None], slope.x, self.best_x)
        self.run.offer(slope.x, slope.ratio)
        self.p = self.way.valid(self.p + self.adam.step(slope.gradient))

    def _pieces(self) -> NDArray[np.int64]:
        """The chosen pieces; rows without a choice take their largest."""
        if (self.piece >= 0).all():
            return self.piece
        inputs = self.way.slope(self.p).pieces.argmax(axis=1)
        return np.where(self.piece < 0, inputs, self.piece)

    def keep(self, count: int) -> None:
        """Go on with the ``count`` best rows only."""
        rows = np.sort(np.argsort(-self.best, kind="stable")[:count])
        self.p, self.piece = self.p[rows], self.piece[rows]
        self.best, self.best_x = self.best[rows], self.best_x[rows]
        self.adam.keep(rows)
