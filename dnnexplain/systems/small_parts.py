"""What a :class:`~dnnexplain.systems.small.SmallSystem` is made of: beginnings, rules and features over knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, Choice, Discrete, DnnExplainError, Knob, MultiBinary, Space

__all__ = [
    "MOST_SWITCHES",
    "Beginning",
    "KnobFeatures",
    "KnobRule",
    "OwnChance",
    "Values",
    "check_counts",
    "constant_actions",
    "history",
    "possible",
    "pushed",
    "tried_actions",
]

Values = NDArray[np.float64]

MOST_SWITCHES = 6
"""Of up to so many switches a look-ahead tries every set."""


def history(
    name: str, count: int, unit: str = "", low: float = 0.0, high: float = 1.0, **rest: Any
) -> tuple[Knob, ...]:
    """The last ``count`` values of a quantity as knobs, oldest first: ``"throughput -3"``, ..., ``"throughput -1"``.

    For example ``knobs = (*history("throughput", 8, "Mb/s", 0, 10), Knob("buffer", "s", 0, 60))``. They are one group.
    """
    return tuple(Knob(f"{name} -{age}", unit, low, high, group=name, **rest) for age in range(count, 0, -1))


def pushed(knobs: Sequence[Knob], values: Values, name: str, newest: NDArray[Any]) -> Values:
    """Values ``[B, K]`` in which a history has moved on by one: the oldest is gone, ``newest [B]`` is the last.

    Raises:
        DnnExplainError: no history of that name.
    """
    places = [index for index, knob in enumerate(knobs) if knob.group == name]
    if not places:
        known = tuple(dict.fromkeys(knob.group for knob in knobs if knob.group))
        raise Choice("history", name, known).error()
    moved = np.array(values, dtype=np.float64)
    moved[:, places[:-1]] = moved[:, places[1:]]
    moved[:, places[-1]] = newest
    return moved


def check_counts(whose: str, *, steps: Any, horizon: Any, levels: Any, frames: Any = 1) -> None:
    """Refuse an episode's steps, an oracle's decisions, levels or observations shown at a time that are no whole number, or too few or too many.

    Raises:
        DnnExplainError: with the name of the one that is wrong.
    """
    given = {"steps": (steps, 1, 10**9), "horizon": (horizon, 0, 10**9), "levels": (levels, 2, 4096)}
    given["frames"] = (frames, 1, 256)
    for name, (value, least, most) in given.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not least <= value <= most:
            msg = f"{name} of {whose} is a whole number from {least} to {most:,}, not {value!r}"
            raise DnnExplainError(msg)


def tried_actions(space: Space, levels: int) -> NDArray[Any]:
    """The actions that a look-ahead tries, in the space's form ``[C]`` or ``[C, A]``.

    All of a choice; all sets of up to six switches, else none, all, and each alone; ``levels`` values of a rate, of
    several rates all combinations of three values, or of more than three rates each at its ends with the others in the
    middle.
    """
    count = len(space.names)
    if isinstance(space, MultiBinary):
        if count <= MOST_SWITCHES:
            return np.asarray((np.arange(2**count)[:, None] >> np.arange(count)) % 2 == 1)
        return np.concatenate([np.zeros((1, count), bool), np.ones((1, count), bool), np.eye(count, dtype=bool)])
    if isinstance(space, Box):
        low, high = space.bounds
        if count > 3:
            middle = np.tile((low + high) / 2, (2 * count + 1, 1))
            middle[np.arange(count), np.arange(count)] = low
            middle[count + np.arange(count), np.arange(count)] = high
            return middle
        share = np.linspace(0.0, 1.0, levels if count == 1 else 3)
        grid = np.stack(np.meshgrid(*[share] * count, indexing="ij"), axis=-1).reshape(-1, count)
        return np.asarray(low + grid * (high - low))
    return np.arange(count)


def possible(space: Space, allowed: NDArray[np.bool_], actions: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the actions ``[C]`` or ``[C, A]`` may be taken in each state, ``allowed [B, A]``: ``[B, C]``."""
    if isinstance(space, Discrete):
        return np.asarray(allowed[:, actions])
    if isinstance(space, MultiBinary):
        return np.asarray(~np.any(actions[None] & ~allowed[:, None], axis=2))
    return np.broadcast_to(True, (len(allowed), len(actions)))  # noqa: FBT003


def constant_actions(space: Space) -> dict[str, Any]:
    """A few actions that never change, by name: each of a choice; ends and middle of rates; all switches off or on."""
    if isinstance(space, Box):
        low, high = space.bounds
        return {"always lowest": low, "always the middle": (low + high) / 2, "always highest": high}
    if isinstance(space, MultiBinary):
        count = len(space.names)
        return {"all off": np.zeros(count, bool), "all on": np.ones(count, bool)}
    return {f"always {name}": index for index, name in enumerate(space.names)}


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
            outcome = self._step(values, actions, probe)
            if probe.bit_generator.state == before:
                return outcome
            self._drawn = True
        rows = [
            self._step(values[row : row + 1], actions[row : row + 1], stream)
            for row, stream in enumerate(self._streams)
        ]
        after, cost = zip(*rows, strict=True)
        return np.concatenate(after), np.concatenate([np.atleast_1d(item) for item in cost])


@dataclass(eq=False)
class KnobRule:
    """A hand-written rule: a function from knob values ``[B, K]`` to actions in the space's form."""

    name: str
    system: _Knobbed
    act: Callable[[Values], NDArray[Any]]

    def outputs(self, observations: NDArray[Any]) -> Values:
        """Outputs from which the space decides as the rule does ``[B, A]``: 1 and 0 of a choice, the rates, the switches."""
        actions = np.asarray(self.act(self.system.decode(observations)))
        if isinstance(self.system.output, Discrete):
            return np.eye(len(self.system.output.names))[actions.astype(np.int64)]
        return self.system.output.as_outputs(actions)


@dataclass(frozen=True)
class KnobFeatures:
    """What distilled rules may speak of: the knobs that are not hidden, and the actions by name."""

    system: _Knobbed
    hidden: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The knobs that are seen."""
        return tuple(knob.name for knob in self._seen)

    @property
    def units(self) -> Mapping[str, str]:
        """Of each knob; a pure number is told beside its largest value, for without a unit it would be a yes or no."""
        return {knob.name: knob.unit or f"of {knob.high:g}" for knob in self._seen}

    @property
    def whole(self) -> tuple[str, ...]:
        """Those that are whole numbers."""
        return tuple(knob.name for knob in self._seen if knob.whole)

    @property
    def _seen(self) -> list[Knob]:
        return [knob for knob in self.system.knobs if knob.name not in self.hidden]

    @property
    def moves(self) -> tuple[str, ...]:
        """The actions."""
        return self.system.output.names

    def __call__(self, observations: NDArray[Any]) -> Values:
        """Values of the knobs that are seen ``[B, V]``."""
        seen = np.array([knob.name not in self.hidden for knob in self.system.knobs])
        return self.system.decode(observations)[:, seen]

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Each move is its own action ``[B, A]``."""
        count = len(self.system.output.names)
        return np.broadcast_to(np.arange(count), (len(observations), count))
