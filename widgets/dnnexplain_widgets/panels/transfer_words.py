"""The transfer panel's grid: its first columns, as Python, as the cells of a heat map, one cell in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Policy, Replayable, Shift, cost_unit
from dnnexplain.counts import whose
from dnnexplain.explain.transfer.grid import Transfer
from dnnexplain.numbers import as_told, both_ends, gap, interval, span_as_told
from dnnexplain_widgets.words import label, number, with_unit

__all__ = ["cell_words", "default_columns", "distinct", "heat", "loader", "missing", "saved_networks", "setting_code"]

COLUMNS = 4

ROUND_SHARES = (0.02, 0.05, 0.1, 0.2)
"""What may have the full colour where all differences are smaller."""
FULL_SHADE = 0.5
"""A cost half above or below the best rule's has the full colour; below means nothing where a network is unsafe."""


def heat(transfer: Transfer, network: int = 0) -> dict[str, Any]:
    """The grid as a table for the cells part, for one of its networks."""
    name = transfer.policies[network]
    full = gap(_full(transfer), ratio=transfer.ratio, unit=cost_unit(transfer.cost_name)).removeprefix("+")
    measure = as_told(transfer.cost_name)[0]
    sides = ("below", "above") if transfer.ratio or measure == transfer.cost_name else ("above", "below")
    return {
        "caption": f"{measure} of {name} relative to the best rule's",
        "corner": "workload",
        "columns": [column.label for column in transfer.columns],
        "rows": [
            {"label": row.label, "cells": [_cell(transfer, r, c, network) for c in range(len(transfer.columns))]}
            for r, row in enumerate(transfer.rows)
        ],
        "pick": "cell",
        "legend": [f"{name} {full} {sides[0]} the best rule", f"{full} {sides[1]}"],
    }


def _full(transfer: Transfer) -> float:
    """What has the full colour: the largest difference; where costs have a ratio the next round share, at most half."""
    largest = float(np.nanmax(np.abs(transfer.relative[transfer.done]), initial=0.0))
    if not transfer.ratio:
        return max(largest, 1e-12)
    return next((share for share in ROUND_SHARES if share >= largest), FULL_SHADE)


def _cell(transfer: Transfer, row: int, column: int, network: int) -> dict[str, Any]:
    if not transfer.done[row, column]:
        return {"text": ""}
    relative, rule = float(transfer.relative[row, column, network]), int(transfer.best_rule[row, column])
    verdict = transfer.verdict(row, column, network)
    open_ = {"even": " (open)", "unsafe": " (unsafe)"}.get(verdict, "")
    shade = relative / _full(transfer)
    costs = both_ends(*as_told(transfer.cost_name, *(transfer.cost[row, column, item] for item in (network, rule)))[1])
    return {
        "text": f"{gap(told_gap(transfer, relative, relative, relative)[0], ratio=transfer.ratio)}{open_}".replace(
            "-", "−"
        ),
        "note": f"{costs[0]} : {costs[1]} {label(transfer.policies[rule])}",
        "hint": cell_words(transfer, row, column, network),
        "shade": max(shade, 0.0) if verdict == "unsafe" else shade,
    }


def told_gap(transfer: Transfer, more: float, low: float, high: float) -> tuple[float, float, float]:
    """By how much the network costs more than the rule, with its interval; what it earns more where costs are that."""
    return (more, low, high) if transfer.ratio else span_as_told(transfer.cost_name, more, low, high)


def cell_words(transfer: Transfer, row: int, column: int, network: int = 0) -> str:
    """A cell in a sentence: both costs, the interval, what went wrong."""
    rule = int(transfer.best_rule[row, column])
    at = (row, column, network)
    more, least, most = (float(part[at]) for part in (transfer.relative, transfer.relative_low, transfer.relative_high))
    span = interval(*told_gap(transfer, more, least, most)[1:], ratio=transfer.ratio).replace("-", "−")
    name, (ours, best) = as_told(transfer.cost_name, transfer.cost[at], transfer.cost[row, column, rule])
    wrong = transfer.went_wrong(row, column, network)
    unsafe = ", unsafe whatever its mean" if transfer.unsafe(row, column, network) else ""
    head = f"{wrong}{unsafe}. " if wrong else ""
    where = transfer.rows[row].label
    if transfer.rows[row].family or transfer.columns[column].family:
        where = f"{where}, {transfer.columns[column].label}"
    return (
        f"{where}: {head}{name} {number(ours)} against {whose(label(transfer.policies[rule]))} "
        f"{number(best)}, {span} (95% interval)."
    )


def missing(transfer: Transfer | None) -> bool:
    """Whether cells are left to be run: of a log only the first one is."""
    if transfer is None:
        return False
    drawn = np.array([bool(row.family or column.family) for row in transfer.rows for column in transfer.columns])
    wanted = drawn.reshape(transfer.done.shape)
    wanted[:, 0] = True
    return bool((wanted & ~transfer.done).any())


def default_columns(system: Replayable) -> list[Shift]:
    """Four values of the system's first workload knob; one column where it has none."""
    if not system.workload_knobs:
        return [Shift("as they come")]
    knob = system.workload_knobs[0]
    grid = knob.grid()
    values = grid[np.unique(np.linspace(0, len(grid) - 1, 2 * COLUMNS).round().astype(int))][1::2]
    return [
        Shift(
            f"{knob.name} {with_unit(float(value), knob.unit)}", "", {knob.name: round(float(value), 9)}, float(value)
        )
        for value in values
    ]


def setting_code(shift: Shift) -> str:
    """A setting as Python."""
    return f"Shift({shift.label!r}, {shift.family!r}, {dict(shift.parameters)!r}, {shift.value!r})"


def loader(known: Policy | Callable[[], Policy]) -> Callable[[], Policy]:
    """A policy, ready or as a function that loads it, as such a function."""
    if hasattr(known, "outputs"):
        return lambda: known  # type: ignore[return-value]
    return known


def distinct(policy: Policy, beside: Mapping[str, Callable[[], Policy]]) -> dict[str, Policy]:
    """The session's network first, then the others by name, each network once."""
    weights = getattr(policy, "checkpoint", None)
    loaded = {name: load() for name, load in beside.items()}
    others = {name: item for name, item in loaded.items() if getattr(item, "checkpoint", "") != weights}
    return {policy.name: policy, **others}


def saved_networks(transfer: Transfer, known: Mapping[str, Policy], file: str) -> list[Policy]:
    """The networks of a saved grid among those known here, recognised by their weights.

    Raises:
        DnnExplainError: a network that is not known here.
    """
    weights = {getattr(policy, "checkpoint", ""): policy for policy in known.values()}
    wanted: Mapping[str, str] = transfer.question.settings["policies"]
    unknown = [name for name, checkpoint in wanted.items() if checkpoint not in weights]
    if unknown:
        msg = f"the grid in {file} has the network {unknown[0]}, whose weights are not here; choose it above, or bring it, first"
        raise DnnExplainError(msg)
    return [weights[checkpoint] for checkpoint in wanted.values()]
