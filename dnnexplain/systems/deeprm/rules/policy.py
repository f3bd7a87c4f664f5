"""A rule as a policy that sees only the picture, for decisions outside an episode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice
from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.rules.kernels import HOLD, RULES, TETRIS_KNOB, rule_action

__all__ = ["RulePolicy"]


class RulePolicy:
    """One of :data:`RULES`: 1 for its action, 0 for the others.

    The picture does not say who came first: FCFS and EASY take slot order for order of arrival here.
    In an episode, ``DeepRM.run`` gives them the true order.

    Args:
        name: one of :data:`RULES`.
        codec: reads the picture.
        seed: for ``random``, whose action is a fixed function of seed and picture.
        hold: for ``hold``, the length above which jobs are held and the patience, both in steps.
    """

    masked = False

    def __init__(self, name: str, codec: Codec, seed: int = 0, hold: tuple[int, int] = HOLD) -> None:
        if name not in RULES:
            raise Choice("rule", name, RULES).error()
        self.name = name
        self.codec = codec
        self.seed = seed
        self.hold = hold

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """One row per picture ``[B, M + 1]``, 1 at the rule's action."""
        values = self.codec.decode(observations)
        jobs, free = self.codec.jobs(values), self.codec.free(values)
        slots = self.codec.params.slots
        order = np.arange(slots)
        rule = RULES.index(self.name)
        since, tracking = np.rint(values[:, self.codec.layout.since_knob]), self.codec.params.tracking
        draws = self._draws(values)
        chosen = np.zeros((len(values), slots + 1))
        for row in range(len(values)):
            length, cpu, memory = np.ascontiguousarray(jobs[row].T)
            action = rule_action(
                rule,
                length,
                cpu,
                memory,
                order,
                free[row],
                TETRIS_KNOB,
                draws[row],
                self.hold,
                since[row],
                tracking,
                self.codec.params.units,
            )
            chosen[row, action] = 1.0
        return chosen

    def _draws(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.name != "random":
            return np.zeros(len(values))
        whole = np.rint(values).astype(np.int64)
        return np.array([np.random.default_rng([self.seed, *row]).random() for row in whole])
