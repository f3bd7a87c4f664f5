"""A cloud RAN as its own parts see it: the scene, its codec, and what an action is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from dnnexplain.contract import Episodes, EpisodeSystem, Policy, Space
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.scene import Scene

if TYPE_CHECKING:
    from dnnexplain.systems.cran.days import Day
    from dnnexplain.systems.cran.runner import Run

__all__ = ["Radio"]


class Radio(EpisodeSystem, Protocol):
    """What :class:`~dnnexplain.systems.cran.system.CloudRan` is to the modules that it is built from.

    They stand below it: none of them imports it.
    """

    scene: Scene
    codec: Codec
    action: str
    output: Space

    def simulate(self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0, sample: bool = False) -> Run:
        """Days run by a policy."""

    def episodes(self, name: str, run: Run, workloads: Sequence[Day], seed: int) -> Episodes:
        """A run as episodes: its costs and metrics."""
