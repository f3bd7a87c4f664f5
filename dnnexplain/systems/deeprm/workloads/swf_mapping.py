"""What it takes to map a cluster's log onto DeepRM's grid, every choice explicit and adjustable."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.lazy import lazy_attribute
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.workloads.swf import SwfLog

__all__ = ["AS_CPU", "KB_PER_PROCESSOR", "Quantities", "SwfMapping", "Window", "quantities"]

KB_PER_PROCESSOR = "kB per processor"
"""The unit of memory in the format; ``"bytes"`` is the whole job's, as in some logs."""

AS_CPU = "as cpu"

_CHOICES = {
    "cpus": ("used", "asked"),
    "memory": ("asked", "used"),
    "time": ("run", "asked"),
    "memory_unit": (KB_PER_PROCESSOR, "bytes"),
    "too_long": ("clip", "skip"),
    "too_wide": ("clip", "skip"),
    "cancelled": ("skip", "keep"),
}

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SwfMapping:
    """How the jobs of a log become jobs of DeepRM. :meth:`fit` proposes values for a log.

    Attributes:
        seconds_per_step: length of one time step.
        cpus_per_unit: processors that one unit of CPU stands for.
        memory_bytes_per_unit: bytes that one unit of memory stands for.
        cpus: processors ``"used"`` or ``"asked"``; where one is unknown, the other is taken.
        memory: memory ``"asked"`` or ``"used"``.
        time: the ``"run"`` time or the time ``"asked"`` for.
        memory_unit: ``"kB per processor"`` as in the format, or ``"bytes"`` of the whole job.
        too_long: jobs above the longest length are ``"clip"``-ped or ``"skip"``-ped.
        too_wide: the same for jobs above the widest demand.
        missing_memory: ``"as cpu"`` (as many units as CPU), ``"skip"``, or a number of units.
        cancelled: jobs with status 5: ``"skip"``, or ``"keep"`` those that ran.
        keep_every: only every n-th usable job is taken, to thin out a log of a far larger cluster.
        why: what :meth:`fit` based its proposal on.
    """

    seconds_per_step: float
    cpus_per_unit: float
    memory_bytes_per_unit: float
    cpus: str = "used"
    memory: str = "asked"
    time: str = "run"
    memory_unit: str = KB_PER_PROCESSOR
    too_long: str = "clip"
    too_wide: str = "clip"
    missing_memory: str | int = AS_CPU
    cancelled: str = "skip"
    keep_every: int = 1
    why: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _CHOICES and value not in _CHOICES[item.name]:
                raise Choice(item.name, str(value), _CHOICES[item.name]).error()
            if item.name.endswith(("_per_step", "_per_unit")) and not 0 < value < math.inf:
                msg = f"{item.name} must be a positive number, not {value!r}"
                raise DnnExplainError(msg)
        if not isinstance(self.keep_every, int) or self.keep_every < 1:
            msg = f"keep_every must be a whole number of at least 1, not {self.keep_every!r}"
            raise DnnExplainError(msg)
        units = isinstance(self.missing_memory, int) and self.missing_memory >= 0
        if not units and self.missing_memory not in {AS_CPU, "skip"}:
            msg = f"missing_memory must be 'as cpu', 'skip' or a number of units, not {self.missing_memory!r}"
            raise DnnExplainError(msg)

    @classmethod
    def fit(
        cls, log: SwfLog, params: Params | None = None, *, share: float = 0.9, load: float = 1.3, **fixed: Any
    ) -> SwfMapping:
        """Short for :func:`dnnexplain.systems.deeprm.workloads.swf_fit.fit_mapping`."""
        fitted: SwfMapping = lazy_attribute(__package__, {"fit_mapping": "swf_fit"}, "fit_mapping")(
            log, params, share=share, load=load, **fixed
        )
        return fitted


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a log: consecutive stretches of ``steps - 1`` steps, one job set each.

    Attributes:
        start: step of the mapped clock at which the first stretch begins; 0 is the first usable job's.
        steps: ``steps`` of each job set; arrivals lie in steps 1 to ``steps - 1``.
        sets: number of job sets; ``None``: as many as the log has. Stretches without a job give none.
    """

    start: int = 0
    steps: int = 50
    sets: int | None = 1

    def __post_init__(self) -> None:
        for name, value, low in (("start", self.start, 0), ("steps", self.steps, 2), ("sets", self.sets, 1)):
            if not (value is None and name == "sets") and (not isinstance(value, int) or value < low):
                msg = f"{name} of a window must be a whole number of at least {low}, not {value!r}"
                raise DnnExplainError(msg)


class Quantities(NamedTuple):
    """Seconds, processors and bytes of each job of a log ``[N]``; -1 or NaN where there is no value."""

    seconds: Floats
    cpus: Floats
    bytes: Floats
    swapped_cpus: Bools


def quantities(log: SwfLog, mapping: SwfMapping) -> Quantities:
    """What the mapping's choice of columns gives for each job."""
    used, requested = log.column("cpus_used"), log.column("cpus_asked")
    first, second = (used, requested) if mapping.cpus == "used" else (requested, used)
    swapped = (first <= 0) & (second > 0)
    cpus = np.where(swapped, second, first)
    memory = log.column(f"memory_{mapping.memory}")
    scale = 1024 * np.maximum(cpus, 1) if mapping.memory_unit == KB_PER_PROCESSOR else 1.0
    seconds = log.column("run" if mapping.time == "run" else "time_asked")
    return Quantities(seconds, cpus, np.where(memory > 0, memory * scale, -1.0), swapped)
