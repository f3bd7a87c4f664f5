"""The least power of every set of heads, slot by slot, worked out once: rules, trees and searches ask again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cran.power import all_sets, powers_of_sets
from dnnexplain.systems.cran.scene import Scene

__all__ = ["TABLED", "PowerTables"]

TABLED = 5
"""Heads at most for whose sets, 32 of them, tables are kept: with more, a rule asks for few of all sets."""
REMEMBERED = 100_000
"""Slots whose tables are kept, about 60 MB."""


class PowerTables:
    """Remembers what powers slots need, whoever is awake in them; of a scene with few heads.

    Args:
        scene: limits, bandwidth, gap.
        most: slots that are remembered; when they are more, all are forgotten.
    """

    _place: dict[bytes, int]
    _powers: NDArray[np.float64]

    def __init__(self, scene: Scene, most: int = REMEMBERED) -> None:
        self.scene, self.most = scene, most
        self._forget()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was worked out: another process works out what it needs."""
        return {"scene": self.scene, "most": self.most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With nothing worked out yet."""
        self.__dict__.update(state)
        self._forget()

    def __len__(self) -> int:
        return len(self._place)

    def of(self, channels: NDArray[np.complex128], demand: NDArray[np.float64]) -> NDArray[np.float64]:
        """The least power radiated by every set in slots ``[B, 2^R]``, W, infinite where not served.

        Args:
            channels: ``[B, U, N]``.
            demand: ``[B, U]``, Mb/s.
        """
        rows = np.concatenate([np.asarray(channels).reshape(len(demand), -1).view(np.float64), demand], axis=1)
        keys = [row.tobytes() for row in rows]
        new = self._unknown(keys)
        if len(self._place) + len(new) > self.most:
            self._forget()
            new = self._unknown(keys)
        if new:
            self._solve(new, keys, channels, demand)
        return self._powers[[self._place[key] for key in keys]]

    def _unknown(self, keys: list[bytes]) -> list[int]:
        """Where slots stand that are not remembered, each once."""
        return list({key: at for at, key in enumerate(keys) if key not in self._place}.values())

    def _solve(
        self, new: list[int], keys: list[bytes], channels: NDArray[np.complex128], demand: NDArray[np.float64]
    ) -> None:
        sets = np.tile(all_sets(self.scene), (len(new), 1))
        first, last = len(self._place), len(self._place) + len(new)
        if last > len(self._powers):
            longer = np.empty((max(last, 2 * len(self._powers)), sets.shape[1]))
            longer[:first] = self._powers[:first]
            self._powers = longer
        self._powers[first:last] = powers_of_sets(self.scene, channels[new], demand[new], sets)
        self._place.update((keys[at], first + place) for place, at in enumerate(new))

    def _forget(self) -> None:
        self._place = {}
        self._powers = np.empty((0, 2**self.scene.heads))
