"""Where a network stops winning on a transfer grid, and the grid in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Shift, cost_unit
from dnnexplain.counts import counted, whose
from dnnexplain.explain.transfer.result import Boundary, Transfer
from dnnexplain.numbers import as_told, both_ends, gap, number, went_wrong
from dnnexplain.rule_names import rule_label

__all__ = ["boundaries", "crossings", "words"]


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
    crossed: list[Boundary] = []
    for network in range(relative.shape[2]):
        for r, row in enumerate(rows):
            crossed += crossings(row.label, policies[network], columns, relative[r, :, network])
        if all(row.value is not None for row in rows):
            for c, column in enumerate(columns):
                crossed += crossings(column.label, policies[network], rows, relative[:, c, network])
    return tuple(crossed)


def crossings(line: str, policy: str, settings: tuple[Shift, ...], relative: NDArray[np.float64]) -> Iterator[Boundary]:
    """Changes of sign of ``relative`` along one row or column, which has a setting for each; NaN ranks nothing."""
    for (before, item), (after, two) in pairwise(zip(settings, relative, strict=True)):
        if not (np.isfinite(item) and np.isfinite(two)) or (item < 0) == (two < 0):
            continue
        value = None
        if before.value is not None and after.value is not None:
            value = float(before.value + (after.value - before.value) * item / (item - two))
        yield Boundary(line, policy, before.label, after.label, bool(item < 0), value)


def words(transfer: Transfer) -> str:
    """How often the first network wins, its worst cell, and where it stops winning."""
    cells = [tuple(at) for at in np.argwhere(transfer.done)]
    name = transfer.policies[0]
    if not cells:
        return "No cell was run."
    verdicts = [transfer.verdict(r, c) for r, c in cells]
    counts = {kind: verdicts.count(kind) for kind in ("wins", "even", "loses")}
    ranked = sorted(
        (at for at, verdict in zip(cells, verdicts, strict=True) if verdict != "unsafe"),
        key=lambda at: float(transfer.relative[at][0]),
    )
    ends = f" Best: {_cell(transfer, ranked[0])}. Worst: {_cell(transfer, ranked[-1])}." if ranked else ""
    unsafe = [at for at, verdict in zip(cells, verdicts, strict=True) if verdict == "unsafe"]
    totals = {
        item.name: float(np.nansum(transfer.figures[..., 0, m]))
        for m, item in enumerate(transfer.metrics)
        if item.total
    }
    wrong = went_wrong((metric for metric in transfer.metrics if metric.total), totals)
    text = f"{name}: {wrong}. " if wrong else ""
    text += (
        f"{'It' if wrong else name} beats the best rule in {counts['wins']} of {counted(len(cells), 'cell')}, loses in {counts['loses']}, and in "
        f"{counts['even']} the 95% interval leaves it open.{_unranked(transfer, unsafe)}{ends}"
    )
    own = [boundary for boundary in transfer.boundaries if boundary.policy == name]
    means = _MEANS if as_told(transfer.cost_name)[0] == transfer.cost_name else _EARNED
    turns = _WINS if counts["wins"] else means  # what never surely wins cannot stop
    for wins_before, turn in zip((True, False), turns, strict=True):
        first = next((item for item in own if item.wins_before is wins_before), None)
        if first is not None:
            where = f"between {first.before} and {first.after}"
            about = "" if first.value is None else f" (at about {number(first.value)})"
            text += f" In {first.row} {turn} {where}{about}."
    missing = int(transfer.done.size - len(cells))
    return f"{text} {missing} cells were not run." if missing else text


_WINS = ("it stops winning", "it starts winning")
_MEANS = ("its mean rises above the best rule's", "its mean falls below the best rule's")
_EARNED = _MEANS[::-1]


def _unranked(transfer: Transfer, cells: Sequence[tuple[int, ...]]) -> str:
    """Of cells whose mean ranks nothing, a sentence."""
    if not cells:
        return ""
    row, column = cells[0]
    first = f"{transfer.rows[row].label}, {transfer.columns[column].label}: {transfer.unsafe(row, column)}"
    words = first if len(cells) == 1 else f"such as {first}"
    return (
        f" In {counted(len(cells), 'cell')} something goes wrong with it that does not with the best rule "
        f"({words}): unsafe, whatever its mean."
    )


def _cell(transfer: Transfer, at: tuple[int, ...]) -> str:
    row, column = at
    rule = int(transfer.best_rule[row, column])
    relative = float(transfer.relative[row, column, 0])
    _name, (ours, best, change) = as_told(
        transfer.cost_name, transfer.cost[row, column, 0], transfer.cost[row, column, rule], relative
    )
    more = gap(relative if transfer.ratio else change, ratio=transfer.ratio, unit=cost_unit(transfer.cost_name))
    mine, theirs = both_ends(ours, best)
    return (
        f"{transfer.rows[row].label}, {transfer.columns[column].label}: {mine} against "
        f"{whose(rule_label(transfer.policies[rule]))} {theirs} ({more})"
    )
