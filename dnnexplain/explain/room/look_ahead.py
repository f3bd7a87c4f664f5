"""A policy that looks ahead before it decides: it tries each action over sampled futures and lets another policy go on.

This is the rollout algorithm (Bertsekas, Tsitsiklis and Wu, "Rollout algorithms for combinatorial optimization",
Journal of Heuristics 1997): one step of policy iteration, done at decision time. It sees what the other policy sees,
and of the future only what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Continuing,
    ContinuingTogether,
    Discrete,
    DnnExplainError,
    Policy,
    State,
    need,
    state_from_observation,
)
from dnnexplain.counts import counted
from dnnexplain.parallel import go_on

__all__ = ["LookAhead"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class LookAhead:
    """Another policy, improved by what would follow its actions and all others.

    It leaves the other policy's action only for one whose costs are lower by more than the standard error of the
    difference over the futures: else few futures would lead it astray.

    Args:
        system: one that can go on from a state, and whose output is a choice.
        base: who goes on after the action, and whose action stands where none is better.
        futures: workloads that the future is taken from; the same for every decision.
        seed: of what is drawn when a state is gone on with.

    Attributes:
        decisions, changed: decisions in which there was a choice, and how many were another than ``base``'s.

    Raises:
        DnnExplainError: the system cannot go on from a state, its output is no choice, or there is no future.
    """

    masked = True

    def __init__(self, system: Any, base: Policy, futures: Sequence[Any], *, seed: int = 0) -> None:
        need(system, Continuing, "looking ahead")
        if not isinstance(system.output, Discrete) or not len(futures):
            msg = "looking ahead is done in a choice among actions, over at least one future"
            raise DnnExplainError(msg)
        self.system, self.base, self.futures, self.seed = system, base, list(futures), seed
        self.name = f"{base.name}, looking ahead over {counted(len(self.futures), 'future')}"
        self.decisions = self.changed = 0

    def outputs(self, observations: NDArray[Any]) -> Floats:
        """1 for the action that is best as far as is seen, 0 for others ``[B, A]``."""
        go_on()
        seen = np.asarray(observations)
        valid = self.system.valid_actions(seen)
        allowed = valid if getattr(self.base, "masked", True) else None
        own = np.asarray(self.system.output.decide(self.base.outputs(seen), allowed), dtype=np.int64)
        valid[np.arange(len(own)), own] = True
        chosen = own.copy()
        free = np.flatnonzero(valid.sum(axis=1) > 1)
        if len(free):
            chosen[free] = self._better(seen[free], valid[free], own[free])
        self.decisions += len(free)
        self.changed += int((chosen != own).sum())
        return np.eye(valid.shape[1])[chosen]

    def _better(self, seen: NDArray[Any], valid: NDArray[np.bool_], own: Ints) -> Ints:
        """The action to take in each observation ``[B]``."""
        states = [state_from_observation(self.system, item) for item in seen]
        which, actions = (axis.astype(np.int64) for axis in np.nonzero(valid))
        cost = self._followed(states, which, actions)
        first = np.searchsorted(which, np.arange(len(states)))
        chosen = own.copy()
        for place in range(len(states)):
            rows = np.arange(first[place], first[place] + valid[place].sum())
            mine = rows[actions[rows] == own[place]][0]
            more = cost[rows] - cost[mine]
            doubt = more.std(axis=1) / np.sqrt(more.shape[1])
            best = int((more.mean(axis=1) + doubt).argmin())
            if more[best].mean() + doubt[best] < 0:
                chosen[place] = actions[rows[best]]
        return chosen

    def _followed(self, states: Sequence[State], which: Ints, actions: Ints) -> Floats:
        """What follows each of ``N`` actions in each future ``[N, W]``; nothing at all costs nothing."""
        if isinstance(self.system, ContinuingTogether):
            continued_together = self.system.continued_together(
                states, which, actions, self.base, self.futures, seed=self.seed
            )
        else:
            continued_together = np.stack(
                [
                    self.system.continued(states[place], self.base, int(action), self.futures, seed=self.seed).cost
                    for place, action in zip(which, actions, strict=True)
                ]
            )
        return np.nan_to_num(np.asarray(continued_together, dtype=np.float64), nan=0.0)
