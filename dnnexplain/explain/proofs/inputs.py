"""A system's observation as a sum over choices of knobs: the first layer of a proof's program.

What each summand paints is read off ``System.encode``. Knobs that a system paints jointly
(:class:`~dnnexplain.contract.ChoicesOfKnobs`) are one choice among all their joint values; any other knob is a
straight line where its painting is one, else a choice among its grid's values.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import ChoicesOfKnobs, DnnExplainError, LooseCell, LooseCells, StateSet, System
from dnnexplain.contract.properties import Relation, steps_of
from dnnexplain.explain.proofs.program import Program

__all__ = ["Input", "Summand", "loose_cells", "paint", "spread", "summands"]

Floats = NDArray[np.float64]
_TOO_MANY = 4096
_CLOSE = 1e-5


@dataclass(frozen=True, eq=False)
class Summand:
    """What some knobs add to the observation.

    Attributes:
        knobs: their places.
        options: joint values ``[n, k]`` of a choice; of a straight line ``[[0]]``.
        cells: what each adds ``[n, cells]``; of a straight line what a unit of the knob adds ``[1, cells]``.
        straight: whether the knob's value times ``cells`` is added.
    """

    knobs: tuple[int, ...]
    options: Floats
    cells: Floats
    straight: bool = False


@dataclass(frozen=True, eq=False)
class Input:
    """A painted observation in a program.

    Attributes:
        forms: constant, then what each value adds ``[1 + V, cells]``.
        knobs: of each knob ``(constant, {value: weight})``.
        parts: each summand with the numbers of its values (none where it is fixed).
    """

    forms: Floats
    knobs: tuple[tuple[float, dict[int, float]], ...]
    parts: tuple[tuple[Summand, NDArray[np.int64]], ...]

    def read(self, values: Floats) -> Floats:
        """The knobs ``[K]`` that a solution shows."""
        return np.array([shift + sum(weight * values[item] for item, weight in of.items()) for shift, of in self.knobs])

    def write(self, rows: Floats, values: Floats) -> None:
        """Set the program's values ``[B, V]`` as knob rows ``[B, K]`` do; a row that no option has leaves NaN."""
        for part, numbers in self.parts:
            if not len(numbers):
                continue
            if part.straight:
                shift, of = self.knobs[part.knobs[0]]
                values[:, numbers[0]] = (rows[:, part.knobs[0]] - shift) / of[int(numbers[0])]
                continue
            same = np.asarray(np.abs(rows[:, None, part.knobs] - part.options[None]) < _CLOSE).all(axis=2)
            values[:, numbers] = np.where(np.any(same, axis=1)[:, None], same, np.nan)


def summands(system: System, states: StateSet, background: Any = None) -> tuple[Floats, list[Summand]]:
    """The constant ``[cells]`` and the summands of the observations of a set of states.

    Raises:
        DnnExplainError: the observation is no such sum, with the largest difference that was seen.
    """
    names = [knob.name for knob in system.knobs]
    base = _base(system, states)
    loose = loose_cells(system, states, background)
    places_of = {name: place for place, name in enumerate(names)}

    def cells(rows: Floats) -> Floats:
        seen = np.asarray(system.encode(rows, background), dtype=float).reshape(len(rows), -1)
        for item in loose:
            seen[:, item.cell] = sum(weight * rows[:, places_of[name]] for name, weight in item.weights.items())
        return seen

    ground = cells(base[None])[0]
    joint = system.joint_knobs if isinstance(system, ChoicesOfKnobs) else ()
    places = [tuple(names.index(name) for name in item) for item in joint]
    parts = []
    for knobs in places:
        options = _options(system, states, knobs)
        rows = np.repeat(base[None], len(options), axis=0)
        rows[:, knobs] = options
        parts.append(Summand(knobs, options, cells(rows) - ground))
    taken = {knob for knobs in places for knob in knobs}
    parts += [_alone(system, states, knob, cells, base, ground) for knob in range(len(names)) if knob not in taken]
    _check_sum(system, states, ground, parts, cells)
    return ground, parts


def _base(system: System, states: StateSet) -> Floats:
    """Where summands count from: where the set holds a knob fast, its value there, else its least.

    What knobs that are held fast paint together then belongs to the constant, and need not be a sum. Those of a joint
    choice count from their least all the same, as a knob may be in several of these.
    """
    joint = system.joint_knobs if isinstance(system, ChoicesOfKnobs) else ()
    shared = {name for item in joint for name in item}
    held = np.array([knob.name not in shared for knob in system.knobs]) & (states.low == states.high)
    return np.where(held, states.low, np.array([knob.low for knob in system.knobs], dtype=float))


def loose_cells(system: System, states: StateSet, background: Any) -> Sequence[LooseCell]:
    """Cells that knobs alone do not tell, in a set of states."""
    if not isinstance(system, LooseCells):
        return ()
    return system.loose_cells(states.low, states.high, background)


def _options(system: System, states: StateSet, knobs: tuple[int, ...]) -> Floats:
    """Joint values within the set's ranges that no relation among these knobs alone forbids."""
    grids = []
    for knob in knobs:
        grid = system.knobs[knob].grid()
        grids.append(grid[(grid >= states.low[knob] - 1e-9) & (grid <= states.high[knob] + 1e-9)])
    options = np.array(list(itertools.product(*grids)), dtype=float).reshape(-1, len(knobs))
    names = [system.knobs[knob].name for knob in knobs]
    for relation in states.relations:
        if set(relation.weights) <= set(names):
            total = options @ np.array([relation.weights.get(name, 0.0) for name in names])
            options = options[(total >= relation.low - 1e-9) & (total <= relation.high + 1e-9)]
    if states.centre is not None:
        away = np.abs(options - states.centre[list(knobs)]) / steps_of(system)[list(knobs)]
        options = options[away.sum(axis=1) <= states.within + 1e-9]
    if not len(options) or len(options) > _TOO_MANY:
        what = "no valid value in this set" if not len(options) else f"{len(options):,} joint values, too many"
        msg = f"{' and '.join(names)} have {what}" if len(names) > 1 else f"{names[0]} has {what}"
        raise DnnExplainError(msg)
    return options


def _alone(system: System, states: StateSet, knob: int, cells: Any, base: Floats, ground: Floats) -> Summand:
    """A knob's own summand: a straight line where three points lie on one and all its grid does, else a choice."""
    knobs = system.knobs[knob]
    if states.low[knob] == base[knob] == states.high[knob]:
        return Summand((knob,), base[[[knob]]], np.zeros((1, len(ground))))
    grid = knobs.grid(33)
    rows = np.repeat(base[None], len(grid), axis=0)
    rows[:, knob] = grid
    seen = cells(rows) - ground
    reach = max(knobs.high - knobs.low, 1e-12)
    slope = seen[-1] / (grid[-1] - knobs.low) if grid[-1] > knobs.low else np.zeros_like(ground)
    close = np.abs(seen - (grid - knobs.low)[:, None] * slope).max(initial=0.0) <= _CLOSE * max(
        1.0, np.abs(slope).max() * reach
    )
    if close:
        return Summand((knob,), np.zeros((1, 1)), slope[None], straight=True)
    if knobs.step is None:
        msg = f"{knobs.name} does not paint the observation along a straight line, so no program of this kind can speak of it"
        raise DnnExplainError(msg)
    options = _options(system, states, (knob,))
    picked = np.rint((options[:, 0] - knobs.low) / knobs.step).astype(int)
    return Summand(
        (knob,), options, seen[picked] if len(seen) > picked.max() else cells(_with(base, knob, options)) - ground
    )


def _with(base: Floats, knob: int, options: Floats) -> Floats:
    rows = np.repeat(base[None], len(options), axis=0)
    rows[:, knob] = options[:, 0]
    return rows


def _check_sum(system: System, states: StateSet, ground: Floats, parts: list[Summand], cells: Any) -> None:
    from dnnexplain.explain.proofs.draws import draw  # noqa: PLC0415 - which needs sets alone

    rows = draw(system, states, 64, np.random.default_rng(11))
    if not len(rows):
        return  # nothing could be drawn here; a certificate asks again
    total = np.repeat(ground[None], len(rows), axis=0)
    low = np.array([knob.low for knob in system.knobs])
    for part in parts:
        if part.straight:
            knob = part.knobs[0]
            total += (rows[:, [knob]] - low[knob]) * part.cells
            continue
        same = np.asarray(np.abs(rows[:, None, part.knobs] - part.options[None]) < _CLOSE).all(axis=2)
        total += same.astype(float) @ part.cells
    seen = cells(rows)
    worst = float(np.abs(total - seen).max(initial=0.0))
    if worst > 10 * _CLOSE * max(1.0, float(np.abs(seen).max(initial=0.0))):
        msg = (
            f"{system.name}'s observation is not a sum over its knobs (one state differs by {worst:.3g}); a system "
            "that paints knobs jointly says so by dnnexplain.contract.ChoicesOfKnobs"
        )
        raise DnnExplainError(msg)


def paint(
    program: Program,
    system: System,
    states: StateSet,
    ground: Floats,
    parts: list[Summand],
    first: Input | None = None,
    moved: int | None = None,
) -> Input:
    """Put an observation into a program.

    Args:
        program: gets the values.
        system, states: whose observation, in which states.
        ground, parts: of :func:`summands`.
        first: another observation, whose values this one shares but for the summands of ``moved``.
        moved: the place of the knob that may differ.
    """
    constant = ground.copy()
    knobs: list[tuple[float, dict[int, float]] | None] = [None] * len(system.knobs)
    columns: dict[int, Floats] = {}
    placed = []
    tied: dict[int, list[tuple[Summand, NDArray[np.int64]]]] = {}
    for at, given in enumerate(parts):
        shared = first is not None and moved not in given.knobs
        part, numbers = (
            first.parts[at] if shared and first is not None else (given, _values(program, system, states, given))
        )
        placed.append((part, numbers))
        constant += spread(system, states, part, numbers, columns)
        for column, knob in enumerate(part.knobs):
            if knobs[knob] is None:
                knobs[knob] = _knob(system, states, part, column, numbers)
            tied.setdefault(knob, []).append((part, numbers))
    for knob, several in tied.items():
        same = [] if first is None or knob == moved else [part for part in first.parts if knob in part[0].knobs][:1]
        for other in several if same else several[1:]:
            _agree(program, knob, (same or several)[0], other)
    forms = np.zeros((1 + len(program), len(ground)))
    forms[0] = constant
    for number, added in columns.items():
        forms[1 + number] = added
    made = Input(forms, tuple(knob for knob in knobs if knob is not None), tuple(placed))
    for relation in states.relations:
        relate(program, system, made, relation)
    if states.centre is not None and np.isfinite(states.within):
        _budget(program, system, states, made)
    return made


def _values(program: Program, system: System, states: StateSet, part: Summand) -> NDArray[np.int64]:
    if not part.straight:
        return program.choice(len(part.options)) if len(part.options) > 1 else np.zeros(0, dtype=np.int64)
    place = part.knobs[0]
    low, high, step = states.low[place], states.high[place], system.knobs[place].step
    if high <= low:
        return np.zeros(0, dtype=np.int64)
    if step is None:
        return np.array([program.value(low, high)])
    grid = system.knobs[place].grid()
    count = int(((grid >= low - 1e-9) & (grid <= high + 1e-9)).sum())
    return np.array([program.value(0, count - 1, integer=True)])


def spread(
    system: System, states: StateSet, part: Summand, numbers: NDArray[np.int64], columns: dict[int, Floats]
) -> Any:
    """Note what each value adds to the cells; what is added whatever the values."""
    if not part.straight:
        if not len(numbers):
            return part.cells[0]
        columns.update(zip(numbers.tolist(), part.cells, strict=True))
        return 0.0
    shift, of = _knob(system, states, part, 0, numbers)
    for number, weight in of.items():
        columns[number] = weight * part.cells[0]
    return (shift - system.knobs[part.knobs[0]].low) * part.cells[0]


def _knob(
    system: System, states: StateSet, part: Summand, column: int, numbers: NDArray[np.int64]
) -> tuple[float, dict[int, float]]:
    if not part.straight:
        if not len(numbers):
            return float(part.options[0, column]), {}
        return 0.0, dict(zip(numbers.tolist(), part.options[:, column].tolist(), strict=True))
    place = part.knobs[0]
    knob = system.knobs[place]
    if knob.step is None:
        return (0.0, {int(numbers[0]): 1.0}) if len(numbers) else (float(states.low[place]), {})
    grid = knob.grid()
    first = float(grid[grid >= states.low[place] - 1e-9][0])
    return (first, {int(numbers[0]): knob.step}) if len(numbers) else (first, {})


def _agree(
    program: Program, knob: int, summand: tuple[Summand, NDArray[np.int64]], two: tuple[Summand, NDArray[np.int64]]
) -> None:
    """Two choices that share a knob give it the same value: value by value, which is tight."""
    if summand[1] is two[1] or (not len(summand[1]) and not len(two[1])):
        return
    if summand[0].straight or two[0].straight:
        msg = "a knob that paints alone along a straight line is not part of a joint choice"
        raise DnnExplainError(msg)
    sides = [(part.options[:, part.knobs.index(knob)], numbers) for part, numbers in (summand, two)]
    for value in np.unique(np.concatenate([values for values, _ in sides])):
        columns: list[int] = []
        weights: list[float] = []
        fixed = 0.0
        for sign, (values, numbers) in zip((1.0, -1.0), sides, strict=True):
            if not len(numbers):
                fixed += sign * float(values[0] == value)
                continue
            chosen = numbers[values == value]
            columns += [program.columns[number] for number in chosen]
            weights += [sign] * len(chosen)
        program.row(-fixed, -fixed, columns, weights)


def relate(program: Program, system: System, made: Input, relation: Relation, minus: Input | None = None) -> None:
    """A relation among knobs as a row; of the difference to another observation's, if one is given."""
    names = [knob.name for knob in system.knobs]
    columns: list[int] = []
    weights: list[float] = []
    fixed = 0.0
    for source, sign in ((made, 1.0), (minus, -1.0)):
        if source is None:
            continue
        for name, factor in relation.weights.items():
            shift, of = source.knobs[names.index(name)]
            fixed += sign * factor * shift
            columns += [program.columns[number] for number in of]
            weights += [sign * factor * weight for weight in of.values()]
    program.row(relation.low - fixed, relation.high - fixed, columns, weights)


def _budget(program: Program, system: System, states: StateSet, made: Input) -> None:
    assert states.centre is not None
    total, sizes = [], steps_of(system)
    fixed = 0.0
    for place, (shift, of) in enumerate(made.knobs):
        centre = float(states.centre[place])
        if not of:
            fixed += abs(shift - centre) / sizes[place]
            continue
        away = program.column(0.0, np.inf)
        columns = [program.columns[number] for number in of]
        for sign in (1.0, -1.0):
            factors = [-sign * weight for weight in of.values()]
            program.row(sign * (shift - centre), np.inf, [away, *columns], [1.0, *factors])
        total.append((away, 1.0 / sizes[place]))
    if total:
        program.row(-np.inf, states.within - fixed, [item for item, _ in total], [weight for _, weight in total])
