"""A linear program over paths that is solved many times, each time from the last basis."""

from __future__ import annotations

import threading
from typing import Any

from dnnexplain.systems.routing.paths import PathSet

__all__ = ["WarmProgram"]


class WarmProgram:
    """Keeps a solver of its own for each process; threads that share it wait for each other.

    Args:
        paths: the paths that demand may be split over.
    """

    def __init__(self, paths: PathSet) -> None:
        self.paths = paths
        self._solver: Any = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"])  # type: ignore[misc]
