"""What a rule of thumb would look at when it picks a path for one pair, in domain words."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.routed import Routed

__all__ = ["PairFeatures"]

ORDINALS = ("shortest", "second", "third", "fourth")


def ordinal(rank: int) -> str:
    """``"shortest"``, ``"second"``, ..., ``"path 5"``."""
    return f"{ORDINALS[rank]} path" if rank < len(ORDINALS) else f"path {rank + 1}"


class Pairs(Protocol):
    """Decisions pair by pair, as :class:`~dnnexplain.systems.routing.pairs.PairRouting` makes them."""

    routing: Routed
    most: int
    path_of: NDArray[np.int64]

    def unpack(self, observations: NDArray[Any]) -> Any:
        """Which pair each observation ``[B, 1 + K]`` is about, and the demands that are seen."""


class PairFeatures:
    """Quantities of one pair in one traffic matrix (the newest that is seen), and what a rule may do with it.

    "Others' use" of a path is that of its busiest link if all other pairs took their shortest paths, in
    percent of the link's capacity. A path that the pair does not have counts as one link longer than the
    longest path and as full.

    Args:
        system: the pairs and their paths.
    """

    def __init__(self, system: Pairs) -> None:
        self.system = system
        paths, self.k = system.routing.paths, system.most
        there = system.path_of >= 0
        place = np.maximum(system.path_of, 0)
        self._hops = np.where(there, paths.hops[place], paths.hops.max() + 1)
        self._on_path = paths.dense_incidence[:, place] * there  # [E, P, k]
        self._there = there
        capacity = np.asarray(paths.topology.capacity, dtype=np.float64)
        narrow = np.where(self._on_path > 0, capacity[:, None, None], np.inf).min(axis=0)
        self._narrow = np.where(there, narrow, 0.0)
        shortest = self._on_path[:, :, 0]
        self._shared = (self._on_path * shortest[:, :, None]).sum(axis=0)
        self._capacity, self._shortest = capacity, shortest
        degree = np.bincount([a for a, _ in paths.topology.links], minlength=len(paths.topology.nodes))
        ends = np.array(paths.pairs)
        self._degree = degree[ends]
        self.units = self._units()
        self.names = tuple(self.units)
        self.moves = (
            "the path that others use least",
            "the widest path",
            *(f"the {ordinal(rank)}" for rank in range(self.k)),
        )

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, 1 + K]``."""
        pair, demands, others = self._read(observations)
        own = demands[np.arange(len(pair)), pair]
        total = demands.sum(axis=1)
        mean = np.maximum(self.system.routing.mean_demands[pair], 1e-12)
        hops, narrow, shared = self._hops[pair], self._narrow[pair], self._shared[pair]
        columns = [own, own / mean, total, 100 * own / np.maximum(total, 1e-12), *self._degree[pair].T]
        for rank in range(self.k):
            columns += [hops[:, rank], narrow[:, rank], others[:, rank]]
            if rank:
                columns += [hops[:, rank] - hops[:, 0], shared[:, rank], others[:, 0] - others[:, rank]]
        return np.stack(columns, axis=1).astype(np.float64)

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The path that each of ``moves`` is ``[B, R]``."""
        pair, _, others = self._read(observations)
        every = np.broadcast_to(np.arange(self.k), (len(pair), self.k))
        return np.column_stack([others.argmin(axis=1), self._narrow[pair].argmax(axis=1), every]).astype(np.int64)

    def _read(self, observations: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Pair ``[B]``, the newest demands ``[B, P]``, and others' use of the pair's paths, percent ``[B, k]``."""
        pair, rows, at = self.system.unpack(observations)
        demands = rows.reshape(len(rows), -1, self._hops.shape[0])[:, -1]
        load = (self._shortest @ demands.T).T  # [U, E]
        own = demands[at, pair]
        rest = load[at] - own[:, None] * self._shortest[:, pair].T
        use = 100 * rest / self._capacity
        others = np.empty((len(pair), self.k))
        for rank in range(self.k):
            links = self._on_path[:, pair, rank].T
            others[:, rank] = np.where(self._there[pair, rank], np.where(links > 0, use, 0.0).max(axis=1), 1e3)
        return pair, demands[at], others

    def _units(self) -> dict[str, str]:
        units = {
            "demand of the pair": "Gb/s",
            "demand over its mean": "times",
            "demand of all pairs": "Gb/s",
            "share of all demand": "%",
            "links at the source": "links",
            "links at the destination": "links",
        }
        for rank in range(self.k):
            name = f"the {ordinal(rank)}"
            units |= {f"length of {name}": "links", f"width of {name}": "Gb/s", f"others' use of {name}": "%"}
            if rank:
                units |= {
                    f"detour of {name}": "links",
                    f"links that {name} shares with the shortest": "links",
                    f"others' use of the shortest path above that of {name}": "%",
                }
        return units
