"""When the making or the measuring of a guard ends: on request, or by its limit of seconds."""

from __future__ import annotations

import time
from threading import Event

from dnnexplain.explain.sequence.pace import Pace

__all__ = ["ENDED_BY", "Ending"]

ENDED_BY = {"cancelled": "on request", "seconds": "by its limit of seconds"}
"""What :attr:`Ending.by` is in words."""


class Ending(Event):
    """Set when another event is, or when the time is up; it stays so.

    Attributes:
        pace: tells how many runs of attacks end in time.

    Args:
        stop: the other event.
        seconds: that there are, from now on.
    """

    def __init__(self, stop: Event | None = None, seconds: float = float("inf")) -> None:
        super().__init__()
        self._stop, self._until = stop, time.monotonic() + seconds
        self.pace = self.new_pace()

    def new_pace(self) -> Pace:
        """For runs of another kind."""
        return Pace(lambda: self._until - time.monotonic())

    def is_set(self) -> bool:
        """Whether to end: no run of an attack would end in time."""
        if not super().is_set() and ((self._stop is not None and self._stop.is_set()) or not self.pace.fits(1)):
            self.set()
        return super().is_set()

    @property
    def by(self) -> str:
        """What ended it, ``"cancelled"`` or ``"seconds"``; empty if nothing did."""
        if not super().is_set():
            return ""
        return "cancelled" if self._stop is not None and self._stop.is_set() else "seconds"
