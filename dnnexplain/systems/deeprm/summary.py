"""What ``dnnexplain evaluate`` reports of a run: figures with intervals, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.intervals import Interval, interval, paired_interval
from dnnexplain.systems.deeprm.model import Params
from dnnexplain.systems.deeprm.runner import Run, run_measures

__all__ = ["compare", "summarise"]


def _figure(found: Interval) -> dict[str, float]:
    return {"mean": float(found.mean), "low": float(found.low), "high": float(found.high)}


def summarise(run: Run, params: Params, seed: int = 0) -> dict[str, Any]:
    """Figures of one policy's run, each mean with its 95% bootstrap interval over job sets.

    ``all_jobs``: mean over sets of the mean slowdown, every job counted to completion (the default
    figure). ``original``: the published code's: slowdowns rounded down, over jobs placed within the
    first 200 actions, pooled over all sets; ``left_out`` says how many jobs it does not count.
    """
    found = run_measures(run, params)
    counted = np.sum(~np.isnan(found.floored), axis=1)
    original = interval(found.original, seed, weights=counted)
    return {
        "metrics": {
            "all_jobs": _figure(interval(found.all_jobs, seed)),
            "original": {**_figure(original), "left_out": int(found.count.sum() - counted.sum())},
            "short_jobs": _figure(interval(found.short, seed)),
            "long_jobs": _figure(interval(found.long, seed)),
            "completion": _figure(interval(found.completion, seed)),
            "makespan": _figure(interval(found.makespan.astype(np.float64), seed)),
            "cpu_utilisation": _figure(interval(found.utilisation[:, 0], seed)),
            "memory_utilisation": _figure(interval(found.utilisation[:, 1], seed)),
        },
        "jobs": int(found.count.sum()),
        "starved": int(found.starved.sum()),
        "turned_away": int(found.turned_away.sum()),
        "sets": len(run.job_sets),
        "sets_with_starved": int(np.sum(found.starved > 0)),
    }


def compare(costs: Mapping[str, NDArray[np.float64]], rules: tuple[str, ...], seed: int = 0) -> dict[str, Any]:
    """Each policy's mean slowdown relative to the best rule's on the same sets (paired bootstrap).

    Args:
        costs: mean slowdown per set ``[S]``, by policy.
        rules: which of the policies are rules.
        seed: of the bootstrap.
    """
    present = [name for name in costs if name in rules]
    if not present:
        return {}
    best = min(present, key=lambda name: float(np.mean(costs[name])))
    against = {name: _figure(paired_interval(costs[name], costs[best], seed)) for name in costs if name != best}
    return {"best_rule": best, "relative_to_best_rule": against}
