"""Recorded days for training: what every slot shows, and what every set of heads would cost in it.

Demands and channels do not depend on what a controller does. So one recording tells the outcome of every
action in every state, and a policy's true cost from any set on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cran.days import draw_days
from dnnexplain.systems.cran.oracle import PlanOracle
from dnnexplain.systems.cran.power import awake_of

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan

__all__ = ["Recordings", "record"]

FAMILIES = ("diurnal", "diurnal", "diurnal", "walk", "flash")
"""Families of training days, in turn: three of five are of the default family."""


@dataclass(frozen=True, eq=False)
class Recordings:
    """``N`` days of ``T`` slots.

    Attributes:
        shown: observations with no head awake ``[N, T, n]``.
        excess: of each set's cost over that of the slot's cheapest set ``[N, T, 2^R]``, W. What is taken off
            does not depend on actions, so that no comparison of plans changes.
        ahead: the least excess from each slot on, by the set of the slot before ``[N, T + 1, 2^R]``, W, switching
            included: the value of a controller who knows the day.
        planned: the set that an optimal plan has before each slot ``[N, T]``, as bits.
        switch: what a change of a head is charged, W.
        awake: every set as switches ``[2^R, R]``, float32.
    """

    shown: NDArray[np.float32]
    excess: NDArray[np.float32]
    ahead: NDArray[np.float32]
    planned: NDArray[np.int64]
    switch: float
    awake: NDArray[np.float32]

    def moves(self) -> NDArray[np.float32]:
        """What changing from one set to another is charged ``[2^R, 2^R]``, W."""
        sets = np.arange(len(self.awake))
        return np.asarray(self.switch * np.bitwise_count(sets[:, None] ^ sets), dtype=np.float32)

    def value(self, decide: Callable[[NDArray[np.float32]], NDArray[np.int64]], part: slice) -> NDArray[np.float32]:
        """A policy's own excess from each slot on, by the set before it ``[N, T + 1, 2^R]``, W.

        Args:
            decide: from slots as shown ``[B, n]`` to the set that is chosen from every set before ``[B, 2^R]``.
            part: of the days.
        """
        return self.follow(decide, part)[0]

    def follow(
        self, decide: Callable[[NDArray[np.float32]], NDArray[np.int64]], part: slice
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """:meth:`value`, and the set before each slot where the policy has led from all heads awake ``[N, T]``, as bits."""
        shown, excess = self.shown[part], self.excess[part]
        days, slots, sets = excess.shape
        value = np.zeros((days, slots + 1, sets), dtype=np.float32)
        after = np.empty((days, slots, sets), dtype=np.int16)
        moves, before = self.moves(), np.arange(sets)
        for t in range(slots - 1, -1, -1):
            chosen = decide(shown[:, t])
            value[:, t] = np.take_along_axis(excess[:, t] + value[:, t + 1], chosen, axis=1) + moves[before, chosen]
            after[:, t] = chosen
        led = np.empty((days, slots), dtype=np.int64)
        here = np.full(days, sets - 1)
        for t in range(slots):
            led[:, t] = here
            here = after[np.arange(days), t, here].astype(np.int64)
        return value, led


def record(system: CloudRan, count: int, seed: int, report: Callable[[int, int, str], None]) -> Recordings:
    """Draw days and solve all their power programs."""
    oracle = PlanOracle(system.scene, toggles=system.oracle.toggles)
    each = [draw_days(system.scene, family, -(-count // len(FAMILIES)), [seed, k]) for k, family in enumerate(FAMILIES)]
    days = [day for rows in zip(*each, strict=True) for day in rows][:count]
    sets = 2**system.scene.heads
    shown = system.codec.observe(days)
    shown[..., system.codec.awake] = 0.0
    excess = np.empty((count, shown.shape[1], sets), dtype=np.float32)
    ahead = np.empty((count, shown.shape[1] + 1, sets), dtype=np.float32)
    planned = np.empty(shown.shape[:2], dtype=np.int64)
    for row, day in enumerate(days):
        costs = oracle.costs(day)
        costs = costs - costs.min(axis=1, keepdims=True)
        excess[row], ahead[row] = costs, oracle.values(costs)[1]
        planned[row] = np.concatenate([[sets - 1], oracle.plan(day).sets[:-1]])
        if row % 50 == 49:
            report(row + 1, count, "days recorded")
    awake = awake_of(np.arange(sets), system.scene.heads).astype(np.float32)
    return Recordings(shown, excess, ahead, planned, system.scene.switch_power, awake)
