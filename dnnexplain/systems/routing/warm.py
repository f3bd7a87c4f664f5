"""A linear program over paths that is solved many times, each time from the same basis."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.memory import give_back
from dnnexplain.systems.routing.paths import PathSet

__all__ = ["WarmProgram", "quiet_solver", "solve_to_optimum"]

_KEPT = 50_000
"""Columns of the largest program that is kept with its solver: one of 160,000 takes 130 MB, and 0.1 s to build and load."""
_TOLERANCE = 1e-10  # HiGHS's tightest


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
        self._program: Any = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"])  # type: ignore[misc]

    @abstractmethod
    def _build(self) -> Any:
        """The program (``highspy.HighsLp``), its numbers of no account."""

    @abstractmethod
    def _typical(self, solver: Any) -> None:
        """Solve the program of typical numbers: its basis is where all others start."""

    def _started(self, *, cold: bool = False) -> Any:
        """The solver with nothing left of earlier solves, at the common basis or, where that failed, at none. Hold the lock."""
        if self._solver is None:
            program = self._program or self._build()
            self._solver = quiet_solver(program)
            if program.num_col_ <= _KEPT:
                self._program = program  # a failure loads it again
            del program  # the solver has a copy of its own
        if self._basis is None:
            self._typical(self._solver)
            self._basis = self._solver.getBasis()
        self._solver.clearSolver()
        if not cold and self._basis.valid:
            self._solver.setBasis(self._basis)
        return self._solver

    def _rest(self) -> None:
        """Let go of a large solver after a solve: the next one is loaded at the same basis. Hold the lock."""
        if self._program is None:
            self._solver = None
            give_back()

    def _forget(self) -> None:
        """After a failure: nothing of this solver, or of its basis, serves again."""
        self._solver = self._basis = None


def quiet_solver(program: Any) -> Any:
    """A HiGHS simplex solver with a program loaded: silent, one thread, tightest tolerances."""
    import highspy  # noqa: PLC0415

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own signature
    for name, value in (
        ("threads", 1),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("primal_feasibility_tolerance", _TOLERANCE),
        ("dual_feasibility_tolerance", _TOLERANCE),
    ):
        solver.setOptionValue(name, value)
    if solver.passModel(program) == highspy.HighsStatus.kError:
        msg = "HiGHS refused the linear program; a capacity or demand is probably out of its range"
        raise DnnExplainError(msg)
    return solver


def solve_to_optimum(solver: Any, what: str) -> Any:
    """Run a solver; its solution.

    Args:
        solver: with a program loaded.
        what: it is to find, for the message: ``"the worst demand of 'abilene'"``.

    Raises:
        DnnExplainError: it ends without an optimum.
    """
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    if status != "Optimal":
        msg = f"HiGHS did not find {what} (status {status!r})"
        raise DnnExplainError(msg)
    return solver.getSolution()
