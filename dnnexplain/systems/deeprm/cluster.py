"""DeepRM as its own parts see it: sizes, picture, actions, and the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import EpisodeSystem, Space
from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = ["Cluster"]


class Cluster(EpisodeSystem, Protocol):
    """What :class:`~dnnexplain.systems.deeprm.system.DeepRM` is to the modules that it is built from.

    They stand below it: none of them imports it.
    """

    params: Params
    codec: Codec
    output: Space

    def valid_values(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which actions do something, of knob values ``[B, K]``: ``[B, A]``."""

    def environment(self, workloads: Sequence[JobSet], copies: int = 1, **options: Any) -> Simulator:
        """Episodes on job sets, each ``copies`` times."""
