"""What a worst-case command line asks about: a system, a policy and the problem between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["DEFAULT_POLICY", "Asked", "World", "make_world"]

DEFAULT_POLICY = {"routing": "dote-current", "deeprm": "default"}
"""Systems with a worst-case search, and whom they search if nobody is named."""


@dataclass(frozen=True)
class Asked:
    """One command line, as plain values: workers make the world again from it.

    Attributes:
        system, policy, method: names.
        budget: CPU-seconds.
        topology, paths: of routing.
        fixed: traffic family or file, and seed, of a matrix to route that is not the adversary's; else ``None``.
        slots, jobs: of job scheduling.
    """

    system: str
    policy: str
    method: str
    budget: float
    topology: str = "abilene"
    paths: int = 4
    fixed: tuple[str, int] | None = None
    slots: int = 5
    jobs: int = 12


@dataclass(frozen=True)
class World:
    """System, policy and problem, and how a case of it is told.

    Attributes:
        told: facts about the system for the report.
        tell: from an input ``[n]`` to JSON in the words of the domain.
    """

    system: Any
    policy: Any
    problem: Problem
    told: dict[str, Any]
    tell: Callable[[NDArray[Any]], dict[str, Any]] = field(compare=False)


def make_world(asked: Asked) -> World:
    """Load the policy and build the problem."""
    return _routing(asked) if asked.system == "routing" else _deeprm(asked)


def _routing(asked: Asked) -> World:
    from dnnexplain.cli.worst_case_problem import load_routing_policy, routing_problem
    from dnnexplain.systems.routing.names import demands_to_json

    system, policy = load_routing_policy(asked.policy, asked.topology, asked.paths)
    routed = None
    if asked.fixed is not None:
        name, seed = asked.fixed
        where = {"path": name} if Path(name).exists() else {}
        routed = system.workloads("file" if where else name, 1, seed, **where)[0].demands

    def tell(x: NDArray[Any]) -> dict[str, Any]:
        matrices = x.reshape(-1, len(system.paths.pairs))
        history = [demands_to_json(system.paths, row) for row in matrices[: system.history]]
        demands = demands_to_json(system.paths, matrices[-1] if routed is None else routed)
        return {"demands": demands, "history": history} if history else {"demands": demands}

    problem = routing_problem(system, policy, routed, name=f"{asked.policy} on {system.topology.name}")
    told = {"topology": system.topology.name, "history_only": asked.fixed is not None, "unit": "Gb/s"}
    return World(system, policy, problem, told, tell)


def _deeprm(asked: Asked) -> World:
    from dnnexplain.cli.deeprm_options import find_policy, make_deeprm
    from dnnexplain.cli.worst_case_deeprm import JobSets, deeprm_problem

    system = make_deeprm(asked.slots)
    policy = find_policy(asked.policy, system)
    problem = deeprm_problem(system, policy, asked.jobs, name=f"{asked.policy} on {asked.jobs} jobs")
    sets = JobSets(system, asked.jobs)
    told = {"slots": asked.slots, "unit": "steps, units"}
    return World(system, policy, problem, told, lambda x: dict(system.workload_to_json(sets.job_set(x))))
