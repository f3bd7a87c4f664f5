"""The least power of every set of heads, slot by slot, worked out once: rules, trees and searches ask again and again."""

from __future__ import annotations

from threading import Lock
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
        self._begin()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was worked out: another process works out what it needs."""
        return {"scene": self.scene, "most": self.most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With nothing worked out yet."""
        self.__dict__.update(state)
        self._begin()

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
        powers = np.empty((len(keys), 2**self.scene.heads))
        with self._changing:
            place = np.array([self._place.get(key, -1) for key in keys], dtype=np.int64)
            powers[place >= 0] = self._powers[place[place >= 0]]
        missing = np.flatnonzero(place < 0)
        if len(missing):
            first = {keys[at]: int(at) for at in missing[::-1]}
            solved = self._solved(channels[[*first.values()]], demand[[*first.values()]])
            row = {key: at for at, key in enumerate(first)}
            powers[missing] = solved[[row[keys[at]] for at in missing]]
            self._keep(list(first), solved)
        return powers

    def _solved(self, channels: NDArray[np.complex128], demand: NDArray[np.float64]) -> NDArray[np.float64]:
        return powers_of_sets(self.scene, channels, demand, np.tile(all_sets(self.scene), (len(demand), 1)))

    def _keep(self, keys: list[bytes], powers: NDArray[np.float64]) -> None:
        """Remember what a thread has worked out, unless another was quicker; all else is forgotten where there is no room."""
        with self._changing:
            if len(self._place) + len(keys) > self.most:
                self._forget()
            new = [at for at, key in enumerate(keys) if key not in self._place][: self.most]
            first, last = len(self._place), len(self._place) + len(new)
            if last > len(self._powers):
                longer = np.empty((max(last, 2 * len(self._powers)), powers.shape[1]))
                longer[:first] = self._powers[:first]
                self._powers = longer
            self._powers[first:last] = powers[new]
            self._place.update((keys[at], first + rank) for rank, at in enumerate(new))

    def _begin(self) -> None:
        self._changing = Lock()  # a page asks from several threads at once
        self._forget()

    def _forget(self) -> None:
        self._place = {}
        self._powers = np.empty((0, 2**self.scene.heads))
