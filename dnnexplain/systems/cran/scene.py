"""Where heads and users are, what radio and power mean, and every number that is assumed.

Power figures, bandwidth, noise and the numbers of heads and users are those reported for Iqbal, Tham and
Chang (IEEE Access 9:20440, 2021), Table 2. Scene, path loss, shadowing, fading and demand are not known from
there: they are assumptions, each a parameter of :class:`Scene`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Choice, DnnExplainError

__all__ = ["SCENARIOS", "Scene", "scenario"]

GOLDEN_ANGLE = np.pi * (3 - 5**0.5)


@dataclass(frozen=True)
class Scene:
    """Radio heads in a square, the users that they serve, and what serving costs.

    Attributes:
        heads, users: how many.
        antennas: of each head.
        side: of the square, m. Heads stand on a sunflower spiral (Vogel 1979), users anywhere.
        nearest: no user is nearer to a head than this, m.
        loss_at_1_km, loss_per_decade: of power, dB (3GPP TR 36.814, macro cell at 2 GHz).
        antenna_gain: dBi.
        shadowing: standard deviation of the log-normal shadowing, dB.
        bandwidth: MHz.
        noise: over the bandwidth, dBm.
        gap: of the coding to capacity, a ratio (1: none).
        awake_power, asleep_power: of a head, W.
        switch_power: charged in the slot in which a head changes, W.
        efficiency: of the power amplifier.
        limit: of what a head radiates, W.
        outage_power: charged in a slot whose demands the awake heads cannot serve, beside full radiation, W.
        slots: in a day.
    """

    heads: int = 5
    users: int = 2
    antennas: int = 1
    side: float = 2000.0
    nearest: float = 35.0
    loss_at_1_km: float = 128.1
    loss_per_decade: float = 37.6
    antenna_gain: float = 9.0
    shadowing: float = 8.0
    bandwidth: float = 10.0
    noise: float = -102.0
    gap: float = 1.0
    awake_power: float = 6.8
    asleep_power: float = 4.3
    switch_power: float = 3.0
    efficiency: float = 0.25
    limit: float = 1.0
    outage_power: float = 100.0
    slots: int = 96

    def __post_init__(self) -> None:
        for name, low, high in (("heads", 1, 12), ("users", 1, 8), ("antennas", 1, 4)):
            if not low <= getattr(self, name) <= high:
                msg = f"{name} must be from {low} to {high}, not {getattr(self, name)}"
                raise DnnExplainError(msg)

    @cached_property
    def head_of(self) -> NDArray[np.int64]:
        """The head of each antenna ``[N]``."""
        return np.repeat(np.arange(self.heads), self.antennas)

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Of the heads ``[R, 2]``, m from the square's lower left corner."""
        index = np.arange(self.heads)
        radius = 0.5 * np.sqrt((index + 0.5) / self.heads)
        turn = index * GOLDEN_ANGLE
        return np.asarray(self.side * (0.5 + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)))

    @property
    def slot_hours(self) -> float:
        """Length of a slot, h."""
        return 24.0 / self.slots

    def mean_gain(self, users: ArrayLike) -> NDArray[np.float64]:
        """Power gain of users' links by distance alone ``[..., U, R]``, dB, for positions ``[..., U, 2]`` in m."""
        where = np.asarray(users, dtype=np.float64)
        distance = np.linalg.norm(where[..., :, None, :] - self.positions, axis=-1)
        kilometres = np.maximum(distance, self.nearest) / 1000.0
        return np.asarray(self.antenna_gain - self.loss_at_1_km - self.loss_per_decade * np.log10(kilometres))

    def channels(self, gain: ArrayLike, phase: ArrayLike) -> NDArray[np.complex128]:
        """Channels ``[..., U, N]`` in units of the program, for gains in dB and phases in degrees ``[..., U, N]``.

        A squared channel is the signal-to-noise ratio that the antenna gives at a head's largest power.
        """
        ratio = np.asarray(gain, dtype=np.float64) + 10 * np.log10(1000.0 * self.limit) - self.noise
        return np.asarray(10 ** (ratio / 20) * np.exp(1j * np.deg2rad(phase)))

    def needed_ratio(self, demand: ArrayLike) -> NDArray[np.float64]:
        """``gamma = gap (2^(D / B) - 1)`` for demands in Mb/s: the ratio at which capacity is the demand."""
        return np.asarray(self.gap * np.expm1(np.log(2.0) * np.asarray(demand, dtype=np.float64) / self.bandwidth))


SCENARIOS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "5 heads, 2 users": {"heads": 5, "users": 2},
        "8 heads, 3 users": {"heads": 8, "users": 3},
        "12 heads, 4 users": {"heads": 12, "users": 4},
    }
)
"""The scenarios by name: the first and the last are reported for Iqbal et al.; the middle one is ours."""


def scenario(name: str) -> Scene:
    """A scene by the name of its scenario."""
    if name not in SCENARIOS:
        raise Choice("scenario", name, tuple(SCENARIOS)).error()
    return Scene(**SCENARIOS[name])
