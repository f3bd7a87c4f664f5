"""What a :class:`~dnnexplain.systems.small.SmallSystem` is made of: beginnings, rules and features over knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, Space

__all__ = ["Beginning", "KnobFeatures", "KnobRule", "OwnChance", "Values"]

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


class OwnChance:
    """Steps of a batch of episodes, each with the chance of its own workload.

    As long as steps draw nothing, the whole batch goes at once; from the first that does, row by row.

    Args:
        step: the system's.
        seeds: of each workload's chance ``[W]``.
    """

    def __init__(self, step: Callable[..., tuple[Values, Values]], seeds: Sequence[int]) -> None:
        self._step = step
        self._streams = [np.random.default_rng(seed) for seed in seeds]
        self._drawn = False

    def step(self, values: Values, actions: NDArray[np.int64]) -> tuple[Values, Values]:
        """The next values ``[W, K]`` and what the step costs ``[W]``."""
        if not self._drawn:
            probe = np.random.default_rng(0)
            before = probe.bit_generator.state
            found = self._step(values, actions, probe)
            if probe.bit_generator.state == before:
                return found
            self._drawn = True
        rows = [
            self._step(values[row : row + 1], actions[row : row + 1], stream)
            for row, stream in enumerate(self._streams)
        ]
        after, cost = zip(*rows, strict=True)
        return np.concatenate(after), np.concatenate([np.atleast_1d(one) for one in cost])


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
