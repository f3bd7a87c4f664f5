"""What a worst-case search may ask of a system: plain functions on arrays, with all that is known of its optimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract.episodes import Bound
from dnnexplain.contract.knobs import State
from dnnexplain.contract.systems import Policy, System

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Adversary", "Attackable"]

Array = NDArray[np.float64]


class Adversary(Protocol):
    """The input ``x [B, n]`` that an adversary may choose, and what a policy and the optimum make of it.

    A policy sees the positions ``seen`` of the input; what it does and the positions ``free`` give the
    pieces of the cost (the utilisation of every link), of which the largest counts. Where ``fixed``, the
    optimum does not depend on the input, and of what follows :meth:`optimum` only the bound is needed.

    Attributes:
        names, unit, low, high, blocks: of the input ``[n]``; a block is a group of inputs of one kind.
        seen, free: positions of ``x`` that the policy sees, and that the cost depends on beside it.
        blind: whether the policy sees none of ``free``, which can then be maximised exactly.
        fixed: whether the optimum is a constant.
        network: from what the policy sees to its output, in torch and double precision; ``None`` for a rule.
        links: from outputs and free inputs to the pieces of the cost, in torch.
        second: ``[x, w]`` to the cost ``[B, 1]`` of a second solution given by parameters ``w [second_size]``.
        witness_scale: the natural size of each entry of a feasible solution ``p``.
        ideal: per piece the free inputs that would be worst if the policy did its worst ``[m, len(free)]``.
        floor: an optimum that is not above it counts as nothing to do.
        sampling_radius: how far to step where a black box is sampled.
    """

    names: tuple[str, ...]
    unit: str
    low: Array
    high: Array
    blocks: tuple[NDArray[np.int64], ...]
    seen: NDArray[np.int64]
    free: NDArray[np.int64]
    blind: bool
    fixed: bool
    network: Callable[[Tensor], Tensor] | None
    links: Callable[[Tensor], Tensor]
    second: Callable[[Tensor], Tensor]
    second_size: int
    witness_scale: Array
    ideal: Array
    floor: float
    sampling_radius: float

    def valid(self, x: Array) -> Array:
        """The nearest valid inputs ``[B, n]``."""
        ...

    def state(self, x: Array) -> State:
        """The state of the system that shows one input ``[n]``."""
        ...

    def carried(self, x: Array) -> Array:
        """What is carried at one input ``[n]``: the demands ``[P]`` on which the cost is counted."""
        ...

    def splits(self, seen: Array) -> Array:
        """The policy's outputs for what it sees, as deployed."""
        ...

    def deployed(self, x: Array) -> Array:
        """The cost ``[B]`` of the system as it runs."""
        ...

    def optimum(self, x: Array) -> tuple[Array, Array]:
        """The optimum ``[B]`` and its gradient ``[B, n]``."""
        ...

    def bound(self, x: Array) -> Bound:
        """The certified optimum of one input ``[n]``."""
        ...

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

    def maximise(self, x: Array, piece: int) -> Array:
        """One input ``[n]`` with its free part where it makes a piece of the cost largest over the optimum."""
        ...


@runtime_checkable
class Attackable(System, Protocol):
    """A system that lets a worst-case search in.

    Attributes:
        cost_name: what is divided by its optimum, in words.
    """

    cost_name: str

    def adversary(self, policy: Policy, routed: ArrayLike | None = None) -> Adversary:
        """What may be chosen against a policy; ``routed`` is what it must carry, if that is not the adversary's.

        Raises:
            DnnExplainError: nothing of the input is the adversary's, or the policy does not fit.
        """
        ...
