"""Whole days run by a policy: rates, loads, throughput and reward minute by minute, and their metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Played
from dnnexplain.counts import counted
from dnnexplain.systems.cellular.cell import GB_PER_MBPS_MINUTE, Cell
from dnnexplain.systems.cellular.days import DayStack
from dnnexplain.systems.cellular.kernels import observe_rows, play_days, step_rows

__all__ = ["DayRun", "metrics_of", "play_rates", "played", "run_days"]

Floats = NDArray[np.float64]

FULL = 0.8
"""Utilisation above which minutes are counted: an operator's usual reserve."""


@dataclass(frozen=True, eq=False)
class DayRun:
    """What happened on ``W`` days of ``T`` minutes.

    Attributes:
        rates: carried out ``[W, T]``.
        load: that we had added after each minute, share of capacity ``[W, T]``.
        throughput: of users, Mb/s ``[W, T]``.
        parts: volume gained, users' loss, penalty below the limit, GB ``[W, T, 3]``.
        observations: what was seen before each minute ``[W, T, K]`` float32, or ``None``.
    """

    rates: Floats
    load: Floats
    throughput: Floats
    parts: Floats
    observations: NDArray[np.float32] | None = None

    @property
    def reward(self) -> Floats:
        """Volume less loss less penalty, of each day, GB ``[W]``."""
        return np.asarray((self.parts[..., 0] - self.parts[..., 1] - self.parts[..., 2]).sum(axis=1), dtype=np.float64)


def run_days(
    cell: Cell,
    days: DayStack,
    decide: Callable[[NDArray[np.float32]], Floats],
    width: int,
    *,
    keep: bool = False,
    before: float = 0.0,
) -> DayRun:
    """Run days side by side.

    Args:
        cell: the constants.
        days: ``W`` of them.
        decide: from what is seen ``[W, K]`` float32 to rates in [0, 1] ``[W]``.
        width: ``K``.
        keep: whether observations are kept.
        before: load that we had added when the days begin, a share of capacity.
    """
    c, history, count, minutes = cell.constants, days.history, len(days.own), days.minutes
    loads, rates = np.zeros((count, history + minutes)), np.empty((count, minutes))
    parts, shared = np.empty((count, minutes, 3)), np.empty((count, minutes))
    seen = np.empty((count, width), dtype=np.float32)
    kept = np.empty((count, minutes, width), dtype=np.float32) if keep else None
    load, part, through = np.full(count, before), np.empty((count, 3)), np.empty(count)
    loads[:, history - 1] = before
    for t in range(minutes):
        at = history + t
        observe_rows(
            t, history, days.start, days.own, days.sessions, days.efficiency, days.forecast, loads, seen
        )  # fmt: skip
        rate = np.ascontiguousarray(decide(seen), dtype=np.float64)
        step_rows(c, days.own[:, at], days.efficiency[:, at], rate, load, part, through)
        rates[:, t], loads[:, at], parts[:, t], shared[:, t] = rate, load, part, through
        if kept is not None:
            kept[:, t] = seen
    return DayRun(rates, loads[:, history:], shared, parts, kept)


def play_rates(cell: Cell, days: DayStack, rates: Floats) -> DayRun:
    """Given rates ``[W, T]`` carried out from no added load."""
    actions = np.clip(np.asarray(rates, dtype=np.float64), 0.0, 1.0)
    load, shared, parts = np.empty_like(actions), np.empty_like(actions), np.empty((*actions.shape, 3))
    own, radio = (np.ascontiguousarray(array[:, days.history :]) for array in (days.own, days.efficiency))
    play_days(cell.constants, own, radio, actions, np.zeros(len(actions)), load, parts, shared)
    return DayRun(actions, load, shared, parts)


def metrics_of(cell: Cell, days: DayStack, run: DayRun) -> dict[str, Floats]:
    """Figures by name, one per day ``[W]``: reward and its parts (GB), volume as it is, minutes below the limit."""
    volume, loss, penalty = np.moveaxis(run.parts.sum(axis=1), 1, 0)
    carried = GB_PER_MBPS_MINUTE * (run.throughput * run.rates).sum(axis=1)
    below = (run.throughput < cell.limit) & (run.rates > 0)
    own = days.own[:, days.history :]
    filled = (own <= FULL) & (own + run.load > FULL)
    alone = play_rates(cell, days, np.zeros_like(run.rates)).throughput
    return {
        "reward": run.reward,
        "gained volume": carried,
        "volume term": volume,
        "user loss": loss,
        "limit penalty": penalty,
        "minutes below the limit": (run.throughput < cell.limit).sum(axis=1).astype(np.float64),
        "minutes pushed below": ((run.throughput < cell.limit) & (alone >= cell.limit)).sum(axis=1).astype(np.float64),
        "minutes pushed above 80%": filled.sum(axis=1).astype(np.float64),
        "minutes sent below": below.sum(axis=1).astype(np.float64),
        "mean rate": run.rates.mean(axis=1),
    }


def played(cell: Cell, days: DayStack, run: DayRun) -> Played:
    """The first day of a run as arrays by the minute, its figures, and a sentence."""
    volume, loss, penalty = run.parts[0].T
    figures = {name: float(values[0]) for name, values in metrics_of(cell, days, run).items()}
    arrays = {
        "rates": run.rates[0],
        "load": run.load[0],
        "throughput": run.throughput[0],
        "volume term": volume,
        "user loss": loss,
        "limit penalty": penalty,
        "reward": volume - loss - penalty,
    }
    words = (
        f"{figures['gained volume']:.3g} GB of delay-tolerant traffic gained in {counted(days.minutes, 'minute')}, reward "
        f"{figures['reward']:.3g} GB; {counted(round(figures['minutes below the limit']), 'minute')} below {cell.limit:g} Mb/s, "
        f"{figures['minutes pushed below']:.0f} of them pushed there."
    )
    return Played(arrays, {"cost": -figures["reward"], **figures}, words)
