"""Given split ratios, or a policy's, on one traffic matrix, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Played, Policy
from dnnexplain.counts import counted
from dnnexplain.systems.routing.utilisation import check_splits

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed
    from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["played"]


def played(system: Routed, case: TrafficCase, actions: Sequence[Any] | None, policy: Policy | None) -> Played:
    """One matrix routed by a list of one action, or by a policy; see ``contract.Acting``."""
    if actions is not None:
        episodes = system.routed_by("given splits", _checked(system, actions), [case], 0)
    elif policy is not None:
        episodes = system.run(policy, [case])
    else:
        msg = "playing a matrix needs split ratios, or a policy that gives them"
        raise DnnExplainError(msg)
    used = episodes.detail["utilisation"][0]
    figures = {name: float(values[0]) for name, values in episodes.metrics.items()}
    arrays = {
        "observations": system.observe([case]),
        "actions": episodes.detail["splits"],
        "demands": case.demands[None],
        "utilisation": used[None],
    }
    metric = "MLU over optimum"
    busiest, cost = int(used.argmax()), float(episodes.cost[0])
    words = (
        f"The busiest link, {system.paths.topology.link_names[busiest]}, is used at {cost:.4g} of its capacity, "
        f"{figures[metric]:.4g} times the optimum over these paths."
    )
    return Played(arrays, {"cost": cost, "steps": 1, **figures}, words)


def _checked(system: Routed, actions: Sequence[Any]) -> Any:
    """Split ratios ``[1, F]`` as JSON holds them."""
    try:
        table = np.asarray(actions, dtype=np.float64)
    except (ValueError, TypeError):
        table = np.empty(0)
    if table.shape != (1, system.paths.count):
        msg = (
            f"an episode routes one matrix: the list of actions holds one action, a list of {counted(system.paths.count, 'split ratio')} "
            f"from 0 to 1 in the order of the paths, not numbers of shape {list(table.shape)}"
        )
        raise DnnExplainError(msg)
    return check_splits(system.paths, table, "the file of actions")
