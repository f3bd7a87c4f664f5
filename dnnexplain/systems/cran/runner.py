"""Days run by a policy: slot by slot, all days at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Space
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.power import awake_of, powers_of_sets, slot_power

__all__ = ["Run", "run_days"]

Decide = Callable[[NDArray[np.float32]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Run:
    """``W`` days of ``T`` slots.

    Attributes:
        observations: what each decision saw ``[W, T, n]``.
        actions: what was done: the toggle ``[W, T]``, or the switches ``[W, T, R]``.
        sets: the heads awake in each slot ``[W, T]``, as bits.
        radiated: ``[W, T]``, W; infinite where the slot was not served.
        power: charged, switching and outage included ``[W, T]``, W.
        changes: heads that changed ``[W, T]``.
    """

    observations: NDArray[np.float32]
    actions: NDArray[Any]
    sets: NDArray[np.int64]
    radiated: NDArray[np.float64]
    power: NDArray[np.float64]
    changes: NDArray[np.int64]

    @property
    def served(self) -> NDArray[np.bool_]:
        """Whether the slot's demands were served ``[W, T]``."""
        return np.isfinite(self.radiated)


def run_days(
    codec: Codec,
    space: Space,
    decide: Decide,
    days: Sequence[Day],
    *,
    awake: int | NDArray[np.int64] | None = None,
    slot: int = 0,
) -> Run:
    """Run equally long days.

    Args:
        codec: of the scene.
        space: of actions.
        decide: from observations ``[W, n]`` to actions ``[W]`` or ``[W, R]``.
        days: at least one.
        awake: the heads that are awake before them, as bits, for all days or for each ``[W]``; all, if not given.
        slot: of the day in which they begin.
    """
    scene = codec.scene
    observations = codec.observe(days, slot)
    count, slots = observations.shape[:2]
    channels = np.stack([scene.channels(day.gain, day.phase) for day in days])
    demand = np.stack([day.demand for day in days])
    sets, changes = np.empty((count, slots), np.int64), np.empty((count, slots), np.int64)
    actions: list[NDArray[Any]] = []
    here = np.full(count, 2**scene.heads - 1 if awake is None else awake)
    for t in range(slots):
        observations[:, t, codec.awake] = awake_of(here, scene.heads)
        actions.append(decide(observations[:, t]))
        there = after(space, here, actions[-1])
        sets[:, t], changes[:, t] = there, np.bitwise_count(here ^ there)
        here = there
    flat = (count * slots, -1)
    links = channels.reshape(count * slots, scene.users, -1)
    radiated = powers_of_sets(scene, links, demand.reshape(flat), sets.reshape(flat)).reshape(count, slots)
    power = slot_power(scene, np.bitwise_count(sets), radiated) + scene.switch_power * changes
    return Run(observations, np.stack(actions, axis=1), sets, radiated, power, changes)
