"""Views of a system as the page takes them: knobs by their number, arrays as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from dnnexplain.contract import DnnExplainError, Graph, GraphView, SeriesView, Side, SweepView, System
from dnnexplain.registry import views_of

__all__ = ["flow_graph", "graph_data", "graph_picture", "has_view", "series_data", "views_of_kind"]

V = TypeVar("V", bound=GraphView | SeriesView | SweepView)


def views_of_kind(system: System, kind: type[V]) -> list[V]:
    """A system's views of one kind, in its order."""
    return [view for view in views_of(system) if isinstance(view, kind)]


def has_view(system: System, kind: type[GraphView | SeriesView | SweepView]) -> bool:
    """Whether a system has a view of this kind; views that do not fit it count as none (the editor says why)."""
    try:
        return bool(views_of_kind(system, kind))
    except DnnExplainError:
        return False


def graph_data(view: GraphView, system: System) -> dict[str, Any]:
    """A graph as web/graph.js takes it, once."""
    at = {knob.name: place for place, knob in enumerate(system.knobs)}
    nodes = [
        {
            "place": list(node.place),
            "moves": [at[name] for name in node.moves] if node.moves else None,
            "amount": at[node.amount] if node.amount else -1,
            "switch": at[node.switch] if node.switch else -1,
            "shape": node.shape,
            "output": system.output.names.index(node.output) if node.output else -1,
        }
        for node in view.nodes
    ]
    return {
        "names": [node.name for node in view.nodes],
        "nodes": nodes,
        "links": [list(edge) for edge in view.edges],
        "directed": view.directed,
        "full": view.full,
        "means": view.level,
    }


LONG = 20_000
"""More paths than that travel to the page as bytes: as lists they take 45 MB at 200 nodes, as bytes 5."""


def flow_graph(graph: Graph) -> dict[str, Any]:
    """The same of a graph with traffic between pairs of its nodes."""
    places = np.round(graph.places, 5).tolist()
    return {
        "names": list(graph.nodes),
        "nodes": [
            {"place": place, "moves": None, "amount": -1, "switch": -1, "shape": "circle", "output": -1}
            for place in places
        ],
        "links": [list(link) for link in graph.links],
        "directed": True,
        "full": True,
        "means": "how full they are",
        "capacity": graph.capacity.tolist(),
        "unit": graph.unit,
        **(_long(graph) if len(graph.path_links) > LONG else _short(graph)),
    }  # fmt: skip


def _short(graph: Graph) -> dict[str, Any]:
    return {
        "pairs": [list(pair) for pair in graph.pairs],
        "knobs": graph.knobs.tolist(),
        "earlier": graph.earlier.tolist(),
        "pathPair": graph.path_pair.tolist(),
        "pathLinks": [list(links) for links in graph.path_links],
    }


def _long(graph: Graph) -> dict[str, Any]:
    """The same as :func:`_short` in the bytes of int32; ``pathEnds`` is where each path's links end among all."""
    sizes = np.fromiter((len(links) for links in graph.path_links), np.int32, len(graph.path_links))
    every = np.fromiter((link for links in graph.path_links for link in links), np.int32, int(sizes.sum()))
    arrays = {
        "pairs": graph.pairs, "knobs": graph.knobs, "earlier": graph.earlier, "pathPair": graph.path_pair,
        "pathEnds": np.cumsum(sizes), "pathLinks": every,
    }  # fmt: skip
    rows = {"rows": len(graph.earlier)}
    return rows | {name: np.ascontiguousarray(array, np.int32).tobytes() for name, array in arrays.items()}


def graph_picture(sides: Sequence[Side], verdict: str) -> dict[str, Any]:
    """Sides as web/graph.js draws them.

    Raises:
        DnnExplainError: a side has another number of edges or nodes than the first.
    """
    shapes = {(np.shape(side.level), len(side.words), len(side.on)) for side in sides}
    if len(shapes) != 1:
        msg = (
            f"all sides of a graph need as many levels, words and switches as the first, not {sorted(shapes, key=str)}"
        )
        raise DnnExplainError(msg)
    return {
        "names": [side.name for side in sides],
        "headlines": [side.headline for side in sides],
        "verdict": verdict,
        "level": np.stack([side.level for side in sides]).astype(np.float32).tobytes(),
        "words": [list(side.words) for side in sides] if sides[0].words else None,
        "on": np.array([side.on for side in sides], np.uint8).tobytes() if sides[0].on else None,
        "marks": b"",
        "shares": b"",
    }


def series_data(view: SeriesView, system: System) -> dict[str, Any]:
    """Rows of numbers as web/series.js takes them, once."""
    at = {knob.name: place for place, knob in enumerate(system.knobs)}
    return {
        "title": view.title,
        "places": list(view.places),
        "axis": view.axis,
        "level": at[view.level] if view.level else -1,
        "lines": [
            {
                "name": line.name, "kind": line.kind, "chances": line.chances, "open": line.open,
                "knobs": [at[name] for name in line.knobs],
            }
            for line in view.lines
        ],
    }  # fmt: skip
