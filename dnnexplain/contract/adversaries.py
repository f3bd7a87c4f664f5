"""What a worst-case search may ask of a system: plain functions on arrays, with all that is known of its optimum.

:class:`SearchBox` is all that is needed. Each of the others makes a faster search possible, and none needs another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract.episodes import Bound, EpisodeSystem
from dnnexplain.contract.knobs import State
from dnnexplain.contract.systems import Policy, System

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Adversary",
    "Attackable",
    "BoundedBox",
    "Boxed",
    "Challenge",
    "ExactInner",
    "FixedOptimum",
    "GradientBox",
    "SearchBox",
    "SecondSolution",
    "Shown",
    "StatedBound",
    "Uphill",
    "WhiteBoxed",
    "Witnessed",
    "WorkloadBox",
    "WorstUnseen",
    "WritesWorkloads",
]

Array = NDArray[np.float64]


@runtime_checkable
class SearchBox(Protocol):
    """What every worst-case search asks: a box of inputs ``x [B, n]``, the cost there, and its optimum.

    Attributes:
        names, unit, low, high, blocks: of the input ``[n]``; a block is a group of inputs of one kind.
        floor: an optimum that is not above it counts as nothing to do.
    """

    names: tuple[str, ...]
    unit: str
    low: Array
    high: Array
    blocks: tuple[NDArray[np.int64], ...]
    floor: float

    def valid(self, x: Array) -> Array:
        """The nearest valid inputs ``[B, n]``."""
        ...

    def deployed(self, x: Array) -> Array:
        """The cost ``[B]`` of the system as it runs."""
        ...

    def bound(self, x: Array) -> Bound:
        """The certified optimum of one input ``[n]``."""
        ...


@runtime_checkable
class Shown(Protocol):
    """Inputs that are states of the system, to be drawn and carried on."""

    def state(self, x: Array) -> State:
        """The state of the system that shows one input ``[n]``."""
        ...

    def carried(self, x: Array) -> Array:
        """What is carried at one input ``[n]``: the demands ``[P]`` on which the cost is counted."""
        ...


@runtime_checkable
class GradientBox(Protocol):
    """The cost as a chain that gradients pass through.

    A policy sees the positions ``seen`` of the input; what it does and the positions ``free`` give the
    pieces of the cost (the utilisation of every link), of which the largest counts.

    Attributes:
        seen, free: positions of ``x`` that the policy sees, and that the cost depends on beside it.
        network: from what the policy sees to its output, in torch and double precision; ``None`` for a rule.
        links: from outputs and free inputs to the pieces of the cost, in torch.
        sampling_radius: how far to step where a black box is sampled.
    """

    seen: NDArray[np.int64]
    free: NDArray[np.int64]
    network: Callable[[Tensor], Tensor] | None
    links: Callable[[Tensor], Tensor]
    sampling_radius: float

    def splits(self, seen: Array) -> Array:
        """The policy's outputs for what it sees, as deployed."""
        ...

    def optimum(self, x: Array) -> tuple[Array, Array]:
        """The optimum ``[B]`` and its gradient ``[B, n]``."""
        ...


@runtime_checkable
class Witnessed(Protocol):
    """Feasible solutions given by vectors ``p``: sound lower bounds of the ratio without solving anything.

    Attributes:
        witness_scale: the natural size of each entry of a feasible solution ``p``.
    """

    witness_scale: Array

    def witness_input(self, p: Array) -> Array:
        """The input ``[B, n]`` that a feasible solution ``p [B, k]`` solves."""
        ...

    def witness_input_pull(self, p: Array, x: Array, cotangent: Array) -> Array:
        """The vector-Jacobian product of :meth:`witness_input`."""
        ...

    def witness_value(self, p: Array) -> Array:
        """The cost ``[B]`` of feasible solutions: never below the optimum."""
        ...

    def witness_value_pull(self, p: Array, y: Array, cotangent: Array) -> Array:
        """The vector-Jacobian product of :meth:`witness_value`."""
        ...

    def witness_valid(self, p: Array) -> Array:
        """The nearest valid ``p``."""
        ...

    def witness_lift(self, x: Array) -> Array:
        """A feasible solution for given inputs ``[B, n]``."""
        ...


@runtime_checkable
class SecondSolution(Protocol):
    """A second solution that is feasible for every input, given by parameters ``w``.

    Attributes:
        second: ``[x, w]`` to the cost ``[B, 1]`` of it.
        second_size: the number of parameters.
    """

    second: Callable[[Tensor], Tensor]
    second_size: int


@runtime_checkable
class ExactInner(Protocol):
    """An exact program for a part of the input.

    Attributes:
        blind: whether the policy sees none of that part, which can then be maximised exactly.
        ideal: per piece the free inputs that would be worst if the policy did its worst ``[m, len(free)]``.
    """

    blind: bool
    ideal: Array

    def maximise(self, x: Array, piece: int) -> Array:
        """One input ``[n]`` with its free part where it makes a piece of the cost largest over the optimum."""
        ...


@runtime_checkable
class FixedOptimum(Protocol):
    """A search that says whether its optimum depends on the input.

    Attributes:
        fixed: whether the optimum is a constant; what else is known of optima is then not asked.
    """

    fixed: bool


Adversary = SearchBox
"""Deprecated name of :class:`SearchBox`: a search asks for each further ability on its own."""


class WorkloadBox(Protocol):
    """Whole workloads as rows of numbers in a box; the policy's run is their cost, ``system.bound`` their optimum.

    Attributes:
        names, unit, low, high, blocks: of a row ``[n]``.
        whole: whether the numbers are whole.
    """

    names: tuple[str, ...]
    unit: str
    low: Array
    high: Array
    blocks: tuple[NDArray[np.int64], ...]
    whole: bool

    def workload(self, x: Array) -> Any:
        """The workload of one row ``[n]``, whatever its numbers within the box."""
        ...


@dataclass(frozen=True)
class StatedBound:
    """A bound that was stated for all workloads of a box, and how far one of them goes.

    Attributes:
        name: of what is bounded, in words.
        limit: what was stated.
        reached: what the workload has.
        unit: of both.
        at_most: whether ``limit`` is the most, or else the least.
    """

    name: str
    limit: float
    reached: float
    unit: str
    at_most: bool = True

    @property
    def holds(self) -> bool:
        """Whether the workload keeps the bound, up to rounding."""
        over = self.reached - self.limit if self.at_most else self.limit - self.reached
        return over <= 1e-9 * max(1.0, abs(self.limit))


@runtime_checkable
class BoundedBox(Protocol):
    """A box whose workloads keep bounds that a row does not show, and can be held against them."""

    def limits(self, x: Array) -> tuple[StatedBound, ...]:
        """Each bound, and how far the workload of one row ``[n]`` goes, measured on that workload."""
        ...


@runtime_checkable
class Boxed(EpisodeSystem, Protocol):
    """A system that writes whole workloads as rows of numbers, for a search of the worst one."""

    def workload_box(self, **options: Any) -> WorkloadBox:
        """The box; ``options`` are those of the system's ``Spec.searched``."""
        ...


@runtime_checkable
class WritesWorkloads(EpisodeSystem, Protocol):
    """A system that writes a workload as a file that it reads again (``contract.WorkloadReader``), to the last digit."""

    def write_workload(self, workload: Any, path: Path) -> None:
        """Write one workload."""
        ...


@dataclass(frozen=True)
class Challenge:
    """What ``dnnexplain worst-case`` asks about a policy, from ``Spec.challenge``.

    Attributes:
        parts: what may be chosen, with whatever else the system knows of it (:class:`GradientBox` and its like).
        facts: for the report.
        tell: from an input ``[n]`` to JSON in the words of the domain.
        where: what the search is on, for titles.
        settings: what must agree for a search to be resumed.
        later: inputs whose name holds this come last in tables; empty: none.
        beside: a second search that is reported beside: its JSON name, its words, and the options that differ.
    """

    parts: SearchBox
    facts: Mapping[str, Any]
    tell: Callable[[Array], dict[str, Any]]
    where: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    later: str = ""
    beside: tuple[str, str, Mapping[str, Any]] | None = None


@runtime_checkable
class Uphill(EpisodeSystem, Protocol):
    """A system that knows in which direction a workload's records must change for a policy to fall further behind."""

    def uphill(self, policy: Policy, workload: Any) -> Array | None:
        """The gradient of cost less optimum by the records ``[R, C]`` of ``to_records``; ``None`` of a policy without one."""
        ...


@runtime_checkable
class WorstUnseen(EpisodeSystem, Protocol):
    """A system that works out the worst of what may come where a policy has seen all that it will."""

    def worst_unseen(self, policy: Policy, rules: Mapping[str, Policy], workload: Any) -> Sequence[Any]:
        """Workloads that look the same to whoever decides, those furthest behind the best of some rules first.

        Returns:
            the worst that each rule's costs allow; empty where a policy sees all of a workload before it decides.
        """
        ...


@runtime_checkable
class Attackable(System, Protocol):
    """A system that lets a worst-case search in.

    Attributes:
        cost_name: what is divided by its optimum, in words.
    """

    cost_name: str

    def adversary(self, policy: Policy, routed: ArrayLike | None = None) -> SearchBox:
        """What may be chosen against a policy; ``routed`` is what it must carry, if that is not the adversary's.

        A box and a cost are enough; what is returned may have more of the abilities of this module.

        Raises:
            DnnExplainError: nothing of the input is the adversary's, or the policy does not fit.
        """
        ...


@runtime_checkable
class WhiteBoxed(System, Protocol):
    """A system that has a piecewise-linear stand-in of a policy, for a mixed-integer program."""

    def stand_in(self, policy: Policy, seed: int = 0) -> Any:
        """The stand-in: ``high, layers, constant, product, serve, use, least, ratio`` and its ``error``."""
        ...
