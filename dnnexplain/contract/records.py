"""Tables of records, as :class:`~dnnexplain.contract.abilities.Tabular` systems take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.contract.knobs import Knob

__all__ = ["settled_records", "table_from_json"]


def settled_records(records: NDArray[Any], knobs: Sequence[Knob]) -> NDArray[np.float64]:
    """A table ``[R, C]`` with every value moved into its column's bounds and onto its grid.

    Raises:
        DnnExplainError: no table of finite numbers with these columns, or one without a record.
    """
    table = np.array(records, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(knobs) or not len(table):
        names = ", ".join(knob.name for knob in knobs[:6]) + (", ..." if len(knobs) > 6 else "")
        msg = (
            f"records must be a table with a row each and a column for each knob ({names}), not of shape {table.shape}"
        )
        raise DnnExplainError(msg)
    if not np.isfinite(table).all():
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(table)))
        msg = f"{knobs[column].name} of record {row} must be a finite number, not {table[row, column]}"
        raise DnnExplainError(msg)
    table = np.clip(table, [knob.low for knob in knobs], [knob.high for knob in knobs])
    for place, knob in enumerate(knobs):
        if knob.step is not None:
            steps = np.round((table[:, place] - knob.low) / knob.step)
            table[:, place] = np.minimum(knob.low + knob.step * steps, knob.high)
    return table


def table_from_json(data: Mapping[str, Any], key: str, columns: int, what: str) -> NDArray[np.float64]:
    """The rows ``[R, C]`` of a saved workload.

    Args:
        data: the workload as JSON.
        key: under which its rows stand.
        columns: how many numbers a row has here.
        what: that is saved, for messages: ``"day"``.

    Raises:
        DnnExplainError: no such key, no rows of numbers, or another number of columns.
    """
    try:
        table = np.asarray(data[key], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"a saved {what} needs {key}, rows of numbers; {error} is missing or wrong"
        raise DnnExplainError(msg) from None
    if table.ndim != 2 or table.shape[1] != columns:
        msg = f"a saved {what} has rows of {columns} numbers here; {key} is of shape {list(table.shape)}"
        raise DnnExplainError(msg)
    return table
