"""Policies and systems, as far as one decision is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import Choice
from dnnexplain.contract.knobs import Knob, State
from dnnexplain.contract.outputs import Target
from dnnexplain.contract.spaces import Space

if TYPE_CHECKING:
    from torch import nn

__all__ = ["GuardedPolicy", "NetworkPolicy", "Policy", "System", "state_from_observation", "state_from_values"]


@runtime_checkable
class Policy(Protocol):
    """Anything that decides: a network, a rule, a distilled tree."""

    name: str

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]`` for observations ``[B, *observation_shape]``.

        A choice is scored: the highest valid score is the action. A rule gives 1 to its action and 0
        to all others.
        """
        ...


@runtime_checkable
class NetworkPolicy(Policy, Protocol):
    """A policy with a torch network inside, which gradients and hooks may enter.

    Attributes:
        module: maps a float32 tensor ``[B, *observation_shape]`` to raw outputs ``[B, A]``.
        checkpoint: the SHA-256 of its weights, so that a result can say which network it speaks of.
        masked: whether invalid actions are masked before the softmax.
    """

    module: nn.Module
    checkpoint: str
    masked: bool


@runtime_checkable
class GuardedPolicy(Policy, Protocol):
    """A policy with rules around it that step in; it has no ``module``, since gradients say nothing of the rules.

    Attributes:
        policy: the one inside.
    """

    policy: Policy

    def why(self, observation: NDArray[Any]) -> str:
        """What decides in one state ``[*observation_shape]``, a rule or the policy, in a sentence."""
        ...


@runtime_checkable
class System(Protocol):
    """A world in which a policy decides, as far as one decision is concerned.

    Attributes:
        name: as in the registry: ``"deeprm"``.
        knobs: the ``K`` knobs, in the order of ``State.values``.
        observation_shape: the shape of the network's input without the batch axis.
        groups: names of the knob groups that an attribution is summed by: ``"job 1 cpu"``, ...
        cell_group: for each cell of the observation the index of its group; int ``[*observation_shape]``.
        output: what the network emits: a ``Discrete``, a ``Box`` or a ``MultiBinary``.
    """

    name: str
    knobs: tuple[Knob, ...]
    observation_shape: tuple[int, ...]
    groups: tuple[str, ...]
    cell_group: NDArray[np.int64]

    @property
    def output(self) -> Space:
        """What the network emits."""
        ...

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Paint knob values ``[B, K]`` into observations ``[B, *observation_shape]``, float32.

        ``background`` (``[*observation_shape]`` or ``[B, *observation_shape]``) supplies what the knobs
        leave open; see :class:`State`.
        """
        ...

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Read knob values ``[B, K]`` back from observations; the inverse of ``encode``."""
        ...

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest valid values ``[B, K]``: every knob on its grid and rules among knobs kept."""
        ...

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """Which outputs are allowed in each observation ``[B, A]``; all true for a vector output."""
        ...

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Named physical reference observations, each ``[n, *observation_shape]`` with n >= 1."""
        ...

    def targets(self, state: State) -> Mapping[str, Target]:
        """Scalars of the system's own that may be explained (beside contrast, logit, probability)."""
        ...

    def rules(self) -> Mapping[str, Policy]:
        """Hand-written rules by name, to compare a network with."""
        ...

    def state_to_json(self, state: State) -> dict[str, Any]:
        """A state in the words of the domain, for files and links."""
        ...

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse; raises :class:`DnnExplainError` that says which field is wrong."""
        ...

    def describe(self, state: State) -> str:
        """The state in one plain sentence."""
        ...


def state_from_values(system: System, values: Mapping[str, float], base: State | None = None) -> State:
    """A state from knob values by name; knobs not named keep ``base``'s value, or their default."""
    names = [knob.name for knob in system.knobs]
    start = base.values if base is not None else np.array([knob.start for knob in system.knobs])
    row = np.array(start, dtype=np.float64)
    for name, value in values.items():
        if name not in names:
            raise Choice("knob", name, tuple(names)).error()
        position = names.index(name)
        row[position] = system.knobs[position].snap(value)
    background = None if base is None else base.background
    return State(system.repair(row[None])[0], background)


def state_from_observation(system: System, observation: NDArray[Any]) -> State:
    """The state that an episode's observation ``[*observation_shape]`` shows, kept to the bit."""
    return State(system.decode(observation[None])[0], observation)
