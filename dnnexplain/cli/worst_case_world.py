"""What a worst-case command line asks about: a system, a policy and the problem between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["DEFAULT_POLICY", "Asked", "Fixed", "World", "make_world"]

DEFAULT_POLICY = {"routing": "dote-current", "deeprm": "default"}
"""Systems with a worst-case search, and whom they search if nobody is named."""


@dataclass(frozen=True)
class Fixed:
    """A matrix to route that is not the adversary's.

    Attributes:
        source: a traffic family, or a file of matrices.
        seed: of the draw, where no row is named.
        unit: of a file's numbers; what its kind has by default if empty.
        row: of a file, from 0; drawn if not given.
    """

    source: str
    seed: int
    unit: str = ""
    row: int | None = None


@dataclass(frozen=True)
class Asked:
    """One command line, as plain values: workers make the world again from it.

    Attributes:
        system, policy, method: names.
        budget: CPU-seconds.
        topology, paths: of routing.
        fixed: where a matrix to route is from that is not the adversary's; else ``None``.
        slots, jobs: of job scheduling.
        rounds: steps after which a search ends, instead of CPU-seconds.
        history: of routing: ``"any"`` or ``"plausible"``.
        all_paths: of routing: whether the optimum may use every path.
    """

    system: str
    policy: str
    method: str
    budget: float
    topology: str = "abilene"
    paths: int = 4
    fixed: Fixed | None = None
    slots: int = 5
    jobs: int = 12
    rounds: int | None = None
    history: str = "any"
    all_paths: bool = False


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
    routed = None if asked.fixed is None else _matrix(system, asked.fixed)

    def tell(x: NDArray[Any]) -> dict[str, Any]:
        matrices = x.reshape(-1, len(system.paths.pairs))
        history = [demands_to_json(system.paths, row) for row in matrices[: system.history]]
        demands = demands_to_json(system.paths, matrices[-1] if routed is None else routed)
        return {"demands": demands, "history": history} if history else {"demands": demands}

    problem = routing_problem(
        system, policy, routed, name=f"{asked.policy} on {system.topology.name}", **_choices(asked)
    )
    told = {
        "topology": system.topology.name,
        "history_only": asked.fixed is not None,
        "history": asked.history if system.history else None,
        "optimum_over": "all paths" if asked.all_paths else f"{system.k} paths per pair, the policy's own",
        "unit": "Gb/s",
    }
    return World(system, policy, problem, told, tell)


def _choices(asked: Asked) -> dict[str, Any]:
    """What was chosen of routing's adversary, where it is not the default."""
    given = {"history": asked.history, "all_paths": asked.all_paths}
    return {name: value for name, value in given.items() if value not in ("any", False)}


def _matrix(system: Any, fixed: Fixed) -> NDArray[Any]:
    """The fixed matrix ``[P]``, Gb/s, rounded to float32 as all traffic is."""
    import numpy as np

    from dnnexplain.contract import Choice, DnnExplainError
    from dnnexplain.systems.routing import load_matrices
    from dnnexplain.systems.routing.traffic import FAMILIES

    if not Path(fixed.source).exists() and Path(fixed.source).suffix == "":
        if fixed.source not in FAMILIES:
            raise Choice("traffic family or file", fixed.source, tuple(FAMILIES)).error()
        if fixed.row is not None or fixed.unit:
            msg = f"--row and --unit are for a file of matrices; {fixed.source!r} is generated"
            raise DnnExplainError(msg)
        drawn = system.workloads(fixed.source, 1, fixed.seed)[0].demands
    else:
        rows = load_matrices(fixed.source, system.paths, fixed.unit or None)
        if fixed.row is not None and not 0 <= fixed.row < len(rows):
            msg = f"{fixed.source} has {len(rows)} matrices, rows 0 to {len(rows) - 1}; there is no row {fixed.row}"
            raise DnnExplainError(msg)
        row = int(np.random.default_rng(fixed.seed).integers(len(rows))) if fixed.row is None else fixed.row
        drawn = rows[row]
    if not drawn.any():
        msg = "the matrix to route asks for no traffic, so there is nothing to be worse at; choose another row"
        raise DnnExplainError(msg)
    return np.asarray(drawn.astype(np.float32).astype(np.float64))


def _deeprm(asked: Asked) -> World:
    from dnnexplain.cli.deeprm_options import find_policy, make_deeprm
    from dnnexplain.cli.worst_case_deeprm import JobSets, deeprm_problem

    system = make_deeprm(asked.slots)
    policy = find_policy(asked.policy, system)
    problem = deeprm_problem(system, policy, asked.jobs, name=f"{asked.policy} on {asked.jobs} jobs")
    sets = JobSets(system, asked.jobs)
    told = {"slots": asked.slots, "unit": "steps, units"}
    return World(system, policy, problem, told, lambda x: dict(system.workload_to_json(sets.job_set(x))))
