"""Which states a set holds, group of knobs by group: lists of joint values, and ranges along straight lines.

Knobs that paint together, or are tied by a relation among them alone, are one group, whose joint values are listed.
The largest value of any sum over knobs is then the sum of each group's largest: no relaxation is needed for it. A
relation across groups, and a budget of steps, stay as rows, which a bound prices (see ``dual_kernels``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, LooseCell, StateSet, System
from dnnexplain.contract.properties import Case, steps_of
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.inputs import Summand

__all__ = ["GroupArrays", "GroupedInput", "grouped"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST = 60_000
_SAME = 1e-6


class GroupArrays(NamedTuple):
    """Groups as kernels read them; a second state's moved knob is one more knob, after all others.

    Attributes:
        start: of each list's options ``[G + 1]``.
        places: knobs of each list ``[G, k]``, -1 for none.
        options: joint values ``[N, k]``.
        numbers: values of the program that an option sets to 1 ``[N, p]``, -1 for none.
        line_place, line_number: knobs along straight lines, and the values that equal them ``[I]``.
        weights, most: relations across groups: ``weights @ knobs <= most`` ``[R, E]`` and ``[R]``.
        centre, price: of a budget: ``sum(price * |knobs - centre|) <= most_steps`` ``[E]``.
        budget: most steps ``[1]``, infinite without a budget.
    """

    start: Ints
    places: Ints
    options: Floats
    numbers: Ints
    line_place: Ints
    line_number: Ints
    weights: Floats
    most: Floats
    centre: Floats
    price: Floats
    budget: Floats


@dataclass(frozen=True, eq=False)
class GroupedInput:
    """The observations of a set of states (or of pairs of them) as sums over groups.

    Attributes:
        arrays: the groups.
        forms: of each state's observation: constant, then what each value adds ``[1 + V, cells]``.
        low, high: of all knobs, then of the second state's moved one, then of free cells ``[E]``.
        knobs_of_one: knobs of a state.
        moved: its place among the knobs, or -1.
        parts: each summand with the first number of its values and its knobs' places, the moved one's last.
    """

    arrays: GroupArrays
    forms: tuple[Floats, ...]
    low: Floats
    high: Floats
    knobs_of_one: int
    moved: int
    parts: tuple[tuple[Summand, int, tuple[int, ...]], ...]

    @property
    def count(self) -> int:
        """Values."""
        return len(self.forms[0]) - 1

    def rows(self, knobs: Floats) -> Floats:
        """Knobs ``[B, E]`` as states ``[B, K]`` or pairs ``[B, 2K]``."""
        first = knobs[:, : self.knobs_of_one]
        if self.moved < 0:
            return first
        second = first.copy()
        second[:, self.moved] = knobs[:, self.knobs_of_one]
        return np.hstack([first, second])

    def write(self, rows: Floats, cells: Floats) -> Floats:
        """The values ``[B, V]`` of states or pairs, whose (first) observation is ``cells`` ``[B, cells]``.

        NaN where no option is the row's; what the knobs leave of a loose cell is its value.
        """
        half = self.knobs_of_one
        knobs = rows if self.moved < 0 else np.hstack([rows[:, :half], rows[:, [half + self.moved]]])
        values = np.zeros((len(knobs), self.count))
        for part, first, places in self.parts:
            if part.straight and part.knobs:
                values[:, first] = knobs[:, places[0]]
            elif not part.straight:
                same = np.asarray(np.abs(knobs[:, None, list(places)] - part.options[None]) < _SAME).all(axis=2)
                values[:, first : first + len(part.options)] = np.where(np.any(same, axis=1)[:, None], same, np.nan)
        written = self.forms[0][0] + values @ self.forms[0][1:]
        for part, first, places in self.parts:
            if not part.knobs:
                cell = int(np.argmax(part.cells[0]))
                left = cells[:, cell] - written[:, cell]
                slack = 1e-5 * np.maximum(1.0, np.abs(cells[:, cell]))
                inside = (left >= self.low[places[0]] - slack) & (left <= self.high[places[0]] + slack)
                values[:, first] = np.where(inside, left, np.nan)
        return values


def grouped(
    system: System,
    states: StateSet,
    ground: Floats,
    parts: Sequence[Summand],
    case: Case | None = None,
    second: tuple[StateSet, Floats, Sequence[Summand]] | None = None,
    loose: Sequence[LooseCell] = (),
    after: tuple[Floats, Sequence[Summand]] | None = None,
) -> GroupedInput:
    """Observations of a set of states as sums over groups.

    Args:
        system, states: whose, in which.
        ground, parts: of :func:`~dnnexplain.explain.proofs.inputs.summands`.
        case: where it speaks of two states.
        second: the second state's set, constant and summands.
        loose: cells that have room beside what the knobs say.
        after: constant and summands of the observation that follows, where a case speaks of two steps.

    Raises:
        DnnExplainError: a group has too many joint values to be listed.
    """
    count = len(system.knobs)
    moved = -1
    low, high = states.low, states.high
    ties = [(dict(item.weights), item.low, item.high) for item in states.relations]
    named = {knob.name: place for place, knob in enumerate(system.knobs)}
    if case is not None and case.change is not None and second is not None:
        moved = named[case.change.knob]
        low, high = np.append(low, second[0].low[moved]), np.append(high, second[0].high[moved])
        named["second"] = count
        ties.append(({"second": 1.0, case.change.knob: -1.0}, case.change.low, case.change.high))
        for relation in second[0].relations:
            if case.change.knob in relation.weights:
                weights = {
                    "second" if name == case.change.knob else name: weight for name, weight in relation.weights.items()
                }
                ties.append((weights, relation.low, relation.high))
    low, high = np.append(low, [item.least for item in loose]), np.append(high, [item.most for item in loose])
    laid: list[tuple[Summand, int, tuple[int, ...]]] = []
    columns: list[Floats] = []
    owners: list[int] = []

    def lay(part: Summand, places: tuple[int, ...], owner: int) -> None:
        laid.append((part, len(columns), places))
        columns.extend(part.cells)
        owners.extend([owner] * len(part.cells))

    for part in parts:
        lay(part, part.knobs, 0 if moved in part.knobs else -1)
    if second is not None:
        for part in second[2]:
            if moved in part.knobs:
                lay(part, tuple(count if place == moved else place for place in part.knobs), 1)
    for at, cell in enumerate(loose):
        unit = np.eye(1, len(ground), cell.cell)
        lay(Summand((), np.zeros((1, 1)), unit, straight=True), (count + (moved >= 0) + at,), -1)
    table, owner = np.array(columns).reshape(len(columns), len(ground)), np.array(owners)
    forms = []
    for side in range(1 if second is None else 2):
        seen = np.where((owner == 1 - side)[:, None], 0.0, table)
        constant = (ground if not side or second is None else second[1]).copy()
        for part, first, _ in laid:
            if part.straight and part.knobs:
                constant = constant - system.knobs[part.knobs[0]].low * seen[first]
        forms.append(np.vstack([constant[None], seen]))
    if after is not None:
        forms.append(
            _form(system, after[0], [(part, *item[1:]) for part, item in zip(after[1], laid, strict=True)], len(table))
        )
    rows = [
        (np.array([named[name] for name in ty]), np.array(list(ty.values())), least, most) for ty, least, most in ties
    ]
    arrays = _arrays(system, laid, rows, low, high, states)
    low, high = _shrunk(arrays, low, high)
    return GroupedInput(arrays, tuple(forms), low, high, count, moved, tuple(laid))


def _form(system: System, ground: Floats, laid: Sequence[tuple[Summand, int, tuple[int, ...]]], count: int) -> Floats:
    """Constant, and what each of ``count`` values adds to the cells ``[1 + V, cells]``."""
    made = np.zeros((1 + count, len(ground)))
    made[0] = ground
    for part, first, _ in laid:
        made[1 + first : 1 + first + len(part.cells)] = part.cells
        if part.straight and part.knobs:
            made[0] -= system.knobs[part.knobs[0]].low * part.cells[0]
    return made


def _shrunk(arrays: GroupArrays, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The box that the listed values span."""
    low, high = low.copy(), high.copy()
    for at, places in enumerate(arrays.places):
        options = arrays.options[arrays.start[at] : arrays.start[at + 1]]
        for column, place in enumerate(places):
            if place >= 0 and len(options):
                low[place] = max(low[place], options[:, column].min())
                high[place] = min(high[place], options[:, column].max())
    return low, high


def _arrays(
    system: System,
    laid: Sequence[tuple[Summand, int, tuple[int, ...]]],
    ties: Sequence[tuple[Ints, Floats, float, float]],
    low: Floats,
    high: Floats,
    states: StateSet,
) -> GroupArrays:
    centre, price = np.zeros(len(low)), np.zeros(len(low))
    budget = np.inf
    if states.centre is not None and np.isfinite(states.within):
        size = len(states.centre)
        centre[:size], price[:size], budget = states.centre, 1.0 / steps_of(system), states.within
    lists = _joined([entry for entry in laid if not entry[0].straight])
    arrays = []
    across = list(ties)
    for members in lists:
        places, options, numbers = _options(members, ties)
        inside = [tie for tie in across if set(tie[0]) <= set(places)]
        across = [tie for tie in across if not set(tie[0]) <= set(places)]
        for tie in inside:
            options, numbers = _kept(places, options, numbers, tie)
        keep = ((options >= low[places] - 1e-9) & (options <= high[places] + 1e-9)).all(axis=1)
        keep &= (np.abs(options - centre[places]) * price[places]).sum(axis=1) <= budget + 1e-9
        arrays.append((places, options[keep], numbers[keep]))
    wide, deep = (max((entry[at].shape[1] for entry in arrays), default=1) for at in (1, 2))
    start = np.concatenate([[0], np.cumsum([len(entry[1]) for entry in arrays])]).astype(np.int64)

    def stacked(at: int, width: int, empty: float) -> Floats:
        rows = [np.pad(entry[at], ((0, 0), (0, width - entry[at].shape[1])), constant_values=empty) for entry in arrays]
        return np.concatenate(rows) if rows else np.zeros((0, width))

    places = np.full((len(arrays), wide), -1, dtype=np.int64)
    for at, item in enumerate(arrays):
        places[at, : len(item[0])] = item[0]
    lines = [(number, place[0]) for part, number, place in laid if part.straight]
    weights, most = _rows(across, len(low))
    return GroupArrays(
        start, places, stacked(1, wide, 0.0), stacked(2, deep, -1).astype(np.int64),
        np.array([place for _, place in lines], dtype=np.int64), np.array([number for number, _ in lines], dtype=np.int64),
        weights, most, centre, price, np.array([budget]),
    )  # fmt: skip


def _rows(ties: Sequence[tuple[Ints, Floats, float, float]], width: int) -> tuple[Floats, Floats]:
    weights, most = [], []
    for places, factors, least, largest in ties:
        row = np.zeros(width)
        np.add.at(row, places, factors)
        for sign, end in ((1.0, largest), (-1.0, -least)):
            if np.isfinite(end):
                weights.append(sign * row)
                most.append(end)
    return np.array(weights).reshape(len(weights), width), np.array(most)


def _joined(
    laid: Sequence[tuple[Summand, int, tuple[int, ...]]],
) -> list[list[tuple[Summand, int, tuple[int, ...]]]]:
    """Summands that share knobs, together."""
    groups: list[list[tuple[Summand, int, tuple[int, ...]]]] = []
    for item in laid:
        near = [group for group in groups if any(set(item[2]) & set(other[2]) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([item, *(other for group in near for other in group)])
    return [sorted(group, key=lambda entry: entry[1]) for group in groups]


def _options(
    members: Sequence[tuple[Summand, int, tuple[int, ...]]], ties: Sequence[tuple[Ints, Floats, float, float]]
) -> tuple[Ints, Floats, Ints]:
    """Joint values of summands that share knobs, and each one's numbers."""
    part, first, knobs = members[0]
    places = list(knobs)
    options, numbers = part.options, first + np.arange(len(part.options))[:, None]
    for part, first, knobs in members[1:]:
        shared = [place for place in knobs if place in places]
        new = [at for at, place in enumerate(knobs) if place not in places]
        if len(options) * len(part.options) > 40 * _MOST:
            msg = "a group of knobs has too many joint values to be listed"
            raise DnnExplainError(msg)
        mine = options[:, [places.index(place) for place in shared]]
        other = part.options[:, [knobs.index(place) for place in shared]]
        left, right = np.nonzero((np.abs(mine[:, None] - other[None]) < _SAME).all(axis=2))
        options = np.hstack([options[left], part.options[right][:, new]])
        numbers = np.hstack([numbers[left], first + right[:, None]])
        places += [knobs[at] for at in new]
        for tie in ties:
            if set(tie[0]) <= set(places):
                options, numbers = _kept(np.array(places), options, numbers, tie)
        if len(options) > _MOST:
            msg = f"a group of knobs has {counted(len(options), 'joint value')}, too many to be listed"
            raise DnnExplainError(msg)
    return np.array(places), options, numbers


def _kept(places: Ints, options: Floats, numbers: Ints, tie: tuple[Ints, Floats, float, float]) -> tuple[Floats, Ints]:
    where = [int(np.flatnonzero(places == place)[0]) for place in tie[0]]
    total = options[:, where] @ tie[1]
    keep = (total >= tie[2] - 1e-9) & (total <= tie[3] + 1e-9)
    return options[keep], numbers[keep]
