"""How a cell is drawn: its last minutes, what is forecast, and the rate over congestion and time of day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dnnexplain.contract import Line, SeriesView, SweepAxis, SweepView, View
from dnnexplain.counts import counted
from dnnexplain.systems.cellular.layout import WINDOWS

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["views"]


def views(system: CellularSystem) -> tuple[View, ...]:
    """The last minutes with the load that is ours, the forecast, the rate by congestion and time."""
    layout, names = system.layout, [knob.name for knob in system.knobs]

    def row(place: slice) -> tuple[str, ...]:
        return tuple(reversed(names[place]))

    past = SeriesView(
        f"The last {counted(layout.history, 'minute')}, and the load that is ours",
        tuple(str(minutes) for minutes in range(layout.history, 0, -1)),
        tuple(Line(name, row(getattr(layout, name))) for name in ("congestion", "sessions", "efficiency")),
        axis="minutes ago",
        level="our load",
    )
    ahead = SeriesView(
        "The forecast of the cell's own traffic",
        tuple(f"{first}" if first == last else f"{first} to {last}" for first, last in WINDOWS),
        (Line("congestion", tuple(names[layout.forecast]), "bars"),),
        axis="minutes ahead",
    )
    congestion = names[layout.congestion]
    load = SweepView(
        "Over the day",
        SweepAxis("time of day", (names[layout.time],), steps=49),
        SweepAxis("congestion", (*congestion, *names[layout.forecast]), 0.0, 1.0, 41),
        note="Congestion is the same in all past minutes and in the forecast; all else is as it is now.",
    )
    return past, ahead, load
