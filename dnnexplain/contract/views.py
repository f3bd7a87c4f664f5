"""How a system is drawn, as data: a graph, rows of numbers, a map of two knobs. A page draws any system from them.

A system that is registered names a function in its spec, ``views="package.module:views"``, ``(system) -> views``; any
system may have them as an attribute instead (:class:`Viewed`). Pictures of panes have a protocol of their own
(``contract.Pictured``), and so has traffic over paths (``contract.Flowing``), which is drawn as a graph; what was done
over time is drawn from a :class:`~dnnexplain.contract.Replay`. Knobs are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import Choice, DnnExplainError
from dnnexplain.contract.knobs import State
from dnnexplain.contract.outputs import Decision

__all__ = [
    "GraphView",
    "Line",
    "Node",
    "SeriesView",
    "Side",
    "SweepAxis",
    "SweepView",
    "View",
    "Viewed",
    "checked_views",
]


@dataclass(frozen=True, slots=True)
class Node:
    """A point of a graph.

    Attributes:
        name: ``"head 3"``.
        place: (x, y), x to the right and y down, each from 0 to 1; of no account for a node that moves.
        moves: the knobs that hold its place, x and y; their bounds are the picture's edges, y up. It can be dragged.
        amount: a knob that its size shows, and that can be dragged below the graph: a demand.
        switch: a knob of 0 and 1 that is turned by a click.
        shape: ``"circle"`` or ``"square"``.
        output: what decides about that switch: of a choice the action that turns it, of switches the one that sets it. A
            page that runs the network draws the first side's switch by it before :attr:`GraphView.show` has answered.
    """

    name: str
    place: tuple[float, float] = (0.0, 0.0)
    moves: tuple[str, str] | None = None
    amount: str = ""
    switch: str = ""
    shape: Literal["circle", "square"] = "circle"
    output: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """One way of doing it, drawn as a graph of its own: the policy's, a rule's, the optimum.

    Attributes:
        name: ``"Network"``.
        headline: its figure, in a few words: ``"23.4 W"``.
        level: how full or strong each edge is, from 0 on, 1 is full; its width, see ``GraphView.full`` ``[E]``.
        words: what an edge carries, for people ``[E]``; may be empty.
        on: which nodes are on ``[N]``; empty: all.
    """

    name: str
    headline: str
    level: NDArray[np.float64]
    words: tuple[str, ...] = ()
    on: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class GraphView:
    """Nodes and edges, once for each way of doing it, live while knobs are dragged.

    Attributes:
        title: the question that it answers: ``"Who serves whom?"``.
        nodes: in the order of ``Side.on``.
        edges: (from, to) node indices ``[E]``.
        show: what is done in a state, side by side, from the state and the policy's decision there; about a
            millisecond of work, for it follows every step of a drag.
        level: what an edge's width means: ``"share of a head's power"``.
        full: whether an edge of level 1 is full: then colours warn of it, else the width alone tells the level.
        directed: whether an edge has a direction.
        tell: a sentence on the sides; "" says nothing.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    show: Callable[[State, Decision], Sequence[Side]]
    level: str = ""
    full: bool = False
    directed: bool = False
    tell: Callable[[Sequence[Side]], str] = lambda _sides: ""

    def knobs(self) -> Iterator[str]:
        """The knobs that it names."""
        for node in self.nodes:
            yield from (name for name in (*(node.moves or ()), node.amount, node.switch) if name)


@dataclass(frozen=True, slots=True)
class Line:
    """Knobs of one unit, in a row.

    Attributes:
        name: ``"throughput"``.
        knobs: from left to right.
        kind: ``"line"`` or ``"bars"``.
        chances: whether each place is one of the policy's actions, whose probability stands above it.
        open: whether the axis ends a little above what is shown, rather than at the highest bound.
    """

    name: str
    knobs: tuple[str, ...]
    kind: Literal["line", "bars"] = "line"
    chances: bool = False
    open: bool = True


@dataclass(frozen=True, slots=True)
class SeriesView:
    """Rows of numbers over the same places, such as a history; each number can be dragged.

    Attributes:
        title: ``"The last eight chunks"``.
        places: the name of each place, from left to right: ``("-8", ..., "-1")``.
        lines: each is drawn in a strip of its own.
        axis: what the places are: ``"chunks ago"``.
        level: a knob that is drawn beside the strips as a tank that can be filled: a buffer; may be empty.
    """

    title: str
    places: tuple[str, ...]
    lines: tuple[Line, ...]
    axis: str = ""
    level: str = ""

    def knobs(self) -> Iterator[str]:
        """The knobs that it names."""
        for line in self.lines:
            yield from line.knobs
        if self.level:
            yield self.level


@dataclass(frozen=True, slots=True)
class SweepAxis:
    """One side of a map of what a policy does: knobs that all have the same value.

    Attributes:
        name: ``"throughput"``.
        knobs: that take the value; the first tells unit and bounds where none are given.
        low, high: of the map; the first knob's bounds if both are 0.
        steps: how many values at most; knobs with a grid have its values if there are fewer.
        logarithmic: whether values are spread by ratios.
    """

    name: str
    knobs: tuple[str, ...]
    low: float = 0.0
    high: float = 0.0
    steps: int = 40
    logarithmic: bool = False


@dataclass(frozen=True, eq=False)
class SweepView:
    """A map of what a policy does over two quantities.

    Attributes:
        title: ``"On a constant link"``.
        across, down: its axes.
        settle: brings what depends on the two in line: knob values ``[B, K]`` in which the axes' knobs are set, to
            values that ``System.repair`` takes; without it, all else stays as it is in the state.
        note: what is assumed, a sentence.
        follows: whether the map depends on the state.
        ordered: whether actions have an order, lowest first, in which they should rise with the quantity across.
    """

    title: str
    across: SweepAxis
    down: SweepAxis
    settle: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    note: str = ""
    follows: bool = True
    ordered: bool = False

    def knobs(self) -> Iterator[str]:
        """The knobs that it names."""
        yield from (*self.across.knobs, *self.down.knobs)


View = GraphView | SeriesView | SweepView


@runtime_checkable
class Viewed(Protocol):
    """A system that says itself how it is drawn."""

    @property
    def views(self) -> Sequence[View]:
        """In the order of a page."""
        ...


def checked_views(system: Any, views: Sequence[View]) -> tuple[View, ...]:
    """The views, if they speak of knobs that there are and fit together.

    Raises:
        DnnExplainError: an unknown knob, an edge without its node, a line with more or fewer knobs than places.
    """
    known = tuple(knob.name for knob in system.knobs)
    for view in views:
        for name in view.knobs():
            if name not in known:
                raise Choice(f"knob of {system.name}, in view {view.title!r},", name, known).error()
        if isinstance(view, GraphView):
            for node in view.nodes:
                if node.output and node.output not in system.output.names:
                    raise Choice(
                        f"output of {system.name}, in view {view.title!r},", node.output, system.output.names
                    ).error()
            for edge in view.edges:
                if not all(0 <= end < len(view.nodes) for end in edge):
                    msg = f"edge {edge} of view {view.title!r} ends at a node that there is not; nodes are numbered from 0 to {len(view.nodes) - 1}"
                    raise DnnExplainError(msg)
        if isinstance(view, SeriesView):
            for line in view.lines:
                if len(line.knobs) != len(view.places):
                    msg = f"line {line.name!r} of view {view.title!r} names {len(line.knobs)} where it has {len(view.places)}: one knob for each place"
                    raise DnnExplainError(msg)
                if line.chances and len(system.output.names) != len(view.places):
                    msg = f"line {line.name!r} of view {view.title!r} shows a chance for each action, so it needs as many places ({len(system.output.names)}), not {len(view.places)}"
                    raise DnnExplainError(msg)
    return tuple(views)
