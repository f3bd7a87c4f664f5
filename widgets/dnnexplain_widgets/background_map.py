"""A map that takes longer than a drag may wait is made beside the page; all else of a step goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from dnnexplain.contract import Policy, State, System
from dnnexplain.twins import worker_copy
from dnnexplain_widgets.jobs import Jobs, Task
from dnnexplain_widgets.live import Ask, Live, compute

__all__ = ["BUDGET", "LateMap"]

BUDGET = 0.05
"""Seconds of processor time that a light explanation may take in the thread of the page."""

_MAP = "saliency"


class LateMap:
    """Knows which maps are slow, and makes them in a worker: one at a time, the newest state next.

    A map is slow if the last one by this policy and method took more than :data:`BUDGET`; the first one is
    always made at once (it may take long for other reasons, as imports, so the worker measures again).
    Without an event loop (a script, a test) nothing is late.
    """

    def __init__(self) -> None:
        self.jobs = Jobs()
        self._policy: Policy | None = None
        self._twin: Policy | None = None
        self._slow: set[str] = set()
        self._next: Callable[[], None] | None = None

    def now(self, policy: Policy, ask: Ask) -> Ask:
        """What of a question is to be answered at once."""
        if policy is not self._policy:
            self._policy, self._twin, self._next = policy, None, None
            self._slow.clear()
            self.jobs.cancel()
        if ask.method not in self._slow or _MAP not in ask.parts or not _has_loop():
            return ask
        return replace(ask, parts=ask.parts - {_MAP})

    def note(self, ask: Ask, live: Live) -> None:
        """Remember how long the map took, if one was made."""
        if _MAP in live.spent:
            (self._slow.add if live.spent[_MAP] > BUDGET else self._slow.discard)(ask.method)

    def make(self, system: System, state: State, ask: Ask, done: Callable[[Live], None]) -> None:
        """Make the map of a state in the worker, as soon as it is free; ``done`` hears of the newest only."""
        policy = self._policy
        assert policy is not None
        if self._twin is None:
            self._twin = worker_copy(policy)
        twin, only = self._twin, replace(ask, parts=frozenset({_MAP}))

        def begin() -> None:
            self.jobs.start(work, take, lambda _error: self._go_on())

        def work(_task: Task) -> Live:
            return compute(system, twin, state, only)

        def take(live: Live) -> None:
            self.note(ask, live)
            if self._next is None:
                done(live)
            self._go_on()

        if self.jobs.current is None:
            begin()
        else:
            self._next = begin

    def _go_on(self) -> None:
        following, self._next = self._next, None
        if following is not None:
            following()


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
