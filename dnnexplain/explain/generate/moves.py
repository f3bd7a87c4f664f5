"""Small changes of a table of records: what a climber may try, beside interpolation with other tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.generate.smote import propose

__all__ = ["MOVES", "UPHILL", "Move", "Moves", "uphill"]

Floats = NDArray[np.float64]
Move = Callable[[Floats, Floats, Floats, Floats, np.random.Generator, bool], Floats]
"""From a parent ``[R, C]``, another elite, a drawn table, the columns' spread ``[C]``, a generator and whether order means something."""
FEW = 0.15
"""Share of records that a small change touches, at most; a draw decides."""
LEARNED = 0.1
"""How fast moves that succeed are preferred."""
LEAST_SHARE = 0.08
"""Of the proposals that each move keeps, whatever it has come to."""


def towards_drawn(
    first: Floats, _elite: Floats, drawn: Floats, _scale: Floats, rng: np.random.Generator, ordered: bool
) -> Floats:
    """A stretch or records of an ordinary table, or half-way to them."""
    return propose(first, drawn, rng, ordered=ordered)


def towards_elite(
    first: Floats, elite: Floats, _drawn: Floats, _scale: Floats, rng: np.random.Generator, ordered: bool
) -> Floats:
    """The same with another bad table: what is bad in both may come together."""
    return propose(first, elite, rng, ordered=ordered)


def few_values(
    first: Floats, _elite: Floats, _drawn: Floats, scale: Floats, rng: np.random.Generator, ordered: bool
) -> Floats:
    """A few records (of a series: a stretch) with other values in a few columns, by a step of a drawn size."""
    table = first.copy()
    rows = _some_rows(len(first), rng, ordered=ordered)
    columns = rng.random(first.shape[1]) < max(0.3, 1.0 / first.shape[1])
    columns[int(rng.integers(first.shape[1]))] = True
    size = 10.0 ** rng.uniform(-1.5, 0.3)
    noise = rng.normal(size=(1 if ordered else len(rows), first.shape[1]))
    table[rows] += size * noise * scale * columns
    return table


def other_order(
    first: Floats, _elite: Floats, _drawn: Floats, _scale: Floats, rng: np.random.Generator, ordered: bool
) -> Floats:
    """Two stretches (of a series: a stretch with its values backwards), or two records, change places."""
    table = first.copy()
    if ordered:
        rows = _some_rows(len(first), rng, ordered=True)
        column = int(rng.integers(first.shape[1]))
        table[rows, column] = table[rows[::-1], column]
        return table
    a, b = rng.integers(0, len(first), 2)
    if rng.random() < 0.5:
        table[[a, b]] = table[[b, a]]
        return table
    moved = np.delete(table, a, axis=0)
    return np.insert(moved, min(int(b), len(moved)), first[a], axis=0)


def uphill(first: Floats, slope: Floats, scale: Floats, rng: np.random.Generator) -> Floats:
    """A step of a drawn size in the direction in which regret grows, each column measured by its spread.

    Args:
        first, slope: a table and the gradient of the regret there ``[R, C]``.
        scale: of each column ``[C]``.
        rng: draws the size: the mean change is a thirtieth of the spread to twice it.
    """
    measured = slope * scale
    moved = measured[measured != 0]
    if not len(moved):
        return first.copy()
    size = 10.0 ** rng.uniform(-1.5, 0.3)
    made: Floats = first + size * measured * scale / np.sqrt((moved**2).mean())
    return made


MOVES: dict[str, Move] = {item.__name__: item for item in (towards_drawn, towards_elite, few_values, other_order)}
"""By name."""
UPHILL = "uphill"
"""The move that needs a gradient."""


class Moves:
    """Which move is tried next: the more often one has made something worse, the oftener it is drawn.

    Adaptive pursuit of operators (Thierens, "An adaptive pursuit strategy for allocating operator probabilities",
    GECCO 2005), with a least share for each.

    Args:
        scale: spread of the columns over ordinary records ``[C]``.
        ordered: whether the order of records means something.
        rng: draws everything.
        slope: whether gradients are given, for one more move.
    """

    def __init__(self, scale: Floats, *, ordered: bool, rng: np.random.Generator, slope: bool = False) -> None:
        self._scale, self._ordered, self._rng = scale, ordered, rng
        self._worth = dict.fromkeys((*MOVES, *((UPHILL,) if slope else ())), 0.5)

    @property
    def shares(self) -> dict[str, float]:
        """How often each is drawn."""
        total = sum(self._worth.values()) or 1.0
        free = 1.0 - LEAST_SHARE * len(self._worth)
        return {name: LEAST_SHARE + free * worth / total for name, worth in self._worth.items()}

    def make(
        self, first: Floats, elite: Floats, drawn: Floats, slope: Callable[[], Floats] | None = None
    ) -> tuple[str, Floats]:
        """A move's name and what it makes of ``first``; ``slope`` gives the gradient there, if it is asked for."""
        shares = self.shares
        name = str(self._rng.choice(list(shares), p=list(shares.values())))
        if name == UPHILL:
            assert slope is not None
            return name, uphill(first, slope(), self._scale, self._rng)
        return name, MOVES[name](first, elite, drawn, self._scale, self._rng, self._ordered)

    def learn(self, name: str, *, better: bool) -> None:
        """Whether what a move made was worse for the policy than its parent."""
        self._worth[name] += LEARNED * (float(better) - self._worth[name])


def _some_rows(count: int, rng: np.random.Generator, *, ordered: bool) -> NDArray[np.int64]:
    most = max(1, int(FEW * count))
    length = int(rng.integers(1, most + 1))
    if ordered:
        first = int(rng.integers(0, count - length + 1))
        return np.arange(first, first + length)
    return rng.choice(count, length, replace=False).astype(np.int64)
