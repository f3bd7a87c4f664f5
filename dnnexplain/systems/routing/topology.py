"""A network of nodes and directed links with capacities, and the checks that make it usable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["Topology", "bidirectional", "pair_name"]


def pair_name(source: str, target: str) -> str:
    """How a link or a pair of nodes is written everywhere: ``"New York -> Chicago"``."""
    return f"{source} -> {target}"


@dataclass(frozen=True, eq=False)
class Topology:
    """Nodes, directed links and what the links can carry.

    Attributes:
        name: ``"abilene"``, ``"sndlib/germany50"``, or the file it came from.
        nodes: the names of the ``N`` nodes, each once.
        links: the ``E`` directed links as (source, target) node indices, each once.
        capacity: what each link carries, Gb/s ``[E]``.
        coordinates: longitude and latitude in degrees ``[N, 2]``, or ``None``.
        assumption: what was assumed rather than known, in a sentence; empty if nothing was.

    Raises:
        DnnExplainError: for names that repeat, links that repeat or lead nowhere, capacities that are
            zero, negative or not finite, and nodes that cannot reach each other.
    """

    name: str
    nodes: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    capacity: NDArray[np.float64]
    coordinates: NDArray[np.float64] | None = None
    assumption: str = ""

    def __post_init__(self) -> None:
        capacity = np.array(self.capacity, dtype=np.float64)
        capacity.setflags(write=False)
        object.__setattr__(self, "capacity", capacity)
        self._check_nodes()
        self._check_links()
        self._check_capacity()
        self._check_connected()

    @property
    def link_names(self) -> tuple[str, ...]:
        """``"New York -> Chicago"`` for each link ``[E]``."""
        return tuple(pair_name(self.nodes[a], self.nodes[b]) for a, b in self.links)

    @cached_property
    def link_index(self) -> dict[tuple[int, int], int]:
        """From (source, target) node indices to the position of the link."""
        return {link: index for index, link in enumerate(self.links)}

    @cached_property
    def mean_capacity(self) -> float:
        """The mean link capacity in Gb/s; the largest demand that a search may ask of one pair."""
        return float(self.capacity.mean())

    def graph(self) -> nx.DiGraph[int]:
        """The topology as a networkx graph over node indices, with ``capacity`` on the edges."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self.nodes)))
        for (a, b), capacity in zip(self.links, self.capacity, strict=True):
            graph.add_edge(a, b, capacity=float(capacity))
        return graph

    def node_index(self, name: str) -> int:
        """The position of a node by its name; an error lists the nodes there are."""
        try:
            return self.nodes.index(name)
        except ValueError:
            msg = f"topology {self.name!r} has no node {name!r}; its nodes are: {', '.join(self.nodes)}"
            raise DnnExplainError(msg) from None

    def _check_nodes(self) -> None:
        if len(self.nodes) < 2:
            msg = f"topology {self.name!r} has {len(self.nodes)} node(s); routing needs at least 2"
            raise DnnExplainError(msg)
        repeated = sorted({node for node in self.nodes if self.nodes.count(node) > 1})
        if repeated:
            msg = f"topology {self.name!r}: node names must differ, but {repeated[0]!r} occurs more than once"
            raise DnnExplainError(msg)

    def _check_links(self) -> None:
        for a, b in self.links:
            if not (0 <= a < len(self.nodes) and 0 <= b < len(self.nodes)) or a == b:
                msg = f"topology {self.name!r}: link ({a}, {b}) does not join two of its {counted(len(self.nodes), 'node')}"
                raise DnnExplainError(msg)
        if len(set(self.links)) < len(self.links):
            repeated = next(link for link in self.links if self.links.count(link) > 1)
            label = pair_name(*(self.nodes[node] for node in repeated))
            msg = f"topology {self.name!r}: link {label} is given twice; add their capacities into one link"
            raise DnnExplainError(msg)

    def _check_capacity(self) -> None:
        if self.capacity.shape != (len(self.links),):
            msg = f"topology {self.name!r} has {counted(len(self.links), 'link')} but capacities of shape {self.capacity.shape}"
            raise DnnExplainError(msg)
        bad = np.flatnonzero(~(np.isfinite(self.capacity) & (self.capacity > 0)))
        if bad.size:
            msg = (
                f"topology {self.name!r}: the capacity of link {self.link_names[bad[0]]} is "
                f"{self.capacity[bad[0]]:g} Gb/s, but it must be positive and finite; "
                "leave a link out if it carries nothing"
            )
            raise DnnExplainError(msg)

    def _check_connected(self) -> None:
        graph = self.graph()
        reached = {0, *nx.descendants(graph, 0)}
        missing = sorted(set(graph) - reached)
        if missing:
            msg = f"topology {self.name!r} is not connected: no path leads from {self.nodes[0]} "
            raise DnnExplainError(msg + f"to {self.nodes[missing[0]]}; keep one connected part of it")
        stuck = sorted(set(graph) - {0, *nx.ancestors(graph, 0)})
        if stuck:
            msg = f"topology {self.name!r} is not connected: no path leads from {self.nodes[stuck[0]]} "
            raise DnnExplainError(msg + f"to {self.nodes[0]}; keep one connected part of it")


def bidirectional(
    name: str,
    nodes: Sequence[str],
    cables: Sequence[tuple[int, int]],
    capacity: ArrayLike,
    *,
    coordinates: ArrayLike | None = None,
    assumption: str = "",
) -> Topology:
    """A topology whose every cable is two links, one each way, of the same capacity.

    Args:
        name: as in :class:`Topology`.
        nodes: the names of the nodes.
        cables: pairs of node indices.
        capacity: Gb/s, one number for all cables or one each.
        coordinates: longitude and latitude in degrees ``[N, 2]``.
        assumption: what was assumed about the capacities.

    Returns:
        A topology with links sorted by (source, target).
    """
    each = np.broadcast_to(np.asarray(capacity, dtype=np.float64), (len(cables),))
    both = [((a, b), c) for (a, b), c in zip(cables, each, strict=True)]
    both += [((b, a), c) for (a, b), c in zip(cables, each, strict=True)]
    both.sort(key=lambda link: link[0])
    return Topology(
        name,
        tuple(nodes),
        tuple(link for link, _ in both),
        np.array([c for _, c in both]),
        None if coordinates is None else np.array(coordinates, dtype=np.float64),
        assumption,
    )
