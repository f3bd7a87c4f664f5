"""The smallest possible MLU over all paths of the topology: a multi-commodity flow, proved by prices on the links.

The optimum over k given paths is what a router with these paths could do. With all paths it may be smaller.
Primal: flows by source, ``f[s, e] >= 0``, that conserve what each node takes of every source's demand, with no link
above t times its capacity; minimise t. Dual: link prices w >= 0 with ``sum(w c) = 1``; whatever the routing, MLU >=
``sum_p d_p dist_w(p)``, the shortest distances under w (Shahrokhi and Matula 1990). HiGHS's flows are taken apart
into paths that carry exactly the demands, and its prices into shortest distances, so that the interval
[lower, upper] holds whatever tolerance the solver worked to.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Bound, DnnExplainError
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.utilisation import check_demands

__all__ = ["AllPathsOracle"]

Array = NDArray[np.float64]
_PROVED = 1e-7
_ENOUGH = 1e-12


class AllPathsOracle:
    """Optimal MLU over all paths, by HiGHS.

    Args:
        paths: whose pairs and topology are meant; its paths are a fallback for what rounding leaves over.
    """

    def __init__(self, paths: PathSet) -> None:
        self.paths = paths
        self.links = np.array(paths.topology.links, dtype=np.int64)
        self.capacity = np.asarray(paths.topology.capacity, dtype=np.float64)

    @cached_property
    def _conservation(self) -> Any:
        """Node times source rows, source times link columns (sparse): outflow minus inflow."""
        from scipy import sparse  # noqa: PLC0415 - slow to import

        nodes, links = len(self.paths.topology.nodes), len(self.links)
        rows = np.concatenate([self.links[:, 0], self.links[:, 1]])
        signs = np.concatenate([np.ones(links), -np.ones(links)])
        matrix = sparse.csr_array((signs, (rows, np.tile(np.arange(links), 2))), shape=(nodes, links))
        return sparse.block_diag([matrix] * nodes, format="csc")

    def solve(self, demands: ArrayLike) -> Bound:
        """A certified interval around the optimum for one traffic matrix ``[P]`` in Gb/s.

        Raises:
            DnnExplainError: demands of the wrong width, negative or not finite; or the solver fails.
        """
        values = check_demands(self.paths, demands)
        top = float(values.max(initial=0.0))
        if top == 0:
            return Bound(0.0, 0.0, "optimal", None)
        flows, prices = self._run(values / top)
        load = self._exact_load(values, flows * top)
        upper = float((load / self.capacity).max())
        lower = min(self._lower(values, prices), upper)
        return Bound(lower, upper, "optimal" if upper - lower <= _PROVED * upper else "feasible", prices)

    def _run(self, scaled: Array) -> tuple[Array, Array]:
        """Flows ``[N, E]`` and raw link prices ``[E]`` for demands whose largest is 1."""
        from scipy import sparse  # noqa: PLC0415
        from scipy.optimize import linprog  # noqa: PLC0415 - HiGHS, with its dual values

        nodes, links = len(self.paths.topology.nodes), len(self.links)
        supply = np.zeros((nodes, nodes))
        for (source, target), demand in zip(self.paths.pairs, scaled, strict=True):
            supply[source, source] += demand
            supply[source, target] -= demand
        unit = float(self.capacity.mean())
        used = sparse.hstack([sparse.eye_array(links)] * nodes + [sparse.csr_array(-self.capacity[:, None] / unit)])
        answer = linprog(
            np.r_[np.zeros(nodes * links), 1.0],
            A_ub=used,
            b_ub=np.zeros(links),
            A_eq=sparse.hstack([self._conservation, sparse.csr_array((nodes * nodes, 1))]),
            b_eq=supply.ravel(),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if answer.status != 0:
            msg = f"HiGHS did not solve the routing of {self.paths.topology.name!r} over all paths ({answer.message})"
            raise DnnExplainError(msg)
        return np.maximum(answer.x[:-1].reshape(nodes, links), 0.0), -answer.ineqlin.marginals

    def _exact_load(self, demands: Array, flows: Array) -> Array:
        """The load of each link ``[E]`` when the flows are taken apart into paths that carry exactly the demands."""
        load = np.zeros(len(self.links))
        for pair, (source, target) in enumerate(self.paths.pairs):
            left, rest = float(demands[pair]), flows[source]
            while left > 0:
                path = self._widest(rest, source, target)
                carried = min(left, float(rest[path].min())) if path else 0.0
                if carried <= _ENOUGH * float(demands[pair]):
                    path, carried = self._first_path(pair), left  # what rounding leaves over
                else:
                    rest[path] -= carried
                load[path] += carried
                left -= carried
        return load

    def _widest(self, flow: Array, source: int, target: int) -> list[int]:
        """The links of the path along which most of a flow ``[E]`` can be carried; empty if there is none."""
        import heapq  # noqa: PLC0415

        best, via, heap = {source: np.inf}, dict[int, int](), [(-np.inf, source)]
        while heap:
            width, node = heapq.heappop(heap)
            if node == target:
                break
            if -width < best[node]:
                continue
            for link in self._leaving[node]:
                reached, along = int(self.links[link, 1]), min(-width, float(flow[link]))
                if along > best.get(reached, 0.0):
                    best[reached], via[reached] = along, link
                    heapq.heappush(heap, (-along, reached))
        if target not in via:
            return []
        path = [via[target]]
        while (node := int(self.links[path[-1], 0])) != source:
            path.append(via[node])
        return path[::-1]

    @cached_property
    def _leaving(self) -> list[list[int]]:
        return [np.flatnonzero(self.links[:, 0] == node).tolist() for node in range(len(self.paths.topology.nodes))]

    @cached_property
    def _number(self) -> dict[tuple[int, int], int]:
        return {(int(a), int(b)): place for place, (a, b) in enumerate(self.links)}

    def _first_path(self, pair: int) -> list[int]:
        nodes = self.paths.nodes[int(self.paths.first_path[pair])]
        return [self._number[first, second] for first, second in pairwise(nodes)]

    def _lower(self, demands: Array, prices: Array) -> float:
        """What any routing must use at least, at these prices."""
        from scipy import sparse  # noqa: PLC0415
        from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415

        prices = np.maximum(prices, 0.0)
        weight = float(prices @ self.capacity)
        if weight <= 0:
            return 0.0
        nodes = len(self.paths.topology.nodes)
        # A price of 0 would be read as no link: the smallest number instead, subtracted again below.
        tiny = 1e-300
        graph = sparse.csr_array((prices / weight + tiny, (self.links[:, 0], self.links[:, 1])), shape=(nodes, nodes))
        distance = dijkstra(graph, directed=True)
        source, target = np.array(self.paths.pairs).T
        return float(demands @ distance[source, target]) * (1.0 - 1e-12)
