"""A linear program over paths that is solved many times, each time from the same basis."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

from dnnexplain.systems.routing.paths import PathSet

__all__ = ["WarmProgram"]


class WarmProgram(ABC):
    """Keeps a solver of its own for each process; threads that share it wait for each other.

    Every solve starts at one basis, which the paths alone decide: from the last solve's, an answer would depend on what was
    asked before (many splits can reach the same optimum, and which of them comes out depends on the start).

    Args:
        paths: the paths that demand may be split over.
    """

    def __init__(self, paths: PathSet) -> None:
        self.paths = paths
        self._solver: Any = None
        self._basis: Any = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"])  # type: ignore[misc]

    @abstractmethod
    def _prepared(self) -> Any:
        """A solver that has solved a program of typical numbers: its basis is where all others start."""

    def _started(self, *, cold: bool = False) -> Any:
        """The solver with nothing left of earlier solves, at the common basis or, where that failed, at none. Hold the lock."""
        if self._solver is None:
            self._solver = self._prepared()
            self._basis = self._solver.getBasis()
        self._solver.clearSolver()
        if not cold and self._basis.valid:
            self._solver.setBasis(self._basis)
        return self._solver
