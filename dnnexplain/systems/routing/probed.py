"""What probing asks of routing beside its states: workloads by name, what is seen of them, how good a routing is, facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, Policy
from dnnexplain.systems.routing.facts import TrafficFacts
from dnnexplain.systems.routing.traffic import WORKLOADS, TrafficCase

if TYPE_CHECKING:
    from dnnexplain.systems.routing.pair_parts import PairParts
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["Probed"]


class Probed:
    """The part of :class:`Routed` that probing uses (``contract.Measured``, ``explain.facts``)."""

    workload_names: Mapping[str, str] = WORKLOADS
    workload_knobs: tuple[Knob, ...] = ()
    metric = "MLU over optimum"
    observe: Any
    _targets: Any

    @property
    def outcome(self) -> str:
        """The busiest link's utilisation over the optimum, by its name among ``targets``."""
        return str(self._targets.ratio)

    def visit(
        self, policy: Policy, workloads: Sequence[TrafficCase], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What is seen of workloads ``[W, *observation_shape]``, and the number of each; no policy changes it."""
        del policy, seed
        seen: NDArray[np.float32] = self.observe(workloads)
        return seen, np.arange(len(workloads))

    def worst_unseen(
        self: Routed, policy: Policy, rules: Mapping[str, Policy], workload: TrafficCase
    ) -> Sequence[TrafficCase]:
        """The same past with the matrices on which a policy is furthest behind each rule (``contract.WorstUnseen``)."""
        from dnnexplain.systems.routing.unseen import worst_matrices  # noqa: PLC0415 - programs are made when asked for

        return worst_matrices(self, policy, rules, workload)

    @cached_property
    def features(self: Routed) -> TrafficFacts:
        """What may be known of the traffic."""
        return TrafficFacts(self)

    @property
    def part_names(self: Routed) -> tuple[str, ...]:
        """The pairs, about each of which a router decides (``explain.distillation.Parted``)."""
        return self.paths.pair_names

    def in_parts(self: Routed, policy: Policy) -> PairParts:
        """A router pair by pair."""
        from dnnexplain.systems.routing.pair_parts import PairParts  # noqa: PLC0415 - pairs are made of a system

        return PairParts.of(self, policy)
