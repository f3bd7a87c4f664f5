"""Many guards of one policy run side by side, as one batch of episodes: the policy is asked once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Course
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.explain.guards.memory import Memory

__all__ = ["costs_side_by_side"]

Floats = NDArray[np.float64]
MOST = 1024
"""Episodes that run at once, at most."""


class _NotInEpisodes(Exception):  # noqa: N818 - it never leaves this module
    """A system asked for a decision without saying in which episode."""


def costs_side_by_side(system: Any, guarded: Sequence[Guarded], workloads: Sequence[Sequence[Any]]) -> list[Floats]:
    """The cost of each guarded policy on its own workloads, one after another ``[W]``: what ``system.run`` gives, sooner.

    A simulator's step takes about as long for ten episodes as for a thousand. Guards without a memory and those with one run
    apart, for a batch of the first kind may end as soon as nothing changes any more.

    Args:
        system: runs them.
        guarded: one and the same policy, with guards.
        workloads: those of each.
    """
    if len(guarded) == 1:
        return _batch(system, guarded, workloads)
    costs: list[Floats] = [np.empty(0)] * len(guarded)
    for remembers in (False, True):
        waiting = iter([at for at, policy in enumerate(guarded) if policy.guard.remembers == remembers])
        most = max(1, MOST // max(map(len, workloads), default=1))
        while places := list(islice(waiting, most)):
            batch = _batch(system, [guarded[at] for at in places], [workloads[at] for at in places])
            for at, cost in zip(places, batch, strict=True):
                costs[at] = cost
    return costs


def _batch(system: Any, guarded: Sequence[Guarded], workloads: Sequence[Sequence[Any]]) -> list[Floats]:
    counts = [len(some) for some in workloads]
    if len(guarded) > 1:
        every = [workload for some in workloads for workload in some]
        try:
            cost = np.asarray(system.run(_SideBySide(guarded, counts), every).cost, dtype=np.float64)
            return np.split(cost, np.cumsum(counts)[:-1])
        except _NotInEpisodes:  # a system of single decisions, or a stranger's: one after another, then
            pass
    return [
        np.asarray(system.run(policy, list(some)).cost, dtype=np.float64)
        for policy, some in zip(guarded, workloads, strict=True)
    ]


class _SideBySide:
    """Guards of one policy as a policy with a memory (``contract.Remembering``): each has so many episodes, in order."""

    def __init__(self, guarded: Sequence[Guarded], counts: Sequence[int]) -> None:
        self.guarded, self.owner = guarded, np.repeat(np.arange(len(guarded)), counts)
        self.name, self.masked = guarded[0].policy.name, guarded[0].masked

    def outputs(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Nothing can be said without knowing the episode."""
        del observations
        raise _NotInEpisodes

    def begin(self, episodes: int) -> _Courses:
        """The course of all episodes."""
        if episodes != len(self.owner):
            raise _NotInEpisodes
        return _Courses(self.guarded, self.owner)


class _Courses(Course):
    """The course of episodes, each with the guard that owns it."""

    def __init__(self, guarded: Sequence[Guarded], owner: NDArray[np.int64]) -> None:
        first = guarded[0]
        self.policy, self.quantities, self.name, self.masked = first.policy, first.quantities, first.name, first.masked
        self.settles = max(guard.settles for guard in guarded)
        self.memory = Memory([guard.guard.rules for guard in guarded], first.quantities.names, owner)
        self.instead = {name: does for guard in guarded for name, does in guard.instead.items()}
        names = list(self.instead)
        self.names, most = names, self.memory.met.shape[1]
        self.does = np.full((len(guarded), most + 1), -1)  # the last column: no rule decides
        for at, guard in enumerate(guarded):
            self.does[at, : len(guard.guard.rules)] = [names.index(rule.do) for rule in guard.guard.rules]
        if hasattr(self.policy, "outputs_of_bytes"):
            self.outputs_of_bytes = self._of_bytes

    def outputs(
        self, observations: NDArray[Any], rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]``, with those of the rules that decide."""
        return self._with_rules(self.policy.outputs(observations), observations, rows, keep=keep)

    def _of_bytes(
        self, pictures: NDArray[np.uint8], scale: float, rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        policy: Any = self.policy
        seen = (pictures * scale).astype(np.float32)
        return self._with_rules(policy.outputs_of_bytes(pictures, scale), seen, rows, keep=keep)

    def _with_rules(
        self, outputs: NDArray[Any], seen: NDArray[Any], rows: NDArray[np.int64] | None, *, keep: bool
    ) -> NDArray[np.float64]:
        own, at = np.array(outputs, dtype=np.float64), np.arange(len(seen)) if rows is None else rows
        values = np.asarray(self.quantities(seen), dtype=np.float64)
        does = self.does[self.memory.owner[at], self.memory.deciding(values, at, keep=keep)]
        for place in np.unique(does[does >= 0]):
            here = np.flatnonzero(does == place)
            own[here] = self.instead[self.names[place]](seen[here])
        return own
