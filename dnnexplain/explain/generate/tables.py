"""Tables of records that a generator is fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["checked_tables"]


def checked_tables(tables: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Tables ``[R, C]`` of finite numbers as float64.

    Raises:
        DnnExplainError: none, one without records, or not all of the same columns.
    """
    result = [np.asarray(table, dtype=np.float64) for table in tables]
    if not result or any(table.ndim != 2 or not len(table) or table.shape[1] != result[0].shape[1] for table in result):
        msg = "a generator is fitted to at least one table of records, all of the same columns"
        raise DnnExplainError(msg)
    return result
