"""What searches for a tree share: telling how far they are, and choosing by what episodes cost."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.intervals import Interval

__all__ = ["Progress", "cheapest", "near", "teller", "three"]

NEAR = 0.02  # costs this close to the teacher's, of its size, are not told apart by some dozens of workloads

Progress = Callable[[int, int, str], object]


def near(reference: float) -> float:
    """Up to what cost all count alike, by the teacher's."""
    return reference + NEAR * abs(reference)


def teller(progress: Progress | None, cancel: Event | None, total: int) -> Callable[[str], None]:
    """What is called before each of ``total`` steps: says which it is, and ends in an error once ``cancel`` is set."""
    done = 0

    def tell(note: str) -> None:
        nonlocal done
        if cancel is not None and cancel.is_set():
            msg = "distillation was stopped"
            raise DnnExplainError(msg)
        if progress is not None:
            progress(done, total, note)
        done += 1

    return tell


def cheapest(costs: NDArray[np.float64], fidelity: NDArray[np.float64], enough: float) -> tuple[int, int]:
    """Seed and size with the lowest cost; below ``enough`` all costs count alike.

    Of equals the one with more fidelity is taken, then the one with fewer leaves.
    """
    sizes = np.tile(np.arange(costs.shape[1]), len(costs))
    order = np.lexsort([sizes, -fidelity.ravel(), np.maximum(costs, enough).ravel()])
    seed, size = np.unravel_index(int(order[0]), costs.shape)
    return int(seed), int(size)


def three(name: str, found: Interval) -> dict[str, float]:
    """A figure and its interval as the fields ``name``, ``name_low`` and ``name_high``."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), found.three, strict=True))
