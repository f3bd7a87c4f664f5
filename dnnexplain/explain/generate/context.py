"""What is known before the next record of a series is written: its table's level, its place, and the records before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.generate.levels import Levels

__all__ = ["Context"]

Floats = NDArray[np.float64]
MEMORIES = (0.5, 0.9, 0.98)
"""How much of a moving average of the records before is kept from record to record."""
WAVES = (1, 2, 3)
PRODUCTS = 4
"""Codes whose products are known to a wide table's model, which is linear."""


class Context:
    """Of tables side by side: asked for record by record, told what was written.

    Args:
        levels: of the tables.
        codes: of each table ``[N, K]``.
        length: of the longest table.
        ordered: whether the order of records means something; if not, nothing is known.
        wide: whether tables have too many columns for more than the record just before.
    """

    def __init__(self, levels: Levels, codes: Floats, length: int, *, ordered: bool, wide: bool) -> None:
        self.ordered, self.wide, self.length = ordered, wide, length
        self.level = levels.local(codes, length)
        self.base = codes / np.maximum(levels.codes.std(axis=0), 1e-9)
        if wide:
            first = self.base[:, :PRODUCTS]
            pairs = [first[:, i] * first[:, j] for i in range(first.shape[1]) for j in range(i + 1)]
            self.base = np.column_stack([self.base, *pairs])
        self.ahead = max(1, length // levels.stretches)
        self.before = self.earlier = self.level[:, 0]
        self.averages = [self.before for _ in MEMORIES]

    def row(self, place: int) -> Floats:
        """Before record ``place`` of every table ``[N, F]``; a constant where nothing is known."""
        count = len(self.base)
        if not self.ordered:
            return np.ones((count, 1))
        turn = 2 * np.pi * place / self.length
        here = [float(min(place, 3)), *(wave(k * turn) for k in WAVES for wave in (np.sin, np.cos))]
        known = [self.base, np.tile(here, (count, 1)), self.before]
        if not self.wide:
            later = self.level[:, min(place + self.ahead, self.length - 1)]
            known += [self.level[:, place], later, self.earlier, *self.averages]
        return np.concatenate(known, axis=1)

    def advance(self, rows: Floats) -> None:
        """Records were written ``[N, C]``."""
        self.earlier, self.before = self.before, rows
        self.averages = [kept * old + (1 - kept) * rows for kept, old in zip(MEMORIES, self.averages, strict=True)]
