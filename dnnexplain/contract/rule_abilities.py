"""What a system offers whose policies can be told as rules: domain features, and the states that a policy visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.episodes import EpisodeSystem
from dnnexplain.contract.knobs import State
from dnnexplain.contract.systems import Policy, System

__all__ = ["Described", "Distillable", "Features", "Lacking", "Parted", "Parts", "Valued", "Visiting"]


@runtime_checkable
class Visiting(EpisodeSystem, Protocol):
    """A system that tells the states which a policy meets."""

    def visit(
        self, policy: Policy, workloads: Sequence[Any], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every state that a policy meets: observations ``[N, *observation_shape]``, their workloads ``[N]``."""
        ...


@runtime_checkable
class Lacking(System, Protocol):
    """A system that has not all of its rules for all parameters.

    Attributes:
        lacking: by name of each rule that is not among :meth:`~System.rules` here, why, in one sentence.
    """

    @property
    def lacking(self) -> Mapping[str, str]:
        """Rules that this system has not, and why."""
        ...


@runtime_checkable
class Features(Protocol):
    """Domain quantities of a state, in words.

    Attributes:
        names: ``"length of shortest placeable job"``, ...; ``F`` of them.
        units: the unit of each by name; empty for a yes or no (1 or 0).
        moves: what a rule may say to do, most telling first: ``"place the job with the least work"``, ...;
            ``R`` of them, each a name for one action in every state. Every action is one of them.

    A system may also tell ``absent``: by name, the value of a quantity where what it speaks of is not there; and
    ``whole``: the names of quantities that are whole numbers, of which rules say "at least 1", not "above 0.5".
    """

    names: tuple[str, ...]
    units: Mapping[str, str]
    moves: tuple[str, ...]

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, *observation_shape]``."""
        ...

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Which action each move is in these states ``[B, R]``."""
        ...


@runtime_checkable
class Distillable(Visiting, Protocol):
    """A system whose policies can be told as rules."""

    @property
    def features(self) -> Features:
        """What rules may speak of."""
        ...


@runtime_checkable
class Described(Distillable, Protocol):
    """A system that describes the states of a run by itself, faster than from their observations."""

    def visit_described(
        self, visitor: Policy, teacher: Policy, workloads: Sequence[Any], *, seed: int = 0
    ) -> tuple[NDArray[Any], ...]:
        """Run ``visitor`` and say of each of the ``N`` states that it meets what is asked of it.

        Returns:
            Quantities ``[N, F]`` and moves ``[N, R]`` as :class:`Features` gives them, valid actions
            ``[N, A]``, the teacher's outputs ``[N, A]``, the workload ``[N]``; and the visitor's cost of
            each workload ``[W]``.
        """
        ...


@runtime_checkable
class Valued(Distillable, Protocol):
    """A system that tells what every action costs in the states of a run."""

    def visit_costs(
        self, visitor: Policy, teacher: Policy, workloads: Sequence[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
        """Run ``visitor`` and branch each of the ``N`` states that it meets into all actions.

        Returns:
            Observations ``[N, *observation_shape]``, their workloads ``[N]``, and what each action costs from there to
            the end of the episode if ``teacher`` decides all that follows, by its best actions ``[N, A]``.
        """
        ...


@runtime_checkable
class Parts(Protocol):
    """A policy that decides on many parts at once, asked for one part at a time.

    Attributes:
        world: whose states are one part of what the policy sees, and whose decisions are choices.
        teacher: the policy in that world.
    """

    world: Distillable
    teacher: Policy

    def observe(self, state: State, part: int) -> NDArray[np.float32]:
        """One part of a whole state as the world shows it ``[1, *observation_shape]``."""
        ...

    def whole(self, state: State, beside: State) -> tuple[int, State]:
        """The part that a state of the world is about, and the whole state; what is not seen is as ``beside``."""
        ...


@runtime_checkable
class Parted(System, Protocol):
    """A system whose policies decide on named parts."""

    @property
    def part_names(self) -> tuple[str, ...]:
        """The parts: pairs of nodes."""
        ...

    def in_parts(self, policy: Policy) -> Parts:
        """A policy part by part."""
        ...
