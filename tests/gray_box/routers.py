"""Routers by name and their problems, as ``dnnexplain worst-case routing`` makes them."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import Policy
from dnnexplain.explain.gray_box import problem_of
from dnnexplain.policies.named import named_policy, parameters_for
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.spec import SPEC


def load_routing_policy(name: str, topology: str = "abilene", k: int = 4) -> tuple[RoutingSystem, Policy]:
    """A system and a policy of it: a learned policy, a rule, or a weights file."""
    system = RoutingSystem(topology, k, **parameters_for(SPEC, name))
    return system, named_policy(system, name)


def routing_problem(
    system: RoutingSystem, policy: Policy, routed: Any = None, *, name: str = "", **choices: Any
) -> Any:
    """MLU over the optimal MLU."""
    return problem_of(system, policy, routed, name=name or f"{policy.name} on {system.topology.name}", **choices)
