"""What the rules of a guard remember of episodes: since when their states have held, and for how long they go on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.guards.guard import GuardRule

__all__ = ["Memory"]

FOREVER = -1


class Memory:
    """What the rules of a guard remember of ``E`` episodes.

    Attributes:
        met: in how many decisions on end, up to now, the states of each rule held ``[E, R]``.
        left: for how many more decisions each rule goes on; 0: it does not, -1: without end ``[E, R]``.
    """

    def __init__(self, rules: Sequence[GuardRule], names: Sequence[str], episodes: int) -> None:
        self.rules, self.names = rules, names
        self.met = np.zeros((episodes, len(rules)), dtype=np.int64)
        self.left = np.zeros((episodes, len(rules)), dtype=np.int64)

    def deciding(self, values: NDArray[np.float64], rows: NDArray[np.int64], *, keep: bool = True) -> NDArray[np.int64]:
        """Which rule decides, the first that may ``[B]``; -1: none.

        Where a state of its ``until`` holds a rule neither goes on nor begins.

        Args:
            values: of the quantities ``[B, F]``.
            rows: the episodes ``[B]``, each once.
            keep: whether this decision is taken, and remembered.
        """
        deciding = np.full(len(values), -1, dtype=np.int64)
        for place in reversed(range(len(self.rules))):
            rule = self.rules[place]
            holds = rule.when.holds(self.names, values)
            met = np.where(holds, np.minimum(self.met[rows, place] + 1, rule.after), 0)
            acts, left = met >= rule.after, self.left[rows, place]
            if rule.stay is not None:
                out = np.zeros(len(values), dtype=bool)
                if rule.stay.until is not None:
                    out = rule.stay.until.holds(self.names, values)
                begun = np.where(acts, rule.stay.decisions or FOREVER, left)
                begun[out] = 0
                acts = begun != 0
                left = np.where(begun > 0, begun - 1, begun)
            if keep:
                self.met[rows, place], self.left[rows, place] = met, left
            deciding[acts] = place
        return deciding
