"""What a dashboard's system is made with: whole cases, with the matrices before, where their knobs are not too many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnnexplain.systems.routing.spec import HISTORY, SPEC
from dnnexplain.systems.routing.topologies import load_topology
from dnnexplain.systems.routing.topology import Topology

__all__ = ["MOST_KNOBS", "board"]

MOST_KNOBS = 10_000
"""Knobs of whole cases that a page still follows at once: 13 matrices of 27 nodes. At 200 nodes they are 517,400."""


def board(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a dashboard's system beside those that were given.

    Whole cases let networks with and without history stand in one menu. Where the topology is too large for that,
    the page has the matrix to route alone; a network that sees earlier ones is shown with ``history=12``.

    Args:
        given: the parameters that a user gave.

    Raises:
        DnnExplainError: the topology cannot be read.
    """
    named = given.get("topology")
    if named is None:
        return dict(SPEC.board)
    said = given.get("capacity"), given.get("capacity_unit")
    topology = named if isinstance(named, Topology) else load_topology(named, *said)
    nodes = len(topology.nodes)
    few = nodes * (nodes - 1) * (HISTORY + 1) <= MOST_KNOBS
    return dict(SPEC.board) if few else {}
