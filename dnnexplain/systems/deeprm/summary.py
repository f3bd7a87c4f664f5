"""What ``dnnexplain evaluate`` reports of a run: figures with intervals, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.gone import without
from dnnexplain.intervals import Interval, compared_interval, mean_interval
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.simulator.runner import Run, run_measures

__all__ = ["compare", "summarise"]

_SLOWDOWN, _STEPS, _SHARE = (1.0, np.inf), (0.0, np.inf), (0.0, 1.0)
"""What no figure of its kind can lie beyond."""


def _figure(interval: Interval) -> dict[str, float]:
    return {"mean": float(interval.mean), "low": float(interval.low), "high": float(interval.high)}


@without(seed="intervals draw nothing")
def summarise(run: Run, params: Params) -> dict[str, Any]:
    """Figures of one policy's run, each mean with its 95% interval over job sets.

    ``all_jobs``: mean over sets of the mean slowdown, every job counted to completion (the default
    figure). ``original``: the published code's: slowdowns rounded down, over jobs placed within the
    first 200 actions, pooled over all sets; ``left_out`` says how many jobs it does not count.
    """
    measures = run_measures(run, params)
    counted = np.sum(~np.isnan(measures.floored), axis=1)
    original = mean_interval(measures.original, weights=counted, within=_SLOWDOWN)
    return {
        "metrics": {
            "all_jobs": _figure(mean_interval(measures.all_jobs, within=_SLOWDOWN)),
            "original": {**_figure(original), "left_out": int(measures.count.sum() - counted.sum())},
            "short_jobs": _figure(mean_interval(measures.short, within=_SLOWDOWN)),
            "long_jobs": _figure(mean_interval(measures.long, within=_SLOWDOWN)),
            "completion": _figure(mean_interval(measures.completion, within=_STEPS)),
            "makespan": _figure(mean_interval(measures.makespan.astype(np.float64), within=_STEPS)),
            "cpu_utilisation": _figure(mean_interval(measures.utilisation[:, 0], within=_SHARE)),
            "memory_utilisation": _figure(mean_interval(measures.utilisation[:, 1], within=_SHARE)),
        },
        "jobs": int(measures.count.sum()),
        "starved": int(measures.starved.sum()),
        "turned_away": int(measures.turned_away.sum()),
        "sets": len(run.job_sets),
        "sets_with_starved": int(np.sum(measures.starved > 0)),
    }


def compare(costs: Mapping[str, NDArray[np.float64]], rules: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Each policy's mean slowdown relative to the best rule's on the same sets, set by set.

    Args:
        costs: mean slowdown per set ``[S]``, by policy.
        rules: the same of every rule that may be the best.
    """
    best = min(rules, key=lambda name: float(np.mean(rules[name])))
    against = {
        name: _figure(compared_interval(cost, rules[best], ratio=True)) for name, cost in costs.items() if name != best
    }
    mean = float(np.mean(rules[best]))
    return {"best_rule": best, "best_rule_mean": mean, "relative_to_best_rule": against}
