"""How many pages may be open at once: each has a kernel of its own, and memory is not endless."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

__all__ = ["KERNEL_MEGABYTES", "Places", "memory_megabytes", "room_for"]

KERNEL_MEGABYTES = 420
"""What a kernel with an opened dashboard is reckoned with; see benchmarks/README.md for what was measured."""

_CGROUP = Path("/sys/fs/cgroup/memory.max")
_SHARE = 0.7
_MOST = 40


class Places:
    """Who has a place: a page holds one from the request until its kernel has ended.

    Args:
        most: pages at once.
        alive: the kernels that there are now.
    """

    def __init__(self, most: int, alive: Callable[[], Collection[str]]) -> None:
        self.most = most
        self._alive = alive
        self._coming: set[object] = set()
        self._kernels: set[str] = set()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        self._kernels &= set(self._alive())
        return len(self._coming) + len(self._kernels)

    def take(self) -> object | None:
        """A place for a page whose kernel is not known yet, or ``None`` when all are taken."""
        if self.taken >= self.most:
            return None
        place = object()
        self._coming.add(place)
        return place

    def settle(self, place: object, kernel: str) -> None:
        """The page has this kernel; the place is free again when that has ended."""
        self._coming.discard(place)
        self._kernels.add(kernel)

    def leave(self, place: object) -> None:
        """Nothing came of the page."""
        self._coming.discard(place)


def memory_megabytes(cgroup: Path = _CGROUP) -> float:
    """The memory that this machine, or the container that this runs in, has."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        whole = 8 * 2**30
    try:
        limit = cgroup.read_text().strip()
    except OSError:
        limit = "max"
    return min(whole, int(limit) if limit.isdigit() else whole) / 2**20


def room_for(megabytes: float) -> int:
    """How many pages fit into memory, with a share left for everything else; at least two, at most 40."""
    return max(2, min(_MOST, int(megabytes * _SHARE / KERNEL_MEGABYTES)))
