"""The matrix behind one and the same past on which a router is furthest behind the best of some rules, exactly.

Whoever sees the past alone has decided on split ratios before the matrix comes, and rules have, too. MLU scales with the
demands, so for one rule and one link the furthest behind is a linear program: the largest utilisation of the link by demands
that the rule routes with an MLU of at most 1 (Azar et al., STOC 2003, with a rule in the optimum's place). The worst over
all links and rules is the worst over all matrices: behind the best of the rules means behind one of them by that much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dnnexplain.contract import Policy
from dnnexplain.systems.routing.oblivious import can_be_solved
from dnnexplain.systems.routing.traffic import TrafficCase
from dnnexplain.systems.routing.utilisation import check_splits
from dnnexplain.systems.routing.warm import quiet_solver, solve_to_optimum

if TYPE_CHECKING:
    from typing import Any

    from dnnexplain.systems.routing.paths import PathSet
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["worst_matrices"]

Floats = NDArray[np.float64]
PART = 0.5
"""Of the largest demand that a knob allows: so large is the largest of a matrix; the gap does not depend on it."""


def worst_matrices(system: Routed, policy: Policy, rules: Mapping[str, Policy], case: TrafficCase) -> list[TrafficCase]:
    """The past of a case with, for each rule, the matrix on which the policy is furthest behind it, the worst first.

    Returns:
        none where the router sees the matrix itself, or where the programs would be too large.
    """
    if not system.history or system.routed or not can_be_solved(system.paths):
        return []
    seen = system.observe([case])
    own = _by_demand(system.paths, _splits(system, policy, seen))
    worst = [
        _furthest(system.paths, own, _by_demand(system.paths, _splits(system, rule, seen))) for rule in rules.values()
    ]
    worst.sort(key=lambda item: -item[0])
    return [
        TrafficCase(demands * (PART * system.cap / demands.max()), case.history)
        for _, demands in worst
        if demands.any()
    ]


def _splits(system: Routed, policy: Policy, seen: NDArray[Any]) -> Floats:
    return np.asarray(check_splits(system.paths, policy.outputs(seen), policy.name)[0], dtype=np.float64)


def _by_demand(paths: PathSet, splits: Floats) -> Floats:
    """What each pair's demand of 1 adds to each link's utilisation ``[E, P]``, capacities scaled to mean 1."""
    shares = sparse.diags_array(splits) @ paths.pair_incidence.T
    scale = paths.topology.mean_capacity / paths.topology.capacity
    return np.asarray((paths.incidence @ shares).toarray() * scale[:, None])


def _furthest(paths: PathSet, own: Floats, rule: Floats) -> tuple[float, Floats]:
    """The largest utilisation of a link by demands that a rule routes with an MLU of at most 1, and these demands ``[P]``."""
    solver, columns = quiet_solver(_program(rule)), np.arange(rule.shape[1], dtype=np.int32)
    best, demands = 0.0, np.zeros(rule.shape[1])
    for gain in own:
        solver.changeColsCost(len(columns), columns, -gain)
        vector = np.maximum(solve_to_optimum(solver, f"the worst matrix of {paths.topology.name!r}").col_value, 0.0)
        value = float(gain @ vector) / max(1.0, float((rule @ vector).max()))
        if value > best:
            best, demands = value, vector
    return best, demands


def _program(rule: Floats) -> Any:
    """Demands ``[P]`` that a rule routes with an MLU of at most 1."""
    import highspy  # noqa: PLC0415 - only where something is solved

    matrix = sparse.csc_array(rule)
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = rule.shape
    program.col_cost_ = np.zeros(rule.shape[1])
    program.col_lower_, program.col_upper_ = np.zeros(rule.shape[1]), np.full(rule.shape[1], highspy.kHighsInf)
    program.row_lower_, program.row_upper_ = np.full(rule.shape[0], -highspy.kHighsInf), np.ones(rule.shape[0])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    return program
