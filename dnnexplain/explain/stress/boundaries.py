"""Where along a shift of the workload a policy stops winning: between which of the scenarios that were run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dnnexplain.contract import Grid, Shift, Spec
from dnnexplain.explain.stress.cases import drawn_as, grids_of, shifted
from dnnexplain.explain.stress.result import ScenarioResult
from dnnexplain.explain.stress.verdicts import UNSAFE
from dnnexplain.explain.transfer.result import Boundary
from dnnexplain.explain.transfer.words import crossings

__all__ = ["ShiftLine", "boundaries", "shift_lines"]


@dataclass(frozen=True)
class ShiftLine:
    """A quantity's values in order, as far as their scenarios were run.

    Attributes:
        label: what holds along all of them.
        shifts: the values.
        places: of their scenarios, among those that were run.
        gaps: of these; NaN where the mean is less while work went wrong, which ranks nothing.
    """

    label: str
    shifts: tuple[Shift, ...]
    places: tuple[int, ...]
    gaps: tuple[float, ...]

    def crossed(self, policy: str) -> tuple[Boundary, ...]:
        """Neighbours between which the mean cost crosses that of the best rule; what ranks nothing is passed over."""
        known = [place for place, gap in enumerate(self.gaps) if np.isfinite(gap)]
        shifts = tuple(self.shifts[place] for place in known)
        return tuple(crossings(self.label, policy, shifts, np.array([self.gaps[place] for place in known])))


def boundaries(spec: Spec, scenarios: Sequence[ScenarioResult], policy: str) -> tuple[Boundary, ...]:
    """Neighbours along a quantity between which the policy's mean cost crosses that of the best rule.

    Args:
        spec: whose grids have rows or columns with a place on an axis.
        scenarios: those that were run; what was not is passed over, and so is a mean that is less while work went wrong.
        policy: its name.
    """
    return tuple(boundary for line in shift_lines(spec, scenarios) for boundary in line.crossed(policy))


def shift_lines(spec: Spec, scenarios: Sequence[ScenarioResult]) -> tuple[ShiftLine, ...]:
    """The lines of all grids along which at least two scenarios were run."""
    places = {
        drawn_as(spec, scenario.family, scenario.parameters): place
        for place, scenario in enumerate(scenarios)
        if scenario.family and scenario.kind in {"nominal", "shift"}
    }
    lines = []
    for grid in grids_of(spec):
        for label, cells in _lines(spec, grid):
            run = [(shift, places[key]) for shift, key in cells if key in places]
            if len(run) > 1:
                at = tuple(place for _, place in run)
                gaps = tuple(_rank(scenarios[place]) for place in at)
                lines.append(ShiftLine(label, tuple(shift for shift, _ in run), at, gaps))
    return tuple(lines)


def _rank(scenario: ScenarioResult) -> float:
    return float("nan") if scenario.verdict == UNSAFE and scenario.gap < 0 else scenario.gap


def _lines(spec: Spec, grid: Grid) -> Iterator[tuple[str, list[tuple[Shift, str]]]]:
    """Along every row whose columns have a place, and down every column where all rows have one."""
    default = spec.family().name
    if grid.columns and all(column.value is not None for column in grid.columns):
        for row in grid.rows:
            yield row.label, [(column, drawn_as(spec, *shifted(row, column, default))) for column in grid.columns]
    if all(row.value is not None for row in grid.rows):
        for column in grid.columns or (None,):
            label = grid.name if column is None else column.label
            yield label, [(row, drawn_as(spec, *shifted(row, column, default))) for row in grid.rows]
