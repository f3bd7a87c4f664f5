"""Traffic as tables of records: a row per matrix, the one to route last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob, settled_records
from dnnexplain.counts import counted
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["from_records", "record_knobs", "to_records"]


def record_knobs(paths: PathSet) -> tuple[Knob, ...]:
    """A demand for each pair, up to the capacity of all links."""
    nodes = paths.topology.nodes
    most = float(paths.topology.capacity.sum())
    return tuple(Knob(f"{nodes[a]} to {nodes[b]}", "Gb/s", 0.0, most, None) for a, b in paths.pairs)


def to_records(case: TrafficCase) -> NDArray[np.float64]:
    """Matrices as rows ``[H + 1, P]``, the oldest first."""
    return np.concatenate([case.history, case.demands[None]])


def from_records(records: NDArray[np.float64], paths: PathSet, history: int) -> TrafficCase:
    """The case of rows ``[H + 1, P]``, rounded to float32 as a network sees it.

    Raises:
        DnnExplainError: not as many matrices as this system's networks see.
    """
    table = settled_records(records, record_knobs(paths)).astype(np.float32).astype(np.float64)
    if len(table) != history + 1:
        msg = f"a case here has {counted(history, 'matrix', 'matrices')} and the one to route, {counted(history + 1, 'record')} in all, not {len(table)}"
        raise DnnExplainError(msg)
    return TrafficCase(table[-1], table[:-1])
