"""What follows a rate: days that go on from one state, as others did from that hour on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, Space, in_episodes
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.days import Day, DayStack, stack_days
from dnnexplain.systems.cellular.layout import EFFICIENCY, SESSIONS, WINDOWS, Layout
from dnnexplain.systems.cellular.runs import DayRun, run_days

__all__ = ["ASSUMED", "entered", "gone_on"]

Floats = NDArray[np.float64]

HALVED = 30
"""Minutes in which half of what a day is shifted by is gone, once the state's forecasts have ended."""
ASSUMED = (
    "Each day is entered at the state's minute and shifted so that its own congestion meets the state's forecasts; "
    f"behind these, half of the shift is gone every {HALVED} minutes. Sessions and radio conditions are scaled to those of "
    "the state's last minute. Figures are of the rest of the day."
)


def entered(layout: Layout, values: Floats, days: Sequence[Day]) -> DayStack:
    """The rest of each day ``[W, H + T']``, as if it had come to the state.

    Raises:
        DnnExplainError: the day is over.
    """
    whole = stack_days(days)
    minute = round((float(values[layout.time]) - whole.start) * 60)
    if not 0 <= minute < whole.minutes:
        msg = f"nothing follows this state: a day lasts from {whole.start:g} h to {whole.start + whole.minutes / 60:g} h, and it is {values[layout.time]:.4g} h"
        raise DnnExplainError(msg)
    own, forecast = _own(layout, values, whole, minute)
    series = {
        "own": own,
        "sessions": _scaled(whole.sessions, values[layout.sessions], minute, SESSIONS),
        "efficiency": _scaled(whole.efficiency, values[layout.efficiency], minute, EFFICIENCY),
    }
    return DayStack(**series, forecast=forecast, start=float(values[layout.time]), names=whole.names)


def _own(layout: Layout, values: Floats, whole: DayStack, minute: int) -> tuple[Floats, Floats]:
    """Own congestion ``[W, H + T']`` with the state's minutes in front, and forecasts ``[W, T', F]``, both shifted alike."""
    history = layout.history
    rest = whole.own[:, history + minute :]
    left = rest.shape[1]
    past = values[layout.congestion][::-1].copy()
    past[-1] -= values[layout.load]
    shift = _shift(values[layout.forecast] - whole.forecast[:, minute], left + WINDOWS[-1][1])
    total = np.concatenate([np.zeros((len(shift), 1)), shift.cumsum(axis=1)], axis=1)
    at = np.arange(left)
    moved = np.stack(
        [(total[:, at + last] - total[:, at + first - 1]) / (last - first + 1) for first, last in WINDOWS], axis=2
    )
    forecast = np.clip(whole.forecast[:, minute:] + moved, 0.0, 1.0)
    forecast[:, 0] = values[layout.forecast]
    own = np.clip(rest + shift[:, :left], 0.0, 1.0)
    return np.concatenate([np.broadcast_to(past, (len(own), history)), own], axis=1), forecast


def _shift(missing: Floats, minutes: int) -> Floats:
    """What is added to a day in each minute ``[W, minutes]``, for what its forecasts are short of the state's ``[W, F]``."""
    middles = np.array([(first + last) / 2 for first, last in WINDOWS])
    ahead = np.arange(1.0, minutes + 1)
    added = np.stack([np.interp(ahead, middles, row) for row in missing])
    return np.asarray(added * 0.5 ** (np.maximum(ahead - WINDOWS[-1][1], 0.0) / HALVED), dtype=np.float64)


def _scaled(series: Floats, shown: Floats, minute: int, bounds: tuple[float, float]) -> Floats:
    """The state's minutes ``[H]``, newest first, then a day's ``[W, H + T]`` from a minute on, scaled to go on from the newest."""
    history = len(shown)
    before = series[:, history + minute - 1 : history + minute]
    rest = series[:, history + minute :] * shown[0] / np.maximum(before, 1e-6)
    past = np.broadcast_to(shown[::-1], (len(series), history))
    return np.concatenate([past, np.clip(rest, *bounds)], axis=1)


def gone_on(
    cell: Cell, layout: Layout, space: Space, values: Floats, policy: Policy, action: Any, days: Sequence[Day]
) -> tuple[DayStack, DayRun]:
    """Set a rate in a state, then let a policy go on to the end of each day; see ``contract.Continuing``."""
    rest = entered(layout, values, days)
    course = in_episodes(policy, len(rest.own))
    first = iter([np.full(len(rest.own), float(np.ravel(action)[0]))])

    def decide(seen: NDArray[np.float32]) -> Floats:
        given = next(first, None)
        return space.decide(course.outputs(seen))[:, 0] if given is None else given

    load = float(values[layout.load])
    return rest, run_days(cell, rest, decide, layout.width, before=load)
