"""What a rule of thumb would look at: a state in domain quantities, for decision trees in words.

A learned tree over the picture's knobs needs dozens of leaves to say "the shortest job that fits"; one
over these quantities says it in a split or two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.observation.feature_kernels import describe_rows
from dnnexplain.systems.deeprm.simulator.kernels import earliest_fit

__all__ = ["DeepRMFeatures", "earliest_starts"]

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _starts(jobs: Any, free: Any, out: Any) -> None:
    for row in range(len(jobs)):
        for slot in range(jobs.shape[1]):
            length, cpu, memory = jobs[row, slot]
            out[row, slot] = earliest_fit(free[row], length, cpu, memory) if length > 0 else -1


def earliest_starts(jobs: NDArray[np.int64], free: NDArray[np.int64]) -> NDArray[np.int64]:
    """In how many steps each waiting job can start at the earliest ``[B, M]``; -1: not within the horizon.

    Args:
        jobs: length, CPU and memory per slot ``[B, M, 3]``; length 0 is an empty slot.
        free: free units per resource and step ``[B, 2, H]``.
    """
    starts = np.empty(jobs.shape[:2], dtype=np.int64)
    _starts(np.ascontiguousarray(jobs), np.ascontiguousarray(free), starts)
    return starts


class DeepRMFeatures:
    """Domain quantities of a state, by name: ``features(observations)`` gives ``[B, F]`` numbers.

    "Placeable" is a job that has a place within the horizon, now or later: an action that does something.
    Where a state has no such job, lengths are one above the longest possible, slots and ranks 0, and
    delays the horizon, so that "at most" and "above" keep their sense.

    "Work" is length times CPU and memory together, in unit steps. ``moves`` are what rules say to do.

    Args:
        codec: reads the picture.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.units = self._units()
        self.absent = self._absent()
        self.names = tuple(self.units)
        self.whole = tuple(name for name, unit in self.units.items() if unit != "%" and not name.endswith("fits now"))
        self.moves = (
            "wait",
            "place the job with the least work",
            "place the shortest job",
            "start the shortest job that fits now, else wait",
            "start the job with the least work that fits now, else wait",
            "place the job that can finish first",
            *(f"place job {slot + 1}" for slot in range(codec.params.slots)),
        )

    def __call__(self, observations: NDArray[Any]) -> Floats:
        """The quantities of observations ``[B, H, W]``; ``[B, F]`` in the order of ``names``."""
        return self.of_values(self.codec.decode(observations))

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The action that each of ``moves`` is ``[B, R]``; a move that has no job waits."""
        return self.described(self.codec.decode(observations))[1]

    def of_values(self, values: Floats) -> Floats:
        """The quantities of knob values ``[B, K]``; ``[B, F]``."""
        return self.described(values)[0]

    def described(self, values: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Quantities ``[B, F]`` and actions of the moves ``[B, R]`` of knob values ``[B, K]``."""
        layout, params = self.codec.layout, self.codec.params
        table = np.empty((len(values), len(self.names)))
        moves = np.empty((len(values), len(self.moves)), dtype=np.int64)
        describe_rows(
            self.codec.jobs(values),
            self.codec.free(values),
            np.ascontiguousarray(values[:, layout.backlog_knob]),
            np.ascontiguousarray(values[:, layout.since_knob]),
            params.units,
            params.max_job_length,
            params.max_job_units,
            table,
            moves,
        )
        return table, moves

    def _absent(self) -> dict[str, float]:
        """What quantities of a job are where there is no such job."""
        params = self.codec.params
        none = {
            "slot": 0,
            "length": params.max_job_length + 1,
            "earliest start": params.horizon,
            "work": 2 * params.max_job_units * params.max_job_length + 1,
            "earliest end": params.max_job_length + 1 + params.horizon,
        }
        kinds = [name.removeprefix("slot of ") for name in self.units if name.startswith("slot of ")]
        return {f"{what} of {kind}": float(value) for kind in kinds for what, value in none.items()}

    def _units(self) -> dict[str, str]:
        """The names, each with its unit, in the order of the columns."""
        units: dict[str, str] = {}
        for job in range(1, self.codec.params.slots + 1):
            units |= {
                f"job {job} length": "steps",
                f"job {job} cpu": "units",
                f"job {job} memory": "units",
                f"job {job} dominant demand": "units",
                f"job {job} fits now": "",
                f"job {job} earliest start": "steps",
                f"job {job} rank by length": "",
            }
        kinds = ("shortest placeable job", "shortest job that fits now", "least-work placeable job")
        for kind in (*kinds, "least-work job that fits now"):
            units |= {f"slot of {kind}": "", f"length of {kind}": "steps"}
            units |= {f"dominant demand of {kind}": "units", f"earliest start of {kind}": "steps"}
            units |= {f"work of {kind}": "unit steps", f"earliest end of {kind}": "steps"}
        return units | {
            "jobs waiting": "jobs",
            "jobs that fit now": "jobs",
            "jobs that are placeable": "jobs",
            "second shortest placeable length": "steps",
            "second shortest minus shortest placeable length": "steps",
            "longest placeable length": "steps",
            "free cpu now": "units",
            "free memory now": "units",
            "cluster in use over the horizon": "%",
            "cluster in use over the next 5 steps": "%",
            "work of placeable jobs": "unit steps",
            "backlog": "jobs",
            "time since last arrival": "steps",
        }
