"""States as knobs and as what a network sees: hour, demands, places, gains, phases, and who is awake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.power import set_of
from dnnexplain.systems.cran.scene import Scene
from dnnexplain.systems.cran.tables import TABLED, PowerTables

__all__ = ["Codec"]

TOP_DEMAND = 50.0
"""The largest demand of a knob, Mb/s."""

MARGIN = (-45.0, 35.0)
"""What shadowing and fading of a link can be, dB over its mean gain by distance."""


@dataclass(frozen=True)
class Codec:
    """A row of ``n`` numbers: what each of them is, and how knobs paint it.

    An observation is ``[hour, demand of every user, x and y of every user, gain of every link, phase of every
    link, 1 or 0 for every head]``, in h, Mb/s, m, dB and degrees; links go user by user. A knob is a cell, but
    for gains: there the knob is the margin over the mean gain by distance, so that a user who moves takes its
    shadowing and fading along.
    """

    scene: Scene

    @cached_property
    def hour(self) -> slice:
        """The cell of the hour."""
        return slice(0, 1)

    @cached_property
    def demand(self) -> slice:
        """The cells of the demands."""
        return slice(1, 1 + self.scene.users)

    @cached_property
    def place(self) -> slice:
        """The cells of the places."""
        return slice(self.demand.stop, self.demand.stop + 2 * self.scene.users)

    @cached_property
    def links(self) -> int:
        """How many links there are: users times antennas."""
        return self.scene.users * self.scene.heads * self.scene.antennas

    @cached_property
    def gain(self) -> slice:
        """The cells of the gains."""
        return slice(self.place.stop, self.place.stop + self.links)

    @cached_property
    def phase(self) -> slice:
        """The cells of the phases."""
        return slice(self.gain.stop, self.gain.stop + self.links)

    @cached_property
    def awake(self) -> slice:
        """The cells of the heads."""
        return slice(self.phase.stop, self.phase.stop + self.scene.heads)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return int(self.awake.stop)

    @cached_property
    def link_names(self) -> tuple[str, ...]:
        """``user 1 - head 3``, with its antenna where a head has several."""
        scene = self.scene
        return tuple(
            f"user {user + 1} - head {head + 1}" + (f" antenna {antenna + 1}" if scene.antennas > 1 else "")
            for user in range(scene.users)
            for head in range(scene.heads)
            for antenna in range(scene.antennas)
        )

    @cached_property
    def knobs(self) -> tuple[Knob, ...]:
        """One per cell, in its place; at the start it is noon, every user stands between two heads and wants 10 Mb/s."""
        scene = self.scene
        users = range(1, scene.users + 1)
        last = 24.0 - scene.slot_hours
        start = scene.side * (0.25 + 0.5 * np.arange(1, scene.users + 1) / (scene.users + 1))
        return (
            Knob("time", "h", 0.0, last, scene.slot_hours, default=12.0),
            *(Knob(f"user {user} demand", "Mb/s", 0.0, TOP_DEMAND, None, f"user {user}", 10.0) for user in users),
            *(
                Knob(
                    f"user {user} {axis}",
                    "m",
                    0.0,
                    scene.side,
                    None,
                    f"user {user}",
                    float(np.float32(start[user - 1])),
                )
                for user in users
                for axis in "xy"
            ),
            *(Knob(f"{link} margin", "dB", *MARGIN, None, link, 0.0) for link in self.link_names),
            *(Knob(f"{link} phase", "degrees", -180.0, 180.0, None, link, 0.0) for link in self.link_names),
            *(Knob(f"head {head + 1} awake", "", 0, 1, 1, f"head {head + 1}", 1.0) for head in range(scene.heads)),
        )

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Names of the groups that an attribution is summed by, and each cell's ``[n]``.

        Time; each user's demand; each user's place; each link (gain and phase); each head's being awake.
        """
        scene = self.scene
        users = range(1, scene.users + 1)
        names = (
            "time",
            *(f"user {user} demand" for user in users),
            *(f"user {user} place" for user in users),
            *(f"user {user} - head {head}" for user in users for head in range(1, scene.heads + 1)),
            *(f"head {head} awake" for head in range(1, scene.heads + 1)),
        )
        of_link = np.repeat(np.arange(scene.users * scene.heads), scene.antennas) + 1 + 2 * scene.users
        cells = np.concatenate(
            [
                np.arange(1 + scene.users),
                np.repeat(np.arange(scene.users), 2) + 1 + scene.users,
                of_link,
                of_link,
                np.arange(scene.heads) + 1 + scene.users * (2 + scene.heads),
            ]
        )
        return names, cells.astype(np.int64)

    @cached_property
    def tables(self) -> PowerTables | None:
        """What is remembered of slots' powers; ``None`` with too many heads for that."""
        return PowerTables(self.scene) if self.scene.heads <= TABLED else None

    # --- painting and reading -----------------------------------------------------------------------

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Knob values ``[B, n]`` as observations ``[B, n]``; cells whose knob is unchanged stay as in the background."""
        rows = np.array(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.size:
            msg = f"knob values must be [B, {self.size}], one per knob, not {list(rows.shape)}"
            raise DnnExplainError(msg)
        painted = rows.copy()
        painted[:, self.gain] += self._mean(rows)
        seen = painted.astype(np.float32)
        if background is not None:
            behind = np.broadcast_to(np.asarray(background, dtype=np.float32), seen.shape)
            same = self.decode(behind) == rows
            still = (same[:, self.place].reshape(len(rows), self.scene.users, 2)).all(axis=2)
            same[:, self.gain] &= np.repeat(still, self.links // self.scene.users, axis=1)
            seen = np.where(same, behind, seen)
        return seen

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Observations ``[B, n]`` as knob values ``[B, n]``."""
        rows = self.check(observations).copy()
        rows[:, self.gain] -= self._mean(rows)
        return rows

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest valid values ``[B, n]``: within bounds, time and switches on their grid, the rest as float32 sees it."""
        rows = np.array(values, dtype=np.float64)
        if not np.isfinite(rows).all():
            msg = f"{self.knobs[int(np.argwhere(~np.isfinite(rows))[0][-1])].name} must be a finite number"
            raise DnnExplainError(msg)
        low = np.array([knob.low for knob in self.knobs])
        high = np.array([knob.high for knob in self.knobs])
        rows = np.clip(rows, low, high)
        rows[:, self.hour] = np.round(rows[:, self.hour] / self.scene.slot_hours) * self.scene.slot_hours
        rows[:, self.awake] = np.round(rows[:, self.awake])
        cells = np.r_[self.demand, self.place, self.phase]
        rows[:, cells] = rows[:, cells].astype(np.float32)
        rows[:, self.gain] = self._seen_margin(rows)
        return rows

    def check(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Observations ``[B, n]`` in double precision."""
        rows = np.asarray(observations, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.size:
            msg = f"observations must be [B, {self.size}], not {list(rows.shape)}"
            raise DnnExplainError(msg)
        return rows

    # --- what happens ---------------------------------------------------------------------------------

    def program(self, observations: NDArray[Any]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Channels ``[B, U, N]`` and demands ``[B, U]`` of observations."""
        rows = self.check(observations)
        shape = (len(rows), self.scene.users, -1)
        channels = self.scene.channels(rows[:, self.gain].reshape(shape), rows[:, self.phase].reshape(shape))
        return channels, rows[:, self.demand]

    def awake_sets(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The heads that are awake, as bits ``[B]``."""
        return np.asarray(set_of(np.asarray(observations)[:, self.awake] > 0.5), dtype=np.int64)

    def observe(self, days: Sequence[Day], first: int = 0) -> NDArray[np.float32]:
        """What every slot of days shows with all heads awake ``[W, T, n]``; the days are equally long and begin in slot ``first``."""
        scene = self.scene
        slots = len(days[0])
        seen = np.ones((len(days), slots, self.size), dtype=np.float32)
        for row, day in zip(seen, days, strict=True):
            row[:, 0] = (first + np.arange(slots)) % scene.slots * scene.slot_hours
            row[:, self.demand] = day.demand
            row[:, self.place] = day.place.reshape(slots, -1)
            row[:, self.gain] = day.gain.reshape(slots, -1)
            row[:, self.phase] = day.phase.reshape(slots, -1)
        return seen

    def _seen_margin(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The margins ``[B, U N]`` as a float32 gain shows them, within their bounds."""
        mean = self._mean(rows)
        gain = (mean + rows[:, self.gain]).astype(np.float32)
        inside = np.clip(gain, mean + MARGIN[0], mean + MARGIN[1])
        stepped = np.nextafter(gain, np.where(inside > gain, np.inf, -np.inf).astype(np.float32))
        return np.where(inside == gain, gain, stepped).astype(np.float64) - mean

    def _mean(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean gains of the links ``[B, U N]``, for the places in rows ``[B, n]``."""
        mean = self.scene.mean_gain(rows[:, self.place].reshape(len(rows), self.scene.users, 2))
        return np.repeat(mean, self.scene.antennas, axis=-1).reshape(len(rows), -1)
