"""Tables of records, as :class:`~dnnexplain.contract.abilities.Tabular` systems take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.contract.knobs import Knob

__all__ = ["only_numbers", "settled_records", "table_from_json"]


def only_numbers(data: Any) -> bool:
    """Whether there are numbers alone, in lists of lists too: "7" and true are none, though an array would take them."""
    if isinstance(data, list | tuple):
        return all(map(only_numbers, data))
    return isinstance(data, int | float) and not isinstance(data, bool)


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
    if not only_numbers(data.get(key)):
        msg = f"a saved {what} needs {key}, rows of numbers; it is missing, or a value in it is no number"
        raise DnnExplainError(msg)
    try:
        table = np.asarray(data[key], dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        msg = f"a saved {what} needs {key}, rows of numbers; {error}"
        raise DnnExplainError(msg) from None
    if table.ndim != 2 or table.shape[1] != columns:
        msg = f"a saved {what} has rows of {columns} numbers here; {key} is of shape {list(table.shape)}"
        raise DnnExplainError(msg)
    return table
