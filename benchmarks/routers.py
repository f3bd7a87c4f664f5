"""Policies by name and their problems, as ``dnnexplain worst-case`` makes them."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import Policy
from dnnexplain.explain.gray_box import problem_of, problem_of_workloads, white_box_of
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


def routing_white_box(system: RoutingSystem, policy: Policy) -> tuple[Any, float]:
    """A piecewise-linear stand-in for the policy as a white box, and how far off its splits are (RMS)."""
    fitted = system.stand_in(policy)
    return white_box_of(fitted), fitted.error


def deeprm_problem(system: Any, policy: Policy, jobs: int = 12) -> Any:
    """Mean slowdown over its optimum on sets of so many jobs."""
    return problem_of_workloads(system, policy, system.workload_box(jobs=jobs))
