"""Slots to start from on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract import PresetTools, State, state_from_observation
from dnnexplain.systems.cran.power import awake_of

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan

__all__ = ["presets"]

SLOTS = {
    "Noon, with the heads that are needed": ("diurnal", 0, "noon"),
    "The quietest slot of that day": ("diurnal", 0, "quietest"),
    "The busiest slot of that day": ("diurnal", 0, "busiest"),
    "Another scene at noon": ("diurnal", 1, "noon"),
    "Users on their way": ("walk", 0, "noon"),
}


def presets(system: CloudRan, tools: PresetTools) -> tuple[State, dict[str, State]]:
    """Where the editor starts, and the states that it offers; the heads are those of the optimal plan of the day."""
    del tools
    offered = {title: _slot(system, *slot) for title, slot in SLOTS.items()}
    start = offered[next(iter(offered))]
    every = start.values.copy()
    every[system.codec.awake] = 1.0
    return start, offered | {"Noon, with all heads awake": State(system.repair(every[None])[0])}


def _slot(system: CloudRan, family: str, seed: int, when: str) -> State:
    day = system.workloads(family, 1, seed)[0]
    total = day.demand[1:].sum(axis=1)
    slot = {"noon": len(day) // 2, "quietest": 1 + int(total.argmin()), "busiest": 1 + int(total.argmax())}[when]
    seen = system.codec.observe([day])[0, slot]
    before = system.oracle.plan(day).sets[slot - 1]
    seen[system.codec.awake] = awake_of(np.array(before), system.scene.heads)
    return state_from_observation(system, seen)
