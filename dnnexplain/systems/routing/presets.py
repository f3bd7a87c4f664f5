"""Traffic to start from on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import PresetTools, State

if TYPE_CHECKING:
    from dnnexplain.systems.routing.system import RoutingSystem

__all__ = ["presets", "traffic_presets"]


def presets(system: RoutingSystem, tools: PresetTools) -> tuple[State, dict[str, State]]:
    """Where the editor starts (routed well, until its largest demand is dragged), and the states that it offers."""
    del tools
    offered = traffic_presets(system)
    return offered["A busy hour, twice the traffic"], offered


def traffic_presets(system: RoutingSystem) -> dict[str, State]:
    """Traffic matrices to start from, each with those before it that the system's states have."""
    pairs = len(system.paths.pairs)
    count = len(system.knobs) // pairs
    drawn = {
        "Ordinary traffic": ("gravity", 3, {}),
        "A busy hour, twice the traffic": ("gravity", 5, {"load": 0.2}),
        "A few bursts": ("bursts", 2, {}),
        "Every demand drawn alike": ("uniform", 1, {"top": 0.1 * system.cap}),
    }
    presets = {"Mean traffic": _state(system, np.tile(system.mean_demands, (count, 1)))}
    for name, (family, seed, law) in drawn.items():
        presets[name] = _state(system, system.traffic(family, 1, seed, **law)[0])
    alone = np.zeros((count, pairs))
    alone[:, int(np.argmax(system.mean_demands))] = 0.5 * system.cap
    presets["One pair alone"] = _state(system, alone)
    if count > 1:
        calm = np.tile(system.mean_demands, (count, 1))
        calm[-1] = system.traffic("bursts", 1, 2)[0, -1]
        presets["Calm before, then bursts"] = _state(system, calm)
    return presets


def _state(system: RoutingSystem, rows: NDArray[np.float64]) -> State:
    return State(system.repair(rows.reshape(1, -1))[0])
