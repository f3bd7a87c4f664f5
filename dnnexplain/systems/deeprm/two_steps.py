"""What can be proved of two decisions in a row: a job is started in an idle cluster, no job arrives, and the network is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.properties import Case, Property, Relation, StateSet
from dnnexplain.systems.deeprm.observation.knobs import RESOURCES
from dnnexplain.systems.deeprm.simulator.futures import one_later

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.cluster import Cluster

__all__ = ["Started", "starts_both"]


@dataclass(frozen=True, eq=False)
class Started:
    """The state in which a job of an idle cluster was started: it runs from now on, and its slot is empty.

    What the picture then shows of it is again a choice of its length and demands, so one program speaks of both steps.
    """

    system: Cluster
    slot: int

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of an idle cluster ``[B, K]``; see :class:`dnnexplain.contract.properties.Following`."""
        later = np.array(values, dtype=np.float64)
        layout, horizon = self.system.codec.layout, self.system.params.horizon
        job = slice(3 * (self.slot - 1), 3 * self.slot)
        length, *demands = later[:, job].T.copy()
        runs = np.arange(horizon) < length[:, None]
        for place, demand in enumerate(demands):
            first = layout.use_first + place * horizon
            later[:, first : first + horizon] += runs * demand[:, None]
        later[:, job] = 0.0
        return later

    def played(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same by the simulator itself."""
        return one_later(self.system.codec, values, np.full(len(values), self.slot - 1))


def starts_both(system: Cluster) -> Property:
    """In an idle cluster with two jobs that fit side by side, two decisions start both (no arrivals, an empty backlog).

    At first waiting does nothing and the other slots are empty, so the network takes one of the two jobs. Once it runs, the
    other job and waiting are what is left.
    """
    slots, horizon = system.params.slots, system.params.horizon
    idle = {f"{name} in use at step {row}": 0 for name in RESOURCES for row in range(horizon)}
    count = slots + 1
    cases = []
    for first in range(1, slots + 1):
        for other in range(1, slots + 1):
            if other == first:
                continue
            absent = {
                f"job {slot} {what}": 0
                for slot in range(1, count)
                if slot not in (first, other)
                for what in ("length", *RESOURCES)
            }
            present = {f"job {slot} length": (1, system.params.max_job_length) for slot in (first, other)}
            beside = [
                Relation({f"job {first} {name}": 1.0, f"job {other} {name}": 1.0}, high=float(system.params.units))
                for name in RESOURCES
            ]
            states = StateSet.all_of(system).where(system, backlog=0, **idle, **absent, **present).related(*beside)
            rows = np.zeros((2, 2 * count))
            rows[0, first - 1], rows[0, other - 1] = 1.0, -1.0
            rows[1, count + slots], rows[1, count + other - 1] = 1.0, -1.0
            name = f"job {first} is started first, and then the network waits though job {other} fits beside it"
            cases.append(Case(name, states, rows, np.zeros(2), then=Started(system, first)))
    text = "In an idle cluster with two jobs that fit side by side, an empty backlog and no arrivals, two decisions start both"
    return Property("starts-both", text, tuple(cases), ("no job arrives between the two decisions",))
