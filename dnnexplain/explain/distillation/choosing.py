"""What searches for a tree share: telling how far they are, and choosing by what episodes cost."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.intervals import Interval

__all__ = [
    "INTERRUPTED",
    "LABELLED",
    "RUNNING",
    "VALUED",
    "Keep",
    "Progress",
    "Teller",
    "begun",
    "cheapest",
    "measured_on",
    "near",
    "three",
]

LABELLED, VALUED = 130, 40
"""Workloads per round where a teacher's labels are learned, and where what each move costs is."""

RUNNING, INTERRUPTED = "running", "interrupted"
"""Why rules are not those of the whole search: it goes on, or somebody ended it."""

NEAR = 0.02  # costs this close to the teacher's, of its size, are not told apart by some dozens of workloads

Progress = Callable[[int, int, str], object]
Keep = Callable[[Callable[[], Any]], object]
"""Called with a function that makes the result so far."""


def near(reference: float) -> float:
    """Up to what cost all count alike, by the teacher's."""
    return reference + NEAR * abs(reference)


class Teller:
    """What is called before each of ``total`` steps, and says which it is.

    Args:
        progress: called with (done, total, note).
        cancel: once set, there is no further step.
        total: how many steps there are.
    """

    def __init__(self, progress: Progress | None, cancel: Event | None, total: int) -> None:
        self.progress, self.cancel, self.total, self.done = progress, cancel, total, 0

    def __call__(self, note: str, *, kept: bool = False) -> bool:
        """Whether the step may be taken; ``kept`` says that there is a result already, so that a stop is no error.

        Raises:
            DnnExplainError: stopped before there was a tree.
        """
        if self.stopped:
            if kept:
                return False
            msg = "distillation was stopped before there was a tree"
            raise DnnExplainError(msg)
        if self.progress is not None:
            self.progress(self.done, self.total, note)
        self.done += 1
        return True

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to end."""
        return self.cancel is not None and self.cancel.is_set()


def begun(stopped: str) -> str:
    """What a sentence about rules begins with, if the search was ended before all trees were grown."""
    return "Stopped early, with the best of the trees that were grown: " if stopped == INTERRUPTED else ""


def measured_on(stopped: str, count: int) -> str:
    """On which workloads figures are: ``"on 200 unseen workloads"``."""
    if stopped == RUNNING:
        return f"on the {counted(count, 'workload')} by which trees are chosen, which flatters (not finished)"
    return f"on {counted(count, 'unseen workload')}"


def cheapest(costs: NDArray[np.float64], fidelity: NDArray[np.float64], enough: float) -> tuple[int, int]:
    """Seed and size with the lowest cost; below ``enough`` all costs count alike.

    Of equals the one with more fidelity is taken, then the one with fewer leaves.
    """
    sizes = np.tile(np.arange(costs.shape[1]), len(costs))
    order = np.lexsort([sizes, -fidelity.ravel(), np.maximum(costs, enough).ravel()])
    seed, size = np.unravel_index(int(order[0]), costs.shape)
    return int(seed), int(size)


def three(name: str, interval: Interval) -> dict[str, float]:
    """A figure and its interval as the fields ``name``, ``name_low`` and ``name_high``."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval.three, strict=True))
