"""Reference traffic that an attribution may count from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["baselines_of"]


def baselines_of(system: Routed, state: State) -> Mapping[str, NDArray[np.float32]]:
    """Mean traffic, even traffic, typical traffic (32 draws), and this state without one node's or pair's traffic."""
    here = system.encode(state.values[None])
    even = np.full(len(system.paths.pairs), system.mean_demands.mean())
    found = {
        "mean traffic": _repeated(system, system.mean_demands),
        "even traffic": _repeated(system, even),
        "typical traffic": np.minimum(system.observe(system.workloads("gravity", 32, seed=0)), np.float32(system.cap)),
    }
    for node, name in enumerate(system.topology.nodes):
        pairs = [i for i, (source, _) in enumerate(system.paths.pairs) if source == node]
        found[f"no demand from {name}"] = _without(here, pairs)
    for pair, name in enumerate(system.paths.pair_names):
        found[f"no demand {name}"] = _without(here, [pair])
    return found


def _repeated(system: Routed, demands: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.broadcast_to(demands.astype(np.float32), (1, *system.observation_shape)).copy()


def _without(observations: NDArray[np.float32], pairs: list[int]) -> NDArray[np.float32]:
    changed = observations.copy()
    changed[..., pairs] = 0.0
    return changed
