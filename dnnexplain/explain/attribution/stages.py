"""How what a network does, and what its decisions rest on, changes while it learns: moments of one training side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, EpisodeSystem, Policy
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.reliance import reliance
from dnnexplain.explain.attribution.sentences import start
from dnnexplain.explain.decisions.decision import valid_of
from dnnexplain.intervals import Interval, mean_interval
from dnnexplain.numbers import share
from dnnexplain.registry import cost_range
from dnnexplain.results import Shown, array_field

__all__ = ["Stages", "stages"]


@dataclass(frozen=True)
class Stages(Shown):
    """``N`` moments of a training, asked about the same ``S`` states and episodes.

    Attributes:
        names: of the moments.
        states: how many states; they are the last network's.
        group_names: names of groups of knobs.
        changed: share of decisions that change when a group is permuted among the states ``[N, G]``.
        dead: how many cells have no gradient in any state ``[N]``.
        same: share of states in which it decides as the last network does ``[N]``.
        actions: share of each action in the states ``[N, A]``; no columns where nothing is chosen.
        cost_name: what its own episodes cost.
        cost: mean with 95% interval, over ``episodes`` workloads.
        episodes: how many.
    """

    names: tuple[str, ...]
    states: int
    group_names: tuple[str, ...]
    changed: NDArray[np.float64] = array_field("stage", "group")
    dead: NDArray[np.int64] = array_field("stage")
    same: NDArray[np.float64] = array_field("stage")
    actions: NDArray[np.float64] = array_field("stage", "action")
    cost_name: str = "cost"
    cost: tuple[Interval, ...] = ()
    episodes: int = 0

    def sentence(self) -> str:
        """What decisions rested on at first and rest on at last, and what grew most, in words."""
        first, last = (
            f"on {self.group_names[int(row.argmax())]}" if row.any() else "on no group" for row in self.changed[[0, -1]]
        )
        rests = f"{last}, at first and at last" if first == last else f"{first} at first and {last} at last"
        return (
            f"Over {counted(self.states, 'state')}, decisions rest most {rests}. {self._gains()} "
            f"{share(self.same[0])} of decisions were already the last network's."
        )

    def _gains(self) -> str:
        """What counts more at last than at first."""
        gains = self.changed[-1] - self.changed[0]
        grown = int(gains.argmax())
        if not gains[grown] > 0:
            return "No group counts for more at last than at first."
        return (
            f"{start(self.group_names[grown])} gains most: {share(self.changed[0, grown])} of decisions change with it at first, "
            f"{share(self.changed[-1, grown])} at last."
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per moment."""
        return [
            {
                "stage": name,
                self.cost_name: self.cost[at].mean,
                "same": float(self.same[at]),
                "dead cells": int(self.dead[at]),
                **{group: float(share) for group, share in zip(self.group_names, self.changed[at], strict=True)},
            }
            for at, name in enumerate(self.names)
        ]


def stages(
    system: EpisodeSystem,
    networks: Sequence[Policy],
    observations: NDArray[Any],
    workloads: Sequence[Any],
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Stages:
    """Explain moments of one training over the same states, earliest first.

    Args:
        system: the world.
        networks: the moments, the last one the finished network.
        observations: states, usually those that the last network meets ``[S, *observation_shape]``.
        workloads: each network's own episodes are run on these.
        seed: of permutations and runs.
        progress: called with (networks done, networks in all).

    Raises:
        DnnExplainError: fewer than two networks.
    """
    if len(networks) < 2:
        msg = f"to compare moments of a training takes at least 2 networks, not {len(networks)}"
        raise DnnExplainError(msg)
    maps, costs, decided = [], [], []
    for place, network in enumerate(networks):
        maps.append(reliance(system, network, observations, seed=seed))
        costs.append(mean_interval(system.run(network, workloads, seed=seed).cost, within=cost_range(system)))
        decided.append(system.output.decide(network.outputs(observations), valid_of(system, network, observations)))
        if progress is not None:
            progress(place + 1, len(networks))
    names = getattr(system.output, "names", ())
    chosen = all(np.ndim(item) == 1 for item in decided)
    shares = (
        [np.bincount(item, minlength=len(names)) / len(item) for item in decided]
        if chosen
        else [np.zeros(0)] * len(decided)
    )
    return Stages(
        names=tuple(network.name for network in networks),
        states=len(observations),
        group_names=maps[0].group_names,
        changed=np.stack([item.changed for item in maps]),
        dead=np.array([int(item.dead.sum()) for item in maps]),
        same=np.array([float(np.mean(system.output.same(item, decided[-1]))) for item in decided]),
        actions=np.stack(shares),
        cost_name=system.cost_name,
        cost=tuple(costs),
        episodes=len(workloads),
    )
