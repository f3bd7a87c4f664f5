"""The optimum of whole days: every set of heads in every slot, then a dynamic program with switching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.cran import plan_kernels as kernels
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.power import all_sets, awake_of, powers_of_sets, slot_power
from dnnexplain.systems.cran.scene import Scene

__all__ = ["Plan", "PlanOracle"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Which heads are awake in every slot of a day, and what that costs.

    Attributes:
        sets: bit r stands for head r ``[T]``.
        power: charged in each slot, switching and outage included ``[T]``, W.
    """

    sets: NDArray[np.int64] = field(repr=False)
    power: NDArray[np.float64] = field(repr=False)

    @property
    def cost(self) -> float:
        """Mean power, W."""
        return float(self.power.mean())


class PlanOracle:
    """The least mean power of days that are known beforehand; exact for every number of heads that a scene can have.

    Args:
        scene: heads, users, power.
        toggles: whether one head at most may change per slot; else any.
    """

    def __init__(self, scene: Scene, *, toggles: bool) -> None:
        self.scene = scene
        self.toggles = toggles
        self._costs: WeakKeyDictionary[Day, NDArray[np.float64]] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was computed: days that are known here are no longer the same objects elsewhere."""
        return {**self.__dict__, "_costs": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """With nothing computed yet."""
        self.__dict__.update({**state, "_costs": WeakKeyDictionary()})

    def costs(self, day: Day) -> NDArray[np.float64]:
        """What each slot costs with each set of heads, without switching ``[T, 2^R]``, W."""
        if day not in self._costs:
            channels = self.scene.channels(day.gain, day.phase)
            sets = np.broadcast_to(all_sets(self.scene), (len(day), 2**self.scene.heads))
            radiated = powers_of_sets(self.scene, channels, day.demand, sets)
            awake = awake_of(all_sets(self.scene), self.scene.heads).sum(axis=1)
            costs = slot_power(self.scene, awake, radiated)
            costs.setflags(write=False)
            self._costs[day] = costs
        return self._costs[day]

    def values(self, costs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least sum of power from each slot on, W: by the set of the slot ``[T, 2^R]``, by the one before ``[T + 1, 2^R]``."""
        total, before = np.empty(costs.shape), np.empty((len(costs) + 1, costs.shape[1]))
        kernels.continuations(costs, self.scene.switch_power, self.toggles, total, before)
        return total, before

    def plan(self, day: Day, start: int | None = None) -> Plan:
        """An optimal plan of a day that begins with the heads of ``start`` awake (all, if not given)."""
        costs = self.costs(day)
        total, _ = self.values(costs)
        sets = np.empty(len(costs), dtype=np.int64)
        first = 2**self.scene.heads - 1 if start is None else start
        kernels.plan(total, self.scene.switch_power, self.toggles, first, sets)
        return self.priced(day, sets, first)

    def priced(self, day: Day, sets: NDArray[np.int64], start: int | None = None) -> Plan:
        """Any plan with what it costs."""
        first = 2**self.scene.heads - 1 if start is None else start
        changes = np.bitwise_count(sets ^ np.concatenate([[first], sets[:-1]]))
        power = self.costs(day)[np.arange(len(sets)), sets] + self.scene.switch_power * changes
        return Plan(sets, power)

    def losses(self, day: Day, slot: int, awake: int) -> NDArray[np.float64]:
        """How much more each action costs at best from a slot on, given the set before it, W summed over slots.

        One entry per action: none and each head with ``toggles`` ``[R + 1]``, else every set ``[2^R]``.
        """
        total, _ = self.values(self.costs(day)[slot:])
        return action_losses(total[0], awake, self.scene.heads, self.scene.switch_power, toggles=self.toggles)


def action_losses(
    total: NDArray[np.float64], awake: int, heads: int, switch: float, *, toggles: bool
) -> NDArray[np.float64]:
    """Losses of the actions in a slot, for the least costs ``[2^R]`` by the set of the slot."""
    targets = awake ^ np.concatenate([[0], 1 << np.arange(heads)]) if toggles else np.arange(len(total))
    values = total[targets] + switch * np.bitwise_count(targets ^ awake)
    return np.asarray(values - values.min())
