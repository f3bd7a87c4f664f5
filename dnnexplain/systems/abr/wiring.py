"""Which observation cells the paper's network reads, and how its branches fit into plain dense layers.

Pensieve's network (Mao et al., SIGCOMM 2017, section 4.4) has six branches of 128 units: last bitrate,
buffer, throughputs, download times, next sizes, chunks remaining; a layer of 128 joins them. Its
"convolutions" see a single position, so that each branch is one dense layer, and the six together are one
dense layer of 768 units whose weights are zero wherever a branch does not read a cell.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.abr.arrays import ROWS

__all__ = ["BRANCHES", "branch_cells", "first_layer", "wired"]

BRANCHES = ("last bitrate", "buffer", "throughput", "download time", "next sizes", "chunks remaining")
"""In the order in which the published code joins them."""


def branch_cells(rates: int, columns: int, remaining_row: int = 5) -> dict[str, NDArray[np.int64]]:
    """The cells of the flattened observation ``[6 * L]`` that each branch reads, in order.

    Args:
        rates: bitrates of the ladder.
        columns: L.
        remaining_row: where "chunks remaining" is read: row 5 (the paper), or row 4 (the published code, whose
            last column holds the smallest next size of the step before).
    """
    if remaining_row not in {4, 5}:
        msg = f"remaining_row is 5 (as in the paper) or 4 (as in the published code), not {remaining_row!r}"
        raise DnnExplainError(msg)
    cells = np.arange(ROWS * columns).reshape(ROWS, columns)
    last = columns - 1
    return {
        "last bitrate": cells[0, last:],
        "buffer": cells[1, last:],
        "throughput": cells[2],
        "download time": cells[3],
        "next sizes": cells[4, :rates],
        "chunks remaining": cells[remaining_row, last:],
    }


def wired(units: int, rates: int, columns: int, remaining_row: int = 5) -> NDArray[np.bool_]:
    """Which weights of the joined first layer may differ from zero ``[6 * units, 6 * L]``."""
    mask = np.zeros((len(BRANCHES) * units, ROWS * columns), dtype=np.bool_)
    for number, cells in enumerate(branch_cells(rates, columns, remaining_row).values()):
        mask[number * units : (number + 1) * units, cells] = True
    return mask


def first_layer(
    branches: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]],
    columns: int,
    remaining_row: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight ``[768, 6 * L]`` and bias ``[768]`` of the joined layer.

    Args:
        branches: by name, weight ``[units, cells]`` and bias ``[units]``.
        columns: L.
        remaining_row: see :func:`branch_cells`.
    """
    rates = branches["next sizes"][0].shape[1]
    cells = branch_cells(rates, columns, remaining_row)
    total = sum(len(bias) for _, bias in branches.values())
    weight, bias = np.zeros((total, ROWS * columns), dtype=np.float32), np.zeros(total, dtype=np.float32)
    row = 0
    for name in BRANCHES:
        part, offset = branches[name]
        if part.shape != (len(offset), len(cells[name])):
            msg = f"the branch {name!r} has weights {list(part.shape)}; it reads {counted(len(cells[name]), 'cell')}"
            raise DnnExplainError(msg)
        weight[row : row + len(offset), cells[name]] = part
        bias[row : row + len(offset)] = offset
        row += len(offset)
    return weight, bias
