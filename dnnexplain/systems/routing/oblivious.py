"""The worst demand for fixed splits, exactly, and the splits whose worst demand is mildest.

For fixed split ratios the largest MLU / optimum over all demands is the maximum over links e of a
linear program (Azar et al., STOC 2003): maximise the utilisation of e over all demands that can be
routed with MLU 1. Demand enters through the flows of its optimal routing, d = A f with B f <= c. The
splits that minimise this ratio solve one larger program, its dual per link (Applegate and Cohen,
SIGCOMM 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.encoding import register
from dnnexplain.systems.routing.oracle import RoutingOracle
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.utilisation import (
    check_splits,
    mlu,
    normalise_splits,
    over_links,
    path_costs,
    path_sums,
)
from dnnexplain.systems.routing.warm import quiet_solver, solve_to_optimum

__all__ = ["WorstDemand", "best_oblivious_splits", "can_be_solved", "too_large", "worst_demand"]

_LARGEST = 60_000  # links x paths of the largest program for the best splits
_REMEMBERED: dict[Any, tuple[NDArray[np.float64], float]] = {}


@register
@dataclass(frozen=True, eq=False)
class WorstDemand:
    """The worst case of fixed splits.

    Attributes:
        lower, upper: the largest MLU / optimum over all demands lies between them; ``lower`` is reached
            by ``demands``, ``upper`` is proved by linear-programming duality.
        demands: the worst traffic matrix, scaled so that no demand exceeds the mean link capacity
            (the ratio does not depend on scale), Gb/s ``[P]``.
        link: the index of the link that overflows.
        per_link: the largest utilisation of each link by demands that could be routed with MLU 1 ``[E]``.
    """

    lower: float
    upper: float
    demands: NDArray[np.float64]
    link: int
    per_link: NDArray[np.float64]


def worst_demand(paths: PathSet, splits: NDArray[Any], oracle: RoutingOracle | None = None) -> WorstDemand:
    """The demand that maximises MLU / optimum under fixed splits, by one linear program per link.

    Args:
        paths: the paths that splits speak of.
        splits: split ratios ``[F]``.
        oracle: re-evaluates the found demand; one is made if not given.

    Raises:
        DnnExplainError: for splits that do not fit, and if the solver fails.
    """
    splits = check_splits(paths, splits)
    solver = quiet_solver(flow_polytope(paths))
    best, uppers, values = np.zeros(paths.count), list[float](), list[float]()
    for link, capacity in enumerate(paths.topology.capacity):
        crossing = np.add.reduceat(over_links(paths, np.array([link]))[0] * splits, paths.first_path)
        row = crossing[paths.pair_of_path] / capacity
        flows, prices = maximise(solver, row, paths)
        value = float(row @ flows)
        if value > max(values, default=-np.inf):
            best = flows
        values.append(value)
        uppers.append(_proved_upper(paths, row, prices))
    demands = np.add.reduceat(best, paths.first_path)
    demands *= min(1.0, paths.topology.mean_capacity / demands.max())
    reached = float(mlu(paths, splits, demands)) / (oracle or RoutingOracle(paths)).solve(demands).upper
    return WorstDemand(reached, max(uppers), demands, int(np.argmax(values)), np.array(values))


def can_be_solved(paths: PathSet) -> bool:
    """Whether the linear program of :func:`best_oblivious_splits` is small enough."""
    return paths.count * len(paths.topology.links) <= _LARGEST


def too_large(paths: PathSet, what: str) -> str:
    """Why some splits are not solved for, in one sentence."""
    return (
        f"the {what} of {paths.topology.name!r} are a linear program with "
        f"{counted(paths.count * len(paths.topology.links), 'row')}; "
        f"up to {_LARGEST:,} are solved here: take fewer paths per pair or a smaller topology"
    )


def best_oblivious_splits(paths: PathSet) -> tuple[NDArray[np.float64], float]:
    """The split ratios ``[F]`` with the smallest worst-case MLU / optimum, and that ratio.

    Takes about a second on Abilene; results are remembered while the program runs.

    Raises:
        DnnExplainError: if the program would be too large (more than 60,000 links x paths), or the solver fails.
    """
    if not can_be_solved(paths):
        raise DnnExplainError(too_large(paths, "best oblivious splits"))
    key = (paths.topology.links, paths.topology.capacity.tobytes(), paths.nodes)
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _solve_oblivious(paths)
    splits, ratio = _REMEMBERED[key]
    return splits.copy(), ratio


def flow_polytope(paths: PathSet) -> Any:
    """The program over {f >= 0: B f <= c}, capacities scaled to mean 1."""
    import highspy  # noqa: PLC0415 - only where something is solved

    matrix = paths.incidence.tocsc()
    links = len(paths.topology.links)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = paths.count, links
    program.col_cost_ = np.zeros(paths.count)
    program.col_lower_ = np.zeros(paths.count)
    program.col_upper_ = np.full(paths.count, highspy.kHighsInf)
    program.row_lower_ = np.full(links, -highspy.kHighsInf)
    program.row_upper_ = paths.topology.capacity / paths.topology.mean_capacity
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    return program


def maximise(solver: Any, gain: NDArray[np.float64], paths: PathSet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flows ``[F]`` in Gb/s within capacity, and link prices ``[E]``, that maximise ``gain @ flows``."""
    scale = paths.topology.mean_capacity
    columns = np.arange(paths.count, dtype=np.int32)
    solver.changeColsCost(paths.count, columns, -gain * scale)
    solution = solve_to_optimum(solver, f"the worst demand of {paths.topology.name!r}")
    flows = np.maximum(np.array(solution.col_value), 0.0) * scale
    over = float((path_sums(paths, flows) / paths.topology.capacity).max())
    return flows / max(over, 1.0), np.maximum(-np.array(solution.row_dual), 0.0) / scale


def _proved_upper(paths: PathSet, gain: NDArray[np.float64], prices: NDArray[np.float64]) -> float:
    """A bound on ``gain @ flows`` over the polytope: prices raised until every path pays for its gain."""
    short = np.maximum(gain - path_costs(paths, prices), 0.0) / paths.hops
    return float((prices + short.max(initial=0.0)) @ paths.topology.capacity)


def _solve_oblivious(paths: PathSet) -> tuple[NDArray[np.float64], float]:
    """Minimise r over splits x and, per link e, prices w_e >= 0 that prove the worst use of e is at most r.

    For each e: sum_l c_l w_e(l) <= r; for each path f of pair p: the price of f under w_e is at least the
    share of p's demand that crosses e, divided by c_e.
    """
    solver = quiet_solver(_oblivious_program(paths))
    solver.setOptionValue("presolve", "on")
    columns = np.array(solve_to_optimum(solver, f"the best oblivious splits of {paths.topology.name!r}").col_value)
    return normalise_splits(paths, np.maximum(columns[: paths.count], 0.0)), float(columns[-1])


def _oblivious_program(paths: PathSet) -> Any:
    """Columns: splits, prices w_e(l) with e outermost, r. Rows: paths pay, budgets, splits sum to 1."""
    import highspy  # noqa: PLC0415
    from scipy import sparse  # noqa: PLC0415

    links, count = len(paths.topology.links), paths.count
    capacity = paths.topology.capacity / paths.topology.mean_capacity
    same_pair = paths.pair_incidence.T @ paths.pair_incidence
    crossing = sparse.vstack(
        [same_pair @ sparse.diags_array(paths.incidence[[link]].toarray()[0]) / capacity[link] for link in range(links)]
    )
    price_rows = sparse.kron(sparse.eye_array(links), paths.incidence.T)
    budget_rows = sparse.kron(sparse.eye_array(links), sparse.csr_array(capacity[None]))
    matrix = sparse.block_array(
        [
            [-crossing, price_rows, None],
            [None, -budget_rows, sparse.csr_array(np.ones((links, 1)))],
            [paths.pair_incidence, None, None],
        ]
    ).tocsc()
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count + links * links + 1, links * count + links + len(paths.pairs)
    program.col_cost_ = np.r_[np.zeros(count + links * links), 1.0]
    program.col_lower_ = np.zeros(program.num_col_)
    program.col_upper_ = np.full(program.num_col_, highspy.kHighsInf)
    program.row_lower_ = np.r_[np.zeros(links * count + links), np.ones(len(paths.pairs))]
    program.row_upper_ = np.r_[np.full(links * count + links, highspy.kHighsInf), np.ones(len(paths.pairs))]
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    return program
