"""Coordinates of a table of records in which it hangs together more simply: what a generator is fitted in."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.abilities import Tabular

__all__ = ["Coordinated", "written_columns"]


@runtime_checkable
class Coordinated(Tabular, Protocol):
    """A system whose records a generator writes in other coordinates.

    An angle jumps from 180 to -180 degrees and a decibel has no zero, where the wave behind both moves smoothly: a
    model of the wave writes records that a model of the two numbers does not.

    Attributes:
        coordinates: names of the ``D`` coordinates.
    """

    coordinates: tuple[str, ...]

    def to_coordinates(self, records: NDArray[np.float64]) -> NDArray[np.float64]:
        """Records ``[R, C]`` in coordinates ``[R, D]``; a whole table at once, for some may be the same all through it."""
        ...

    def from_coordinates(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The records ``[R, C]`` of coordinates ``[R, D]``, whatever finite numbers these are; the inverse."""
        ...


def written_columns(system: Any) -> list[str]:
    """What a generator writes for a system: coordinates, where it has them, else the columns of its records."""
    if isinstance(system, Coordinated):
        return list(system.coordinates)
    return [knob.name for knob in system.record_knobs] if isinstance(system, Tabular) else []
