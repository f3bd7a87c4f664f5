"""Where a network stops winning on a transfer grid, and the grid in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Shift, cost_unit
from dnnexplain.counts import counted
from dnnexplain.explain.transfer.result import Boundary, Transfer
from dnnexplain.numbers import gap, number, went_wrong
from dnnexplain.rule_names import rule_label

__all__ = ["boundaries", "words"]


def boundaries(
    rows: tuple[Shift, ...], columns: tuple[Shift, ...], policies: tuple[str, ...], relative: NDArray[np.float64]
) -> tuple[Boundary, ...]:
    """Neighbouring cells between which a network's relative cost changes sign.

    They are looked for along every row, and down every column where all rows have a place on an axis.

    Args:
        rows, columns: of the grid.
        policies: networks first.
        relative: by how much networks cost more than the best rule ``[R, C, N]``; NaN where that ranks nothing.
    """
    found: list[Boundary] = []
    for network in range(relative.shape[2]):
        for r, row in enumerate(rows):
            found += _crossings(row.label, policies[network], columns, relative[r, :, network])
        if all(row.value is not None for row in rows):
            for c, column in enumerate(columns):
                found += _crossings(column.label, policies[network], rows, relative[:, c, network])
    return tuple(found)


def _crossings(
    line: str, policy: str, settings: tuple[Shift, ...], relative: NDArray[np.float64]
) -> Iterator[Boundary]:
    """Changes of sign along one row or column."""
    for (before, one), (after, two) in pairwise(zip(settings, relative, strict=True)):
        if not (np.isfinite(one) and np.isfinite(two)) or (one < 0) == (two < 0):
            continue
        value = None
        if before.value is not None and after.value is not None:
            value = float(before.value + (after.value - before.value) * one / (one - two))
        yield Boundary(line, policy, before.label, after.label, bool(one < 0), value)


def words(found: Transfer) -> str:
    """How often the first network wins, its worst cell, and where it stops winning."""
    cells = [tuple(at) for at in np.argwhere(found.done)]
    name = found.policies[0]
    if not cells:
        return "No cell was run."
    verdicts = [found.verdict(r, c) for r, c in cells]
    counts = {kind: verdicts.count(kind) for kind in ("wins", "even", "loses")}
    ranked = sorted(
        (at for at, verdict in zip(cells, verdicts, strict=True) if verdict != "unsafe"),
        key=lambda at: float(found.relative[at][0]),
    )
    ends = f" Best: {_cell(found, ranked[0])}. Worst: {_cell(found, ranked[-1])}." if ranked else ""
    unsafe = [at for at, verdict in zip(cells, verdicts, strict=True) if verdict == "unsafe"]
    totals = {one.name: float(np.nansum(found.figures[..., 0, m])) for m, one in enumerate(found.metrics) if one.total}
    wrong = went_wrong((one for one in found.metrics if one.total), totals)
    text = f"{name}: {wrong}. " if wrong else ""
    text += (
        f"{'It' if wrong else name} beats the best rule in {counts['wins']} of {counted(len(cells), 'cell')}, loses in {counts['loses']}, and in "
        f"{counts['even']} the 95% interval leaves it open.{_unranked(found, unsafe)}{ends}"
    )
    own = [one for one in found.boundaries if one.policy == name]
    for wins_before, verb in ((True, "stops"), (False, "starts")):
        first = next((one for one in own if one.wins_before is wins_before), None)
        if first is not None:
            where = f"between {first.before} and {first.after}"
            about = "" if first.value is None else f" (at about {number(first.value)})"
            text += f" In {first.row} it {verb} winning {where}{about}."
    missing = int(found.done.size - len(cells))
    return f"{text} {missing} cells were not run." if missing else text


def _unranked(found: Transfer, cells: Sequence[tuple[int, ...]]) -> str:
    """Of cells whose mean ranks nothing, a sentence."""
    if not cells:
        return ""
    row, column = cells[0]
    first = f"{found.rows[row].label}, {found.columns[column].label}: {found.unsafe(row, column)}"
    told = first if len(cells) == 1 else f"such as {first}"
    return (
        f" In {counted(len(cells), 'cell')} something goes wrong with it that does not with the best rule "
        f"({told}): unsafe, whatever its mean."
    )


def _cell(found: Transfer, at: tuple[int, ...]) -> str:
    row, column = at
    rule = int(found.best_rule[row, column])
    more = gap(float(found.relative[row, column, 0]), ratio=found.ratio, unit=cost_unit(found.cost_name))
    return (
        f"{found.rows[row].label}, {found.columns[column].label}: {number(found.cost[row, column, 0])} against "
        f"{rule_label(found.policies[rule])}'s {number(found.cost[row, column, rule])} ({more})"
    )
