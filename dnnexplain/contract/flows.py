"""Traffic on a graph: demands between nodes, what each link carries, and the best that could be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract.knobs import State
from dnnexplain.contract.systems import System

__all__ = ["Flowing", "Flows", "Graph"]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes, directed links, and the pairs of nodes between which something flows.

    ``N`` nodes, ``E`` links, ``P`` ordered pairs, ``F`` paths (the outputs of the policy are their shares).

    Attributes:
        nodes: names ``[N]``.
        places: where to draw them, x to the right and y down, the longer side from 0 to 1 ``[N, 2]``.
        links: (from, to) node indices ``[E]``.
        capacity: what each link can carry, in ``unit`` ``[E]``.
        pairs: (source, target) node indices ``[P]``.
        knobs: the knob that holds the demand of each pair which is carried ``[P]``.
        earlier: knobs of the demands before it, oldest first, which a policy may see instead ``[H, P]``.
        path_pair: the pair that each path serves ``[F]``.
        path_links: the links of each path, from its source on ``[F]``.
        unit: of demands, loads and capacities.
        note: what must be said about them (an assumed capacity, which demand is carried); may be empty.
    """

    nodes: tuple[str, ...]
    places: NDArray[np.float64]
    links: tuple[tuple[int, int], ...]
    capacity: NDArray[np.float64]
    pairs: tuple[tuple[int, int], ...]
    knobs: NDArray[np.int64]
    earlier: NDArray[np.int64]
    path_pair: NDArray[np.int64]
    path_links: Sequence[tuple[int, ...]]
    unit: str
    note: str = ""

    @property
    def link_names(self) -> tuple[str, ...]:
        """``"New York -> Chicago"`` for each link ``[E]``."""
        return tuple(f"{self.nodes[a]} -> {self.nodes[b]}" for a, b in self.links)


@dataclass(frozen=True, eq=False)
class Flows:
    """One way of carrying the demands.

    Attributes:
        name: whose way it is: ``"network"``, ``"optimum"``.
        load: what each link carries, in the graph's unit ``[E]``.
        used: load over capacity ``[E]``.
        cost: the utilisation of the busiest link; for an optimum the certified upper end.
        lower: a proved lower bound of the optimum; ``cost`` itself for a policy.
        shares: the share of its pair's demand that each path carries ``[F]``.
    """

    name: str
    load: NDArray[np.float64]
    used: NDArray[np.float64]
    cost: float
    lower: float
    shares: NDArray[np.float64]


@runtime_checkable
class Flowing(System, Protocol):
    """A system whose policy sends demands over the paths of a graph; cost is the busiest link's utilisation."""

    graph: Graph

    def flows(self, state: State, outputs: ArrayLike, carried: ArrayLike | None = None) -> tuple[Flows, Flows]:
        """What a policy's outputs ``[F]`` do with the demands of a state, and the optimum for the same demands.

        ``carried`` are other demands ``[P]`` than the state's own, where a state does not hold all of a case.

        Raises:
            DnnExplainError: for outputs that are no shares, demands that are negative or not finite, and a
                solver that fails.
        """
        ...
