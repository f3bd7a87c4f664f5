"""A day minute by minute, to be watched: the rate, congestion with what we added, throughput beside its limit."""

from __future__ import annotations

import numpy as np

from dnnexplain.contract import Curve, Replay, Track
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.days import DayStack
from dnnexplain.systems.cellular.runs import DayRun, metrics_of

__all__ = ["replay_of"]


def replay_of(cell: Cell, days: DayStack, run: DayRun, name: str, cost_name: str, seed: int) -> Replay:
    """The first day of a run whose observations were kept; times are hours of the day, ``actions`` rates ``[T, 1]``."""
    assert run.observations is not None
    minutes, history = days.minutes, days.history
    hours = days.start + np.arange(minutes + 1) / 60.0
    own, added = days.own[0, history:], run.load[0]

    def curve(label: str, track: int, values: np.ndarray, *, quiet: bool = False) -> Curve:
        return Curve(label, track, hours, np.append(values, values[-1]), steps=True, quiet=quiet)

    none, nothing = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Replay(
        policy=name,
        observations=run.observations[0],
        actions=run.rates[0][:, None],
        times=hours[:-1],
        chosen=np.full(minutes, -1, dtype=np.int64),
        objects=(),
        arrival=none,
        start=none,
        finish=none,
        colours=nothing,
        tracks=(
            Track("rate", "", 1.0),
            Track("congestion", "of capacity", float(max(1.0, (own + added).max()))),
            Track("throughput", "Mb/s", float(max(run.throughput[0].max(), cell.limit))),
        ),
        bar_object=nothing,
        bar_track=nothing,
        bars=np.zeros((0, 4)),
        cost=-float(run.reward[0]),
        cost_name=cost_name,
        metrics={key: float(values[0]) for key, values in metrics_of(cell, days, run).items()},
        time_unit="h",
        seed=seed,
        curves=(
            curve("rate", 0, run.rates[0]),
            curve("the cell's own", 1, own, quiet=True),
            curve("with ours", 1, own + added),
            curve("limit", 2, np.full(minutes, cell.limit), quiet=True),
            curve("throughput", 2, run.throughput[0]),
        ),
    )
