"""The worst demand for one link, by one linear program over the flows of its optimal routing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.oblivious import flow_polytope, maximise
from dnnexplain.systems.routing.utilisation import over_links
from dnnexplain.systems.routing.warm import WarmProgram

__all__ = ["FlowPolytope"]

Array = NDArray[np.float64]


class FlowPolytope(WarmProgram):
    """All flows that fit the network, ``{f >= 0: B f <= c}``, and linear programs over them.

    Every demand that can be routed with MLU 1 is the sum of such flows, so the flows that load one link
    most under given splits show its worst demand (Azar et al., STOC 2003). Solves start from one basis.
    """

    def worst_demands(self, splits: Array, link: int) -> tuple[Array, float]:
        """Demands ``[P]`` with optimal MLU at most 1 that load ``link`` most under splits ``[F]``; its utilisation."""
        crossing = np.add.reduceat(self._row(link) * splits, self.paths.first_path)
        return self._best(crossing)

    def ideal_demands(self, link: int) -> Array:
        """The same if every pair that has a path over ``link`` sent all of its demand there ``[P]``."""
        return self._best(np.maximum.reduceat(self._row(link), self.paths.first_path))[0]

    def _build(self) -> Any:
        return flow_polytope(self.paths)

    def _typical(self, solver: Any) -> None:
        """As much flow as fits."""
        maximise(solver, np.ones(self.paths.count), self.paths)

    def _row(self, link: int) -> Array:
        return np.asarray(over_links(self.paths, np.array([link]))[0] / self.paths.topology.capacity[link])

    def _best(self, per_pair: Array) -> tuple[Array, float]:
        gain = per_pair[self.paths.pair_of_path]
        with self._lock:
            flows, _ = maximise(self._started(), gain, self.paths)
            self._rest()
        return np.add.reduceat(flows, self.paths.first_path), float(gain @ flows)
