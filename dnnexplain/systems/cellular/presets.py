"""Minutes to start from on the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import PresetTools, State, state_from_observation
from dnnexplain.systems.cellular.days import Day
from dnnexplain.systems.cellular.scenarios import bad_radio

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["presets"]


def presets(system: CellularSystem, tools: PresetTools) -> tuple[State, dict[str, State]]:
    """Where the editor starts, and the states that it offers: minutes of days that the rule with room ahead ran."""
    del tools
    ordinary, bursty, stadium = (system.workloads(family, 1, 0)[0] for family in ("diurnal", "bursty", "stadium"))
    radio = bad_radio(system, 1, 0)[0]
    days: dict[str, tuple[Day, Callable[[Day], int]]] = {
        "An ordinary day, half of it over": (ordinary, lambda day: day.minutes // 2),
        "The quietest minute of that day": (ordinary, lambda day: int(_own(day).argmin())),
        "The busiest minute of that day": (ordinary, lambda day: int(_own(day).argmax())),
        "Its last ten minutes": (ordinary, lambda day: max(day.minutes - 10, 0)),
        "A burst begins": (bursty, lambda day: int(np.diff(_own(day), prepend=_own(day)[0]).argmax())),
        "A stadium is busiest": (stadium, lambda day: int(_own(day).argmax())),
        "Radio conditions are bad": (radio, lambda day: int(day.efficiency[day.history :].argmin())),
    }
    offered = {title: _minute(system, day, when(day)) for title, (day, when) in days.items()}
    return offered[next(iter(offered))], offered


def _own(day: Day) -> NDArray[np.float64]:
    """The cell's own congestion, minute by minute ``[T]``."""
    return np.asarray(day.own[day.history :])


def _minute(system: CellularSystem, day: Day, minute: int) -> State:
    seen, _ = system.visit(system.rules()["headroom"], [day])
    return state_from_observation(system, seen[minute])
