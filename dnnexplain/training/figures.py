"""How good a network is that was just trained: beside the system's baselines on workloads that it never saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnnexplain.contract import Metric, NetworkFigures, Trained
from dnnexplain.intervals import mean_interval
from dnnexplain.numbers import interval, number
from dnnexplain.registry import spec_of

__all__ = ["beside_baselines"]

UNSEEN, UNSEEN_SEED = 100, 990_001
"""Workloads, and their seed, on which a network is measured."""


def beside_baselines(trained: Trained) -> NetworkFigures:
    """Mean cost and metrics of the network and of the system's baselines on unseen workloads of the default family."""
    system, spec = trained.system, spec_of(trained.system)
    rules = system.rules()
    names = [name for name in spec.baselines or rules if name in rules and name not in spec.apart]
    network = trained.policy(system, bool(trained.story.get("masked", True)))
    family = spec.family()
    unseen = system.workloads(family.name, UNSEEN, UNSEEN_SEED)
    data: dict[str, dict[str, Any]] = {}
    rows = []
    for name, policy in {str(trained.story["role"]): network, **{name: rules[name] for name in names}}.items():
        episodes = system.run(policy, unseen)
        result = mean_interval(episodes.cost, within=spec.cost_range)
        data[name] = {"cost": {key: result.to_json()[key] for key in ("mean", "low", "high")}}
        data[name] |= {
            metric.title: _figure(metric, episodes.metrics)
            for metric in spec.metrics
            if metric.name in episodes.metrics
        }
        rows.append((name, number(result.mean), interval(result.low, result.high)))
    title = f"{UNSEEN} unseen {spec.workloads} ({family.name}), seed {UNSEEN_SEED}"
    return NetworkFigures({title: data}, tables=[(f"Mean {spec.cost.title}, {title}", ("policy", "mean", "95%"), rows)])


def _figure(metric: Metric, metrics: Mapping[str, Any]) -> float:
    values = metrics[metric.name]
    return float(values.sum() if metric.total else values.mean())
