"""The k shortest paths of every ordered pair of nodes, and which links they use."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing.topology import Topology, pair_name

__all__ = ["PathSet", "k_shortest_paths"]


_PATIENCE = 60
"""Extensions looked at per path that is wanted before the search becomes exact."""


@dataclass(frozen=True, eq=False)
class PathSet:
    """``F`` paths over which ``P`` ordered pairs of nodes may split their demand.

    Attributes:
        topology: the network.
        pairs: (source, target) node indices of each pair, source-major ``[P]``.
        nodes: the node indices along each path ``[F]``; the paths of a pair are together, shortest first.
        pair_of_path: the pair that each path serves ``[F]``.
        rank: 0 for a pair's first path, 1 for its second, ... ``[F]``.
        incidence: 1 where a path uses a link, sparse ``[E, F]``.
        pair_incidence: 1 where a path serves a pair, sparse ``[P, F]``.
    """

    topology: Topology
    pairs: tuple[tuple[int, int], ...]
    nodes: tuple[tuple[int, ...], ...]
    pair_of_path: NDArray[np.int64]
    rank: NDArray[np.int64]
    incidence: sparse.csr_array
    pair_incidence: sparse.csr_array

    @property
    def count(self) -> int:
        """The number of paths ``F``."""
        return len(self.nodes)

    @cached_property
    def hops(self) -> NDArray[np.int64]:
        """Links on each path ``[F]``."""
        return np.array([len(path) - 1 for path in self.nodes])

    @cached_property
    def first_path(self) -> NDArray[np.int64]:
        """The position of each pair's first (shortest) path ``[P]``."""
        return np.flatnonzero(self.rank == 0)

    @cached_property
    def paths_of_pair(self) -> NDArray[np.int64]:
        """How many paths each pair has ``[P]``."""
        return np.bincount(self.pair_of_path, minlength=len(self.pairs))

    @cached_property
    def dense_incidence(self) -> NDArray[np.float64]:
        """``incidence`` as an ordinary array ``[E, F]``."""
        return np.asarray(self.incidence.toarray())

    @cached_property
    def pair_names(self) -> tuple[str, ...]:
        """``"New York -> Chicago"`` for each pair ``[P]``."""
        names = self.topology.nodes
        return tuple(pair_name(names[a], names[b]) for a, b in self.pairs)

    @cached_property
    def short_names(self) -> tuple[str, ...]:
        """``"New York->Chicago"`` for each pair ``[P]``, as states are saved."""
        return tuple(name.replace(" -> ", "->") for name in self.pair_names)

    @cached_property
    def pair_index(self) -> dict[str, int]:
        """The position of each pair by its name ``"New York -> Chicago"``."""
        return {name: place for place, name in enumerate(self.pair_names)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """``"New York -> Chicago path 1"`` for each path ``[F]``."""
        return tuple(
            f"{self.pair_names[pair]} path {rank + 1}" for pair, rank in zip(self.pair_of_path, self.rank, strict=True)
        )

    def describe(self, path: int) -> str:
        """The nodes along a path: ``"New York - Chicago - Indianapolis"``."""
        return " - ".join(self.topology.nodes[node] for node in self.nodes[path])


def k_shortest_paths(topology: Topology, k: int = 4) -> PathSet:
    """Up to ``k`` loop-free paths for every ordered pair, fewest links first (best-first search with exact distances).

    Paths with equally many links are ordered by their node indices, so that the choice does not depend
    on the order in which the graph was built.

    Args:
        topology: the network.
        k: the most paths per pair, at least 1; a pair with fewer simple paths gets those.

    Raises:
        DnnExplainError: if ``k`` is below 1.
    """
    if k < 1:
        msg = f"every pair needs at least 1 path, not {k}; the papers use 4"
        raise DnnExplainError(msg)
    pairs, paths = _cached_paths(len(topology.nodes), topology.links, k)
    nodes = tuple(path for of_pair in paths for path in of_pair)
    pair_of_path = np.repeat(np.arange(len(pairs)), [len(of_pair) for of_pair in paths])
    rank = np.concatenate([np.arange(len(of_pair)) for of_pair in paths])
    paths_numbered = np.arange(len(nodes), dtype=np.int32)  # half of the memory, and as a solver wants them
    columns = np.repeat(paths_numbered, [len(path) - 1 for path in nodes])
    rows = np.fromiter((topology.link_index[hop] for path in nodes for hop in pairwise(path)), np.int32, len(columns))
    incidence = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(topology.links), len(nodes)))
    serves = (np.ones(len(nodes)), (pair_of_path.astype(np.int32), paths_numbered))
    pair_incidence = sparse.csr_array(serves, shape=(len(pairs), len(nodes)))
    return PathSet(topology, pairs, nodes, pair_of_path, rank, incidence, pair_incidence)


@lru_cache(maxsize=16)
def _cached_paths(
    nodes: int, links: tuple[tuple[int, int], ...], k: int
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[tuple[int, ...], ...], ...]]:
    """The pairs, and for each its paths as node indices."""
    pairs = tuple((a, b) for a in range(nodes) for b in range(nodes) if a != b)
    onward: list[list[int]] = [[] for _ in range(nodes)]
    backward: list[list[int]] = [[] for _ in range(nodes)]
    for source, target in links:
        onward[source].append(target)
        backward[target].append(source)
    for ends in onward:
        ends.sort()
    distances = [_distances(backward, target) for target in range(nodes)]
    return pairs, tuple(_shortest(onward, backward, distances[b], (a, b), k) for a, b in pairs)


def _distances(backward: list[list[int]], target: int, without: tuple[int, ...] = ()) -> list[int]:
    """The fewest links from each node to a target; a node that cannot reach it is as far as there are nodes.

    ``without`` are nodes that no way may pass; they are as far, too.
    """
    far = len(backward)
    distances = [far] * far
    for node in without:
        distances[node] = -1
    distances[target] = 0
    queue = deque((target,))
    while queue:
        node = queue.popleft()
        for before in backward[node]:
            if distances[before] == far:
                distances[before] = distances[node] + 1
                queue.append(before)
    return distances


def _shortest(
    onward: list[list[int]], backward: list[list[int]], distance: list[int], ends: tuple[int, int], k: int
) -> tuple[tuple[int, ...], ...]:
    """The first ``k`` simple paths by (links, node indices): best first, by what a path has and at least still needs.

    What is popped at one length comes in the order of its node indices, for an extension of a path stands
    before every path that the path itself stands before. What is needed at least ignores that a path may not
    return to its own nodes; where that misleads (behind a node that every way must pass), the search begins
    anew with the exact need of each extension.
    """
    (source, target), far, paths = ends, len(distance), list[tuple[int, ...]]()
    patience = _PATIENCE * k
    queue: list[tuple[int, tuple[int, ...]]] = [(distance[source], (source,))] if distance[source] < far else []
    while queue and len(paths) < k:
        _, path = heappop(queue)
        if path[-1] == target:
            paths.append(path)
            continue
        patience -= 1
        if patience == 0:
            paths, queue = [], [(distance[source], (source,))]
            continue
        needed = distance if patience > 0 else _distances(backward, target, path)
        for node in onward[path[-1]]:
            if 0 <= needed[node] < far and node not in path:
                heappush(queue, (len(path) + needed[node], (*path, node)))
    return tuple(paths)
