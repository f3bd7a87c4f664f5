"""First-layer neurons at their largest: a sum over independent blocks of knobs, each at its best.

See :mod:`dnnexplain.explain.probing.maximal` for the argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System, state_from_values
from dnnexplain.explain.probing.affine import AffineInput
from dnnexplain.explain.probing.block_search import BLOCK_LIMIT
from dnnexplain.explain.probing.knob_blocks import Blocks, block_name, block_values, is_affine

__all__ = ["SumOfParts", "sum_of_parts"]

_EXACT_LIMIT = 300_000


@dataclass(frozen=True, slots=True)
class SumOfParts:
    """Per neuron the best values ``[N, K]`` and a limit of its input ``[N]``; or in ``gap`` why there is no proof.

    ``knobs`` is how many knobs each neuron sees ``[N]``, where every knob is a part.
    """

    gap: str
    evaluated: int = 0
    values: NDArray[np.float64] | None = None
    bound: NDArray[np.float64] | None = None
    knobs: NDArray[np.int64] | None = None


def sum_of_parts(system: System, affine: AffineInput, blocks: Blocks) -> SumOfParts:
    """Maximise every block's contribution to every neuron's input over all the block's values.

    Where rules tie too many knobs together to go through, they are taken apart, and each part takes all
    values of its grid: the sum is then a limit that need not be reached.
    """
    strict = blocks.separable and blocks.free
    if not (strict or blocks.loose):
        return SumOfParts("the observation is not painted by independent parts of the state")
    base = state_from_values(system, {}).values
    empty = system.encode(base[None]).reshape(-1).astype(np.float64)
    total = affine.bias + affine.weights @ empty
    values = np.repeat(base[None], len(total), axis=0)
    evaluated, gaps = 0, []
    for block, rows in _choices(system, blocks, base, strict=strict):
        if rows is None:
            gaps.append(f"{block_name(system, block)} has too many values to go through")
            continue
        if any(system.knobs[i].step is None for i in block) and not _straight(system, base, block):
            gaps.append(f"{block_name(system, block)} is continuous, and was looked at on a grid only")
        gain = _contributions(system, rows, empty, affine.weights)
        best = _largest(rows, gain)
        total = total + gain[best, np.arange(len(total))]
        values[:, list(block)] = rows[best][:, list(block)]
        evaluated += len(rows)
    return SumOfParts("; ".join(gaps), evaluated, values, None if gaps else total)


def _choices(
    system: System, blocks: Blocks, base: NDArray[np.float64], *, strict: bool
) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64] | None]]:
    """Blocks with all their valid values; a block with too many as its parts with all values, valid or not."""
    for block in blocks.knobs:
        rows = block_values(system, base, block, _EXACT_LIMIT) if strict else None
        if rows is not None or not blocks.loose:
            yield block, rows
            continue
        for part in blocks.parts:
            if set(part) <= set(block):
                yield part, block_values(system, base, part, _EXACT_LIMIT, valid=False)


def _straight(system: System, base: NDArray[np.float64], block: tuple[int, ...]) -> bool:
    """Whether a block is one continuous knob whose extremes are at its ends."""
    return len(block) == 1 and is_affine(system, base, block[0])


def _contributions(
    system: System,
    rows: NDArray[np.float64],
    empty: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What each row adds to each neuron's input over the base state ``[n, N]``, in pieces of bounded memory."""
    pieces = np.array_split(rows, max(1, -(-len(rows) // BLOCK_LIMIT)))
    return np.concatenate([(system.encode(piece).reshape(len(piece), -1) - empty) @ weights.T for piece in pieces])


def _largest(rows: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.int64]:
    """Per neuron the row with the largest gain; among ties within rounding, the one with the smallest values."""
    near = gain >= gain.max(axis=0) - 1e-9
    smallest: NDArray[np.int64] = np.where(near, rows.sum(axis=1)[:, None], np.inf).argmin(axis=0)
    return smallest
