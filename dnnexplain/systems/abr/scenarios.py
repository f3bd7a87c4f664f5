"""What happens to a viewer's link: traces for stress tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.abr.system import AdaptiveBitrate
from dnnexplain.systems.abr.traces import Trace

__all__ = ["cliff", "handover", "outage", "puffer_like", "slow_start"]

Floats = NDArray[np.float64]


def outage(system: AdaptiveBitrate, count: int, seed: int) -> list[Trace]:
    """Nothing for 20 s, between 60 and 160 s."""

    def cut(seconds: Floats, mbps: Floats, rng: np.random.Generator) -> Floats:
        begin = rng.uniform(60.0, 160.0)
        return np.where((seconds > begin) & (seconds <= begin + 20.0), 0.0, mbps)

    return _changed(system, "markov-3g", count, seed, "outage", cut)


def cliff(system: AdaptiveBitrate, count: int, seed: int) -> list[Trace]:
    """A steady link that falls to a tenth between 60 and 160 s."""

    def fall(seconds: Floats, mbps: Floats, rng: np.random.Generator) -> Floats:
        return np.where(seconds > rng.uniform(60.0, 160.0), 0.1 * mbps, mbps)

    return _changed(system, "stable", count, seed, "throughput cliff", fall)


def handover(system: AdaptiveBitrate, count: int, seed: int) -> list[Trace]:
    """Every 45 s: 2 s of nothing, then another rate, a factor from 0.3 to 2 of the link's own."""

    def hand(seconds: Floats, mbps: Floats, rng: np.random.Generator) -> Floats:
        cell = (seconds // 45.0).astype(np.int64)
        factor = rng.uniform(0.3, 2.0, int(cell.max()) + 1)
        still = (cell > 0) & (seconds % 45.0 < 2.0)
        return np.where(still, 0.0, mbps * factor[cell])

    return _changed(system, "markov-3g", count, seed, "handover", hand)


def puffer_like(system: AdaptiveBitrate, count: int, seed: int) -> list[Trace]:
    """The family of that name."""
    return list(system.workloads("puffer-like", count, seed))


def slow_start(system: AdaptiveBitrate, count: int, seed: int) -> list[Trace]:
    """From a twentieth of the rate to all of it within a minute."""

    def rise(seconds: Floats, mbps: Floats, _rng: np.random.Generator) -> Floats:
        return mbps * np.clip(0.05 + 0.95 * seconds / 60.0, 0.05, 1.0)

    return _changed(system, "markov-3g", count, seed, "slow start", rise)


def _changed(
    system: AdaptiveBitrate,
    family: str,
    count: int,
    seed: int,
    name: str,
    change: Callable[[Floats, Floats, np.random.Generator], Floats],
) -> list[Trace]:
    rows = []
    for place, trace in enumerate(system.workloads(family, count, seed)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, 1)))
        rows.append(Trace(f"{name} {place} of seed {seed}", trace.seconds, change(trace.seconds, trace.mbps, rng)))
    return rows
