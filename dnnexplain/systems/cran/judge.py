"""What a single decision costs: the best continuation if demands and channels stay as they are for two hours.

A state does not hold the rest of its day, so that its true continuation is not known from it; with the day,
:meth:`dnnexplain.systems.cran.oracle.PlanOracle.losses` tells it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Judgement, MultiBinary, Space
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.oracle import PlanOracle
from dnnexplain.systems.cran.power import all_sets, powers_of_sets, slot_power

__all__ = ["HORIZON", "HeadJudge"]

HORIZON = 8
"""For how many slots the present is taken to last: two hours of slots of 15 minutes."""


class HeadJudge:
    """Exact losses of actions in one state, by a dynamic program over all sets and the next ``HORIZON`` slots.

    Losses are in W summed over these slots: divided by four, in watt-hours.

    Args:
        codec: of states.
        space: of actions.
    """

    def __init__(self, codec: Codec, space: Space) -> None:
        self.codec, self.space = codec, space
        self.oracle = PlanOracle(codec.scene, toggles=not isinstance(space, MultiBinary))

    def costs(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """What the slot costs with each set of heads, without switching ``[2^R]``, W."""
        scene = self.codec.scene
        channels, demand = self.codec.program(observation)
        sets = all_sets(scene)
        return slot_power(scene, np.bitwise_count(sets), powers_of_sets(scene, channels, demand, sets[None])[0])

    def values(self, observation: NDArray[Any]) -> tuple[NDArray[np.float64], int]:
        """The least sum of power by the set of the slot ``[2^R]``, switching into it not counted; who is awake, as bits."""
        total, _ = self.oracle.values(np.repeat(self.costs(observation)[None], HORIZON, axis=0))
        return total[0], int(self.codec.awake_sets(observation)[0])

    def losses(self, observation: NDArray[Any], actions: NDArray[Any]) -> NDArray[np.float64]:
        """How much worse the best continuation after each action is ``[n]``, for one observation ``[1, K]``."""
        total, awake = self.values(observation)
        return self._of(total, awake, actions) - self._least(total, awake)

    def judge(self, observation: NDArray[Any]) -> Judgement:
        """All toggles judged.

        Raises:
            DnnExplainError: the space is one of sets, whose actions are too many to list.
        """
        if isinstance(self.space, MultiBinary):
            msg = "there are too many sets of heads to judge each; ask for the losses of some: system.losses(state, actions)"
            raise DnnExplainError(msg)
        loss = self.losses(observation, np.arange(len(self.space.names)))
        best = tuple(int(action) for action in np.flatnonzero(loss <= 1e-9))
        return Judgement(best, loss, exact=True, unit=f"W over {HORIZON} slots like this one")

    def best(self, observation: NDArray[Any]) -> Any:
        """An action without loss: a toggle, or the switches ``[R]``; of equal ones that which changes least."""
        total, awake = self.values(observation)
        if isinstance(self.space, MultiBinary):
            changes = np.bitwise_count(np.arange(len(total)) ^ awake)
            value = total + self.codec.scene.switch_power * changes
            least = np.flatnonzero(value <= value.min() + 1e-9)
            best = least[changes[least].argmin()]
            return ((best >> np.arange(self.codec.scene.heads)) & 1).astype(bool)
        return int(self._of(total, awake, np.arange(len(self.space.names))).round(9).argmin())

    def _of(self, total: NDArray[np.float64], awake: int, actions: NDArray[Any]) -> NDArray[np.float64]:
        there = after(self.space, np.full(len(actions), awake), np.asarray(actions))
        return np.asarray(total[there] + self.codec.scene.switch_power * np.bitwise_count(there ^ awake))

    def _least(self, total: NDArray[np.float64], awake: int) -> float:
        if not isinstance(self.space, MultiBinary):
            return float(self._of(total, awake, np.arange(len(self.space.names))).min())
        changes = np.bitwise_count(np.arange(len(total)) ^ awake)
        return float((total + self.codec.scene.switch_power * changes).min())
