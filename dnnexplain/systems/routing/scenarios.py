"""What happens to a backbone: traffic for stress tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.system import RoutingSystem
from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["diurnal", "elephant_pair", "flash_crowd", "node_silent"]


def elephant_pair(system: RoutingSystem, count: int, seed: int) -> list[TrafficCase]:
    """One pair sends a mean link capacity more, from one of the matrices on."""
    rows, rngs = _ordinary(system, count, seed)
    for sequence, rng in zip(rows, rngs, strict=True):
        sequence[int(rng.integers(len(sequence))) :, int(rng.integers(rows.shape[2]))] += system.topology.mean_capacity
    return _cases(rows)


def flash_crowd(system: RoutingSystem, count: int, seed: int) -> list[TrafficCase]:
    """Five times as much to one node, in the last matrix."""
    rows, rngs = _ordinary(system, count, seed)
    target = np.array([b for _, b in system.paths.pairs])
    for sequence, rng in zip(rows, rngs, strict=True):
        sequence[-1, target == rng.choice(target)] *= 5.0
    return _cases(rows)


def diurnal(system: RoutingSystem, count: int, seed: int) -> list[TrafficCase]:
    """Gravity traffic with a steep daily cycle at twice the load."""
    return list(system.workloads("gravity", count, seed, load=0.2, cycle=0.9))


def node_silent(system: RoutingSystem, count: int, seed: int) -> list[TrafficCase]:
    """All demands from and to one node are 0 in the last matrix; the others grow so that the total stays."""
    rows, rngs = _ordinary(system, count, seed)
    ends = np.array(system.paths.pairs)
    for sequence, rng in zip(rows, rngs, strict=True):
        gone = (ends == rng.choice(ends[:, 0])).any(axis=1)
        total, left = sequence[-1].sum(), sequence[-1, ~gone].sum()
        sequence[-1, gone] = 0.0
        sequence[-1] *= total / left if left > 0 else 1.0
    return _cases(rows)


def _ordinary(system: RoutingSystem, count: int, seed: int) -> tuple[NDArray[np.float64], list[np.random.Generator]]:
    rows = np.array(system.traffic("gravity", count, seed))
    return rows, [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, 1))) for place in range(count)]


def _cases(rows: NDArray[np.float64]) -> list[TrafficCase]:
    """Rounded to float32, as a network sees it."""
    exact = rows.astype(np.float32).astype(np.float64)
    return [TrafficCase(item[-1], item[:-1]) for item in exact]
