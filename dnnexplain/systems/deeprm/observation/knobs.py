"""DeepRM's knobs, knob groups and panes: which quantity sits where in the picture."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Discrete, Handle, Knob, Pane, Space
from dnnexplain.systems.deeprm.simulator.model import Params

__all__ = ["RESOURCES", "Layout"]

RESOURCES = ("cpu", "memory")
TITLES = ("CPU", "memory")


class Layout:
    """Where everything is: columns of the picture, positions of knobs, names of groups.

    Knobs, in order: length, CPU and memory of each job; CPU and memory in use per row of the cluster;
    the backlog; the steps since the last arrival.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.block = params.units + params.slots * params.max_job_units
        self.backlog_column = 2 * self.block
        self.extra_column = self.backlog_column + params.backlog_width
        self.use_first = 3 * params.slots
        self.backlog_knob = self.use_first + 2 * params.horizon
        self.since_knob = self.backlog_knob + 1

    def slot_columns(self, resource: int, slot: int) -> slice:
        """The columns of a slot's job for one resource."""
        first = resource * self.block + self.params.units + slot * self.params.max_job_units
        return slice(first, first + self.params.max_job_units)

    def cluster_columns(self, resource: int) -> slice:
        """The columns of the cluster for one resource."""
        return slice(resource * self.block, resource * self.block + self.params.units)

    @cached_property
    def knobs(self) -> tuple[Knob, ...]:
        """All knobs in the order of ``State.values``."""
        p = self.params
        knobs: list[Knob] = []
        for slot in range(1, p.slots + 1):
            group = f"job {slot}"
            knobs.append(Knob(f"{group} length", "steps", 0, p.max_job_length, group=group))
            knobs.extend(Knob(f"{group} {name}", "units", 0, p.max_job_units, group=group) for name in RESOURCES)
        for name in RESOURCES:
            knobs.extend(
                Knob(f"{name} in use at step {row}", "units", 0, p.units, group=f"running {name}")
                for row in range(p.horizon)
            )
        knobs.append(Knob("backlog", "jobs", 0, p.backlog, group="backlog"))
        knobs.append(Knob("time since last arrival", "steps", 0, p.tracking, group="time since last arrival"))
        return tuple(knobs)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that an attribution is summed by."""
        jobs = [f"job {slot} {name}" for slot in range(1, self.params.slots + 1) for name in RESOURCES]
        return (*jobs, "running cpu", "running memory", "backlog", "time since last arrival")

    @cached_property
    def cell_group(self) -> NDArray[np.int64]:
        """The group of each cell ``[H, W]``."""
        p = self.params
        group = np.empty(p.shape, dtype=np.int64)
        for resource in range(2):
            group[:, self.cluster_columns(resource)] = 2 * p.slots + resource
            for slot in range(p.slots):
                group[:, self.slot_columns(resource, slot)] = 2 * slot + resource
        group[:, self.backlog_column : self.extra_column] = 2 * p.slots + 2
        group[:, self.extra_column] = 2 * p.slots + 3
        return group

    @cached_property
    def output(self) -> Space:
        """One action per slot, and waiting."""
        names = (*(f"job {slot}" for slot in range(1, self.params.slots + 1)), "wait")
        return Discrete(names, verbs={"wait": "wait"})

    @cached_property
    def panes(self) -> tuple[Pane, ...]:
        """The paper's Figure 2: a row of panes per resource; the backlog and the clock at the end."""
        p = self.params
        panes: list[Pane] = []
        for resource, title in enumerate(TITLES):
            columns = self.cluster_columns(resource)
            panes.append(Pane(f"Cluster {title}", columns.start, p.units, resource, 0))
            for slot in range(p.slots):
                first = self.slot_columns(resource, slot).start
                handles = (
                    Handle(f"job {slot + 1} length", "down"),
                    Handle(f"job {slot + 1} {RESOURCES[resource]}", "right"),
                )
                panes.append(Pane(f"Job {slot + 1} {title}", first, p.max_job_units, resource, slot + 1, handles, slot))
        panes.append(Pane("Backlog", self.backlog_column, p.backlog_width, 0, p.slots + 1))
        panes.append(Pane("Last arrival", self.extra_column, 1, 1, p.slots + 1))
        return tuple(panes)
