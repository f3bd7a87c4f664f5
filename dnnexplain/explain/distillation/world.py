"""What distillation asks of a system beside the contract: domain features, and the states a policy visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import EpisodeSystem, Policy

__all__ = ["Distillable", "Features"]


@runtime_checkable
class Features(Protocol):
    """Domain quantities of a state, in words.

    Attributes:
        names: ``"length of shortest placeable job"``, ...; ``F`` of them.
        units: the unit of each by name; empty for a yes or no (1 or 0).
    """

    names: tuple[str, ...]
    units: Mapping[str, str]

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, *observation_shape]``."""
        ...


@runtime_checkable
class Distillable(EpisodeSystem, Protocol):
    """A system whose policies can be told as rules."""

    @property
    def features(self) -> Features:
        """What rules may speak of."""
        ...

    def visit(
        self, policy: Policy, workloads: Sequence[Any], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every state that a policy meets: observations ``[N, *observation_shape]``, their workloads ``[N]``."""
        ...
