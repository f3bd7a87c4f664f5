"""What a policy does in a state: outputs, probabilities, the action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Decision, Discrete, DnnExplainError, NetworkPolicy, Policy, State, System
from dnnexplain.counts import counted

__all__ = [
    "decide",
    "decide_many",
    "decide_observed",
    "observe",
    "probabilities",
    "states_from_observations",
    "valid_of",
]


def observe(system: System, states: Sequence[State]) -> NDArray[np.float32]:
    """The observations of states ``[B, *observation_shape]``, float32; backgrounds kept where given."""
    if not states:
        return np.empty((0, *system.observation_shape), np.float32)
    values = np.stack([state.values for state in states])
    if values.shape[1] != len(system.knobs):
        msg = f"{system.name} has {counted(len(system.knobs), 'knob')}, the state has {values.shape[1]} values; was it another system's?"
        raise DnnExplainError(msg)
    observations = np.empty((len(states), *system.observation_shape), np.float32)
    plain = np.array([state.background is None for state in states])
    if plain.any():
        observations[plain] = system.encode(values[plain])
    if not plain.all():
        backgrounds = np.stack([state.background for state in states if state.background is not None])
        observations[~plain] = system.encode(values[~plain], backgrounds)
    return observations


def states_from_observations(system: System, observations: NDArray[Any]) -> list[State]:
    """States that give back observations ``[B, *observation_shape]``, such as those of an episode."""
    array = np.asarray(observations)
    if array.shape[1:] != system.observation_shape:
        msg = f"{system.name} observations have shape [B, *{system.observation_shape}], not {array.shape}"
        raise DnnExplainError(msg)
    return [State(row, seen) for row, seen in zip(system.decode(array), array, strict=True)]


def valid_of(system: System, policy: Policy, observations: NDArray[Any]) -> NDArray[np.bool_]:
    """The actions open to a policy ``[B, A]``: the system's valid ones, or all if the policy does not mask."""
    if getattr(policy, "masked", True):
        return np.asarray(system.valid_actions(observations), dtype=np.bool_)
    return np.ones((len(observations), len(system.output.names)), np.bool_)


def probabilities(policy: Policy, outputs: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The probabilities of actions ``[B, A]`` from raw outputs ``[B, A]``.

    A network's outputs are logits: softmax over the valid ones. A rule's are scores: it takes its
    best valid action with certainty.
    """
    if isinstance(policy, NetworkPolicy):
        return sampling.probabilities(outputs, valid)
    return np.eye(outputs.shape[1])[sampling.choose(outputs, valid)]


def decide_many(system: System, policy: Policy, states: Sequence[State]) -> list[Decision]:
    """What a policy does in each of many states, in one batch.

    Raises:
        DnnExplainError: the policy's outputs do not fit the system's, or are not finite.
    """
    return decide_observed(system, policy, states, observe(system, states))


def decide_observed(
    system: System, policy: Policy, states: Sequence[State], observations: NDArray[np.float32]
) -> list[Decision]:
    """The same for states whose observations ``[B, *observation_shape]`` are at hand."""
    outputs = np.asarray(policy.outputs(observations), dtype=np.float64)
    names = system.output.names
    if outputs.shape != (len(states), len(names)):
        msg = (
            f"policy {policy.name!r} gave outputs of shape {outputs.shape}, {system.name} expects "
            f"({len(states)}, {len(names)}): {', '.join(names[:8])}; was it made for other parameters?"
        )
        raise DnnExplainError(msg)
    space = system.output
    if not isinstance(space, Discrete):
        return _decide_vector(system, policy, states, observations, outputs)
    valid = valid_of(system, policy, observations)
    rows = zip(states, outputs, probabilities(policy, outputs, valid), valid, space.decide(outputs, valid), strict=True)
    return [Decision(s, row, share, ok, int(action)) for s, row, share, ok, action in rows]


def _decide_vector(
    system: System,
    policy: Policy,
    states: Sequence[State],
    observations: NDArray[np.float32],
    outputs: NDArray[np.float64],
) -> list[Decision]:
    """Decisions of a ``Box`` or a ``MultiBinary``: numbers that are set, or switches."""
    if not np.isfinite(outputs).all():
        msg = f"policy {policy.name!r} gave outputs that are not finite; are its weights or the state damaged?"
        raise DnnExplainError(msg)
    valid = valid_of(system, policy, observations)
    taken = system.output.decide(outputs, valid)
    if isinstance(policy, NetworkPolicy):
        likely = system.output.probabilities(outputs, valid)
    else:
        likely = taken.astype(np.float64) if taken.dtype == np.bool_ else None  # a rule is certain
    shares = [None] * len(states) if likely is None else list(likely)
    rows = zip(states, outputs, shares, valid, taken, strict=True)
    return [Decision(s, row, share, ok, None, action) for s, row, share, ok, action in rows]


def decide(system: System, policy: Policy, state: State) -> Decision:
    """What a policy, network or rule, does in one state."""
    return decide_many(system, policy, [state])[0]
