"""Boxes of widgets (``VBox``, ``HBox``, ``Tab``) that hold live figures keep their pictures where no widget can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ipywidgets import Box

__all__ = ["inside", "watch_boxes"]


def inside(box: Box, kind: type) -> Iterator[Any]:
    """Every widget of a kind in a box and in the boxes within it, in order; one that stands there twice comes once."""
    seen: set[int] = set()
    waiting: list[Any] = [box]
    while waiting:
        widget = waiting.pop(0)
        if id(widget) in seen:
            continue
        seen.add(id(widget))
        if isinstance(widget, kind):
            yield widget
        elif isinstance(widget, Box):
            waiting = [*widget.children, *waiting]


def watch_boxes(show: Callable[[Box], None]) -> None:
    """From now on, in a notebook's kernel, a box that is displayed is shown by ``show``; elsewhere nothing.

    IPython asks its table of types before a widget itself. A box that says itself how it is displayed does so.
    """
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - only where something is displayed

    shell: Any = get_ipython()
    formatter = getattr(getattr(shell, "display_formatter", None), "ipython_display_formatter", None)
    if formatter is None:
        return

    def displayed(box: Box) -> None:
        own = getattr(box, "_ipython_display_", None)
        if own is None:
            show(box)
        else:
            own()

    formatter.for_type(Box, displayed)
