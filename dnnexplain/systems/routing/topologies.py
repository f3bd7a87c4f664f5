"""The topologies that come built in, those of topohub by name, files, and networkx graphs.

Sources: the Internet Topology Zoo (Knight et al., 2011) and SNDlib (Orlowski et al., 2010) for the two
views of Abilene, the United States research backbone of 2004; topohub (Jurkiewicz, 2024) for the rest.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from dnnexplain.assumptions import assume
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import current_limits, read_json
from dnnexplain.systems.routing.speeds import Capacity, Source, capacity_of
from dnnexplain.systems.routing.topology import Topology, bidirectional
from dnnexplain.systems.routing.topology_formats import FORMATS, UNITS, graph_from_file, in_unit

__all__ = ["BUILT_IN_TOPOLOGIES", "DEFAULT_CAPACITY", "load_topology", "ring"]

DEFAULT_CAPACITY = 10.0
"""Gb/s that a link is assumed to carry where a source of topologies does not say it of any."""

SUFFIXES = {".graphml", ".xml", ".gml", ".json", ".graph", ".txt", ".gz", ".xz", ".bz2"}
"""Names that end so are files, also where there is none of that name."""

_CITIES = {
    "New York": (-74.01, 40.71),
    "Chicago": (-87.65, 41.85),
    "Washington DC": (-77.04, 38.90),
    "Seattle": (-122.33, 47.61),
    "Sunnyvale": (-122.04, 37.37),
    "Los Angeles": (-118.24, 34.05),
    "Denver": (-104.98, 39.74),
    "Kansas City": (-94.63, 39.11),
    "Houston": (-95.36, 29.76),
    "Atlanta": (-84.39, 33.75),
    "Indianapolis": (-86.16, 39.77),
}
_CABLES = (
    *((0, 1), (0, 2), (1, 10), (2, 9), (3, 4), (3, 6), (4, 5)),
    *((4, 6), (5, 8), (6, 7), (7, 8), (7, 10), (8, 9), (9, 10)),
)

_STATIONS = {
    "ATLAM5": (-84.38, 33.75),
    "ATLAng": (-85.50, 34.50),
    "CHINng": (-87.62, 41.83),
    "DNVRng": (-105.00, 40.75),
    "HSTNng": (-95.52, 29.77),
    "IPLSng": (-86.16, 39.78),
    "KSCYng": (-96.60, 38.96),
    "LOSAng": (-118.25, 34.05),
    "NYCMng": (-73.97, 40.78),
    "SNVAng": (-122.03, 37.39),
    "STTLng": (-122.30, 47.60),
    "WASHng": (-77.03, 38.90),
}
_STATION_CABLES = (
    *((0, 1), (1, 4), (1, 5), (1, 11), (2, 5), (2, 8), (3, 6), (3, 9)),
    *((3, 10), (4, 6), (4, 7), (5, 6), (7, 9), (8, 11), (9, 10)),
)
_SLOW_CABLE = (1, 5)


def abilene(capacity: float = DEFAULT_CAPACITY) -> Topology:
    """Abilene as the Topology Zoo draws it: 11 nodes, 28 links, all of one assumed capacity.

    With 4 paths per pair (440 paths) it is the network of Namyar et al., HotNets 2024.
    """
    note = f"all links are assumed to carry {capacity:g} Gb/s"
    places = list(_CITIES.values())
    return bidirectional("abilene", tuple(_CITIES), _CABLES, capacity, coordinates=places, assumption=note)


def abilene_12(capacity: float | None = None) -> Topology:
    """Abilene as SNDlib gives it: 12 nodes, 30 links of 9.92 Gb/s, Atlanta-Indianapolis 2.48 Gb/s.

    The nodes are in alphabetical order, as in the published traffic matrices of 144 numbers a line.
    """
    places = list(_STATIONS.values())
    if capacity is None:
        each = [2.48 if cable == _SLOW_CABLE else 9.92 for cable in _STATION_CABLES]
        return bidirectional("abilene-12", tuple(_STATIONS), _STATION_CABLES, each, coordinates=places)
    note = f"all links are assumed to carry {capacity:g} Gb/s"
    return bidirectional("abilene-12", tuple(_STATIONS), _STATION_CABLES, capacity, coordinates=places, assumption=note)


def ring(nodes: int = 4, capacity: float = 1.0) -> Topology:
    """A ring of ``nodes`` nodes with a cable between neighbours: small enough for brute force."""
    names = tuple(f"node {index + 1}" for index in range(nodes))
    cables = sorted({(min(a, b), max(a, b)) for a, b in ((i, (i + 1) % nodes) for i in range(nodes)) if a != b})
    return bidirectional(f"ring-{nodes}", names, cables, capacity)


BUILT_IN_TOPOLOGIES: dict[str, Callable[..., Topology]] = {
    "abilene": abilene,
    "abilene-12": abilene_12,
    "ring-4": ring,
}
"""Name -> how to make it; any other name is looked up in topohub, or is a GraphML file."""


def load_topology(name: str | Path | Any, capacity: float | None = None, unit: str | None = None) -> Topology:
    """A topology by name, from a file, or from a networkx graph.

    Args:
        name: ``"abilene"``, ``"abilene-12"``, ``"ring-4"``; a name of topohub (``"sndlib/germany50"``,
            ``"topozoo/Geant2012"``); the path of a file in GraphML, GML, JSON (node-link), REPETITA or SNDlib,
            told by its content; or a networkx graph with ``capacity`` (Gb/s, or text with a unit: ``"100 Mb/s"``,
            ``"OC-48"``) on its edges.
        capacity: Gb/s of each link whose capacity the source does not give (topohub: all links). If not given
            here, it is the median of those that the source gives, or 10; for a built-in topology the capacity
            of all its links instead of its own.
        unit: of the plain numbers of a file or a graph, where it does not say: ``"Gb/s"``, ``"Mb/s"``, ``"kb/s"``, ``"b/s"``.

    Returns:
        The topology, with what was assumed about capacities in ``assumption``.

    Raises:
        DnnExplainError: if there is no such name or file, or the graph is not usable.
    """
    topology = _looked_up(name, capacity, unit)
    if topology.assumption:
        assume(f"{topology.name}: {topology.assumption}")
    return topology


def _looked_up(name: str | Path | Any, capacity: float | None, unit: str | None) -> Topology:
    if capacity is not None and not (math.isfinite(capacity) and capacity > 0):
        msg = f"a link's capacity must be a positive number of Gb/s, not {capacity!r}"
        raise DnnExplainError(msg)
    if unit is not None and unit not in UNITS:
        raise Choice("unit of capacities", unit, tuple(UNITS)).error()
    if isinstance(name, nx.Graph):
        graph = in_unit(name.copy(as_view=False) if unit else name, unit)
        return _from_graph(str(name.graph.get("name") or "own"), graph, capacity)
    text = str(name)
    path = Path(text)
    known = text in BUILT_IN_TOPOLOGIES
    own = not known and (path.exists() or path.is_absolute() or path.suffix.lower() in SUFFIXES)
    if unit is not None and not own:
        assume(f"a unit of capacities ({unit}) is for files and graphs; {text} comes with its own: not used")
    if known:
        make = BUILT_IN_TOPOLOGIES[text]
        return make() if capacity is None else make(capacity=capacity)
    if own:
        return _from_graph(path.name, graph_from_file(path, unit), capacity)
    if "/" in text:
        return _from_topohub(text, capacity)
    hint = f" Names of topohub have a slash (sndlib/germany50); files are {FORMATS}."
    raise DnnExplainError(str(Choice("topology", text, tuple(BUILT_IN_TOPOLOGIES)).error()) + hint)


def _from_topohub(name: str, capacity: float | None) -> Topology:
    try:
        import topohub  # noqa: PLC0415 - only for its topologies
    except ImportError:
        msg = f"topology {name!r} comes from the package topohub, which is not installed: pip install topohub"
        raise DnnExplainError(msg) from None
    # Read here and not by topohub.get, which leaves its file open.
    file = files(topohub).joinpath("data", *f"{name}.json".split("/"))
    try:
        with as_file(file) as there:
            data = read_json(there)
    except ValueError:
        msg = f"topohub has no topology {name!r}; names look like sndlib/germany50 or topozoo/Geant2012"
        raise DnnExplainError(msg) from None
    graph = nx.node_link_graph({**data, "directed": False, "multigraph": True}, edges="edges")
    return _from_graph(name, graph, capacity)


def _from_graph(name: str, graph: Any, capacity: float | None) -> Topology:
    """A topology from any networkx graph: parallel links are added up, loops left out."""
    bound = current_limits()
    if graph.number_of_nodes() > bound.nodes:
        nodes = graph.number_of_nodes()
        raise bound.over(name, "nodes", f"has {nodes:,} nodes and so {nodes * (nodes - 1):,} pairs to route")
    order = list(graph.nodes)
    index = {node: position for position, node in enumerate(order)}
    unit = graph.graph.get("gbps")
    read = [(a, b, capacity_of(data, f"{a} -> {b}", name, unit)) for a, b, data in graph.edges(data=True) if a != b]
    edges = [(a, b, capacity.gbps) for a, b, capacity in read]
    known = [given for _, _, given in edges if given is not None]
    fallback = capacity or (statistics.median(known) if known else DEFAULT_CAPACITY)
    total: dict[tuple[int, int], float] = {}
    for a, b, given in edges:
        ends = [(index[a], index[b])] if graph.is_directed() else [(index[a], index[b]), (index[b], index[a])]
        for link in ends:
            total[link] = total.get(link, 0.0) + (fallback if given is None else given)
    guessed = len(edges) - len(known)
    why = "" if capacity or not known else ", the median of the others"
    note = f"{guessed} of {len(edges)} links are assumed to carry {fallback:g} Gb/s{why}" if guessed else ""
    sources = _read_from([capacity for *_, capacity in read])
    said = "; ".join(part for part in (*graph.graph.get("assumed", ()), *sources, note) if part)
    links = sorted(total)
    places = _coordinates(graph)
    return Topology(name, _labels(graph), tuple(links), np.array([total[link] for link in links]), places, said)


def _read_from(capacities: Sequence[Capacity]) -> list[str]:
    """What has to be said of capacities that no plain attribute gave."""
    said = []
    for (source, key), count in Counter((capacity.source, capacity.key) for capacity in capacities).items():
        links = counted(count, "link")
        if source is Source.NO_RATE:
            said.append(f"the {key} of {links} is no rate and was not used")
        elif source is Source.LABEL:
            said.append(f"the capacity of {links} was read off the label")
        elif source is Source.NO_UNIT:
            said.append(
                f"the {key} of {links} has no unit and was taken as Gb/s (write it with its unit, such as '100 Mb/s')"
            )
    return said


def _labels(graph: Any) -> tuple[str, ...]:
    """A name for each node; where names repeat, the node's own id is added."""
    names = [str(data.get("name") or data.get("label") or node) for node, data in graph.nodes(data=True)]
    often = Counter(names)
    return tuple(
        label if often[label] == 1 else f"{label} ({node})" for label, node in zip(names, graph.nodes, strict=True)
    )


def _coordinates(graph: Any) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    rows = []
    for _, data in graph.nodes(data=True):
        place = data.get("pos") or (data.get("Longitude"), data.get("Latitude"))
        if place[0] is None or place[1] is None or not all(math.isfinite(float(part)) for part in place):
            return None
        rows.append([float(place[0]), float(place[1])])
    return np.array(rows)
