"""From a log to job sets in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.swf import is_swf, read_swf
from dnnexplain.systems.deeprm.workloads.swf_fit import fit_mapping
from dnnexplain.systems.deeprm.workloads.swf_mapping import Window
from dnnexplain.systems.deeprm.workloads.swf_sets import map_log
from dnnexplain.systems.deeprm.workloads.table_logs import read_table

__all__ = ["windows"]


def windows(
    path: str | Path,
    params: Params | None = None,
    *,
    start: int = 0,
    steps: int = 50,
    sets: int | None = None,
    columns: str = "",
    **mapping: Any,
) -> tuple[list[JobSet], str]:
    """Read and map a log in one go: its job sets in order of time, and what was done in plain words.

    Args:
        path: the log: in the Standard Workload Format, or a table (:mod:`~.table_logs`).
        params: the cluster's sizes.
        start: step of the mapped clock at which the first window begins.
        steps: of each job set.
        sets: number of windows; ``None``: all that hold a job.
        columns: of a table, which column is what.
        **mapping: fields of :class:`~dnnexplain.systems.deeprm.workloads.swf_mapping.SwfMapping`; what is not
            given is proposed from the log, as are ``share`` and ``load`` of its ``fit``.
    """
    log = read_table(path, columns) if columns or not is_swf(path) else read_swf(path)
    mapped = map_log(log, fit_mapping(log, params, **mapping), params, Window(start, steps, sets))
    return mapped.job_sets, " ".join((*log.notes, *mapped.sentences))
