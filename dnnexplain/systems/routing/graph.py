"""Routing as a picture: where nodes are drawn, and what each link carries under a policy and at best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, overload

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Flows, Graph
from dnnexplain.systems.routing.topology import Topology
from dnnexplain.systems.routing.utilisation import check_demands, check_splits, path_sums

if TYPE_CHECKING:
    from dnnexplain.systems.routing.paths import PathSet
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["flows_of", "graph_of", "places_of"]

_APART = 0.09  # nodes are never drawn nearer to each other, as a share of the picture's longer side


def graph_of(system: Routed) -> Graph:
    """The system's network, its pairs and paths, and which knobs hold the matrix that is routed."""
    topology, paths = system.topology, system.paths
    pairs = len(paths.pairs)
    knobs = np.arange(len(system.knobs)).reshape(-1, pairs)
    note = topology.assumption
    if system.history and not system.routed:
        note = f"The newest matrix counts as the one to route. {note}".strip()
    return Graph(
        topology.nodes,
        places_of(topology),
        topology.links,
        topology.capacity,
        paths.pairs,
        knobs[-1],
        knobs[:-1],
        paths.pair_of_path,
        _Along(paths),
        "Gb/s",
        note,
    )


class _Along(Sequence[tuple[int, ...]]):
    """The links of each path, worked out when they are asked for: kept, they take as much memory as the paths themselves."""

    def __init__(self, paths: PathSet) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return self._paths.count

    @overload
    def __getitem__(self, place: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[int, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
        if isinstance(place, slice):
            return tuple(self[path] for path in range(*place.indices(len(self))))
        index = self._paths.topology.link_index
        return tuple(index[hop] for hop in pairwise(self._paths.nodes[place]))


def flows_of(system: Routed, demands: ArrayLike, outputs: ArrayLike) -> tuple[Flows, Flows]:
    """Loads under given split ratios ``[F]``, and at the certified optimum, for demands ``[P]``."""
    routed = check_demands(system.paths, demands)
    splits = check_splits(system.paths, outputs)
    optimum = system.oracle.solve(routed)
    ours, best = _flows(system, "network", routed, splits), _flows(system, "optimum", routed, optimum.splits)
    return ours, Flows(best.name, best.load, best.used, optimum.upper, optimum.lower, best.shares)


def _flows(system: Routed, name: str, demands: NDArray[np.float64], splits: NDArray[np.float64]) -> Flows:
    paths = system.paths
    load = path_sums(paths, splits * demands[paths.pair_of_path])
    used = load / system.topology.capacity
    cost = float(used.max())
    return Flows(name, load, used, cost, cost, splits)


def places_of(topology: Topology) -> NDArray[np.float64]:
    """Where to draw the nodes ``[N, 2]``: x to the right, y down, the longer side from 0 to 1.

    By longitude and latitude (equirectangular, true at the mean latitude); without them by the
    Kamada-Kawai layout. Nodes that would lie on one another are moved apart.
    """
    where = topology.coordinates
    if where is None:
        layout = nx.kamada_kawai_layout(topology.graph().to_undirected())
        places = np.array([layout[node] for node in range(len(topology.nodes))], dtype=np.float64)
    else:
        squeeze = np.cos(np.radians(where[:, 1].mean()))
        places = np.stack([where[:, 0] * squeeze, -where[:, 1]], axis=1)
    return _spread(_framed(places))


def _framed(places: NDArray[np.float64]) -> NDArray[np.float64]:
    low = places.min(axis=0)
    size = float((places.max(axis=0) - low).max())
    return np.asarray((places - low) / (size or 1.0))


def _spread(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Push nodes apart until all are far enough from each other, or fifty rounds have passed."""
    apart = min(_APART, 0.6 / np.sqrt(len(places)))
    angle = np.arange(len(places)) * 2.399963  # the golden angle: a direction of its own for each node
    moved = places + 1e-6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for _ in range(50):
        between = moved[:, None] - moved[None]
        distance = np.sqrt((between**2).sum(axis=-1)) + np.eye(len(places))
        near = np.where(distance < apart * 0.999, (apart - distance) / distance, 0.0)
        np.fill_diagonal(near, 0.0)
        if not near.any():
            break
        moved = moved + 0.5 * (near[..., None] * between).sum(axis=1)
    return _framed(moved)
