"""A mixed-integer program that grows with a network: values, choices, bounds, and HiGHS beneath."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["Program", "Solved"]

Floats = NDArray[np.float64]
_INF = highspy.kHighsInf
_TIGHTENED = 300
"""Bends whose bounds are tightened by linear programs, at most."""
_SAFE = 1e-6
"""Relative width by which bounds from linear programs are widened: HiGHS works to 1e-7."""


@dataclass(frozen=True, eq=False)
class Solved:
    """The end of a search.

    Attributes:
        bound: no value of the objective is above it.
        best: the largest that was found, or -inf.
        values: of the program's values there ``[V]``, or ``None``.
        ended: whether bound and best met or the target was passed; else a limit was reached.
        nodes: of the search tree.
    """

    bound: float
    best: float
    values: Floats | None
    ended: bool
    nodes: int


class Program:
    """Columns of a program; those that linear forms may speak of are its *values*, in order.

    Args:
        seconds: in all, for everything that is solved.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.until = time.monotonic() + seconds
        self.low: list[float] = []
        self.high: list[float] = []
        self.columns: list[int] = []
        self.groups: list[NDArray[np.int64]] = []
        self.boxed: list[int] = []
        self.integer: list[int] = []
        self.solver = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 1)):
            self.solver.setOptionValue(name, value)
        self._costed: list[int] = []

    def __len__(self) -> int:
        return len(self.columns)

    # --- growing ---

    def column(self, low: float, high: float, *, integer: bool = False) -> int:
        """A column that no form speaks of."""
        place = int(self.solver.getNumCol())
        self.solver.addCol(0.0, max(low, -_INF), min(high, _INF), 0, [], [])
        if integer:
            self.integer.append(place)
        return place

    def value(self, low: float, high: float, *, integer: bool = False) -> int:
        """A value within bounds; its number."""
        self.columns.append(self.column(low, high, integer=integer))
        self.low.append(low)
        self.high.append(high)
        self.boxed.append(len(self.columns) - 1)
        return len(self.columns) - 1

    def choice(self, options: int) -> NDArray[np.int64]:
        """Values of which exactly one is 1 and all others are 0; their numbers."""
        first = len(self.columns)
        for _ in range(options):
            self.columns.append(self.column(0.0, 1.0, integer=True))
        self.low += [0.0] * options
        self.high += [1.0] * options
        group = np.arange(first, first + options)
        self.groups.append(group)
        self.row(1.0, 1.0, [self.columns[item] for item in group], np.ones(options))
        return group

    def row(self, low: float, high: float, columns: Sequence[int], weights: Any) -> None:
        """``low <= weights @ columns <= high``; a column may be named twice."""
        places, inverse = np.unique(np.asarray(columns, dtype=np.int32), return_inverse=True)
        summed = np.bincount(inverse, np.asarray(weights, dtype=float), len(places))
        kept = summed != 0
        self.solver.addRow(max(low, -_INF), min(high, _INF), int(kept.sum()), places[kept], summed[kept])

    def form(self, weights: Floats) -> tuple[list[int], list[float]]:
        """Columns and weights of a linear form over the values."""
        used = np.flatnonzero(weights)
        return [self.columns[item] for item in used], [float(weights[item]) for item in used]

    # --- bounds ---

    def interval(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Bounds of linear forms ``[n, V]`` from the values' own bounds and the choices ``[n]`` each."""
        least, most = constant.astype(float).copy(), constant.astype(float).copy()
        for group in self.groups:
            part = weights[:, group]
            least += part.min(axis=1)
            most += part.max(axis=1)
        if self.boxed:
            boxed = np.array(self.boxed)
            low, high = np.array(self.low)[boxed], np.array(self.high)[boxed]
            part = weights[:, boxed]
            plus, minus = np.maximum(part, 0.0), np.minimum(part, 0.0)
            least += plus @ low + minus @ high
            most += plus @ high + minus @ low
        return least, most

    def relaxed(self, weights: Floats, constant: float, sense: int) -> float:
        """The largest (``sense`` 1) or smallest (-1) value of a form in the linear relaxation, widened a little.

        Infinite where the solver gives none; an empty set gives the interval the wrong way round.
        """
        self._objective(*self.form(weights), sense)
        self._run_relaxed()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return -sense * np.inf
        if status != highspy.HighsModelStatus.kOptimal:
            return sense * np.inf
        bound = float(self.solver.getInfo().objective_function_value) + constant
        return bound + sense * _SAFE * max(1.0, abs(bound))

    def _run_relaxed(self) -> None:
        self.solver.setOptionValue("solve_relaxation", True)  # noqa: FBT003 - HiGHS's own form
        self.solver.setOptionValue("time_limit", max(self._left(), 0.01) + self.solver.getRunTime())
        self.solver.run()
        self.solver.setOptionValue("solve_relaxation", False)  # noqa: FBT003

    def _relaxed_goal(self, top: float) -> float:
        """The linear relaxation's bound on the objective as it stands."""
        self._run_relaxed()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return -np.inf
        if status != highspy.HighsModelStatus.kOptimal:
            return top
        bound = float(self.solver.getInfo().objective_function_value)
        return bound + _SAFE * max(1.0, abs(bound))

    # --- what bends ---

    def bounds(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Of forms ``[n, V]``: by intervals, and where these leave the side undecided, by linear programs."""
        low, high = self.interval(weights, constant)
        undecided = np.flatnonzero((low < 0) & (high > 0))
        if len(undecided) <= _TIGHTENED:
            for at in undecided:
                if self._left() <= 0:
                    break
                high[at] = min(high[at], self.relaxed(weights[at], constant[at], 1))
                if high[at] > 0:
                    low[at] = max(low[at], self.relaxed(weights[at], constant[at], -1))
        return low, high

    def rectify(self, weights: Floats, constant: Floats, low: Floats, high: Floats) -> NDArray[np.int64]:
        """Values ``max(0, x)`` of forms ``x`` within bounds; their numbers."""
        numbers = []
        for form, shift, least, most in zip(weights, constant, low, high, strict=True):
            columns, factors = self.form(form)
            numbers.append(self.value(0.0, float(most)))
            column, on = self.columns[numbers[-1]], self.column(0.0, 1.0, integer=True)
            away = [-factor for factor in factors]
            self.row(float(shift), np.inf, [column, *columns], [1.0, *away])
            self.row(-np.inf, float(shift - least), [column, on, *columns], [1.0, -float(least), *away])
            self.row(-np.inf, 0.0, [column, on], [1.0, -float(most)])
        return np.array(numbers, dtype=np.int64)

    def largest(self, weights: Floats, constant: Floats, low: Floats, high: Floats) -> int:
        """The largest of some forms; its number."""
        top = float(high.max())
        number = self.value(float(low.max()), top)
        column = self.columns[number]
        picks = []
        for form, shift, least in zip(weights, constant, low, strict=True):
            columns, factors = self.form(form)
            pick = self.column(0.0, 1.0, integer=True)
            picks.append(pick)
            away = [-factor for factor in factors]
            self.row(float(shift), np.inf, [column, *columns], [1.0, *away])
            reach = top - float(least)
            self.row(-np.inf, float(shift) + reach, [column, pick, *columns], [1.0, reach, *away])
        self.row(1.0, 1.0, picks, np.ones(len(picks)))
        return number

    def curve(self, kind: str, *_: Floats) -> NDArray[np.int64]:
        """Refused: no finite program holds a curve."""
        msg = f"a mixed-integer program holds no {kind}; branching over bounds does"
        raise DnnExplainError(msg)

    # --- solving ---

    def maximise(self, weights: Floats, constant: Floats, *, enough: float, below: float, nodes: int) -> Solved:
        """Make the smallest of some forms as large as can be.

        Args:
            weights, constant: the forms ``[r, V]`` and ``[r]``.
            enough: a value above it ends the search: something was found.
            below: a bound under it ends the search: nothing is to be found.
            nodes: at most so many.
        """
        least, most = self.interval(weights, constant)
        top = float(most.min())
        if top < below:
            return Solved(top, -np.inf, None, ended=True, nodes=0)
        goal = self.column(float(least.min()) - 1.0, top + 1.0)
        for form, shift in zip(weights, constant, strict=True):
            columns, factors = self.form(form)
            self.row(-_INF, float(shift), [goal, *columns], [1.0, *(-factor for factor in factors)])
        self._objective([goal], [1.0], 1)
        relaxed = self._relaxed_goal(top)
        if relaxed < below:
            self._forget(goal, len(weights))
            return Solved(relaxed, -np.inf, None, ended=True, nodes=0)
        for place in self.integer:
            self.solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
        solver = self.solver
        solver.setOptionValue("mip_max_nodes", nodes)
        solver.setOptionValue("mip_rel_gap", 1e-6)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-7)
        solver.setOptionValue("time_limit", max(self._left(), 0.05) + solver.getRunTime())
        passed = []

        def watch(event: Any) -> None:
            out = event.data_out
            if (out.mip_primal_bound > enough and out.mip_primal_bound < _INF) or out.mip_dual_bound < below:
                passed.append(True)
                event.data_in.user_interrupt = True  # `event.interrupt()` is younger than the oldest HiGHS allowed

        solver.cbMipInterrupt.subscribe(watch)
        solver.run()
        solver.cbMipInterrupt.unsubscribe(watch)
        answer = self._read(top, bool(passed))
        self._forget(goal, len(weights))
        return answer

    def _forget(self, goal: int, rows: int) -> None:
        """Take the objective away again, so that another can be asked about."""
        last = int(self.solver.getNumRow())
        self.solver.deleteRows(rows, np.arange(last - rows, last, dtype=np.int32))
        self.solver.deleteCols(1, np.array([goal], dtype=np.int32))
        self._costed = []

    def _read(self, top: float, passed: bool) -> Solved:
        info, status = self.solver.getInfo(), self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Solved(-np.inf, -np.inf, None, ended=True, nodes=max(int(info.mip_node_count), 0))
        bound = min(float(info.mip_dual_bound), top)
        solution = self.solver.getSolution()
        feasible = info.primal_solution_status == 2 and len(solution.col_value) > 0
        best = float(info.objective_function_value) if feasible else -np.inf
        values = np.array(solution.col_value)[self.columns] if feasible else None
        if np.isnan(bound) or bound >= _INF:
            bound = top
        ended = passed or status == highspy.HighsModelStatus.kOptimal
        return Solved(bound + _SAFE * max(1.0, abs(bound)), best, values, ended, max(int(info.mip_node_count), 0))

    def _objective(self, columns: Sequence[int], weights: Sequence[float], sense: int) -> None:
        for place in self._costed:
            self.solver.changeColCost(place, 0.0)
        self._costed = list(columns)
        for place, weight in zip(columns, weights, strict=True):
            self.solver.changeColCost(place, weight)
        kind = highspy.ObjSense
        self.solver.changeObjectiveSense(kind.kMaximize if sense > 0 else kind.kMinimize)

    def _left(self) -> float:
        return self.until - time.monotonic()
