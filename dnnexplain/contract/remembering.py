"""Policies whose decisions depend on what they saw before in the same episode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.systems import Policy

__all__ = ["Course", "Remembering", "in_episodes"]


class Course(ABC):
    """A policy in the course of ``E`` episodes that began together; every call of ``outputs`` is one decision in each that is asked for.

    Attributes:
        name, masked: of the policy.
        settles: asked about one state on end, it decides alike for ever after so many decisions.
    """

    name: str
    masked: bool
    settles: int

    @abstractmethod
    def outputs(
        self, observations: NDArray[Any], rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]`` for observations ``[B, *observation_shape]`` of the episodes ``rows`` ``[B]``, all if not given.

        With ``keep`` false nothing is remembered of it: what it would say.
        """


@runtime_checkable
class Remembering(Policy, Protocol):
    """A policy with a memory. Asked by ``outputs`` alone, it takes every state for the first of an episode.

    Whoever runs episodes asks by :func:`in_episodes`.
    """

    def begin(self, episodes: int) -> Course:
        """Its course of so many episodes, with nothing remembered yet."""
        ...


@dataclass(eq=False)
class _Alike(Course):
    """A policy without a memory, asked as one with it."""

    policy: Policy
    name: str
    masked: bool
    settles: int = 0

    def outputs(
        self, observations: NDArray[Any], rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        del rows, keep
        return self.policy.outputs(observations)


def in_episodes(policy: Policy, episodes: int) -> Course:
    """How to ask a policy in the course of so many episodes, whether it has a memory or none."""
    if isinstance(policy, Remembering):
        return policy.begin(episodes)
    return _Alike(policy, policy.name, bool(getattr(policy, "masked", True)))
