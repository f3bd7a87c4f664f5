"""Days of demand and channels: drawn from a seed, one row per slot.

Demands follow a diurnal curve whose peak differs from user to user, with noise that lasts; shadowing and
positions are drawn once a day, Rayleigh fading follows a first-order process (Jakes' spectrum is not modelled:
between slots of minutes only how much is kept matters); shadowing is cut at 2.5 standard deviations, fades below
-20 dB count as -20 dB. None of this is from the papers; all of it is a
parameter of the family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.cran.scene import Scene

__all__ = ["DRAWN", "FAMILIES", "Day", "draw_days"]

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "diurnal": "demands rise and fall once a day, each user's peak at its own hour; users stay where they are",
        "flash": "a diurnal day on which one user wants the most for two hours, without notice",
        "walk": "a diurnal day on which every user walks to another place",
    }
)
"""What days can be drawn."""


@dataclass(frozen=True, eq=False)
class Day:
    """One day of ``T`` slots.

    Attributes:
        demand: of each user ``[T, U]``, Mb/s.
        place: of each user ``[T, U, 2]``, m.
        gain: of power of each link: distance, antenna, shadowing and fading ``[T, U, N]``, dB.
        phase: of each link ``[T, U, N]``, degrees from -180 to 180.

    All values are rounded to what a float32 network sees, so that what it sees is to the bit what happens.
    """

    demand: NDArray[np.float64]
    place: NDArray[np.float64]
    gain: NDArray[np.float64]
    phase: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("demand", "place", "gain", "phase"):
            rows = np.asarray(getattr(self, name), dtype=np.float32).astype(np.float64)
            rows.setflags(write=False)
            object.__setattr__(self, name, rows)

    def __len__(self) -> int:
        return len(self.demand)


DRAWN = ("low", "high", "noise", "memory", "fading")
"""Parameters of a day, by name; see :func:`draw_days`."""


def draw_days(
    scene: Scene,
    family: str,
    count: int,
    seed: int | Sequence[int],
    *,
    low: float = 2.0,
    high: float = 40.0,
    noise: float = 0.2,
    memory: float = 0.9,
    fading: float = 0.9,
) -> list[Day]:
    """``count`` days of a family, drawn from one seed.

    Args:
        scene: where.
        family: a name among :data:`FAMILIES`.
        count: how many days; the first ones do not depend on it.
        seed: of the draw.
        low, high: the least and the largest demand of a user, Mb/s.
        noise: standard deviation of a demand's noise, as a share of ``high - low``.
        memory: correlation of that noise from slot to slot.
        fading: correlation of the fading from slot to slot; 0 draws it anew in every slot.

    Raises:
        DnnExplainError: no such family, or a parameter that means nothing.
    """
    if family not in FAMILIES:
        raise Choice("workload", family, tuple(FAMILIES)).error()
    if not 0 <= low <= high:
        msg = f"demands need 0 <= low <= high Mb/s, not low={low:g}, high={high:g}"
        raise DnnExplainError(msg)
    for name, value in (("memory", memory), ("fading", fading)):
        if not 0 <= value <= 1:
            msg = f"{name} is a correlation from 0 to 1, not {value:g}"
            raise DnnExplainError(msg)
    root = np.random.SeedSequence(seed)
    generators = [np.random.default_rng(child) for child in root.spawn(count)]
    return [_day(scene, family, rng, low, high, noise, memory, fading) for rng in generators]


def _day(
    scene: Scene,
    family: str,
    rng: np.random.Generator,
    low: float,
    high: float,
    noise: float,
    memory: float,
    fading: float,
) -> Day:
    slots, users, links = scene.slots, scene.users, (scene.users, scene.heads * scene.antennas)
    hours = np.arange(slots)[:, None] * scene.slot_hours
    peak = rng.uniform(10.0, 21.0, users)
    height = rng.uniform(0.6, 1.0, users)
    level = height * (0.5 + 0.5 * np.cos(2 * np.pi * (hours - peak) / 24.0)) ** 1.5
    level = level + noise * _lasting(rng.standard_normal((slots, users)), memory)
    if family == "flash":
        first, user = rng.integers(0, slots - 8), rng.integers(users)
        level[first : first + 8, user] = 1.0
    demand = np.clip(low + (high - low) * level, low, high)
    start, end = rng.uniform(0, scene.side, (2, users, 2))
    way = np.linspace(0, 1, slots)[:, None, None] if family == "walk" else np.zeros((slots, 1, 1))
    place = start + way * (end - start)
    shadow = scene.shadowing * np.clip(rng.standard_normal((users, scene.heads)), -2.5, 2.5)
    parts = _lasting(rng.standard_normal((slots, 2, *links)), fading)
    fade = (parts[:, 0] + 1j * parts[:, 1]) / np.sqrt(2)
    gain = scene.mean_gain(place) + shadow
    gain = np.repeat(gain, scene.antennas, axis=-1) + 20 * np.log10(np.clip(np.abs(fade), 0.1, 3.0))
    return Day(demand, place, gain, np.rad2deg(np.angle(fade)))


def _lasting(white: NDArray[np.float64], kept: float) -> NDArray[np.float64]:
    """White noise ``[T, ...]`` as a stationary first-order process of the same variance."""
    rows = white.copy()
    for t in range(1, len(rows)):
        rows[t] = kept * rows[t - 1] + np.sqrt(1 - kept * kept) * white[t]
    return rows
