"""Traffic engineering: split each pair's demand over a few paths so that the busiest link stays cool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute

if TYPE_CHECKING:
    from dnnexplain.systems.routing.oblivious import WorstDemand, best_oblivious_splits, worst_demand
    from dnnexplain.systems.routing.oracle import Optimum, RoutingOracle
    from dnnexplain.systems.routing.paths import PathSet, k_shortest_paths
    from dnnexplain.systems.routing.system import RoutingSystem
    from dnnexplain.systems.routing.topologies import load_topology
    from dnnexplain.systems.routing.topology import Topology
    from dnnexplain.systems.routing.traffic import Gravity, TrafficCase
    from dnnexplain.systems.routing.traffic_files import load_matrices

__all__ = [
    "Gravity",
    "Optimum",
    "PathSet",
    "RoutingOracle",
    "RoutingSystem",
    "Topology",
    "TrafficCase",
    "WorstDemand",
    "best_oblivious_splits",
    "k_shortest_paths",
    "load_matrices",
    "load_topology",
    "worst_demand",
]

_HOME = {
    "Gravity": "traffic",
    "Optimum": "oracle",
    "PathSet": "paths",
    "RoutingOracle": "oracle",
    "RoutingSystem": "system",
    "Topology": "topology",
    "TrafficCase": "traffic",
    "WorstDemand": "oblivious",
    "best_oblivious_splits": "oblivious",
    "k_shortest_paths": "paths",
    "load_matrices": "traffic_files",
    "load_topology": "topologies",
    "worst_demand": "oblivious",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
