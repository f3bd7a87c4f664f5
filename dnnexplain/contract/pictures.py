"""A picture made of panes, with handles to drag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Handle", "Pane", "Pictured"]


@dataclass(frozen=True, slots=True)
class Handle:
    """A grip on a pane's edge: dragging it along an axis turns a knob, one grid cell per step.

    Attributes:
        knob: the name of the knob.
        axis: ``"down"`` (lower edge, rows) or ``"right"`` (right edge, columns).
        shape: ``"rectangle"``: the pane shows one rectangle from its top left corner.
    """

    knob: str
    axis: str
    shape: str = "rectangle"


@dataclass(frozen=True, slots=True)
class Pane:
    """A titled part of the picture: columns ``first`` to ``first + width - 1`` of the observation.

    ``row`` and ``column`` place the pane in the layout's grid of panes; ``colour`` is the index of the
    domain object (a job keeps its colour in every panel), or ``None``.
    """

    title: str
    first: int
    width: int
    row: int
    column: int
    handles: tuple[Handle, ...] = ()
    colour: int | None = None
    note: str = ""


@runtime_checkable
class Pictured(Protocol):
    """A system whose observation is a picture (rows x columns) made of panes."""

    panes: tuple[Pane, ...]
