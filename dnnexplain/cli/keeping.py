"""What a long search has found stays on disk while it runs: whole, every few seconds, even if the process is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["KEEP_SECONDS", "Keeper"]

KEEP_SECONDS = 5.0
"""Between two copies; what is lost at worst."""


class Keeper:
    """Saves a search's result so far, as often as asked but not more often than every few seconds.

    A search calls it after each step with a function that makes the result so far; the file is replaced whole
    (:func:`dnnexplain.files.atomic_write`), so there is never half of one.

    Args:
        out: where the result is to be kept; nothing is kept without.
        every: seconds between two copies; :data:`KEEP_SECONDS` if not given.
    """

    def __init__(self, out: Path | None, every: float | None = None) -> None:
        self.out, self.every = out, KEEP_SECONDS if every is None else every
        self._last = time.monotonic()

    def __call__(self, make: Callable[[], Any]) -> None:
        """Keep the result so far, if it is time; a result has ``save(path)``."""
        if self.out is None or time.monotonic() - self._last < self.every:
            return
        make().save(self.out)
        self._last = time.monotonic()  # making it may take a while
