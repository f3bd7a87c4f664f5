"""Days as tables of records: a row per minute, those before the day's first included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob, settled_records
from dnnexplain.counts import counted
from dnnexplain.systems.cellular.days import Day
from dnnexplain.systems.cellular.layout import EFFICIENCY, SESSIONS, WINDOWS, Layout

__all__ = ["RECORD_KNOBS", "from_records", "to_records"]

RECORD_KNOBS = (
    Knob("congestion", "share of capacity", 0.0, 1.0, None),
    Knob("sessions", "of the typical", *SESSIONS, None),
    Knob("efficiency", "of the typical", *EFFICIENCY, None),
    *(Knob(f"forecast {first} to {last} min", "share of capacity", 0.0, 1.0, None) for first, last in WINDOWS),
)
"""What a minute is; before the day begins, the first forecasts are repeated, and mean nothing."""


def to_records(day: Day) -> NDArray[np.float64]:
    """Minutes as rows ``[H + T, 3 + F]``."""
    forecast = np.concatenate([np.repeat(day.forecast[:1], day.history, axis=0), day.forecast])
    return np.column_stack([day.own, day.sessions, day.efficiency, forecast])


def from_records(records: NDArray[np.float64], layout: Layout, name: str = "") -> Day:
    """The day of rows ``[H + T, 3 + F]``.

    Raises:
        DnnExplainError: not as many minutes as this system's day and the history before it.
    """
    table = settled_records(records, RECORD_KNOBS).astype(np.float32).astype(np.float64)
    if len(table) != layout.history + layout.minutes:
        msg = (
            f"a day here has {counted(layout.history, 'minute')} before it and {layout.minutes} of its own, "
            f"{counted(layout.history + layout.minutes, 'record')} in all, not {len(table)}"
        )
        raise DnnExplainError(msg)
    own, sessions, efficiency = table[:, :3].T.copy()
    return Day(own, sessions, efficiency, table[layout.history :, 3:], layout.start, name)
