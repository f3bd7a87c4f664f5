"""The smallest possible MLU of a traffic matrix over given paths, proved by prices on the links.

Primal: minimise t such that the flows of each pair's paths add up to its demand and no link carries
more than t times its capacity. Dual: link prices w >= 0 with sum(w c) = 1; whatever the routing,
MLU >= sum_p d_p min_{f of p} w(f). The solver's two answers are repaired until they obey these
constraints to rounding, so the interval [lower, upper] holds whatever tolerance the solver worked to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.utilisation import check_demands, mlu, normalise_splits, path_costs
from dnnexplain.systems.routing.warm import WarmProgram

__all__ = ["PROMPT_PAIRS", "Optimum", "RoutingOracle"]

PROMPT_PAIRS = 700
"""Up to so many pairs of nodes the optimum of a matrix takes milliseconds."""
_PROVED = 1e-9  # a relative gap up to this is called optimal


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best routing of one traffic matrix and the proof that it is.

    Attributes:
        lower, upper: ``lower <= optimal MLU <= upper``; ``upper`` is the MLU of ``splits``.
        splits: split ratios that reach ``upper`` ``[F]``; a pair without demand takes its shortest path.
        link_prices: the dual prices w that prove ``lower``, per Gb/s; ``sum(w * capacity) = 1`` ``[E]``.
        demand_prices: the derivative of the optimal MLU by each demand, per Gb/s ``[P]``: the price of
            the pair's cheapest path (envelope theorem; a subgradient where the optimum has a kink).
    """

    lower: float
    upper: float
    splits: NDArray[np.float64]
    link_prices: NDArray[np.float64]
    demand_prices: NDArray[np.float64]

    @property
    def gap(self) -> float:
        """(upper - lower) / upper, 0 for empty traffic."""
        return 0.0 if self.upper == 0 else (self.upper - self.lower) / self.upper


class RoutingOracle(WarmProgram):
    """Optimal MLU by linear programming (HiGHS), each solve started from the same basis.

    Args:
        paths: the paths that demand may be split over.

    One oracle may be shared by threads (solves wait for each other) and sent to other processes.
    """

    def solve(self, demands: ArrayLike) -> Optimum:
        """The optimum for one traffic matrix ``[P]`` in Gb/s, at least 0; it depends on the matrix alone.

        Raises:
            DnnExplainError: for demands of the wrong width, negative or not finite; and if the solver
                fails even from a cold start.
        """
        values = check_demands(self.paths, demands)
        if values.ndim != 1:
            msg = f"solve takes one traffic matrix [P], not an array of shape {values.shape}; see solve_all"
            raise DnnExplainError(msg)
        # Solver tolerances are absolute: a tiny matrix would be routed for free, so its largest entry becomes 1.
        scale = float(values.max())
        if scale == 0:
            return self._certify(values, np.zeros(self.paths.count), np.zeros(len(self.paths.topology.links)))
        with self._lock:
            optimum = self._certify(values, *self._run(values / scale))
            if optimum.gap > _PROVED:
                optimum = self._certify(values, *self._run(values / scale, starts=("cold",)))
            self._rest()
        return optimum

    def solve_all(self, demands: ArrayLike) -> list[Optimum]:
        """The optimum for each row of ``[B, P]``."""
        return [self.solve(row) for row in check_demands(self.paths, demands)]

    def mlu(self, demands: ArrayLike) -> NDArray[np.float64]:
        """The optimal MLU ``[...]`` for demands ``[..., P]`` (the certified upper end)."""
        values = check_demands(self.paths, demands)
        flat = values.reshape(-1, values.shape[-1])
        return np.array([self.solve(row).upper for row in flat]).reshape(values.shape[:-1])

    def _build(self) -> Any:
        return _program(self.paths)

    def _typical(self, solver: Any) -> None:
        """Gravity traffic: each pair sends in proportion to the capacity that leaves its source and reaches its target."""
        links, capacity = np.array(self.paths.topology.links), self.paths.topology.capacity
        out, into = (np.bincount(ends, capacity, len(self.paths.topology.nodes)) for ends in links.T)
        source, target = np.array(self.paths.pairs).T
        demands = out[source] * into[target]
        _demand(solver, demands / demands.max())
        solver.run()

    def _run(
        self, scaled: NDArray[np.float64], starts: tuple[str, ...] = ("warm", "cold")
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Path flows ``[F]`` and raw link prices ``[E]`` for demands whose largest is 1."""
        for start in starts:
            solver = self._started(cold=start == "cold")
            _demand(solver, scaled)
            solver.run()
            status = solver.modelStatusToString(solver.getModelStatus())
            if status == "Optimal":
                solution = solver.getSolution()
                flows = np.array(solution.col_value)[: self.paths.count]
                return flows, -np.array(solution.row_dual)[len(scaled) :]
            self._forget()
        msg = (
            f"HiGHS did not solve the routing of {self.paths.topology.name!r} (status {status!r}, also from a cold start); "
            f"its demands span {scaled[scaled > 0].min():.3g} to 1 of the largest: check them for stray values"
        )
        raise DnnExplainError(msg)

    def _certify(
        self, demands: NDArray[np.float64], flows: NDArray[np.float64], prices: NDArray[np.float64]
    ) -> Optimum:
        """Turn approximate flows and prices into ones that obey every constraint, and evaluate both."""
        paths = self.paths
        flows = np.maximum(flows, 0.0)
        total = np.add.reduceat(flows, paths.first_path)
        shortest = paths.first_path[total == 0]
        flows[shortest] = 1.0
        splits = normalise_splits(paths, flows)
        prices = np.maximum(prices, 0.0)
        weight = prices @ paths.topology.capacity
        prices = prices / weight if weight > 0 else np.full_like(prices, 1.0 / paths.topology.capacity.sum())
        cheapest = np.minimum.reduceat(path_costs(paths, prices), paths.first_path)
        lower = float(demands @ cheapest)
        upper = float(mlu(paths, splits, demands))
        return Optimum(min(lower, upper), upper, splits, prices, cheapest)


def _demand(solver: Any, scaled: NDArray[np.float64]) -> None:
    """Ask for these demands ``[P]``."""
    solver.changeRowsBounds(len(scaled), np.arange(len(scaled), dtype=np.int32), scaled, scaled)


def _program(paths: PathSet) -> Any:
    """The linear program with all demands 0: columns are path flows and t, rows demands and links."""
    import highspy  # noqa: PLC0415 - only where something is solved

    pairs, count, links = len(paths.pairs), paths.count, len(paths.topology.links)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count + 1, pairs + links
    program.col_cost_ = np.r_[np.zeros(count), 1.0]
    program.col_lower_ = np.zeros(count + 1)
    program.col_upper_ = np.full(count + 1, highspy.kHighsInf)
    program.row_lower_ = np.r_[np.zeros(pairs), np.full(links, -highspy.kHighsInf)]
    program.row_upper_ = np.zeros(pairs + links)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    start, index, value = _columns(paths)
    program.a_matrix_.start_, program.a_matrix_.index_, program.a_matrix_.value_ = start, index, value
    return program


def _columns(paths: PathSet) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """The program's matrix by columns (where each starts, rows, values): a path's demand and its links; t's capacities."""
    pairs, links = len(paths.pairs), np.arange(len(paths.topology.links), dtype=np.int32)
    crossed = paths.incidence.tocsc()  # links of each path, in ascending order
    of_paths = np.insert(crossed.indices + np.int32(pairs), crossed.indptr[:-1], paths.pair_of_path)
    ends = crossed.indptr + np.arange(paths.count + 1, dtype=np.int32)
    capacity = paths.topology.capacity / paths.topology.mean_capacity
    value = np.ones(len(of_paths) + len(links))
    value[len(of_paths) :] = -capacity
    return np.append(ends, np.int32(len(value))), np.append(of_paths, links + np.int32(pairs)), value
