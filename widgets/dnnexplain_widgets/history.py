"""Undo and redo: the states before and after the present one; a drag counts as one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dnnexplain.contract import State

__all__ = ["History"]

_MOST = 200


class History:
    """The states that undo and redo go to."""

    def __init__(self) -> None:
        self.past: list[State] = []
        self.future: list[State] = []
        self._dragging = False
        self._listening = True

    @property
    def dragging(self) -> bool:
        """Whether a drag goes on."""
        return self._dragging

    def note(self, left: State) -> None:
        """A state was left for another one."""
        if not self._listening:
            return
        self.past = [*self.past[-_MOST + 1 :], left]
        self.future = []

    def undo(self, present: State) -> State | None:
        """The state to go back to, or ``None``."""
        if not self.past:
            return None
        self.future.append(present)
        return self.past.pop()

    def redo(self, present: State) -> State | None:
        """The state to go forward to, or ``None``."""
        if not self.future:
            return None
        self.past.append(present)
        return self.future.pop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is noted meanwhile."""
        before, self._listening = self._listening, False
        try:
            yield
        finally:
            self._listening = before

    @contextmanager
    def drag(self, *, settled: bool) -> Iterator[None]:
        """One step of a drag: only the first of them notes the state that it leaves."""
        going_on, self._dragging = self._dragging, not settled
        if going_on:
            with self.paused():
                yield
        else:
            yield
