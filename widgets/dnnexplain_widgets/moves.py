"""From what the user asked for to a valid state: repaired, with company where a knob cannot stand alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System

__all__ = ["valid_values"]


def valid_values(system: System, wanted: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest valid knob values, such that the knobs that were moved do move.

    Some knobs mean nothing alone: a job with a length but no demand is no job, so ``repair`` would put
    the length back to 0 and an empty slot could never be filled by one slider. Where that happens, the
    other knobs of the group that are at their lowest are raised by one step.

    Args:
        system: whose knobs they are.
        wanted: what was asked for ``[K]``.
        before: the values until now ``[K]``.

    Returns:
        Valid values ``[K]``.
    """
    repaired: NDArray[np.float64] = system.repair(wanted[None])[0]
    refused = [
        index
        for index in np.flatnonzero(wanted != before)
        if repaired[index] <= system.knobs[index].low < wanted[index] and system.knobs[index].group
    ]
    if not refused:
        return repaired
    groups = {system.knobs[index].group for index in refused}
    accompanied = wanted.copy()
    for index, knob in enumerate(system.knobs):
        if knob.group in groups and accompanied[index] <= knob.low:
            accompanied[index] = min(knob.low + (knob.step or (knob.high - knob.low) / 10), knob.high)
    again: NDArray[np.float64] = system.repair(accompanied[None])[0]
    return again
