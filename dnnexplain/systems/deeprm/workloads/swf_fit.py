"""Proposing how a log maps onto the grid, each value with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import unit_of
from dnnexplain.numbers import share
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.workloads.families import load as offered
from dnnexplain.systems.deeprm.workloads.swf import SwfLog
from dnnexplain.systems.deeprm.workloads.swf_mapping import KB_PER_PROCESSOR, Quantities, SwfMapping, Window, quantities
from dnnexplain.systems.deeprm.workloads.swf_sets import map_log

__all__ = ["fit_mapping", "propose"]

GIB = 1024.0**3
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
LONG_STEP = 2 * 86400
"""A longer time step is asked about, in seconds."""

MOST_KB_PER_PROCESSOR = 100e6
"""A typical request above 100 GB per processor is not one; the log means bytes."""


def fit_mapping(
    log: SwfLog, params: Params | None = None, *, share: float = 0.9, load: float = 1.3, **fixed: Any
) -> SwfMapping:
    """Propose a mapping for a log, and say in ``why`` what each value rests on.

    Args:
        log: the log.
        params: the cluster's sizes.
        share: of the jobs, that should fit without being clipped, for each quantity on its own.
        load: offered load to come near to by taking only every n-th job (1.3: rate 0.7).
        **fixed: fields that are given, not proposed.
    """
    return propose(log, params or Params(), share, load, fixed)


def propose(log: SwfLog, params: Params, share: float, load: float, fixed: Mapping[str, Any]) -> SwfMapping:
    """See :meth:`SwfMapping.fit`."""
    _check(share, load, fixed)
    why: list[str] = []
    columns = {**_columns(log, why), **fixed}
    draft = SwfMapping(1.0, 1.0, 1.0, **{key: columns[key] for key in columns if not key.endswith(("_step", "_unit"))})
    unit = fixed.get("memory_unit") or log.memory_unit or _memory_unit(log, draft.memory, why)
    draft = replace(draft, memory_unit=unit)
    seen = quantities(log, draft)
    running = (seen.seconds > 0) & (seen.cpus > 0)
    if not np.any(running):
        return draft
    scales: dict[str, Any] = {
        "seconds_per_step": _seconds(seen.seconds[running], params, share),
        "cpus_per_unit": _cpus(seen.cpus[running], params, share),
        "memory_bytes_per_unit": _memory(seen.bytes[running], params, share),
    }
    scales |= {key: fixed[key] for key in scales if key in fixed}
    draft = replace(draft, **scales)
    why.append(_fit(draft, params, seen, running, [name for name in scales if name in fixed]))
    if draft.seconds_per_step >= LONG_STEP and "seconds_per_step" not in fixed:
        why.append(
            f"A step of {draft.seconds_per_step / 86400:.3g} days is unusual: if the log's times are no seconds, say "
            "seconds_per_step in its own unit."
        )
    every = fixed.get("keep_every") or _every(log, draft, params, load, why)
    return replace(draft, keep_every=every, why=tuple(why))


def _fit(
    mapping: SwfMapping, params: Params, quantities: Quantities, running: NDArray[np.bool_], given: list[str]
) -> str:
    """What the scales are, which of them were given, and how many jobs fit them: counted, not intended."""
    known = running & (quantities.bytes > 0)
    ratios = {
        "time": quantities.seconds[running] / mapping.seconds_per_step / params.max_job_length,
        "CPU": quantities.cpus[running] / mapping.cpus_per_unit / params.max_job_units,
        "memory": quantities.bytes[known] / mapping.memory_bytes_per_unit / params.max_job_units,
    }
    fits = ", ".join(f"{np.mean(ratio <= 1 + 1e-9):.0%} in {name}" for name, ratio in ratios.items() if len(ratio))
    words = {
        "seconds_per_step": "the step",
        "cpus_per_unit": "the CPU unit",
        "memory_bytes_per_unit": "the memory unit",
    }
    text = f" ({', '.join(words[name] for name in given)} as given)" if given else ""
    cpus = f"{mapping.cpus_per_unit:g}"
    return (
        f"One step is {mapping.seconds_per_step:g} s, one CPU unit {cpus} {unit_of(cpus, 'processors')}, one memory unit "
        f"{mapping.memory_bytes_per_unit / GIB:.3g} GiB{text}: of the log's jobs that ran, {fits} fit without being clipped."
    )


def _check(share: float, load: float, fixed: Mapping[str, Any]) -> None:
    if not 0 < share <= 1:
        msg = f"share must be above 0 and at most 1, not {share!r}"
        raise DnnExplainError(msg)
    if not load > 0:
        msg = f"load must be above 0, not {load!r}"
        raise DnnExplainError(msg)
    try:
        replace(SwfMapping(1.0, 1.0, 1.0), **fixed)
    except TypeError as error:
        msg = f"a mapping has no such field: {error}"
        raise DnnExplainError(msg) from None


def _columns(log: SwfLog, why: list[str]) -> dict[str, Any]:
    """The columns that hold something: known for at least half of the jobs, and not one constant."""

    def known(name: str) -> float:
        return float(np.mean(log.column(name) > 0))

    def telling(name: str) -> bool:
        values = log.column(name)[log.column(name) > 0]
        return known(name) >= 0.5 and len(np.unique(values)) > min(1, len(log) - 1)

    chosen = {
        "cpus": "used" if known("cpus_used") >= known("cpus_asked") else "asked",
        "time": "run" if known("run") >= 0.5 or known("time_asked") < 0.5 else "asked",
        "memory": next((name for name in ("asked", "used") if telling(f"memory_{name}")), "asked"),
    }
    if not telling(f"memory_{chosen['memory']}"):
        why.append(
            f"Memory is given for {share(known('memory_asked'))} (asked) and {share(known('memory_used'))} (used) of the jobs: "
            "where it is missing, a job gets as many units of memory as of CPU."
        )
    why.append(f"Processors {chosen['cpus']}, memory {chosen['memory']}, time {chosen['time']} are taken.")
    return chosen


def _memory_unit(log: SwfLog, memory: str, why: list[str]) -> str:
    values = log.column(f"memory_{memory}")
    values = values[values > 0]
    if not len(values) or np.median(values) <= MOST_KB_PER_PROCESSOR:
        return KB_PER_PROCESSOR
    typical = float(np.median(values))
    why.append(
        f"Memory is taken to be bytes per job: in kB per processor, as the format says, half of the jobs would use more "
        f"than {typical * 1024 / GIB:,.0f} GiB per processor."
    )
    return "bytes"


def _seconds(seconds: NDArray[np.float64], params: Params, share: float) -> float:
    exact = float(np.quantile(seconds, share)) / params.max_job_length
    return float(next((step for step in STEPS if step >= exact), np.ceil(exact / 86400) * 86400))


def _memory(amount: NDArray[np.float64], params: Params, share: float) -> float:
    known = amount[amount > 0]
    if not len(known):
        return GIB
    exact = float(np.quantile(known, share)) / params.max_job_units
    return float(2.0 ** np.ceil(np.log2(exact) - 1e-9))


def _cpus(cpus: NDArray[np.float64], params: Params, share: float) -> float:
    """Processors per unit: whole where all jobs have whole ones, else parts of one."""
    exact = float(np.quantile(cpus, share) / params.max_job_units)
    if exact >= 1 or np.array_equal(cpus, np.round(cpus)):
        return _nice(exact)
    size = 10.0 ** (np.floor(np.log10(exact)) - 1)
    return float(np.ceil(exact / size - 1e-9) * size)


def _nice(exact: float) -> float:
    """The next whole number, of at most two significant digits."""
    size = 10 ** max(0, int(np.floor(np.log10(max(exact, 1)))) - 1)
    return float(max(1, np.ceil(exact / size - 1e-9) * size))


def _every(log: SwfLog, mapping: SwfMapping, params: Params, load: float, why: list[str]) -> int:
    try:
        sets = map_log(log, mapping, params, Window(sets=None)).job_sets
    except DnnExplainError:
        return 1
    mean = max(np.mean([offered(jobs, params) for jobs in sets], axis=0))
    every = max(1, round(float(mean) / load))
    kept = f"one job in {every} is" if every > 1 else "all jobs are"
    why.append(
        f"All jobs would offer {mean:.3g} times what the cluster can do, so {kept} kept to come near {load:.3g}."
    )
    return every
