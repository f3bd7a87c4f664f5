"""What a policy's cost on a workload is held against: the optimum where that is prompt, else the best rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import EpisodeSystem, Policy, PromptOptimum, Uphill

__all__ = ["BEST_RULE", "OPTIMUM", "reference", "regret_of", "slope_of"]

Floats = NDArray[np.float64]
OPTIMUM = "the best plan for each workload, known beforehand"
BEST_RULE = "the best rule on each workload"


def reference(system: EpisodeSystem) -> str:
    """Which of the two it is."""
    return OPTIMUM if isinstance(system, PromptOptimum) and system.optimum_prompt else BEST_RULE


def regret_of(
    system: EpisodeSystem, policy: Policy, rules: Mapping[str, Policy], seed: int
) -> Callable[[Sequence[Any]], Floats]:
    """A function from workloads to regret ``[W]``: the policy's cost less what is surely reached otherwise.

    Both references are costs of plans that were run, so the regret against the true optimum is at least this.

    Args:
        system: runs both.
        policy: whose regret.
        rules: fair ones; asked only where there is no prompt optimum.
        seed: of all that is drawn in the runs.
    """

    def regret(workloads: Sequence[Any]) -> Floats:
        if isinstance(system, PromptOptimum) and system.optimum_prompt:
            least = system.run_optimum(workloads).cost
        else:
            least = np.min([system.run(rule, workloads, seed=seed).cost for rule in rules.values()], axis=0)
        return np.asarray(system.run(policy, workloads, seed=seed).cost - least, dtype=np.float64)

    return regret


def slope_of(system: EpisodeSystem, policy: Policy) -> Callable[[Any], Floats | None] | None:
    """A function from a workload to the gradient of that regret by its records ``[R, C]``, if the system has one.

    It is the gradient of the cost less the optimum, so it is offered only where the optimum is the reference.
    """
    if not isinstance(system, Uphill) or reference(system) != OPTIMUM:
        return None
    return lambda workload: system.uphill(policy, workload)
