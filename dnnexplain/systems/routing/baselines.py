"""Reference traffic that an attribution may count from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["baselines_of"]


class _Baselines(Mapping[str, NDArray[np.float32]]):
    """By name, each made when it is asked for: all of them at 200 nodes would take 6 GB."""

    def __init__(self, system: Routed, state: State) -> None:
        self.system, self.here = system, system.encode(state.values[None])
        self._nodes = {f"no demand from {name}": node for node, name in enumerate(system.topology.nodes)}

    def __iter__(self) -> Iterator[str]:
        yield from ("mean traffic", "even traffic", "typical traffic")
        yield from self._nodes
        yield from (f"no demand {name}" for name in self.system.paths.pair_names)

    def __len__(self) -> int:
        return 3 + len(self._nodes) + len(self.system.paths.pairs)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        system, pairs = self.system, self.system.paths.pairs
        if name == "mean traffic":
            return _repeated(system, system.mean_demands)
        if name == "even traffic":
            return _repeated(system, np.full(len(pairs), system.mean_demands.mean()))
        if name == "typical traffic":
            drawn = system.observe(system.workloads("gravity", 32, seed=0))
            return np.asarray(np.minimum(drawn, np.float32(system.cap)))
        if name in self._nodes:
            node = self._nodes[name]
            return _without(self.here, [i for i, (source, _) in enumerate(pairs) if source == node])
        return _without(self.here, [self._pair[name]])

    @cached_property
    def _pair(self) -> dict[str, int]:
        return {f"no demand {name}": pair for pair, name in enumerate(self.system.paths.pair_names)}


def baselines_of(system: Routed, state: State) -> Mapping[str, NDArray[np.float32]]:
    """Mean traffic, even traffic, typical traffic (32 draws), and this state without one node's or pair's traffic."""
    return _Baselines(system, state)


def _repeated(system: Routed, demands: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.broadcast_to(demands.astype(np.float32), (1, *system.observation_shape)).copy()


def _without(observations: NDArray[np.float32], pairs: list[int]) -> NDArray[np.float32]:
    changed = observations.copy()
    changed[..., pairs] = 0.0
    return changed
