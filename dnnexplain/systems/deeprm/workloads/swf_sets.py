"""Job sets from a cluster's log, and an account of what became of every job.

A job of ``run`` seconds becomes one of ``ceil(run / seconds_per_step)`` steps, its processors and
memory become units, rounded up; what does not fit the grid is clipped or skipped, as the mapping says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.swf import SwfLog
from dnnexplain.systems.deeprm.workloads.swf_mapping import SwfMapping, Window, quantities

__all__ = ["MappedLog", "map_log"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MappedLog:
    """Job sets from a log.

    Attributes:
        job_sets: one per stretch; its first job arrives in step 1.
        report: what became of every job, as numbers: ``log`` (jobs, skipped by reason, usable),
            ``sets`` (sets, jobs, changed by reason), ``work`` (work after over before, per resource).
        sentences: the same in plain words.
    """

    job_sets: list[JobSet]
    report: Mapping[str, Any]
    sentences: tuple[str, ...]


def map_log(
    log: SwfLog, mapping: SwfMapping | None = None, params: Params | None = None, window: Window | None = None
) -> MappedLog:
    """Job sets from a log, and an account of every job.

    Args:
        log: from :func:`~dnnexplain.systems.deeprm.workloads.swf.read_swf`.
        mapping: default: what :meth:`SwfMapping.fit` proposes.
        params: the cluster's sizes.
        window: default: one set of 50 steps from the first usable job.

    Raises:
        DnnExplainError: the log has no usable job, or none in the window; the message gives the reasons.
    """
    sizes, part = params or Params(), window or Window()
    chosen = mapping or SwfMapping.fit(log, sizes)
    grid = _grid(log, chosen, sizes)
    usable = np.flatnonzero(grid.usable)
    order = usable[np.argsort(log.column("submit")[usable], kind="stable")][:: chosen.keep_every]
    if not len(order):
        msg = f"{log.name} has no usable job: {_listed(grid.skipped)}"
        raise DnnExplainError(msg)
    submit = log.column("submit")[order]
    step = np.floor((submit - submit[0]) / chosen.seconds_per_step) - part.start
    stretch = np.floor(step / (part.steps - 1))
    inside = (stretch >= 0) & (stretch < (math.inf if part.sets is None else part.sets))
    if not np.any(inside):
        msg = (
            f"{log.name} has no job in the window from step {part.start}; its {counted(len(order), 'job')} arrive in steps 0 to "
            f"{step[-1] + part.start:.0f} of {chosen.seconds_per_step:g} s"
        )
        raise DnnExplainError(msg)
    job_sets = [
        _job_set(log.name, grid, order[stretch == index], step[stretch == index], part.steps)
        for index in np.unique(stretch[inside])
    ]
    return _accounted(log, chosen, grid, order[inside], len(order), job_sets, part)


class _Grid(NamedTuple):
    """Every job of the log on the grid ``[N]``; where not usable, the numbers mean nothing."""

    length: NDArray[np.int64]
    cpu: NDArray[np.int64]
    memory: NDArray[np.int64]
    usable: Bools
    skipped: dict[str, int]
    changed: dict[str, Bools]
    exact: tuple[Floats, Floats, Floats]


def _grid(log: SwfLog, mapping: SwfMapping, params: Params) -> _Grid:
    columns = quantities(log, mapping)
    steps = columns.seconds / mapping.seconds_per_step
    cpu = columns.cpus / mapping.cpus_per_unit
    missing = columns.bytes < 0
    memory = np.where(missing, _stand_in(mapping, cpu), columns.bytes / mapping.memory_bytes_per_unit)
    longest, widest = params.max_job_length, params.max_job_units
    too_long, wide_cpu, wide_memory = _above(steps, longest), _above(cpu, widest), _above(memory, widest)
    reasons = {
        "cancelled": (log.column("status") == 5) & (mapping.cancelled == "skip"),
        f"no {'run time' if mapping.time == 'run' else 'time asked for'} (negative, 0 or unknown)": columns.seconds
        <= 0,
        "no processors (0 or unknown)": columns.cpus <= 0,
        "no submission time": log.column("submit") < 0,
        "no memory given": missing & (mapping.missing_memory == "skip"),
        f"longer than {counted(longest, 'step')}": too_long & (mapping.too_long == "skip"),
        f"wider than {counted(widest, 'unit')}": (wide_cpu | wide_memory) & (mapping.too_wide == "skip"),
    }
    usable = np.ones(len(log), dtype=np.bool_)
    skipped = {}
    for reason, where in reasons.items():
        if count := int(np.sum(usable & where)):
            skipped[reason] = count
        usable &= ~where
    changed = {
        f"clipped to {counted(longest, 'step')}": too_long,
        f"CPU clipped to {counted(widest, 'unit')}": wide_cpu,
        f"memory clipped to {counted(widest, 'unit')}": wide_memory,
        "shorter than one step, counted as one": steps < 1,
        "CPU below one unit, counted as one": cpu < 1,
        "memory below one unit, counted as one": ~missing & (memory < 1),
        "memory not given, " + _said(mapping): missing,
        "processors taken from the other column": columns.swapped_cpus,
    }
    whole = (_up(steps, longest), _up(cpu, widest), np.where(missing & (memory == 0), 0, _up(memory, widest)))
    return _Grid(*whole, usable, skipped, changed, (steps, cpu, memory))


def _stand_in(mapping: SwfMapping, cpu: Floats) -> Floats:
    if isinstance(mapping.missing_memory, int):
        return np.full(len(cpu), float(mapping.missing_memory))
    return cpu


def _said(mapping: SwfMapping) -> str:
    if isinstance(mapping.missing_memory, int):
        return f"counted as {mapping.missing_memory} units"
    return "counted as many units as CPU"


def _above(values: Floats, limit: int) -> Bools:
    return values > limit * (1 + 1e-9)


def _up(values: Floats, limit: int) -> NDArray[np.int64]:
    """Rounded up (but for the noise of floating point), at least 1, at most ``limit``."""
    return np.clip(np.ceil(values - 1e-9), 1, limit).astype(np.int64)


def _job_set(name: str, grid: _Grid, rows: NDArray[np.int64], step: Floats, steps: int) -> JobSet:
    arrival = (step - step[0]).astype(np.int64) + 1
    columns = (grid.length[rows], grid.cpu[rows], grid.memory[rows])
    return JobSet(arrival, *columns, steps=steps, name=f"{name} from job {int(rows[0])}")


def _accounted(
    log: SwfLog,
    mapping: SwfMapping,
    grid: _Grid,
    rows: NDArray[np.int64],
    taken: int,
    job_sets: list[JobSet],
    window: Window,
) -> MappedLog:
    usable = int(grid.usable.sum())
    steps, cpu, memory = (values[rows] for values in grid.exact)
    length = grid.length[rows]
    report = {
        "log": {
            "name": log.name,
            "lines_skipped": dict(log.skipped),
            "jobs": len(log),
            "skipped": grid.skipped,
            "usable": usable,
            "thinned_out": usable - taken,
            "outside_window": taken - len(rows),
        },
        "sets": {
            "sets": len(job_sets),
            "jobs": len(rows),
            "changed": {what: int(where[rows].sum()) for what, where in grid.changed.items() if np.any(where[rows])},
        },
        "work": {
            "cpu": float(np.sum(length * grid.cpu[rows]) / np.sum(steps * cpu)),
            "memory": float(np.sum(length * grid.memory[rows]) / max(np.sum(steps * memory), 1e-300)),
        },
    }
    return MappedLog(job_sets, report, (*mapping.why, *_sentences(report, mapping, window)))


def _sentences(report: Mapping[str, Any], mapping: SwfMapping, window: Window) -> tuple[str, ...]:
    log, sets, work = report["log"], report["sets"], report["work"]
    fewer = window.sets is not None and sets["sets"] < window.sets
    empty = f" ({window.sets} asked for; the others hold none)" if fewer else ""
    kept = f"{sets['sets']} job sets of {counted(window.steps, 'step')} of {mapping.seconds_per_step:g} s hold {counted(sets['jobs'], 'job')}"
    ratio = f"CPU work is {work['cpu']:.3g} and memory work {work['memory']:.3g} times the log's"
    return (
        f"{log['name']}: {counted(log['jobs'], 'job')} read; lines skipped: {_listed(log['lines_skipped'])}.",
        f"Skipped {counted(log['jobs'] - log['usable'], 'job')}: {_listed(log['skipped'])}; {log['usable']:,} are usable.",
        f"Left out {log['thinned_out']:,} by keeping one job in {mapping.keep_every}, {log['outside_window']:,} outside the window.",
        f"{kept}{empty}; changed: {_listed(sets['changed'])}.",
        f"After rounding up and clipping, {ratio}.",
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} x {what}" for what, count in counts.items()) or "none"
