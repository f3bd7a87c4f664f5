"""What a worst-case command line asks about: a system, a policy and the problem between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.contract import Boxed, DnnExplainError, Mutable, Spec, load_reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dnnexplain.contract import WorkloadBox
    from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["ParameterBox", "SearchOptions", "World", "default_policy", "make_world"]


@dataclass(frozen=True)
class SearchOptions:
    """One command line, as plain values: workers make the world again from it.

    Attributes:
        options: of the system, and what of a workload may be chosen.
        policy, method: names.
        budget: CPU-seconds; ``rounds``: steps after which a search ends instead.
        seed: of what the command draws for all its searches.
        changes: options that a second search has otherwise.
    """

    options: SystemOptions
    policy: str
    method: str
    budget: float
    rounds: int | None = None
    seed: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """Options of the search, said or default."""
        defaults = {item.name: item.default for item in self.options.spec.searched}
        return {**defaults, **self.options.searched, **self.changes}


@dataclass(frozen=True)
class World:
    """System, policy and problem, and how a case of it is told.

    Attributes:
        problem: ratios and their forms; ``None`` where the search is by difference, in ``box``.
        facts: about the system for the report.
        tell: from an input ``[n]`` to JSON in the words of the domain.
        settings: what must agree for a search to be resumed.
        later: inputs whose name holds this come last in tables.
        beside: a second search: its JSON name, its words, and options that differ.
    """

    system: Any
    policy: Any
    problem: Problem | None
    facts: Mapping[str, Any]
    tell: Callable[[NDArray[Any]], dict[str, Any]] = field(compare=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    box: WorkloadBox | None = None
    later: str = ""
    beside: tuple[str, str, Mapping[str, Any]] | None = None


def default_policy(spec: Spec) -> str:
    """Whom a search is against if nobody is named: the first shipped network, else the most telling rule."""
    ships = spec.weights is None or any(spec.weights.glob("*.safetensors"))
    return spec.roles[0].name if spec.roles and ships else (*spec.baselines, *spec.rules, "untrained")[0]


def make_world(options: SearchOptions) -> World:
    """Load the policy and build the problem."""
    from dnnexplain.explain.gray_box.assemble import problem_of_workloads, problem_with
    from dnnexplain.policies.named import named_policy, parameters_for

    spec = options.options.spec
    system: Any = options.options.make(parameters_for(spec, options.policy))
    policy = options.options.guarded(named_policy(system, options.policy), system)
    if spec.challenge:
        reference = load_reference(spec.challenge)(system, policy, options.chosen, options.seed)
        ratio = problem_with(reference.parts, f"{options.policy} on {reference.where}", system.cost_name)
        return World(
            system,
            policy,
            ratio,
            reference.facts,
            reference.tell,
            reference.settings,
            later=reference.later,
            beside=reference.beside,
        )
    own = isinstance(system, Boxed)
    box: Any = system.workload_box(**options.chosen) if own else ParameterBox(system, spec, options.seed)
    problem = (
        problem_of_workloads(system, policy, box, name=f"{options.policy} on {spec.workloads}")
        if spec.ratio and own
        else None
    )
    data = {
        **options.options.as_json(),
        "unit": box.unit or "as named",
        **({} if own else {"family": spec.family().name}),
    }

    def tell(x: NDArray[Any]) -> dict[str, Any]:
        if isinstance(system, Mutable) and not (own and not box.whole):  # quantities of an own box say more by name
            return dict(system.workload_to_json(box.workload(x)))
        return {name: float(value) for name, value in zip(box.names, x, strict=True)}

    return World(system, policy, problem, data, tell, options.chosen, box)


class ParameterBox:
    """Parameters of a system's default family of workloads as a box: what can be searched of any system.

    Args:
        system: whose ``workloads`` generates.
        spec: names the family and its parameters' bounds.
        seed: of the generator, the same for every row.

    Raises:
        DnnExplainError: the family has no number with both bounds.
    """

    unit = ""
    whole = False

    def __init__(self, system: Any, spec: Spec, seed: int) -> None:
        self.system, self.family, self.seed = system, spec.family(), seed
        self.parameters = [
            parameter
            for parameter in self.family.parameters
            if parameter.type in {int, float}
            and parameter.low is not None
            and parameter.high is not None
            and parameter.default is not None
        ]
        if not self.parameters:
            msg = (
                f"{spec.name} writes no workload as numbers (workload_box), and its family {self.family.name} has no "
                "parameter with both bounds, so there is nothing to search"
            )
            raise DnnExplainError(msg)
        self.names = tuple(
            f"{parameter.name}, {parameter.unit}" if parameter.unit else parameter.name for parameter in self.parameters
        )
        self.low = np.array([float(parameter.low or 0) for parameter in self.parameters])
        self.high = np.array([float(parameter.high or 0) for parameter in self.parameters])
        self.blocks = (np.arange(len(self.parameters)),)

    def workload(self, x: NDArray[np.float64]) -> Any:
        """The family's first workload with these parameters."""
        values = {
            parameter.name: round(float(value)) if parameter.type is int else float(value)
            for parameter, value in zip(self.parameters, x, strict=True)
        }
        return self.system.workloads(self.family.name, 1, self.seed, **values)[0]
