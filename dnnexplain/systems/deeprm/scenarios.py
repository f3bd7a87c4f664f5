"""What happens to a cluster: job sets for stress tests, each drawn from its own seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dnnexplain.systems.deeprm.simulator.model import JobSet
from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["diurnal_peak", "elephant_job", "flash_crowd", "heavy_tail", "memory_hog"]

Columns = dict[str, Any]
CROWD = 12
"""Short jobs of a flash crowd, one a step."""


def flash_crowd(system: DeepRM, count: int, seed: int) -> list[JobSet]:
    """Twelve jobs of 1 to 3 steps, one a step, on top of an ordinary job set."""

    def crowd(columns: Columns, rng: np.random.Generator, steps: int) -> None:
        first = int(rng.integers(1, max(2, steps - CROWD)))
        most = system.params.max_job_units
        added = {
            "arrival": np.minimum(first + np.arange(CROWD), steps - 1),
            "length": rng.integers(1, min(3, system.params.max_job_length) + 1, CROWD),
            "cpu": rng.integers(1, max(2, most // 2 + 1), CROWD),
            "memory": rng.integers(1, max(2, most // 2 + 1), CROWD),
        }
        for name, values in added.items():
            columns[name] = np.concatenate([columns[name], values])

    return _changed(system, count, seed, "flash crowd", crowd)


def diurnal_peak(system: DeepRM, count: int, seed: int) -> list[JobSet]:
    """Arrivals that swing by their whole mean."""
    return list(system.workloads("diurnal", count, seed, swing=0.99))


def heavy_tail(system: DeepRM, count: int, seed: int) -> list[JobSet]:
    """Lengths by a power law."""
    return list(system.workloads("heavy-tailed", count, seed))


def elephant_job(system: DeepRM, count: int, seed: int) -> list[JobSet]:
    """One of the first five jobs takes all that a job may, for as long as it may."""

    def elephant(columns: Columns, rng: np.random.Generator, _steps: int) -> None:
        which = int(rng.integers(min(5, len(columns["arrival"]))))
        columns["length"][which] = system.params.max_job_length
        columns["cpu"][which] = columns["memory"][which] = system.params.max_job_units

    return _changed(system, count, seed, "elephant job", elephant)


def memory_hog(system: DeepRM, count: int, seed: int) -> list[JobSet]:
    """Every fifth job asks for the most memory and one unit of CPU."""

    def hog(columns: Columns, rng: np.random.Generator, _steps: int) -> None:
        which = slice(int(rng.integers(min(5, len(columns["arrival"])))), None, 5)
        columns["memory"][which], columns["cpu"][which] = system.params.max_job_units, 1

    return _changed(system, count, seed, "memory hog", hog)


def _changed(
    system: DeepRM,
    count: int,
    seed: int,
    name: str,
    change: Callable[[Columns, np.random.Generator, int], None],
) -> list[JobSet]:
    """Ordinary job sets after a change of their columns in place."""
    sets = []
    for place, jobs in enumerate(system.workloads("deeprm", count, seed)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, 1)))
        columns: Columns = {item: np.array(getattr(jobs, item)) for item in ("arrival", "length", "cpu", "memory")}
        change(columns, rng, jobs.steps)
        sets.append(JobSet(**columns, steps=jobs.steps, name=f"{name} {place} of seed {seed}"))
    return sets
