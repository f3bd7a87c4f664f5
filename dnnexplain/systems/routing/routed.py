"""Routing as its own parts see it: a topology with paths, what a state shows, and an oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Box, Episodes, EpisodeSystem, Graph
from dnnexplain.systems.routing.oracle import RoutingOracle
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.topology import Topology
from dnnexplain.systems.routing.traffic import TrafficCase

if TYPE_CHECKING:
    from torch import nn

    from dnnexplain.systems.routing.tensors import TorchRouting

__all__ = ["Routed"]


class Routed(EpisodeSystem, Protocol):
    """What :class:`~dnnexplain.systems.routing.system.RoutingSystem` is to the modules that it is built from.

    They stand below it: none of them imports it.
    """

    topology: Topology
    paths: PathSet
    k: int
    history: int
    routed: bool
    cap: float
    oracle: RoutingOracle
    mean_demands: NDArray[np.float64]
    output: Box

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again."""

    @property
    def networks(self) -> Mapping[str, Callable[..., nn.Module]]:
        """Architectures by name."""

    @property
    def graph(self) -> Graph:
        """The topology to draw."""

    def tensors(self, **options: Any) -> TorchRouting:
        """Utilisation and optimum for torch."""

    def part(self, history: int = 0) -> Routed:
        """The system that shows the history alone, or (0) the matrix to route alone."""

    def observe(self, workloads: Sequence[TrafficCase]) -> NDArray[np.float32]:
        """What is seen of cases ``[B, *observation_shape]``."""

    def routed_by(
        self, name: str, splits: NDArray[np.float64], workloads: Sequence[TrafficCase], seed: int
    ) -> Episodes:
        """Cost and metrics of split ratios ``[W, paths]``."""

    def mlu(self, splits: ArrayLike, demands: ArrayLike) -> NDArray[np.float64]:
        """Maximum link utilisation ``[B]`` of split ratios ``[B, paths]`` and demands ``[B, P]``."""

    def traffic(self, name: str, count: int, seed: int | Sequence[int], **parameters: Any) -> NDArray[np.float64]:
        """Traffic matrices ``[count, P]`` in Gb/s."""
