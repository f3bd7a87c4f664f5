"""A day's records as a generator writes them: a level of every link and the wave around it.

A link's gain of power is that of its distance, times the day's shadowing, times a fading amplitude, and its phase is
that of the fading: both parts of the fading, in phase and in quadrature, move smoothly and are nearly normal
(Rayleigh), where decibels and degrees are neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cran.scene import Scene

__all__ = ["coordinates", "from_coordinates", "to_coordinates"]

Floats = NDArray[np.float64]
LEAST_AMPLITUDE = 1e-6


def coordinates(scene: Scene) -> tuple[str, ...]:
    """Demands and places as in records; then the level, in phase and in quadrature, user by user."""
    users = range(1, scene.users + 1)
    links = [(u, n) for u in users for n in range(1, scene.heads * scene.antennas + 1)]
    parts = ("level", "in phase", "in quadrature")
    return (
        *(f"user {u} demand" for u in users),
        *(f"user {u} {axis}" for u in users for axis in ("x", "y")),
        *(f"user {u} antenna {n} {part}" for part in parts for u, n in links),
    )


def to_coordinates(table: Floats, scene: Scene) -> Floats:
    """Records ``[R, C]`` as coordinates ``[R, D]``: a link's level is its mean gain over the table, dB beside that of its distance."""
    demand, place, gain, phase = _parted(table, scene, 2)
    beside = gain - _by_distance(place, scene)
    level = np.broadcast_to(beside.mean(axis=0), beside.shape)
    wave = 10 ** ((beside - level) / 20) * np.exp(1j * np.deg2rad(phase))
    return np.concatenate([demand, place, level, wave.real, wave.imag], axis=1)


def from_coordinates(table: Floats, scene: Scene) -> Floats:
    """Coordinates ``[R, D]`` as records ``[R, C]``."""
    demand, place, level, inner, outer = _parted(table, scene, 3)
    wave = inner + 1j * outer
    gain = _by_distance(place, scene) + level + 20 * np.log10(np.maximum(np.abs(wave), LEAST_AMPLITUDE))
    return np.concatenate([demand, place, gain, np.rad2deg(np.angle(wave))], axis=1)


def _parted(table: Floats, scene: Scene, kinds: int) -> list[Floats]:
    """Demands, places and so many columns of every link."""
    links = scene.users * scene.heads * scene.antennas
    sizes = [scene.users, 2 * scene.users, *[links] * (kinds - 1)]
    return np.split(table, np.cumsum(sizes), axis=1)


def _by_distance(place: Floats, scene: Scene) -> Floats:
    """The gain of every link by its distance alone ``[R, U N]``, dB."""
    gain = scene.mean_gain(place.reshape(len(place), scene.users, 2))
    return np.repeat(gain, scene.antennas, axis=-1).reshape(len(place), -1)
