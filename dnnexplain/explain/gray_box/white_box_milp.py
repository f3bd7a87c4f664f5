"""The mixed-integer program behind :mod:`dnnexplain.explain.gray_box.white_box`, in HiGHS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib import import_module
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.readable_whole import WhiteBox

__all__ = ["WhiteBoxProgram", "interrupted_at"]

Columns = NDArray[np.int64]


def interrupted_at(deadline: float, cancel: Event | None) -> Callable[[], bool]:
    """Whether a solver should stop: the process's CPU time is past ``deadline``, or the caller said so."""
    return lambda: time.process_time() >= deadline or (cancel is not None and cancel.is_set())


class WhiteBoxProgram:
    """``max cost - r P`` over on-off inputs, where ``P`` is the value of any feasible solution.

    Because ``P`` is only pushed down, one level suffices: the best ``f`` is part of the same maximisation.
    """

    def __init__(self, box: WhiteBox) -> None:
        self.box = box
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.integer: list[bool] = []
        self._rows: list[tuple[Columns, Array, float, float]] = []
        n = len(box.high)
        self.z = self._add(n, 0.0, 1.0, integer=True)
        self._row(self.z, np.ones(n), 1.0, np.inf)
        outputs = self._network()
        self.price = self._add(1, box.least, self._largest_optimum())
        self._optimum()
        self.cost = self._add(1, 0.0, float(self._piece_limit().max()))
        self._pieces(self._products(outputs))

    @property
    def columns(self) -> int:
        """The number of variables."""
        return len(self.lower)

    @property
    def binaries(self) -> int:
        """The number of 0-1 variables."""
        return sum(self.integer)

    @property
    def rows(self) -> int:
        """The number of constraints."""
        return len(self._rows)

    def solve(self, ratio: float, stop: Callable[[], bool]) -> tuple[float, Array | None]:
        """A bound on ``max cost - ratio * P``, and the input of the best solution found (or ``None``).

        Raises:
            DnnExplainError: if the solver ends with neither a solution nor a bound.
        """
        highspy: Any = import_module("highspy")  # only where something is solved; it ships no types
        solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 1e-9), ("mip_abs_gap", 1e-9)):
            solver.setOptionValue(option, value)
        solver.passModel(self._model(highspy, ratio))
        _stop_when(solver, highspy, stop)
        solver.run()
        info = solver.getInfo()
        status = solver.modelStatusToString(solver.getModelStatus())
        if status not in {"Optimal", "Time limit reached", "Interrupted by user"}:
            msg = f"HiGHS could not solve the white-box program (status {status!r})"
            raise DnnExplainError(msg)
        # HiGHS minimises here, so signs are turned; without any bound the cost's own limit stands.
        dual = -float(info.mip_dual_bound)
        limit = float(self._piece_limit().max()) - ratio * self.box.least
        excess = min(dual, limit) if np.isfinite(dual) else limit
        if not np.isfinite(info.objective_function_value) or info.primal_solution_status != 2:
            return excess, None
        on = np.array(solver.getSolution().col_value)[self.z] > 0.5
        return excess, on * self.box.high

    # --- the parts of the program ---------------------------------------------------------------

    def _network(self) -> Columns:
        """Columns of the clipped outputs ``[m]``; every ReLU that may switch costs a binary."""
        before, scale = self.z, self.box.high
        low, high = np.zeros(len(scale)), np.ones(len(scale))
        for layer, (weight, bias) in enumerate(self.box.layers):
            rows = weight * scale if layer == 0 else weight
            down = np.minimum(rows, 0) @ high + np.maximum(rows, 0) @ low + bias
            top = np.maximum(rows, 0) @ high + np.minimum(rows, 0) @ low + bias
            if layer == len(self.box.layers) - 1:
                floor = self._relu(before, rows, bias, down, top)
                above = self._relu(before, rows, bias - 1.0, down - 1.0, top - 1.0)
                clipped = self._add(len(bias), 0.0, 1.0)
                for y, a, b in zip(clipped, floor, above, strict=True):
                    self._row([y, a, b], [1.0, -1.0, 1.0], 0.0, 0.0)
                return clipped
            before = self._relu(before, rows, bias, down, top)
            low, high = np.maximum(down, 0), np.maximum(top, 0)
        msg = "a white box needs at least one layer"
        raise DnnExplainError(msg)

    def _relu(self, before: Columns, weight: Array, bias: Array, down: Array, top: Array) -> Columns:
        """Columns equal to ``max(0, weight @ before + bias)``, whose argument lies in ``[down, top]``."""
        units = self._add(len(bias), 0.0, np.maximum(top, 0.0))
        for unit, row, offset, least, most in zip(units, weight, bias, down, top, strict=True):
            if most <= 0:
                continue
            line, slope = np.append(before, unit), np.append(-row, 1.0)
            self._row(line, slope, offset, np.inf if least < 0 else offset)
            if least < 0:
                switch = self._add(1, 0.0, 1.0, integer=True)[0]
                self._row(np.append(line, switch), np.append(slope, -least), -np.inf, offset - least)
                self._row([unit, switch], [1.0, -most], -np.inf, 0.0)
        return units

    def _products(self, outputs: Columns) -> Columns:
        """Columns ``q = z[owner] * y``, exact because ``z`` is 0 or 1 (McCormick)."""
        products = self._add(len(outputs), 0.0, 1.0)
        for q, y, z in zip(products, outputs, self.z[self.box.owner], strict=True):
            self._row([q, y], [1.0, -1.0], -np.inf, 0.0)
            self._row([q, z], [1.0, -1.0], -np.inf, 0.0)
            self._row([q, y, z], [1.0, -1.0, -1.0], -1.0, np.inf)
        return products

    def _optimum(self) -> None:
        """Rows ``serve f = high z`` and ``use f <= P``."""
        smallest = self.box.serve[self.box.serve > 0].min()
        flows = self._add(self.box.serve.shape[1], 0.0, float(self.box.high.max() / smallest))
        for row, z, high in zip(self.box.serve, self.z, self.box.high, strict=True):
            self._row(np.append(flows, z), np.append(row, -high), 0.0, 0.0)
        for row in self.box.use:
            self._row(np.append(flows, self.price), np.append(row, -1.0), -np.inf, 0.0)

    def _pieces(self, products: Columns) -> None:
        """The cost is at most the one piece that is picked."""
        picks = self._add(len(self.box.constant), 0.0, 1.0, integer=True)
        self._row(picks, np.ones(len(picks)), 1.0, 1.0)
        limit = self._piece_limit().max()
        line = np.concatenate([self.cost, self.z, products])
        for pick, constant, product in zip(picks, self.box.constant, self.box.product, strict=True):
            coefficients = np.concatenate([[1.0], -constant, -product, [limit]])
            self._row(np.append(line, pick), coefficients, -np.inf, limit)

    def _piece_limit(self) -> Array:
        """What no piece exceeds: per input the better of its constant alone and with its outputs at most."""
        gain = np.zeros_like(self.box.constant)
        np.add.at(gain.T, self.box.owner, np.maximum(self.box.product, 0.0).T)
        return np.asarray(np.maximum(self.box.constant + gain, 0.0).sum(axis=1))

    def _largest_optimum(self) -> float:
        """What no optimum exceeds: everything on, each input served by one column."""
        first = (self.box.serve > 0).argmax(axis=1)
        flows = np.zeros(self.box.serve.shape[1])
        flows[first] = self.box.high / self.box.serve[np.arange(len(first)), first]
        return max(float((self.box.use @ flows).max()), self.box.least)

    # --- building -------------------------------------------------------------------------------

    def _add(self, count: int, low: float, high: float | Array, *, integer: bool = False) -> Columns:
        first = len(self.lower)
        self.lower += [low] * count
        self.upper += list(np.broadcast_to(np.asarray(high, dtype=np.float64), (count,)))
        self.integer += [integer] * count
        return np.arange(first, first + count)

    def _row(self, columns: Iterable[int], values: Iterable[float], low: float, high: float) -> None:
        index, value = np.asarray(list(columns), dtype=np.int64), np.asarray(list(values), dtype=np.float64)
        kept = value != 0
        self._rows.append((index[kept], value[kept], low, high))

    def _model(self, highspy: Any, ratio: float) -> Any:
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.columns, self.rows
        cost = np.zeros(self.columns)
        cost[self.cost], cost[self.price] = -1.0, ratio
        program.col_cost_ = cost
        program.col_lower_, program.col_upper_ = np.array(self.lower), np.array(self.upper)
        program.row_lower_ = np.array([low for *_, low, _ in self._rows])
        program.row_upper_ = np.array([high for *_, high in self._rows])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(index) for index, *_ in self._rows])])
        program.a_matrix_.index_ = np.concatenate([index for index, *_ in self._rows])
        program.a_matrix_.value_ = np.concatenate([value for _, value, *_ in self._rows])
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        program.integrality_ = [kinds[integer] for integer in self.integer]
        return program


def _stop_when(solver: Any, highspy: Any, stop: Callable[[], bool]) -> None:
    """Ask ``stop`` now and then while the solver runs, and end it if the answer is yes."""

    def ask(kind: Any, message: str, words: Any, answer: Any, data: Any) -> None:
        del kind, message, words, data
        if stop():
            answer.user_interrupt = True

    solver.setCallback(ask, None)
    for kind in (
        highspy.cb.HighsCallbackType.kCallbackMipInterrupt,
        highspy.cb.HighsCallbackType.kCallbackSimplexInterrupt,
    ):
        solver.startCallback(kind)
