"""What a :class:`~dnnexplain.systems.small.SmallSystem` is made of: beginnings, rules and features over knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, Space

__all__ = ["Beginning", "KnobFeatures", "KnobRule", "Values"]

Values = NDArray[np.float64]


class _Knobbed(Protocol):
    knobs: tuple[Knob, ...]

    @property
    def output(self) -> Space: ...

    def decode(self, observations: NDArray[Any]) -> Values: ...


@dataclass(frozen=True, eq=False)
class Beginning:
    """A workload: where an episode begins ``[K]``, and the seed of its chance."""

    values: Values
    seed: int


@dataclass(eq=False)
class KnobRule:
    """A hand-written rule: a function from knob values ``[B, K]`` to actions ``[B]``."""

    name: str
    system: _Knobbed
    act: Callable[[Values], NDArray[Any]]

    def outputs(self, observations: NDArray[Any]) -> Values:
        """1 for the action that the rule takes, 0 for the others ``[B, A]``."""
        actions = np.asarray(self.act(self.system.decode(observations)), dtype=np.int64)
        return np.eye(len(self.system.output.names))[actions]


@dataclass(frozen=True)
class KnobFeatures:
    """What distilled rules may speak of: the knobs, and the actions by name."""

    system: _Knobbed

    @property
    def names(self) -> tuple[str, ...]:
        """The knobs."""
        return tuple(knob.name for knob in self.system.knobs)

    @property
    def units(self) -> Mapping[str, str]:
        """Of each knob; a pure number is told beside its largest value, for without a unit it would be a yes or no."""
        return {knob.name: knob.unit or f"of {knob.high:g}" for knob in self.system.knobs}

    @property
    def moves(self) -> tuple[str, ...]:
        """The actions."""
        return self.system.output.names

    def __call__(self, observations: NDArray[Any]) -> Values:
        """Knob values ``[B, K]``."""
        return self.system.decode(observations)

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Each move is its own action ``[B, A]``."""
        count = len(self.system.output.names)
        return np.broadcast_to(np.arange(count), (len(observations), count))
