"""Systems whose knobs are free of one another and paint along straight lines: their valid states are a box.

A weighted sum over the cells of such an observation is a weighted sum over the knobs, and its largest value
has every knob at the end of its range to which the sign of its weight points. So the maximum over all valid
states needs no search and no grid, however many knobs there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.explain.probing.affine import AffineInput
from dnnexplain.explain.probing.neurons import random_values

__all__ = ["StraightBox", "largest_in_box", "straight_box"]

_CHECKED = 64
_CHUNK_NUMBERS = 1 << 22
_FOUND: dict[int, tuple[ref[System], StraightBox | None]] = {}
"""By identity, for a system need not be hashable."""


@dataclass(frozen=True, eq=False)
class StraightBox:
    """Observations as ``offset + (values - low) @ slopes`` for all values between ``low`` and ``high``.

    Attributes:
        low, high: the ends of each knob's range, as valid states have them ``[K]``.
        slopes: how much each cell changes per unit of each knob, a sparse matrix ``[K, cells]``.
        offset: the observation of all knobs at their lowest ``[cells]``.
        checked: on how many random valid states, and mixtures of them, this was checked.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    slopes: Any
    offset: NDArray[np.float64]
    checked: int = _CHECKED

    def per_knob(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights over cells ``[N, cells]`` as weights over knobs ``[N, K]``."""
        return np.asarray((self.slopes @ weights.T).T)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which knobs change the observation at all ``[K]``."""
        return np.asarray(np.diff(self.slopes.indptr) > 0)


def straight_box(system: System) -> StraightBox | None:
    """The system's box, or ``None`` where knobs bend, meet in a cell otherwise than as a sum, or tie one another."""
    if (known := _FOUND.get(id(system))) is not None and known[0]() is system:
        return known[1]
    try:
        box = _box(system)
    except DnnExplainError:  # it does not paint what was tried
        box = None
    _FOUND[id(system)] = (ref(system), box)
    return box


def largest_in_box(
    box: StraightBox, affine: AffineInput
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Per neuron the values of all knobs that give the largest input ``[N, K]``, that input ``[N]``, and how many knobs it sees ``[N]``.

    A knob without weight stays at its lowest.
    """
    weights = box.per_knob(affine.weights)
    values = np.where(weights > 0, box.high, box.low)
    at_low = affine.bias + affine.weights @ box.offset
    largest = at_low + (np.maximum(weights, 0.0) * (box.high - box.low)).sum(axis=1)
    return values, largest, (weights != 0).sum(axis=1)


def _box(system: System) -> StraightBox | None:
    rng = np.random.default_rng(0)
    first, second = random_values(system, _CHECKED, rng), random_values(system, _CHECKED, rng)
    ends = np.array([[knob.low for knob in system.knobs], [knob.high for knob in system.knobs]])
    valid = np.asarray(system.repair(ends), dtype=np.float64)
    mixed = np.where(rng.random(first.shape) < 0.5, first, second)
    corners = np.where(rng.random(first.shape) < 0.5, *valid)
    trial = np.concatenate([first, mixed, corners])
    if not np.allclose(valid, ends, rtol=1e-6, atol=1e-9) or (system.repair(trial) != trial).any():
        return None
    low, high = valid
    if (high <= low).any():
        return None
    offset = system.encode(low[None]).reshape(-1).astype(np.float64)
    box = StraightBox(low, high, _slopes(system, low, high, offset), offset)
    got = system.encode(trial).reshape(len(trial), -1)
    expected = offset + (trial - low) @ box.slopes
    return box if np.allclose(got, expected, rtol=1e-5, atol=1e-6 * max(1.0, float(np.abs(got).max()))) else None


def _slopes(system: System, low: NDArray[np.float64], high: NDArray[np.float64], offset: NDArray[np.float64]) -> Any:
    """What one knob at a time does on its way from one end to the other, per unit ``[K, cells]``."""
    from scipy import sparse  # noqa: PLC0415 - slow to import

    size = max(1, _CHUNK_NUMBERS // max(1, len(offset)))
    pieces = []
    for first in range(0, len(low), size):
        knobs = np.arange(first, min(first + size, len(low)))
        rows = np.repeat(low[None], len(knobs), axis=0)
        rows[np.arange(len(knobs)), knobs] = high[knobs]
        moved = system.encode(rows).reshape(len(rows), -1) - offset
        pieces.append(sparse.csr_matrix(moved / (high - low)[knobs, None]))
    return sparse.vstack(pieces).tocsr()
