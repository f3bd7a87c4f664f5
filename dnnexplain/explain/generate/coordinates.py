"""A generator that works in a system's coordinates and is asked in its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Coordinated

__all__ = ["InCoordinates", "in_coordinates"]

Floats = NDArray[np.float64]


class InCoordinates:
    """Fitted to tables of records ``[R, C]``, and writes such; inside are coordinates ``[R, D]``.

    Args:
        inner: the generator that works in coordinates.
        system: whose they are.
    """

    def __init__(self, inner: Any, system: Coordinated) -> None:
        self.inner, self.system, self.name = inner, system, str(inner.name)

    @property
    def ordered(self) -> bool:
        """Whether the order of records means something."""
        return bool(self.inner.ordered)

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Learn from tables of records."""
        self.inner.fit([self.system.to_coordinates(table) for table in tables], ordered=ordered, seed=seed)

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """New tables of records."""
        return [self.system.from_coordinates(table) for table in self.inner.sample(count, seed=seed)]

    def known(self) -> dict[str, NDArray[np.generic]]:
        """All that the inner generator knows."""
        known: dict[str, NDArray[np.generic]] = self.inner.known()
        return known

    def take(self, known: dict[str, NDArray[np.generic]], *, ordered: bool) -> None:
        """What :meth:`known` gave."""
        self.inner.take(known, ordered=ordered)


def in_coordinates(generator: Any, system: Any) -> Any:
    """The generator asked in a system's records, where it works in coordinates; else itself."""
    return InCoordinates(generator, system) if isinstance(system, Coordinated) else generator
