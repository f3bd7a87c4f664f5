"""One day, decision by decision: which heads were awake from when to when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract import Curve, Replay, Track, periods_on
from dnnexplain.systems.cran.power import awake_of
from dnnexplain.systems.cran.words import clock

if TYPE_CHECKING:
    from dnnexplain.systems.cran.days import Day
    from dnnexplain.systems.cran.radio import Radio
    from dnnexplain.systems.cran.runner import Run

__all__ = ["replay_of"]


def replay_of(system: Radio, name: str, run: Run, day: Day, seed: int) -> Replay:
    """The first day of a run, with curves of the power charged and of demand.

    An object is a period during which a head is awake, on the head's track, or one in which users were not served, on a
    track of its own. ``actions`` are indices of toggles
    ``[T]``, or the switches themselves ``[T, R]``.
    """
    scene = system.scene
    on = awake_of(run.sets[0], scene.heads)  # [T, R]
    head, first, last = periods_on(np.column_stack([on, ~run.served[0]]))
    failed = head == scene.heads
    track = np.where(failed, scene.heads + 2, head)
    hours = np.float64(scene.slot_hours)
    chosen = np.full(len(on), -1, dtype=np.int64)
    begun = (first > 0) & ~failed
    chosen[first[begun]] = np.flatnonzero(begun)
    episodes = system.episodes(name, run, [day], seed)
    start, end = first * hours, (last + 1) * hours
    times = np.arange(len(on) + 1) * hours
    watts = Curve("power", scene.heads, times, np.append(run.power[0], run.power[0, -1]), steps=True)
    wanted = day.demand.sum(axis=1)
    demand = Curve("demand of all users", scene.heads + 1, times, np.append(wanted, wanted[-1]), steps=True)
    return Replay(
        policy=name,
        observations=run.observations[0],
        actions=run.actions[0],
        times=np.arange(len(on)) * hours,
        chosen=chosen,
        objects=tuple(
            f"not served from {clock(float(at))}" if wrong else f"head {item + 1} awake from {clock(float(at))}"
            for item, at, wrong in zip(head, start, failed, strict=True)
        ),
        arrival=start,
        start=start,
        finish=end,
        colours=head,
        tracks=(
            *(Track(f"head {item + 1}", "awake", 1.0, thin=True) for item in range(scene.heads)),
            Track("power", "W", max(float(run.power[0].max()), scene.heads * scene.awake_power)),
            Track("demand", "Mb/s", float(max(wanted.max(), 1.0))),
            *((Track("not served", "", 1.0, wrong=True),) if failed.any() else ()),
        ),
        bar_object=np.arange(len(head)),
        bar_track=track,
        bars=np.stack([start, end, np.zeros(len(head)), np.ones(len(head))], axis=1),
        cost=float(episodes.cost[0]),
        cost_name=system.cost_name,
        metrics={key: float(value[0]) for key, value in episodes.metrics.items()},
        time_unit="h",
        seed=seed,
        curves=(watts, demand),
    )
