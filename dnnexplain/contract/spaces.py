"""What a policy may do: pick one of several actions, set numbers within bounds, or switch things on and off.

A space owns everything that differs between the three: how raw outputs become an action, when two actions
are the same, how likely one is, which actions there are to compare with, and how one is told. The names
are gymnasium's (``Discrete``, ``Box``, ``MultiBinary``), to whose spaces each converts. ``B`` is a batch,
``A`` the number of outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract.errors import DnnExplainError

if TYPE_CHECKING:
    import gymnasium

__all__ = ["Box", "Discrete", "MultiBinary", "Space", "stack_actions"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def checked_scores(outputs: NDArray[Any], valid: Mask | None, width: int | None = None) -> tuple[Floats, Mask]:
    """Outputs ``[B, A]`` as float64 and what is allowed ``[B, A]``, checked.

    Raises:
        DnnExplainError: shapes differ, or an allowed output is not finite.
    """
    scores = np.asarray(outputs, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] == 0 or scores.shape[1] != (width or scores.shape[1]):
        msg = f"outputs must be [B, {width or 'A'}], states by actions, not {list(scores.shape)}; one state is outputs[None]"
        raise DnnExplainError(msg)
    allowed = np.ones(scores.shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool)
    if allowed.shape != scores.shape:
        msg = f"valid must have the shape of outputs, {list(scores.shape)}, not {list(allowed.shape)}"
        raise DnnExplainError(msg)
    if not np.isfinite(scores[allowed]).all():
        row = int(np.flatnonzero((allowed & ~np.isfinite(scores)).any(axis=1))[0])
        msg = f"the outputs in state {row} are not finite; the network's weights or its input hold NaN or overflow"
        raise DnnExplainError(msg)
    return scores, allowed


def masked_scores(outputs: NDArray[Any], valid: Mask | None, width: int | None = None) -> Floats:
    """Scores of actions ``[B, A]`` with minus infinity for what is not allowed; some action of each row is.

    Raises:
        DnnExplainError: as :func:`checked_scores`, or a row allows nothing.
    """
    scores, allowed = checked_scores(outputs, valid, width)
    if not allowed.any(axis=1).all():
        row = int(np.flatnonzero(~allowed.any(axis=1))[0])
        msg = f"state {row} allows no action at all; a system must leave at least one valid (such as wait)"
        raise DnnExplainError(msg)
    return np.where(allowed, scores, -np.inf)


def softmax(scores: Floats) -> Floats:
    """Over rows ``[B, A]``; minus infinity becomes exactly 0."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def drawn(likely: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """One index per row of probabilities ``[B, A]``, by exactly one uniform number each."""
    cumulative = np.cumsum(likely, axis=1)
    place = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.asarray((cumulative > place[:, None]).argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class Space:
    """What all spaces share; use :class:`Discrete`, :class:`Box` or :class:`MultiBinary`.

    Args:
        names: of the actions, of the numbers, or of the switches ``[A]``.
        unit: of the numbers; empty elsewhere.
    """

    names: tuple[str, ...]
    unit: str = ""

    kind: ClassVar[str] = ""
    """The word by which files and pages call the space: ``choice``, ``values`` or ``switches``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            msg = f"{type(self).__name__} needs at least one name"
            raise DnnExplainError(msg)

    def index(self, name: str) -> int:
        """The position of an output by its name; commas that separate thousands in it may be left out."""
        if name in self.names:
            return self.names.index(name)
        plain = [known.replace(",", "") for known in self.names]
        try:
            return plain.index(name.replace(",", ""))
        except ValueError:
            known = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            msg = f"no output is called {name!r}; there are: {known}"
            raise DnnExplainError(msg) from None

    def decide(self, outputs: NDArray[Any], valid: Mask | None = None) -> NDArray[Any]:
        """The action of each row of raw outputs ``[B, A]``; ``valid [B, A]`` says what is allowed."""
        raise NotImplementedError

    def draw(self, outputs: NDArray[Any], valid: Mask | None, rng: np.random.Generator) -> NDArray[Any]:
        """An action per row, drawn where the space has probabilities; else as :meth:`decide`."""
        del rng
        return self.decide(outputs, valid)

    def probabilities(self, outputs: NDArray[Any], valid: Mask | None = None) -> Floats | None:
        """Of each action or of each switch being on ``[B, A]``; ``None`` where actions have none."""
        raise NotImplementedError

    def log_probability(self, outputs: NDArray[Any], actions: ArrayLike, valid: Mask | None = None) -> Floats | None:
        """The natural logarithm of the probability of given actions ``[B]``; ``None`` where they have none."""
        raise NotImplementedError

    def same(self, first: ArrayLike, other: ArrayLike) -> Mask:
        """Whether actions of two batches are the same decision ``[B]``."""
        raise NotImplementedError

    def alternatives(self, action: Any) -> list[Any]:
        """Other actions that an action is compared with, most telling first."""
        raise NotImplementedError

    def tell(self, action: Any) -> str:
        """An action in words."""
        raise NotImplementedError

    def act(self, action: Any) -> str:
        """What taking an action is called: ``pick job 1``, ``wait``, ``set rate 0.42``; it follows "would"."""
        return f"set {self.tell(action)}"

    def acts(self, action: Any) -> str:
        """As :meth:`act`, of someone who takes it: ``picks job 1``, ``waits``."""
        verb, *rest = self.act(action).split(" ", 1)
        return " ".join([f"{verb}es" if verb.endswith(("s", "x", "ch", "sh")) else f"{verb}s", *rest])

    def parse(self, text: str) -> Any:
        """The inverse of :meth:`tell`, for command lines."""
        raise NotImplementedError

    def as_outputs(self, actions: ArrayLike) -> Floats:
        """Raw outputs ``[B, A]`` of a rule that takes these actions: :meth:`decide` gives them back."""
        raise NotImplementedError

    def to_gymnasium(self) -> gymnasium.spaces.Space[Any]:
        """The same as a space of gymnasium."""
        raise NotImplementedError

    def _scores(self, outputs: NDArray[Any], valid: Mask | None) -> tuple[Floats, Mask]:
        """Checked outputs and mask ``[B, A]``."""
        return checked_scores(outputs, valid, len(self.names))


@dataclass(frozen=True)
class Discrete(Space):
    """One of ``A`` named actions; outputs are logits (of a rule: 1 for its action, 0 for the others). Actions: int ``[B]``.

    Args:
        names: of the actions.
        verbs: how an action is told that is something done, not something picked, by its name: ``{"wait": "wait"}``.
    """

    verbs: Mapping[str, str] = field(default_factory=dict, compare=False, kw_only=True)

    kind: ClassVar[str] = "choice"

    def decide(self, outputs: NDArray[Any], valid: Mask | None = None) -> NDArray[np.int64]:
        """The highest valid output; ties go to the lowest index ``[B]``."""
        return np.asarray(masked_scores(outputs, valid, len(self.names)).argmax(axis=1), dtype=np.int64)

    def draw(self, outputs: NDArray[Any], valid: Mask | None, rng: np.random.Generator) -> NDArray[np.int64]:
        """Drawn by probability, with exactly one uniform number per row ``[B]``."""
        return drawn(self.probabilities(outputs, valid), rng)

    def probabilities(self, outputs: NDArray[Any], valid: Mask | None = None) -> Floats:
        """Softmax over the valid outputs ``[B, A]``; an invalid one has exactly 0."""
        return softmax(masked_scores(outputs, valid, len(self.names)))

    def log_probability(self, outputs: NDArray[Any], actions: ArrayLike, valid: Mask | None = None) -> Floats:
        """Of given actions ``[B]``; minus infinity for an invalid one."""
        taken = np.asarray(actions, dtype=np.int64)
        scores = masked_scores(outputs, valid, len(self.names))
        top = scores.max(axis=1)
        total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
        return np.asarray(scores[np.arange(len(taken)), taken] - total, dtype=np.float64)

    def same(self, first: ArrayLike, other: ArrayLike) -> Mask:
        """Equal indices ``[B]``."""
        return np.asarray(np.asarray(first) == np.asarray(other))

    def alternatives(self, action: Any) -> list[int]:
        """Every other action, in order."""
        return [index for index in range(len(self.names)) if index != int(action)]

    def tell(self, action: Any) -> str:
        """The action's name."""
        return self.names[int(action)]

    def act(self, action: Any) -> str:
        """``pick`` and the name, or the action's own verb."""
        name = self.names[int(action)]
        return self.verbs.get(name) or f"pick {name}"

    def parse(self, text: str) -> int:
        """An action by its name or number."""
        return int(text) if text.isdecimal() and int(text) < len(self.names) else self.index(text)

    def as_outputs(self, actions: ArrayLike) -> Floats:
        """1 for the action, 0 for the others ``[B, A]``."""
        return np.eye(len(self.names))[np.asarray(actions, dtype=np.int64)]

    def to_gymnasium(self) -> gymnasium.spaces.Space[Any]:
        """``gymnasium.spaces.Discrete(A)``."""
        from gymnasium import spaces  # noqa: PLC0415 - only where it is asked for

        return spaces.Discrete(len(self.names))


@dataclass(frozen=True)
class Box(Space):
    """``A`` named numbers within bounds; outputs are the numbers themselves, cut off at the bounds. Actions: float ``[B, A]``.

    Args:
        low, high: one bound for all, or one for each ``[A]``.
        tolerance: two actions are another decision where a number differs by more than this, in the
            numbers' own unit; stated wherever decisions are compared. A twentieth of the range if not given.
    """

    low: float | tuple[float, ...] = 0.0
    high: float | tuple[float, ...] = 1.0
    tolerance: float | None = None

    kind: ClassVar[str] = "values"

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.bounds
        if low.shape != (len(self.names),) or high.shape != low.shape or not (low <= high).all():
            msg = f"the bounds of {len(self.names)} numbers must be one or {len(self.names)} with low <= high, not {self.low} and {self.high}"
            raise DnnExplainError(msg)
        if self.tolerance is not None and not self.tolerance >= 0:
            msg = f"the tolerance of a box is 0 or more, in the numbers' unit, not {self.tolerance}"
            raise DnnExplainError(msg)

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """The bounds ``[A]``, ``[A]``."""
        shape = (len(self.names),)
        low, high = np.asarray(self.low, dtype=np.float64), np.asarray(self.high, dtype=np.float64)
        return (
            np.broadcast_to(low, shape) if low.ndim == 0 else low,
            np.broadcast_to(high, shape) if high.ndim == 0 else high,
        )

    @cached_property
    def another(self) -> float:
        """By how much a number must differ for the decision to be another one."""
        if self.tolerance is not None:
            return self.tolerance
        low, high = self.bounds
        span = high - low
        finite = span[np.isfinite(span)]
        return float(finite.max()) / 20 if len(finite) else 1e-9

    def decide(self, outputs: NDArray[Any], valid: Mask | None = None) -> Floats:
        """The outputs, cut off at the bounds ``[B, A]``."""
        return np.clip(self._scores(outputs, valid)[0], *self.bounds)

    def probabilities(self, outputs: NDArray[Any], valid: Mask | None = None) -> None:
        """None: the numbers are set, not drawn."""

    def log_probability(self, outputs: NDArray[Any], actions: ArrayLike, valid: Mask | None = None) -> None:
        """None: the numbers are set, not drawn."""

    def same(self, first: ArrayLike, other: ArrayLike) -> Mask:
        """No number differs by more than :attr:`another` ``[B]``."""
        difference = np.abs(np.asarray(first, dtype=np.float64) - np.asarray(other, dtype=np.float64))
        return np.asarray((difference <= self.another * (1 + 1e-12)).all(axis=-1))

    def alternatives(self, action: Any) -> list[Floats]:
        """Lowest, highest, and the middle of the bounds, where they are another decision."""
        low, high = self.bounds
        return [other for other in (low, high, (low + high) / 2) if not self.same(action, other)]

    def tell(self, action: Any) -> str:
        """Each number with its name and unit: ``rate 0.42``."""
        unit = f" {self.unit}" if self.unit else ""
        shown = [f"{name} {value:.3g}{unit}" for name, value in zip(self.names[:6], np.ravel(action)[:6], strict=True)]
        more = len(self.names) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")

    def parse(self, text: str) -> Floats:
        """Numbers separated by commas, one for each name."""
        try:
            numbers = np.array([float(part) for part in text.split(",")])
        except ValueError:
            numbers = np.empty(0)
        if len(numbers) != len(self.names):
            msg = f"an action is {len(self.names)} numbers separated by commas ({', '.join(self.names[:6])}), not {text!r}"
            raise DnnExplainError(msg)
        return numbers

    def as_outputs(self, actions: ArrayLike) -> Floats:
        """The numbers themselves ``[B, A]``."""
        return np.asarray(actions, dtype=np.float64)

    def to_gymnasium(self) -> gymnasium.spaces.Space[Any]:
        """``gymnasium.spaces.Box`` with the same bounds."""
        from gymnasium import spaces  # noqa: PLC0415 - only where it is asked for

        low, high = self.bounds
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


@dataclass(frozen=True)
class MultiBinary(Space):
    """``A`` named switches; outputs are log-odds, a switch is on above 0 (of a rule: 1 on, -1 off). Actions: bool ``[B, A]``."""

    kind: ClassVar[str] = "switches"

    def decide(self, outputs: NDArray[Any], valid: Mask | None = None) -> Mask:
        """Which switches are on ``[B, A]``; one that is not valid stays off."""
        scores, allowed = self._scores(outputs, valid)
        return (scores > 0) & allowed

    def draw(self, outputs: NDArray[Any], valid: Mask | None, rng: np.random.Generator) -> Mask:
        """Each switch drawn by its own probability ``[B, A]``."""
        likely = self.probabilities(outputs, valid)
        return np.asarray(rng.random(likely.shape) < likely)

    def probabilities(self, outputs: NDArray[Any], valid: Mask | None = None) -> Floats:
        """Of each switch being on ``[B, A]``: the logistic function of its log-odds."""
        scores, allowed = self._scores(outputs, valid)
        return np.where(allowed, np.exp(-np.logaddexp(0.0, -scores)), 0.0)

    def log_probability(self, outputs: NDArray[Any], actions: ArrayLike, valid: Mask | None = None) -> Floats:
        """Of given sets, switches being independent ``[B]``."""
        scores, allowed = self._scores(outputs, valid)
        on = np.asarray(actions, dtype=bool)
        signed = np.where(on, scores, -scores)
        each = np.where(allowed, -np.logaddexp(0.0, -signed), np.where(on, -np.inf, 0.0))
        return np.asarray(each.sum(axis=1), dtype=np.float64)

    def same(self, first: ArrayLike, other: ArrayLike) -> Mask:
        """The same set ``[B]``."""
        return np.asarray((np.asarray(first, dtype=bool) == np.asarray(other, dtype=bool)).all(axis=-1))

    def alternatives(self, action: Any) -> list[Mask]:
        """One switch changed, each in turn; then all off and all on, where they are others."""
        now = np.asarray(action, dtype=bool)
        flipped = [now ^ row for row in np.eye(len(self.names), dtype=bool)]
        extremes = [np.zeros_like(now), np.ones_like(now)]
        return flipped + [row for row in extremes if not any((row == item).all() for item in [now, *flipped])]

    def tell(self, action: Any) -> str:
        """The switches that are on, by name; ``none`` or ``all`` where that is shorter."""
        on = [name for name, is_on in zip(self.names, np.asarray(action, dtype=bool), strict=True) if is_on]
        if not on:
            return "none"
        return (
            "all" if len(on) == len(self.names) and len(on) > 2 else " and ".join(on) if len(on) < 3 else ", ".join(on)
        )

    def parse(self, text: str) -> Mask:
        """Names separated by commas, ``none`` or ``all``."""
        word = text.strip()
        named = (
            []
            if word == "none"
            else list(self.names)
            if word == "all"
            else [item for part in word.split(",") for item in self._named(part.strip())]
        )
        on = np.zeros(len(self.names), dtype=bool)
        on[[self.index(name) for name in named]] = True
        return on

    def _named(self, part: str) -> list[str]:
        """One name, or two that are joined by ``and``."""
        return [part] if part in self.names else part.split(" and ")

    def as_outputs(self, actions: ArrayLike) -> Floats:
        """1 for on, -1 for off ``[B, A]``."""
        return np.where(np.asarray(actions, dtype=bool), 1.0, -1.0)

    def to_gymnasium(self) -> gymnasium.spaces.Space[Any]:
        """``gymnasium.spaces.MultiBinary(A)``."""
        from gymnasium import spaces  # noqa: PLC0415 - only where it is asked for

        return spaces.MultiBinary(len(self.names))


def stack_actions(actions: Sequence[Any]) -> NDArray[Any]:
    """Single actions as a batch, whatever the space."""
    return np.stack([np.asarray(action) for action in actions])
