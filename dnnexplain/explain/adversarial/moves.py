"""What an attack may change, and what each change costs: movable knobs, weights, bounds, atoms.

An *atom* is what changes together: the knobs of one group (``job 2``) with all valid values that they
can take, or a single knob where a group has too many values to list. A change is a choice of atoms
and of one row of each; its cost is the sum over knobs of weight times the size of the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, State, System
from dnnexplain.explain.decisions.sweeps import kind_of, kinds

__all__ = ["Atom", "Moves", "make_moves"]

Floats = NDArray[np.float64]

ATOM_LIMIT = 100_000
"""A group with more values than this is taken apart into single knobs."""

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Atom:
    """Knobs that change together.

    Attributes:
        name: the group (``"job 2"``) or the knob.
        knobs: positions of the knobs.
        rows: their valid values other than the present ones ``[n, len(knobs)]``, cheapest first.
        cost: of each row, ascending ``[n]``.
    """

    name: str
    knobs: tuple[int, ...]
    rows: Floats
    cost: Floats

    def classes(self) -> list[tuple[float, slice]]:
        """Runs of rows of equal cost: ``(cost, rows)``."""
        starts = np.flatnonzero(np.r_[True, np.diff(self.cost) > ROUNDING]) if len(self.cost) else np.zeros(0, int)
        ends = [*starts[1:], len(self.cost)]
        return [(float(self.cost[a]), slice(int(a), int(b))) for a, b in zip(starts, ends, strict=True)]


@dataclass(frozen=True, eq=False)
class Moves:
    """The changes of a state that are allowed.

    Attributes:
        base: the state that is changed.
        movable: positions of the knobs that may move.
        weight: cost per unit of each knob ``[K]``.
        low, high: bounds of each knob ``[K]``; the present value is always allowed.
        atoms: see :class:`Atom`; none if nothing can change.
        refusal: why nothing can change, or an empty string.
        notes: what a reader must know, such as a continuous knob looked at on a grid.
    """

    base: State
    movable: tuple[int, ...]
    weight: Floats
    low: Floats
    high: Floats
    atoms: tuple[Atom, ...]
    refusal: str = ""
    notes: tuple[str, ...] = ()
    appearance: bool = False

    def cost(self, values: Floats) -> Floats:
        """Cost of states ``[B, K]``: the weighted sum of changes ``[B]``."""
        return np.asarray(np.abs(values - self.base.values) @ self.weight)

    def states(self, atom: Atom, rows: slice | NDArray[np.int64] = slice(None)) -> Floats:
        """The base with one atom changed ``[n, K]``."""
        chosen = atom.rows[rows]
        values = np.repeat(self.base.values[None], len(chosen), axis=0)
        values[:, list(atom.knobs)] = chosen
        return values

    def allowed(self, system: System, values: Floats) -> NDArray[np.bool_]:
        """Which states ``[B, K]`` are valid, within bounds, with nothing appearing or vanishing ``[B]``."""
        if not len(values):
            return np.zeros(0, dtype=np.bool_)
        fine = np.all(system.repair(values) == values, axis=1)
        moved = np.abs(values - self.base.values) > ROUNDING
        outside = (values < self.low - ROUNDING) | (values > self.high + ROUNDING)
        fine &= ~np.any(moved & outside, axis=1)
        still = np.ones(values.shape[1], dtype=np.bool_)
        still[list(self.movable)] = False
        fine &= ~np.any(moved & still, axis=1)
        if not self.appearance:
            fine &= _same_presence(system, values, self.base.values)
        return np.asarray(fine, dtype=np.bool_)


def make_moves(
    system: System,
    state: State,
    *,
    knobs: Sequence[str] | None = None,
    costs: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    appearance: bool = False,
) -> Moves:
    """What may change in a state.

    Args:
        system: the world.
        state: where the change starts.
        knobs: names of knobs (``"job 2 length"``), kinds (``"length"``) or groups (``"job 2"``) that may
            move; by default the kinds that several groups share (a scheduler's jobs), else every knob.
        costs: cost per unit by the same names; by default one step of a knob costs 1, and of a
            continuous knob a hundredth of its range.
        bounds: ``(low, high)`` by the same names, within the knob's own.
        appearance: whether a group may appear or vanish (a job come or go).

    Raises:
        DnnExplainError: an unknown name, a cost that is not positive, a bound that is no number.
    """
    shared = [position for places in kinds(system).values() for position in places]
    default = shared or list(range(len(system.knobs)))
    movable = sorted(default if knobs is None else {i for name in knobs for i in _positions(system, name)})
    weight = np.array([_unit_cost(knob.step, knob.low, knob.high) for knob in system.knobs])
    low = np.array([knob.low for knob in system.knobs])
    high = np.array([knob.high for knob in system.knobs])
    for name, value in (costs or {}).items():
        if not (np.isfinite(value) and value > 0):
            msg = f"the cost of {name!r} must be a positive number per unit, not {value!r}; to forbid a change leave the knob out"
            raise DnnExplainError(msg)
        weight[_positions(system, name)] = value
    for name, (least, most) in (bounds or {}).items():
        if not (np.isfinite(least) and np.isfinite(most)):
            msg = f"the bounds of {name!r} must be two numbers, not {least!r} and {most!r}"
            raise DnnExplainError(msg)
        places = _positions(system, name)
        low[places] = np.maximum(low[places], least)
        high[places] = np.minimum(high[places], most)
    empty = Moves(state, tuple(movable), weight, low, high, (), appearance=appearance)
    for name, (least, most) in (bounds or {}).items():
        own = [system.knobs[place] for place in _positions(system, name)]
        if least > most or all(least > knob.high or most < knob.low for knob in own):
            why = "the lower bound is above the upper one" if least > most else "they lie outside its own range"
            return _refused(
                empty, f"The bounds {least:g} to {most:g} leave {name!r} no value, so nothing was searched; {why}."
            )
    if not movable:
        return _refused(empty, "No knob may move, so no change is possible; name at least one knob.")
    atoms = tuple(atom for atom in _atoms(system, empty) if len(atom.rows))
    if not atoms:
        return _refused(empty, _why_empty(system, empty))
    return Moves(state, tuple(movable), weight, low, high, atoms, "", _notes(system, movable), appearance)


def _refused(moves: Moves, why: str) -> Moves:
    return Moves(moves.base, moves.movable, moves.weight, moves.low, moves.high, (), why, (), moves.appearance)


def _unit_cost(step: float | None, low: float, high: float) -> float:
    if step is not None:
        return 1.0 / step
    return 100.0 / (high - low) if high > low else 1.0


def _positions(system: System, name: str) -> list[int]:
    positions = [i for i, knob in enumerate(system.knobs) if name in {knob.name, knob.group, kind_of(knob)}]
    if not positions:
        known = tuple(
            dict.fromkeys([*kinds(system), *(k.group for k in system.knobs), *(k.name for k in system.knobs)])
        )
        raise Choice("knob, kind of knob or group", name, tuple(item for item in known if item)).error()
    return positions


def _grid(system: System, moves: Moves, position: int) -> Floats:
    """The values of a knob within the bounds asked for, and its present one."""
    values = system.knobs[position].grid()
    inside = values[(values >= moves.low[position] - ROUNDING) & (values <= moves.high[position] + ROUNDING)]
    return np.union1d(inside, [moves.base.values[position]])


def _atoms(system: System, moves: Moves) -> list[Atom]:
    groups: dict[str, list[int]] = {}
    for position in moves.movable:
        knob = system.knobs[position]
        groups.setdefault(knob.group or knob.name, []).append(position)
    atoms = []
    for name, places in groups.items():
        grids = [_grid(system, moves, place) for place in places]
        if np.prod([float(len(grid)) for grid in grids]) <= ATOM_LIMIT:
            atoms.append(_atom(system, moves, name, places, grids))
        else:
            for place, grid in zip(places, grids, strict=True):
                atoms.append(_atom(system, moves, system.knobs[place].name, [place], [grid]))
    return atoms


def _atom(system: System, moves: Moves, name: str, places: list[int], grids: list[Floats]) -> Atom:
    rows = np.array(list(product(*grids)))
    values = np.repeat(moves.base.values[None], len(rows), axis=0)
    values[:, places] = rows
    cost = moves.cost(values)
    keep = np.flatnonzero(moves.allowed(system, values) & (cost > ROUNDING))
    order = keep[np.argsort(np.round(cost[keep], 9), kind="stable")]
    return Atom(name, tuple(places), rows[order], cost[order])


def _same_presence(system: System, values: Floats, base: Floats) -> NDArray[np.bool_]:
    """Whether every group of several knobs is there (any knob above its lowest) exactly if it was before ``[B]``."""
    lowest = np.array([knob.low for knob in system.knobs])
    groups: dict[str, list[int]] = {}
    for position, knob in enumerate(system.knobs):
        if knob.group:
            groups.setdefault(knob.group, []).append(position)
    same = np.ones(len(values), dtype=np.bool_)
    above, was = values > lowest, base > lowest
    for places in groups.values():
        if len(places) > 1:
            same &= above[:, places].any(axis=1) == was[places].any()
    return same


def _why_empty(system: System, moves: Moves) -> str:
    empty = [system.knobs[i].name for i in moves.movable if moves.low[i] > moves.high[i]]
    if empty:
        return (
            f"The bounds leave {empty[0]} no value, so no change is possible; the lower bound is above the upper one."
        )
    if all(len(_grid(system, moves, i)) == 1 for i in moves.movable):
        return "The bounds leave every movable knob only its present value, so no change is possible; widen them."
    return (
        "None of the movable knobs can change without making something appear or vanish, so no change is "
        "possible; the state may be empty. Allow appearance, or choose another state."
    )


def _notes(system: System, movable: Sequence[int]) -> tuple[str, ...]:
    smooth = [system.knobs[i].name for i in movable if system.knobs[i].step is None]
    if not smooth:
        return ()
    first = smooth[0][:1].upper() + smooth[0][1:]
    if len(smooth) == 1:
        return (f"{first} can take any value; it was looked at on a grid of 101.",)
    return (f"{first} and {len(smooth) - 1} more can take any value; they were looked at on a grid of 101 each.",)
