"""Properties of a policy as data: sets of valid states, and what must never be true of the outputs in them.

A property is a list of cases. A case names a set of states and rows over the outputs; it is *violated* in a state
where all rows are above zero. So "an empty slot is never ranked first" has one case for each slot: the states in
which it is empty, and the rows "its output minus that of another action". A case may speak of two states at once,
of which the second differs in one knob: so is "a longer job is never preferred" told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import Choice, DnnExplainError
from dnnexplain.contract.systems import System

__all__ = [
    "Case",
    "Change",
    "ChoicesOfKnobs",
    "Following",
    "LooseCell",
    "LooseCells",
    "Property",
    "PropertySource",
    "Relation",
    "StateSet",
    "ValidWithin",
    "chosen_over",
    "monotone_choice",
]

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Relation:
    """A linear relation among knobs: ``low <= sum(weights * values) <= high``."""

    weights: Mapping[str, float]
    low: float = -np.inf
    high: float = np.inf


@runtime_checkable
class ChoicesOfKnobs(System, Protocol):
    """A system that paints some knobs jointly, so that its observation is a sum over choices of knobs.

    The observation is a constant, plus a summand for each joint choice, plus one for each other knob alone. The
    summands are read off ``encode`` itself, and their sum is checked against it.
    """

    @property
    def joint_knobs(self) -> Sequence[tuple[str, ...]]:
        """Names of stepped knobs that paint together; a knob may be in several of them."""
        ...

    @property
    def relations(self) -> Sequence[Relation]:
        """What holds among the knobs of every valid state, beside bounds and grids."""
        ...

    def sure_actions(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which actions are valid in all states of a box, and which in some (or may be) ``[A]`` each."""
        ...


@runtime_checkable
class ValidWithin(Protocol):
    """A system that says in which parts of a set an action is valid: a proof about it looks at no other states."""

    def valid_within(
        self, action: int, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Boxes of knobs inside a box that hold all its states in which the action is valid; they may overlap."""
        ...


@dataclass(frozen=True, slots=True)
class LooseCell:
    """A cell of the observation that knobs alone do not tell: ``sum(weights * knobs)`` and something between two ends.

    Attributes:
        cell: its place in the flat observation.
        weights: of knobs, by name.
        least, most: what is added, in every valid state of a box, lies between them.
    """

    cell: int
    weights: Mapping[str, float]
    least: float
    most: float


@runtime_checkable
class LooseCells(System, Protocol):
    """A system whose observation is a sum over knobs but for some cells, of which it says how far they can be off.

    A proof takes such a cell for anything between its ends: it speaks of more observations than there are.
    """

    def loose_cells(
        self, low: NDArray[np.float64], high: NDArray[np.float64], background: NDArray[Any] | None
    ) -> Sequence[LooseCell]:
        """The cells, for all valid states of a box of knobs ``[K]`` painted around a background (or around any)."""
        ...

    @property
    def loose_words(self) -> str:
        """What is taken for anything within its bounds, in one sentence without a full stop."""
        ...


@dataclass(frozen=True, eq=False)
class StateSet:
    """Valid states within ranges of knobs, perhaps at most so many steps away from one.

    Attributes:
        low, high: inclusive ``[K]``.
        relations: that hold as well.
        centre: values ``[K]`` that the budget counts from, or ``None``.
        within: steps of the knobs' grids in all (of a continuous knob: hundredths of its range).
        only: of values ``[B, K]``, in which of them something holds that bounds and relations cannot tell ``[B]``. Witnesses
            are asked; a bound speaks of the states without it, of which these are a part.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    relations: tuple[Relation, ...] = ()
    centre: NDArray[np.float64] | None = None
    within: float = np.inf
    only: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None

    @classmethod
    def all_of(cls, system: System) -> StateSet:
        """All valid states of a system."""
        relations = tuple(system.relations) if isinstance(system, ChoicesOfKnobs) else ()
        low, high = (np.array([getattr(knob, end) for knob in system.knobs], dtype=float) for end in ("low", "high"))
        return cls(low, high, relations)

    def where(self, system: System, **ranges: Any) -> StateSet:
        """The part in which knobs lie in ranges, by name: ``where(system, **{"job 1 length": (0, 0)})``.

        Raises:
            DnnExplainError: there is no such knob, or no value is left.
        """
        names = [knob.name for knob in system.knobs]
        low, high = self.low.copy(), self.high.copy()
        for name, wanted in ranges.items():
            if name not in names:
                raise Choice("knob", name, tuple(names)).error()
            least, most = wanted if isinstance(wanted, tuple | list) else (wanted, wanted)
            place = names.index(name)
            low[place], high[place] = max(low[place], least), min(high[place], most)
            if low[place] > high[place]:
                msg = f"{name} cannot be from {least:g} to {most:g}: it goes from {self.low[place]:g} to {self.high[place]:g}"
                raise DnnExplainError(msg)
        return replace(self, low=low, high=high)

    def related(self, *relations: Relation) -> StateSet:
        """The part in which further relations hold."""
        return replace(self, relations=(*self.relations, *relations))

    def around(self, system: System, centre: NDArray[np.float64], within: float) -> StateSet:
        """The part at most ``within`` steps away from a state.

        Raises:
            DnnExplainError: the state itself is not in the set.
        """
        middle = np.asarray(centre, dtype=float)
        reach = within * steps_of(system)
        low, high = np.maximum(self.low, middle - reach), np.minimum(self.high, middle + reach)
        if (low > high + _SLACK).any():
            knob = system.knobs[int(np.argmax(low - high))]
            msg = f"{knob.name} is {middle[int(np.argmax(low - high))]:g} in this state, which lies outside the set asked about"
            raise DnnExplainError(msg)
        return replace(self, low=low, high=high, centre=middle, within=float(within))

    def holds(self, system: System, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the values ``[B, K]`` lie in the set ``[B]``; grids and the system's own repair are not asked."""
        inside: NDArray[np.bool_] = np.asarray(
            ((values >= self.low - _SLACK) & (values <= self.high + _SLACK)).all(axis=1)
        )
        if self.centre is not None:
            inside &= (np.abs(values - self.centre) / steps_of(system)).sum(axis=1) <= self.within + _SLACK
        names = [knob.name for knob in system.knobs]
        for relation in self.relations:
            total = sum(weight * values[:, names.index(name)] for name, weight in relation.weights.items())
            inside = inside & ((total >= relation.low - _SLACK) & (total <= relation.high + _SLACK))
        if self.only is not None and inside.any():
            inside[inside] = self.only(np.asarray(values)[inside])
        return np.asarray(inside)


def steps_of(system: System) -> NDArray[np.float64]:
    """What counts as one step of each knob ``[K]``: its grid's, or a hundredth of its range."""
    sizes = [(knob.high - knob.low) / 100 if knob.step is None else knob.step for knob in system.knobs]
    return np.array([size or 1.0 for size in sizes])


@dataclass(frozen=True, slots=True)
class Change:
    """How a second state differs from the first: one knob moves by ``low`` to ``high``, all else is equal."""

    knob: str
    low: float
    high: float


class Following(Protocol):
    """The state that a decision leads to, where it is known: what the second of two steps is asked in.

    The observation of that state is a sum over choices of the same knobs as that of the first, in all states of the case.
    """

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The knobs after the decision ``[B, K]``, by a formula, of any values ``[B, K]``."""
        ...

    def played(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of valid states, as the simulator itself gives it."""
        ...


@dataclass(frozen=True, eq=False)
class Case:
    """States in which all rows must not be above zero at once.

    Attributes:
        name: in words: ``"job 2 is an empty slot and is ranked first"``.
        states: the (first) state's.
        rows: weights of the outputs ``[r, A]``; of two states ``[r, 2A]``, the second state's after the first's.
        offset: added to the rows ``[r]``.
        change: of the second state, where it differs by one knob.
        then: where the second state is the one that a decision leads to.
    """

    name: str
    states: StateSet
    rows: NDArray[np.float64]
    offset: NDArray[np.float64]
    change: Change | None = None
    then: Following | None = None

    def margin(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The smallest row ``[B]`` of outputs ``[B, A]`` or ``[B, 2A]``: above zero where the case is violated."""
        return np.asarray((outputs @ self.rows.T + self.offset).min(axis=1))


@dataclass(frozen=True, eq=False)
class Property:
    """What must never happen, case by case.

    Attributes:
        name: ``"never-empty-slot"``.
        text: what is claimed, in a sentence of the domain.
        cases: none of which may be violated.
        assumed: what is taken for granted, a sentence each.
        decided: whether a case is violated by another *decision* (masks included) than ``kept``, not by rows alone.
        kept: the decision that must stay, where ``decided``.
    """

    name: str
    text: str
    cases: tuple[Case, ...]
    assumed: tuple[str, ...] = ()
    decided: bool = False
    kept: Any = None


@dataclass(frozen=True, slots=True)
class PropertySource:
    """A ready property of a system.

    Args:
        name: ``--property NAME``.
        about: what it claims, one sentence.
        make: ``module:function``: ``(system) -> Property``.
        parameters: handed to it by keyword.
    """

    name: str
    about: str
    make: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def chosen_over(count: int, action: int, others: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Rows ``[r, count]``: the action's output minus that of each other."""
    against = [item for item in range(count) if item != action] if others is None else list(others)
    rows = np.zeros((len(against), count))
    rows[:, action] = 1.0
    rows[np.arange(len(against)), against] -= 1.0
    return rows


def monotone_choice(
    states: StateSet, change: Change, count: int, actions: Sequence[int], texts: tuple[str, str]
) -> tuple[Case, ...]:
    """Cases of "once the knob has moved, no action is chosen that was not before".

    Args:
        states: the first state's.
        change: how the knob moves.
        count: outputs.
        actions: those that must not come to be chosen.
        texts: of a case, with ``{action}`` and ``{other}`` as numbers.

    Returns:
        One case for each action and each other that was ranked above it before.
    """
    cases = []
    for action in actions:
        after = np.hstack([np.zeros((count - 1, count)), chosen_over(count, action)])
        for other in range(count):
            if other == action:
                continue
            before = np.hstack([chosen_over(count, other, [action]), np.zeros((1, count))])
            name = texts[0].format(action=action, other=other) + texts[1]
            rows = np.vstack([before, after])
            cases.append(Case(name, states, rows, np.zeros(len(rows)), change))
    return tuple(cases)
