"""What happens to a cloud RAN: days for stress tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.system import CloudRan

__all__ = ["edge", "everyone", "flash_crowd", "shadowed"]

MOST = 40.0
"""The largest demand of a user on an ordinary day, Mb/s."""


def flash_crowd(system: CloudRan, count: int, seed: int) -> list[Day]:
    """The family of that kind."""
    return list(system.workloads("flash", count, seed))


def everyone(system: CloudRan, count: int, seed: int) -> list[Day]:
    """All users want at least 0.8 of the most in the same four hours."""

    def peak(day: Day, rng: np.random.Generator) -> Day:
        hour = np.arange(len(day)) * system.scene.slot_hours
        first = rng.uniform(8.0, 18.0)
        busy = ((hour >= first) & (hour < first + 4.0))[:, None]
        return replace(day, demand=np.where(busy, np.maximum(day.demand, 0.8 * MOST), day.demand))

    return _changed(system, count, seed, peak)


def edge(system: CloudRan, count: int, seed: int) -> list[Day]:
    """Every user stands in the corner that is worst served; its channels change as the distances do."""
    side = system.scene.side
    corners = np.array([[0.0, 0.0], [0.0, side], [side, 0.0], [side, side]])
    users = system.scene.users
    means = system.scene.mean_gain(np.repeat(corners[:, None], users, axis=1))[:, 0]
    corner = corners[int(means.max(axis=-1).argmin())]

    def move(day: Day, _rng: np.random.Generator) -> Day:
        there = np.broadcast_to(corner, day.place.shape)
        change = system.scene.mean_gain(there) - system.scene.mean_gain(day.place)
        return replace(day, place=there, gain=day.gain + np.repeat(change, system.scene.antennas, axis=-1))

    return _changed(system, count, seed, move)


def shadowed(system: CloudRan, count: int, seed: int) -> list[Day]:
    """15 dB less on the antennas of each user's best head (by its mean gain that day), for six hours."""

    def shade(day: Day, rng: np.random.Generator) -> Day:
        hour = np.arange(len(day)) * system.scene.slot_hours
        first = rng.uniform(0.0, 18.0)
        heads = np.asarray(system.scene.head_of)
        best = heads[day.gain.mean(axis=0).argmax(axis=-1)]
        hit = (heads[None] == best[:, None])[None] & ((hour >= first) & (hour < first + 6.0))[:, None, None]
        return replace(day, gain=day.gain - 15.0 * hit)

    return _changed(system, count, seed, shade)


def _changed(system: CloudRan, count: int, seed: int, change: Callable[[Day, np.random.Generator], Day]) -> list[Day]:
    return [
        change(day, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, 1))))
        for place, day in enumerate(system.workloads("diurnal", count, seed))
    ]
