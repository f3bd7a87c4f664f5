"""Columns of records on a normal scale and back: what a network that writes records works in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Condition", "NormalScale"]

Floats = NDArray[np.float64]
POINTS = 512
"""Quantiles of a column that are kept, evenly spaced on the normal scale: the tails are kept as finely as the middle."""
EDGE = 3.9
GRID = np.linspace(-EDGE, EDGE, POINTS)
FEW = 64
"""Values of a column of few, at most."""


class NormalScale:
    """Each column through its empirical distribution to a standard normal one; ties are spread out at random, or lie in their middle.

    Back, a value is one of the column's quantiles, or between two where the column has many values; so what comes
    back lies in the column's range and, where it had few values, is one of them.

    Args:
        rows: what was seen ``[N, C]``.
    """

    def __init__(self, rows: Floats) -> None:
        shares = ndtr(GRID)
        shares[[0, -1]] = 0.0, 1.0
        self.quantiles = np.quantile(rows, shares, axis=0, method="nearest")
        self.few = np.array([len(np.unique(column)) <= FEW for column in rows.T])

    @classmethod
    def of(cls, quantiles: Floats, few: NDArray[np.bool_]) -> NormalScale:
        """From what another one knew."""
        made = cls.__new__(cls)
        made.quantiles, made.few = quantiles, few
        return made

    def there(self, rows: Floats, rng: np.random.Generator | None = None) -> Floats:
        """Rows ``[N, C]`` on the normal scale; ties spread out by ``rng``, in their middle without it."""
        scaled = np.empty_like(rows)
        for c, known in enumerate(self.quantiles.T):
            low, high = (np.searchsorted(known, rows[:, c], side=side) for side in ("left", "right"))
            first, last = GRID[np.minimum(low, POINTS - 1)], GRID[np.clip(high - 1, 0, POINTS - 1)]
            if rng is None:
                tied = (first + last) / 2
            else:
                tied = ndtri(ndtr(first) + rng.random(len(rows)) * (ndtr(last) - ndtr(first)))
            between = np.interp(rows[:, c], known, GRID)
            scaled[:, c] = np.where(high > low + 1, tied, between)
        return scaled

    def back(self, scaled: Floats) -> Floats:
        """The rows that are there ``[N, C]``."""
        nearest = np.clip(np.rint((scaled + EDGE) / (GRID[1] - GRID[0])), 0, POINTS - 1).astype(int)
        rows = np.empty_like(scaled)
        for c, known in enumerate(self.quantiles.T):
            rows[:, c] = known[nearest[:, c]] if self.few[c] else np.interp(scaled[:, c], GRID, known)
        return rows


class Condition:
    """What a record is written from: the record before it, if order means something, and its table's mean level.

    Args:
        tables: on the normal scale ``[R, C]`` each.
        ordered: whether the order of records means something.
    """

    def __init__(self, tables: Sequence[Floats], *, ordered: bool) -> None:
        self.ordered = ordered
        self.levels = np.stack([table.mean(axis=0) for table in tables])
        self.starts = np.stack([table[0] for table in tables])
        self.lengths = np.array([len(table) for table in tables])

    def of(self, tables: Sequence[Floats]) -> Floats:
        """For every record of tables ``[N, 2 C]``."""
        return np.concatenate(
            [
                self.joined(np.concatenate([table[:1], table[:-1]]), np.repeat(level[None], len(table), axis=0))
                for table, level in zip(tables, self.levels, strict=True)
            ]
        )

    def joined(self, before: Floats, level: Floats) -> Floats:
        """The records before and the levels, side by side."""
        return np.concatenate([before if self.ordered else np.zeros_like(before), level], axis=1)
