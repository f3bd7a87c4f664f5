"""What the rules of guards remember of episodes: since when their states have held, and for how long they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.regions.where import EVERYWHERE, Where

__all__ = ["Memory"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
FOREVER = -1


@dataclass(frozen=True, eq=False)
class _Bounds:
    """Bounds of ``G`` guards' rules, filled up to as many rules and bounds as the longest has ``[G, R, S]``."""

    columns: Ints
    low: Floats
    high: Floats
    used: Bools

    @classmethod
    def of(cls, wheres: Sequence[Sequence[Where]], names: Sequence[str], rules: int) -> _Bounds:
        most = max((len(where.spans) for guard in wheres for where in guard), default=0)
        shape = len(wheres), rules, most
        columns, used = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
        low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
        for at, guard in enumerate(wheres):
            for place, where in enumerate(guard):
                count = len(where.spans)
                columns[at, place, :count] = where.columns(names)
                low[at, place, :count] = [span.low for span in where.spans]
                high[at, place, :count] = [span.high for span in where.spans]
                used[at, place, :count] = True
        return cls(columns, low, high, used)

    def hold(self, values: Floats, owner: Ints) -> Bools:
        """Which rules' bounds all hold ``[B, R]`` for quantities ``[B, F]`` of the guards ``[B]``."""
        here = values[np.arange(len(values))[:, None, None], self.columns[owner]]
        inside = (here > self.low[owner]) & (here <= self.high[owner])
        return np.asarray((inside | ~self.used[owner]).all(axis=2))


class Memory:
    """What the rules of a guard, or of several side by side, remember of ``E`` episodes.

    Attributes:
        owner: which guard decides in each episode ``[E]``.
        met: in how many decisions on end, up to now, the states of each rule held ``[E, R]``.
        left: for how many more decisions each rule goes on; 0: it does not, -1: without end ``[E, R]``.
    """

    def __init__(self, guards: Sequence[Sequence[GuardRule]], names: Sequence[str], owner: Ints) -> None:
        most, self.owner = max((len(rules) for rules in guards), default=0), owner
        self._there, self._stays, self._ends = (np.zeros((len(guards), most), dtype=bool) for _ in range(3))
        self._after, self._lasts = (np.ones((len(guards), most), dtype=np.int64) for _ in range(2))
        for at, rules in enumerate(guards):
            for place, rule in enumerate(rules):
                self._there[at, place], self._after[at, place] = True, rule.after
                if rule.stay is not None:
                    self._stays[at, place], self._ends[at, place] = True, rule.stay.until is not None
                    self._lasts[at, place] = rule.stay.decisions or FOREVER
        self._when = _Bounds.of([[rule.when for rule in rules] for rules in guards], names, most)
        until = [[(rule.stay.until if rule.stay else None) or EVERYWHERE for rule in rules] for rules in guards]
        self._until = _Bounds.of(until, names, most)
        self.met, self.left = (np.zeros((len(owner), most), dtype=np.int64) for _ in range(2))

    def deciding(self, values: Floats, rows: Ints, *, keep: bool = True) -> Ints:
        """Which rule decides, the first that may ``[B]``; -1: none.

        Where a state of its ``until`` holds a rule neither goes on nor begins.

        Args:
            values: of the quantities ``[B, F]``.
            rows: the episodes ``[B]``, each once.
            keep: whether this decision is taken, and remembered.
        """
        owner = self.owner[rows]
        after, left = self._after[owner], self.left[rows]
        holds = self._when.hold(values, owner) & self._there[owner]
        met = np.where(holds, np.minimum(self.met[rows] + 1, after), 0)
        acts = met >= after
        if self._stays.any():
            stays = self._stays[owner]
            begun = np.where(acts, self._lasts[owner], left)
            begun[self._until.hold(values, owner) & self._ends[owner]] = 0
            acts = np.where(stays, begun != 0, acts)
            left = np.where(stays, np.where(begun > 0, begun - 1, begun), left)
        if keep:
            self.met[rows], self.left[rows] = met, left
        first = acts.argmax(axis=1) if acts.shape[1] else np.zeros(len(rows), dtype=np.int64)
        return np.asarray(np.where(acts.any(axis=1), first, -1))
