"""Weighted sums over the filled cells of pictures given as bytes, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_outer", "sum_rows"]


@njit(cache=True, nogil=True)
def _filled(words, cells, n, where):
    """Positions of the filled cells of row ``n``, into ``where``; returns how many."""
    count = 0
    for w in range(words.shape[1]):
        if words[n, w] == 0:
            continue
        for c in range(8 * w, 8 * w + 8):
            where[count] = c
            count += cells[n, c] != 0
    for c in range(words.shape[1] * 8, cells.shape[1]):
        where[count] = c
        count += cells[n, c] != 0
    return count


@njit(cache=True, fastmath=True, nogil=True)
def sum_rows(words, cells, scale, table, bias, out):
    """``out[n] = bias + sum over filled cells of value * table[cell]``; ``words`` is cells 8 by 8."""
    units = table.shape[1]
    where = np.empty(cells.shape[1] + 1, dtype=np.int64)
    for n in range(cells.shape[0]):
        row = out[n]
        row[:] = bias
        count = _filled(words, cells, n, where)
        i = 0
        while i + 4 <= count:  # four weights per pass: the sum is loaded and stored once for all
            a, b, c, d = where[i], where[i + 1], where[i + 2], where[i + 3]
            p, q = np.float32(cells[n, a]) * scale, np.float32(cells[n, b]) * scale
            r, s = np.float32(cells[n, c]) * scale, np.float32(cells[n, d]) * scale
            for u in range(units):
                row[u] += (p * table[a, u] + q * table[b, u]) + (r * table[c, u] + s * table[d, u])
            i += 4
        while i < count:
            p = np.float32(cells[n, where[i]]) * scale
            for u in range(units):
                row[u] += p * table[where[i], u]
            i += 1


@njit(cache=True, fastmath=True, nogil=True)
def add_outer(words, cells, scale, gradient, table):
    """``table[cell] += value * gradient[n]`` over filled cells."""
    units = table.shape[1]
    whole = words.shape[1] * 8
    for n in range(cells.shape[0]):
        row = gradient[n]
        for w in range(words.shape[1]):
            if words[n, w] == 0:
                continue
            for c in range(8 * w, 8 * w + 8):
                if cells[n, c] != 0:
                    value = np.float32(cells[n, c]) * scale
                    for u in range(units):
                        table[c, u] += value * row[u]
        for c in range(whole, cells.shape[1]):
            value = np.float32(cells[n, c]) * scale
            for u in range(units):
                table[c, u] += value * row[u]
