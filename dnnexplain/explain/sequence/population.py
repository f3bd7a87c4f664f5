"""A population of workloads on which a policy is far behind, and the one loop by which searches make it worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.sequence.pace import Pace

__all__ = ["ELITE", "Measured", "Population", "run_batches"]

Floats = NDArray[np.float64]

ELITE = 24
"""Workloads that are kept, at most."""


class Measured(Protocol):
    """What is made large."""

    @property
    def system(self) -> Any:
        """Runs workloads, and can change them."""
        ...

    def costs(self, workloads: Sequence[Any]) -> tuple[Floats, Floats]:
        """The policy's cost and that of what it is held against, per workload ``[W]``."""
        ...

    def of(self, own: Floats, other: Floats) -> Floats:
        """The gap of costs ``[W]``; a workload without a cost is no gap."""
        ...


@dataclass
class Population:
    """Workloads, the largest gap first.

    Attributes:
        gap: tells costs and gaps.
        workloads: at most :data:`ELITE` of them.
        costs: the policy's, the other's, and the gap ``[3, W]``.
        evaluated: how many workloads were run.
        spent_before: seconds of an earlier search that this one goes on from.
    """

    gap: Measured
    workloads: list[Any] = field(default_factory=list)
    costs: Floats = field(default_factory=lambda: np.empty((3, 0)))
    evaluated: int = 0
    spent_before: float = 0.0

    @property
    def gaps(self) -> Floats:
        """Of the workloads."""
        return np.asarray(self.costs[2])

    def add(self, workloads: Sequence[Any]) -> None:
        """Run workloads as one batch and keep the worst."""
        self.keep(workloads, *self.gap.costs(workloads))

    def keep(self, workloads: Sequence[Any], own: Floats, other: Floats) -> None:
        """Take in workloads whose costs are known; of equal gaps, which are nearly always one workload twice, one."""
        every = [*self.workloads, *workloads]
        costs = np.concatenate([self.costs, [own, other, self.gap.of(own, other)]], axis=1)
        order = np.argsort(-costs[2], kind="stable")
        gaps = costs[2, order]
        order = order[np.concatenate([[True], gaps[1:] < gaps[:-1]])][:ELITE]
        self.workloads, self.costs = [every[place] for place in order], costs[:, order]
        self.evaluated += len(workloads)


def run_batches(
    known: Population,
    batches: Iterator[Sequence[Any]],
    ended: Callable[[int], str],
    after: Callable[[int], object] = lambda _: None,
    pace: Pace | None = None,
) -> tuple[int, str]:
    """Take batch after batch into a population.

    Args:
        known: it begins with at least one workload.
        batches: makes them from what is known by then.
        ended: asked with the number of batches done; why no further one is run, or an empty string.
        after: called with that number after each.
        pace: tells how many runs end in time; of the last batch only so many are run.

    Returns:
        how many were done whole, and what ``ended`` said, or ``"seconds"`` where the time left is too short for one run.
    """
    done, pace = 0, pace or Pace()
    while not (why := ended(done)):
        if not pace.fits(1) or not pace.through(next(batches), known.add):
            return done, "seconds"
        done += 1
        after(done)
    return done, why
