"""Fixed splits for usual traffic that are never far behind, whatever comes (COPE: Wang et al., SIGCOMM 2006).

Of all split ratios whose worst case is bounded, those with the least mean MLU on usual matrices. Two worst cases are
bounded, each over *all* demands: MLU over the optimum (COPE's penalty envelope), by :data:`OPTIMUM` times the least that
any splits can have, and MLU over that of the better of two rules which need no matrix either, ECMP and oblivious routing,
by :data:`RULES` times the least. Either is, for each link, a linear program over the demands that the yardstick routes with
MLU 1; with its dual in its place (Applegate and Cohen, SIGCOMM 2003) the whole is one linear program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dnnexplain.assumptions import assume
from dnnexplain.contract import DnnExplainError
from dnnexplain.numbers import number
from dnnexplain.reading import read_json
from dnnexplain.systems.routing.oblivious import best_oblivious_splits, can_be_solved, too_large
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.traffic import gravity
from dnnexplain.systems.routing.utilisation import normalise_splits
from dnnexplain.systems.routing.warm import quiet_solver, solve_to_optimum

__all__ = ["OPTIMUM", "RULES", "USUAL", "hedged_splits", "key_of", "solve_hedged"]

Floats = NDArray[np.float64]

OPTIMUM = 1.5
"""The worst MLU over the optimum is at most so many times that of the best oblivious splits."""
RULES = 1.2
"""The worst MLU over the better of ECMP and oblivious routing is at most so many times the least possible."""
USUAL = 400
"""Gravity matrices that the splits are fitted to."""
SEED = (2006, 9)
"""Of these matrices: a pair of numbers, so that no workload of a seed that a user gives is among them."""
SHIPPED = Path(__file__).parent / "hedged.json"
"""Splits by :func:`key_of`, which ``python benchmarks/hedged_routing.py --write`` makes."""

KEPT = 1 + 1e-5
"""A factor up to this one is the solver's tolerance: the bounds are kept."""

_REMEMBERED: dict[str, tuple[Floats, float]] = {}


@dataclass(frozen=True)
class Yardstick:
    """What splits are held against: demands made of atoms, and how much of each link an atom takes.

    Attributes:
        uses: utilisation of each link by 1 of each atom ``[E, C]``.
        pairs: whose demand an atom is ``[C, P]``.
        most: what the worst ratio may be, times the factor that a program finds or is given.
    """

    uses: sparse.csr_array
    pairs: sparse.csr_array
    most: float


def hedged_splits(paths: PathSet, ecmp: Floats) -> Floats:
    """The hedged split ratios ``[F]``: those that ship, else solved for (seconds) and remembered; wider bounds are said.

    Args:
        paths: small enough for :func:`~dnnexplain.systems.routing.oblivious.best_oblivious_splits`.
        ecmp: ECMP's split ratios ``[F]``.

    Raises:
        DnnExplainError: too large a topology, or the solver fails.
    """
    if not can_be_solved(paths):
        raise DnnExplainError(too_large(paths, "hedged splits"))
    key = key_of(paths)
    if key not in _REMEMBERED:
        shipped = _shipped().get(key)
        if shipped is None:
            _REMEMBERED[key] = _solved(paths, ecmp)
        else:  # a test holds that these keep both bounds
            _REMEMBERED[key] = normalise_splits(paths, np.array(shipped)), 1.0
    splits, factor = _REMEMBERED[key]
    if factor > KEPT:
        assume(
            f"The rule hedged: on {paths.topology.name!r} no splits keep both of its bounds ({OPTIMUM:g} times the least worst case "
            f"over the optimum, {RULES:g} times that over the better of ECMP and oblivious routing), so both are wider by a "
            f"factor of {number(factor)}, the least that will do."
        )
    return splits.copy()


def key_of(paths: PathSet) -> str:
    """The topology's name, and a digest of its links, their capacities beside the mean one, and the paths."""
    capacity = (paths.topology.capacity / paths.topology.mean_capacity).round(9)
    parts = (paths.topology.links, capacity.tolist(), paths.nodes)
    return f"{paths.topology.name} {hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def solve_hedged(paths: PathSet, ecmp: Floats) -> Floats:
    """The hedged split ratios ``[F]``, solved for: 8 seconds of the processor on Abilene.

    Where the two bounds cannot both be kept, they are widened by the same factor, the least that will do.
    """
    return _solved(paths, ecmp)[0]


def _solved(paths: PathSet, ecmp: Floats) -> tuple[Floats, float]:
    """The splits, and the factor by which the bounds had to be widened; 1: not at all."""
    oblivious, ratio = best_oblivious_splits(paths)
    usual = gravity(paths, USUAL, 1, np.random.default_rng(SEED))[:, 0] / paths.topology.mean_capacity
    least = _solve(paths, [_rule(paths, splits, 1.0) for splits in (ecmp, oblivious)])[1]
    bounds = [_optimum(paths, OPTIMUM * ratio), *(_rule(paths, splits, RULES * least) for splits in (ecmp, oblivious))]
    factor = max(1.0, _solve(paths, bounds)[1] * (1 + 1e-6))
    return _solve(paths, bounds, usual, factor)[0], factor


@lru_cache(maxsize=1)
def _shipped() -> dict[str, list[float]]:
    return dict(read_json(SHIPPED))


def _scaled(paths: PathSet) -> sparse.csr_array:
    """Utilisation of each link by 1 of each path ``[E, F]``, in units of the mean capacity."""
    inverse = paths.topology.mean_capacity / paths.topology.capacity
    return sparse.csr_array(sparse.diags_array(inverse) @ paths.incidence)


def _optimum(paths: PathSet, most: float) -> Yardstick:
    """The optimum: any flows on paths, which it chooses itself."""
    return Yardstick(_scaled(paths), sparse.csr_array(paths.pair_incidence.T), most)


def _rule(paths: PathSet, splits: Floats, most: float) -> Yardstick:
    """A rule: each pair's demand on its paths as the rule splits it."""
    shares = sparse.diags_array(splits) @ paths.pair_incidence.T
    return Yardstick(sparse.csr_array(_scaled(paths) @ shares), sparse.eye_array(len(paths.pairs)).tocsr(), most)


def _solve(
    paths: PathSet, bounds: list[Yardstick], usual: Floats | None = None, factor: float = np.inf
) -> tuple[Floats, float]:
    """Split ratios ``[F]`` of least mean MLU on usual matrices ``[W, P]`` within ``factor`` times the bounds, and the factor.

    Without usual matrices: the splits with the least factor.
    """
    matrix, count = _matrix(paths, bounds, usual), paths.count
    width, pairs, many = matrix.shape[1], len(paths.pairs), 0 if usual is None else len(usual)
    cost, upper = np.zeros(width), np.full(width, np.inf)
    cost[count if usual is None else slice(width - many, None)] = 1.0 / max(many, 1)
    upper[count] = factor
    free = matrix.shape[0] - pairs
    program = _program(matrix, cost, upper)
    program.row_lower_ = np.r_[np.full(free, -np.inf), np.ones(pairs)]
    program.row_upper_ = np.r_[np.zeros(free), np.ones(pairs)]
    solver = quiet_solver(program)
    solver.setOptionValue("presolve", "on")
    solver.setOptionValue("solver", "ipm")
    columns = np.array(solve_to_optimum(solver, f"the hedged splits of {paths.topology.name!r}").col_value)
    return normalise_splits(paths, np.maximum(columns[:count], 0.0)), float(columns[count])


def _program(matrix: sparse.csc_array, cost: Floats, upper: Floats) -> Any:
    import highspy  # noqa: PLC0415 - only where something is solved

    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, np.zeros(len(cost)), upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    return program


def _matrix(paths: PathSet, bounds: list[Yardstick], usual: Floats | None) -> sparse.csc_array:
    """Columns: splits, the factor, per bound the prices w_e(l) with e outermost, the MLU of each usual matrix.

    Rows: per bound, for each link e every atom pays for what of it crosses e, and the prices are within the factor times
    the bound; each usual matrix uses every link at most by its MLU; the splits of a pair sum to 1.
    """
    links, by_path = len(paths.topology.links), _scaled(paths)
    crossing = [paths.pair_incidence @ sparse.diags_array(by_path[[link]].toarray()[0]) for link in range(links)]
    columns = 2 + len(bounds) + (usual is not None)

    def row(parts: Mapping[int, Any]) -> list[Any]:
        return [parts.get(place) for place in range(columns)]

    blocks = []
    for place, bound in enumerate(bounds, start=2):
        carried = sparse.vstack([bound.pairs @ share for share in crossing])
        blocks.append(row({0: carried, place: -sparse.kron(sparse.eye_array(links), bound.uses.T)}))
        prices = sparse.kron(sparse.eye_array(links), np.ones((1, links)))
        blocks.append(row({1: sparse.csr_array(np.full((links, 1), -bound.most)), place: prices}))
    if usual is not None:
        used = sparse.vstack([by_path @ sparse.diags_array(demands[paths.pair_of_path]) for demands in usual])
        blocks.append(row({0: used, columns - 1: -sparse.kron(sparse.eye_array(len(usual)), np.ones((links, 1)))}))
    blocks.append(row({0: paths.pair_incidence}))
    return sparse.csc_array(sparse.block_array(blocks))
