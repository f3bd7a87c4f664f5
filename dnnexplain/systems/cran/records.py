"""Days as tables of records: a row per slot with every user's demand and place and every link's channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, settled_records
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.scene import Scene

__all__ = ["from_records", "record_knobs", "to_records"]


def record_knobs(scene: Scene) -> tuple[Knob, ...]:
    """Demands, places, gains and phases, user by user."""
    links = scene.heads * scene.antennas
    users = range(1, scene.users + 1)
    return (
        *(Knob(f"user {u} demand", "Mb/s", 0.0, 1000.0, None) for u in users),
        *(Knob(f"user {u} {axis}", "m", 0.0, scene.side, None) for u in users for axis in ("x", "y")),
        *(Knob(f"user {u} antenna {n} gain", "dB", -250.0, 0.0, None) for u in users for n in range(1, links + 1)),
        *(
            Knob(f"user {u} antenna {n} phase", "degrees", -180.0, 180.0, None)
            for u in users
            for n in range(1, links + 1)
        ),
    )


def to_records(day: Day) -> NDArray[np.float64]:
    """Slots as rows ``[T, C]``."""
    slots = len(day)
    return np.concatenate([part.reshape(slots, -1) for part in (day.demand, day.place, day.gain, day.phase)], axis=1)


def from_records(records: NDArray[np.float64], scene: Scene) -> Day:
    """The day of rows ``[T, C]``."""
    table = settled_records(records, record_knobs(scene))
    slots, users, links = len(table), scene.users, scene.heads * scene.antennas
    demand, place, gain, phase = np.split(table, np.cumsum([users, 2 * users, users * links]), axis=1)
    return Day(
        demand,
        place.reshape(slots, users, 2),
        gain.reshape(slots, users, links),
        phase.reshape(slots, users, links),
    )
