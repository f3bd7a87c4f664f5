"""What is maximised: how far a policy's cost on a workload is above a rule's, or the optimum's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Choice,
    DnnExplainError,
    EpisodeSystem,
    Limits,
    Mutable,
    Policy,
    Reshaping,
    cost_is_ratio,
)
from dnnexplain.registry import fair_rules

__all__ = ["BEST_RULE", "MEASURES", "OPTIMUM", "Gap", "Limits", "Mutable", "Reshaping"]

Floats = NDArray[np.float64]

OPTIMUM = "optimum"
BEST_RULE = "best rule"

MEASURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "ratio": lambda network, other: network / other,
    "difference": lambda network, other: network - other,
}
"""Ways to compare two costs by name; ratios only where the system says that its cost is a ratio scale."""


class Gap:
    """Costs of a policy and of what it is held against, over a batch of workloads.

    Against the optimum the search itself uses the best of the rules, which bounds it from above and is
    cheap; the optimum's own bounds are for the workload that is reported.

    Args:
        system: the world.
        policy: the network.
        against: a rule's name, ``"best rule"`` or ``"optimum"``.
        measure: a name in :data:`MEASURES`; ``""``: ratio where the cost is a ratio scale, else difference.

    Raises:
        DnnExplainError: an unknown rule or measure, or a ratio of costs that are no ratio scale.
    """

    def __init__(self, system: EpisodeSystem, policy: Policy, against: str, measure: str) -> None:
        rules = dict(system.rules())
        if against not in {*rules, OPTIMUM, BEST_RULE}:
            raise Choice("rule", against, (*rules, BEST_RULE, OPTIMUM)).error()
        ratio = cost_is_ratio(system)
        measure = measure or ("ratio" if ratio else "difference")
        if measure == "ratio" and not ratio:
            msg = f"{system.name} does not say that its {system.cost_name} is a ratio scale; use measure='difference'"
            raise DnnExplainError(msg)
        if measure not in MEASURES:
            raise Choice("measure", measure, tuple(MEASURES)).error()
        self.system, self.policy, self.measure, self.against = system, policy, measure, against
        # A rule that draws its actions is no upper bound that anyone could rely on, nor one that knows the future.
        fixed = fair_rules(system)
        self.rules = fixed if against in {OPTIMUM, BEST_RULE} else {against: rules[against]}

    def costs(self, workloads: Sequence[Any]) -> tuple[Floats, Floats]:
        """The network's cost and the least of the rules' per workload ``[W]``."""
        own = self.system.run(self.policy, workloads).cost
        others = [self.system.run(rule, workloads).cost for rule in self.rules.values()]
        return np.asarray(own, dtype=np.float64), np.min(others, axis=0)

    def of(self, own: Floats, other: Floats) -> Floats:
        """The gap ``[W]``; a workload without a cost is no gap."""
        measures = MEASURES[self.measure](own, other)
        return np.where(np.isfinite(measures), measures, -np.inf)

    def best_rule(self, workload: Any) -> tuple[str, float]:
        """The rule with the least cost on a workload."""
        costs = {name: float(self.system.run(rule, [workload]).cost[0]) for name, rule in self.rules.items()}
        name = min(costs, key=lambda key: costs[key])
        return name, costs[name]
