"""Compiled reading of pictures: what each slot, the cluster and the backlog show."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["read_rows"]


@njit(cache=True, nogil=True)
def read_rows(
    pictures: NDArray[Any],
    first_columns: NDArray[np.int64],
    units: int,
    cluster: NDArray[np.int64],
    backlog: tuple[int, int],
    out: NDArray[np.float64],
) -> None:
    """Count filled cells of pictures ``[B, H, W]``.

    Args:
        pictures: a cell above zero is filled.
        first_columns: of each slot's block, by resource ``[2, M]``; a block is ``units`` wide.
        units: a job's largest demand.
        cluster: its first column and the one after its last, by resource ``[2, 2]``.
        backlog: the same of the backlog.
        out: filled: per slot length and the two demands, then use by resource and row, then the backlog ``[B, >= K - 1]``.
    """
    slots, horizon = first_columns.shape[1], pictures.shape[1]
    for b in range(len(pictures)):
        for slot in range(slots):
            length = 0
            for row in range(horizon):
                seen = False
                for resource in range(2):
                    begin = first_columns[resource, slot]
                    for column in range(begin, begin + units):
                        seen = seen or pictures[b, row, column] > 0
                length += seen
            out[b, 3 * slot] = length
            for resource in range(2):
                begin, demand = first_columns[resource, slot], 0
                for column in range(begin, begin + units):
                    seen = False
                    for row in range(horizon):
                        if pictures[b, row, column] > 0:
                            seen = True
                            break
                    demand += seen
                out[b, 3 * slot + 1 + resource] = demand
        for resource in range(2):
            first = 3 * slots + resource * horizon
            for row in range(horizon):
                use = 0
                for column in range(cluster[resource, 0], cluster[resource, 1]):
                    use += pictures[b, row, column] > 0
                out[b, first + row] = use
        waiting = 0
        for row in range(horizon):
            for column in range(backlog[0], backlog[1]):
                waiting += pictures[b, row, column] > 0
        out[b, 3 * slots + 2 * horizon] = waiting
