"""Where along a shift of the workload a policy stops winning: between which of the scenarios that were run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dnnexplain.contract import Grid, Shift, Spec
from dnnexplain.explain.stress.cases import drawn_as, grids_of, shifted
from dnnexplain.explain.stress.result import ScenarioResult
from dnnexplain.explain.stress.verdicts import UNSAFE
from dnnexplain.explain.transfer.result import Boundary
from dnnexplain.explain.transfer.words import crossings

__all__ = ["boundaries"]

Line = tuple[str, list[tuple[Shift, str]]]
"""A quantity's values in order, each with what its workloads are drawn as, and what holds along all of them."""


def boundaries(spec: Spec, scenarios: Sequence[ScenarioResult], policy: str) -> tuple[Boundary, ...]:
    """Neighbours along a quantity between which the policy's mean cost crosses that of the best rule.

    Args:
        spec: whose grids have rows or columns with a place on an axis.
        scenarios: those that were run; what was not is passed over, and so is a mean that is less while work went wrong.
        policy: its name.
    """
    gaps = {
        drawn_as(spec, scenario.family, scenario.parameters): _rank(scenario)
        for scenario in scenarios
        if scenario.family and scenario.kind in {"nominal", "shift"}
    }
    crossed: list[Boundary] = []
    for grid in grids_of(spec):
        for label, cells in _lines(spec, grid):
            run = [(shift, gaps[key]) for shift, key in cells if np.isfinite(gaps.get(key, np.nan))]
            crossed += crossings(label, policy, tuple(shift for shift, _ in run), np.array([gap for _, gap in run]))
    return tuple(crossed)


def _rank(scenario: ScenarioResult) -> float:
    return float("nan") if scenario.verdict == UNSAFE and scenario.gap < 0 else scenario.gap


def _lines(spec: Spec, grid: Grid) -> Iterator[Line]:
    """Along every row whose columns have a place, and down every column where all rows have one."""
    default = spec.family().name
    if grid.columns and all(column.value is not None for column in grid.columns):
        for row in grid.rows:
            yield row.label, [(column, drawn_as(spec, *shifted(row, column, default))) for column in grid.columns]
    if all(row.value is not None for row in grid.rows):
        for column in grid.columns or (None,):
            label = grid.name if column is None else column.label
            yield label, [(row, drawn_as(spec, *shifted(row, column, default))) for row in grid.rows]
