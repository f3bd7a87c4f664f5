"""New tables of records between known ones: resampling with interpolation (the SMOTE family).

Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16, 2002: a new record lies somewhere on
the line between a record and a near one. For series, near means at the same time in another series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["propose"]

Floats = NDArray[np.float64]
NEAREST = 5


def propose(left: Floats, other: Floats, rng: np.random.Generator, *, ordered: bool) -> Floats:
    """A table near ``one [R, C]`` made with ``other [S, C]``: a stretch of it, records moved towards its, or records twice.

    Args:
        left, other: tables of the same columns.
        rng: draws what is done, and where.
        ordered: whether the order of records means something.
    """
    table = left.copy()
    most = min(len(left), len(other))
    length = int(rng.integers(1, max(2, most // 2 + 1)))
    first = int(rng.integers(0, most - length + 1))
    kind = int(rng.integers(3))
    if kind == 0:
        start = first if ordered else int(rng.integers(0, len(other) - length + 1))
        table[first : first + length] = other[start : start + length]
    elif kind == 1:
        share = rng.random(1 if ordered else (length, 1))
        partners = other[first : first + length] if ordered else _near(table[first : first + length], other, rng)
        table[first : first + length] += share * (partners - table[first : first + length])
    elif ordered:
        table[:most] += rng.uniform(-0.3, 0.7) * (other[:most] - table[:most])
    else:
        table[rng.integers(0, len(table), max(1, length // 2))] = table[rng.integers(len(table))]
    return table


def _near(rows: Floats, pool: Floats, rng: np.random.Generator) -> Floats:
    """For each row one of the five nearest of the pool, columns scaled by their spread."""
    scale = np.where(pool.std(axis=0) > 0, pool.std(axis=0), 1.0)
    distance = (((rows[:, None] - pool[None]) / scale) ** 2).sum(axis=-1)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, : min(NEAREST, len(pool))]
    return pool[nearest[np.arange(len(rows)), rng.integers(0, nearest.shape[1], len(rows))]]
