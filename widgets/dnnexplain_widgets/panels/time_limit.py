"""How far work is that has both steps to do and a limit of seconds: whichever of the two is nearer to its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from dnnexplain_widgets.jobs import Task

__all__ = ["TimeLimit"]


class TimeLimit:
    """Tells a task's page how far it is, so that the time left that is told is never more than there is.

    Args:
        task: whose page.
        seconds: by the clock, from now, for all of it.
    """

    def __init__(self, task: Task, seconds: float) -> None:
        self.seconds = seconds
        self._task, self._began = task, time.monotonic()

    @property
    def left(self) -> float:
        """Seconds."""
        return max(self.seconds - (time.monotonic() - self._began), 0.0)

    def stage(self, begin: float, end: float) -> Callable[..., None]:
        """What a stage calls with steps done, of how many, and words; the stage is this share of all.

        Args:
            begin, end: from 0 to 1; by ``end`` of the time the stage is over, whatever its steps.
        """
        left = self.left - (1.0 - end) * self.seconds
        began = time.monotonic()

        def tell(done: float, total: float, words: str = "") -> None:
            share = max(done / total, (time.monotonic() - began) / left if left > 0 else 1.0)
            self._task.progress(begin + (end - begin) * min(share, 1.0), words[:1].upper() + words[1:])

        return tell
