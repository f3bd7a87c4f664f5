"""Sweeps of knobs: knobs of one kind, the states of a sweep, and what is done about empty groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, Knob, State, System, state_from_values
from dnnexplain.explain.decisions.knob_tables import kept, knob_groups, knob_places, knob_spans
from dnnexplain.numbers import number

__all__ = ["Others", "Sweep", "kind_of", "kinds", "knob_index", "knobs_of_kind", "product_rows", "sweep_rows"]


class Others(StrEnum):
    """What the knobs outside the swept knob's group are while it is swept."""

    AS_THEY_ARE = "as they are"
    EMPTY = "empty"


_BLOCK_NUMBERS = 1 << 20
"""Knob values that are compared at once; bounds memory."""

ROUNDING = 1e-6
"""Of a knob's range: what ``repair`` may change a value by without its being another one."""


def kind_of(knob: Knob) -> str:
    """The knob's name without its group: ``"length"`` of ``"job 2 length"`` in group ``"job 2"``.

    A number alone is no quantity: ``"throughput 3"`` in group ``"throughput"`` keeps its name.
    """
    rest = knob.name.removeprefix(f"{knob.group} ").removesuffix(f" {knob.group}") if knob.group else knob.name
    return knob.name if rest.strip().isdigit() or not rest.strip() else rest.strip()


def kinds(system: System) -> dict[str, tuple[int, ...]]:
    """Kinds of knobs that several groups share, with the positions of their knobs.

    ``{"length": (0, 3, 6), "cpu": (1, 4, 7), ...}``: the same quantity of several objects.
    """
    return dict(_kinds(system.knobs))


@kept
def _kinds(knobs: Sequence[Knob]) -> dict[str, tuple[int, ...]]:
    members: dict[str, list[int]] = {}
    for position, knob in enumerate(knobs):
        members.setdefault(kind_of(knob), []).append(position)
    return {kind: tuple(places) for kind, places in members.items() if len({knobs[i].group for i in places}) > 1}


def knob_index(system: System, name: str) -> int:
    """The position of a knob by its name."""
    places = knob_places(system.knobs)
    if name not in places:
        raise Choice("knob", name, tuple(places)).error()
    return places[name]


def knobs_of_kind(system: System, kind: str) -> tuple[str, ...]:
    """Names of all knobs of a kind (``"length"``), or the one knob of that name."""
    shared, places = kinds(system), knob_places(system.knobs)
    if kind in shared:
        return tuple(system.knobs[i].name for i in shared[kind])
    if kind in places:
        return (kind,)
    raise Choice("kind of knob", kind, (*shared, *places)).error()


@dataclass(frozen=True, eq=False)
class Sweep:
    """The observations of one or more sweeps, one after another in a batch.

    Attributes:
        knobs: positions of the swept knobs.
        grids: the values of each at which the state is valid.
        values: of all knobs in all states ``[B, K]``; sweep ``i`` has the rows ``starts[i]`` to ``starts[i + 1]``.
        observations: ``[B, *observation_shape]``.
        held: per sweep the values given to other knobs of the group because it was empty or by request.
        notes: per sweep a sentence on that, or an empty string.
        valid: of a product, which rows are valid as asked and not repaired ``[B]``.
    """

    knobs: tuple[int, ...]
    grids: tuple[NDArray[np.float64], ...]
    values: NDArray[np.float64]
    observations: NDArray[np.float32]
    starts: tuple[int, ...]
    held: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...]
    valid: NDArray[np.bool_] | None = None


def sweep_rows(
    system: System,
    knobs: Sequence[str],
    state: State | None,
    others: Others | str,
    held: Mapping[str, float] | None,
    points: int = 101,
) -> Sweep:
    """The states in which each knob takes all its values.

    Where a sweep would paint nothing (a job's length, while it asks for no CPU and no memory), the other
    knobs of the group that are at their lowest get their default, or the middle of their range if their
    default is the lowest, and the sweep's note says so. ``held`` sets them by hand, by name or kind.

    Values at which the state would not be valid as it is (a length of 0 for a job with demands) are left
    out; where fewer than two would remain, the states are repaired instead.
    """
    if not knobs:
        msg = "name at least one knob to sweep"
        raise DnnExplainError(msg)
    places = tuple(knob_index(system, name) for name in knobs)
    alike = knob_groups(system.knobs)
    grids = tuple(system.knobs[place].grid(points) for place in places)
    start = state if state is not None else state_from_values(system, {})
    mode = _others(others)
    background = start.background if mode is Others.AS_THEY_ARE else None
    base = np.stack([_base(system, start.values, place, mode, alike) for place in places])
    chosen = [_held(system, place, held) for place in places]
    for row, extra in zip(base, chosen, strict=True):
        row[list(extra)] = list(extra.values())
    automatic = [False] * len(places)
    companions = {} if held else {i: _companions(system, base[i], place, alike) for i, place in enumerate(places)}
    doubtful = [i for i, extra in companions.items() if extra and len(grids[i]) > 1]
    for i in _blank(system, base, places, grids, doubtful, background):
        base[i, list(companions[i])] = list(companions[i].values())
        chosen[i], automatic[i] = companions[i], True
    values, grids = _allowed(*_sweep_states(system, base, places, grids), grids)
    return Sweep(
        knobs=places,
        grids=grids,
        values=values,
        observations=system.encode(values, background),
        starts=(0, *np.cumsum([len(grid) for grid in grids]).tolist()),
        held=tuple(_named(system, extra) for extra in chosen),
        notes=tuple(_note(system, *item, state) for item in zip(chosen, automatic, strict=True)),
    )


def product_rows(
    system: System,
    knobs: tuple[str, str],
    state: State | None,
    others: Others | str,
    held: Mapping[str, float] | None,
    points: int = 41,
) -> Sweep:
    """The states in which two knobs take all pairs of their values, the second running fastest.

    What is held, and why, as in :func:`sweep_rows`; ``held`` and ``notes`` have one entry.
    """
    places = tuple(knob_index(system, name) for name in knobs)
    grids = tuple(system.knobs[place].grid(points) for place in places)
    start = state if state is not None else state_from_values(system, {})
    mode = _others(others)
    background = start.background if mode is Others.AS_THEY_ARE else None
    kept = [_base(system, start.values, place, mode, knob_groups(system.knobs)) for place in places]
    row = np.where(kept[0] == start.values, *kept)
    chosen = {i: x for place in places for i, x in _held(system, place, held).items() if i not in places}
    row[list(chosen)] = list(chosen.values())
    extra = {} if held else _filled(system, row, places, grids, background)
    row[list(extra)] = list(extra.values())
    values = np.repeat(row[None], len(grids[0]) * len(grids[1]), axis=0)
    values[:, list(places)] = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    given, values = values, np.asarray(system.repair(values))
    return Sweep(
        knobs=places,
        grids=grids,
        values=values,
        observations=system.encode(values, background),
        starts=(0, len(values)),
        held=(_named(system, chosen | extra),),
        notes=(_note(system, chosen | extra, bool(extra), state),),
        valid=_as_asked(system, given, values),
    )


def _sweep_states(
    system: System, base: NDArray[np.float64], places: Sequence[int], grids: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The states of sweeps from ``base`` ``[sweeps, K]``, in blocks: which are valid as asked ``[B]``, and all repaired ``[B, K]``."""
    sizes = [len(grid) for grid in grids]
    sweep, place = np.repeat(np.arange(len(base)), sizes), np.repeat(places, sizes)
    swept = np.concatenate(grids)
    valid, repaired = np.empty(len(swept), dtype=np.bool_), np.empty((len(swept), base.shape[1]))
    block = max(1, _BLOCK_NUMBERS // max(1, base.shape[1]))
    for first in range(0, len(swept), block):
        rows = slice(first, first + block)
        values = base[sweep[rows]]
        values[np.arange(len(values)), place[rows]] = swept[rows]
        repaired[rows] = system.repair(values)
        valid[rows] = _as_asked(system, values, repaired[rows])
    return valid, repaired


def _as_asked(system: System, question: NDArray[np.float64], repaired: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows are valid as asked ``[B]``, up to the rounding to what a network in single precision sees."""
    allowed = ROUNDING * knob_spans(system.knobs)
    block = max(1, _BLOCK_NUMBERS // max(1, len(allowed)))
    result = np.empty(len(question), dtype=np.bool_)
    for first in range(0, len(question), block):
        rows = slice(first, first + block)
        result[rows] = (np.abs(question[rows] - repaired[rows]) <= allowed).all(axis=1)
    return result


def _allowed(
    valid: NDArray[np.bool_], repaired: NDArray[np.float64], grids: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], ...]]:
    """The rows and grid values of each sweep that are valid as asked ``[B]``; all, repaired, if fewer than two are."""
    if valid.all():
        return repaired, grids
    keep, kept, first = [], [], 0
    for grid in grids:
        chosen = valid[first : first + len(grid)]
        chosen = chosen if chosen.sum() > 1 else np.ones(len(grid), dtype=np.bool_)
        keep.append(chosen)
        kept.append(grid[chosen])
        first += len(grid)
    return repaired[np.concatenate(keep)], tuple(kept)


def _filled(
    system: System,
    row: NDArray[np.float64],
    places: tuple[int, ...],
    grids: tuple[NDArray[np.float64], ...],
    background: NDArray[Any] | None,
) -> dict[int, float]:
    """What a surface's empty groups get: a knob that paints nothing, even with the other at its highest."""
    filled: dict[int, float] = {}
    for place, other in (places, places[::-1]):
        probe = np.array(row)
        probe[other] = system.knobs[other].high
        extra = {
            i: value
            for i, value in _companions(system, probe, place, knob_groups(system.knobs)).items()
            if i not in places
        }
        if extra and _blank(system, probe[None], (place,), (grids[places.index(place)],), [0], background):
            filled |= extra
    return filled


def _others(others: Others | str) -> Others:
    try:
        return Others(others)
    except ValueError:
        raise Choice("setting of others", str(others), tuple(kind.value for kind in Others)).error() from None


def _base(
    system: System, values: NDArray[np.float64], place: int, others: Others, alike: Mapping[str, Sequence[int]]
) -> NDArray[np.float64]:
    if others is Others.AS_THEY_ARE:
        return np.array(values)
    keep = alike.get(system.knobs[place].group, [place])
    base = np.array([knob.low for knob in system.knobs], dtype=np.float64)
    base[keep] = values[keep]
    return base


def _held(system: System, place: int, held: Mapping[str, float] | None) -> dict[int, float]:
    """Values by position for other knobs of the swept knob's group, given by name or by kind."""
    if not held:
        return {}
    known = {knob.name for knob in system.knobs} | {kind_of(knob) for knob in system.knobs}
    group = system.knobs[place].group
    chosen: dict[int, float] = {}
    for name, value in held.items():
        if name not in known:
            raise Choice("knob or kind of knob", name, tuple(sorted(known))).error()
        for i, knob in enumerate(system.knobs):
            same_kind = bool(group) and knob.group == group and kind_of(knob) == name
            if i != place and (knob.name == name or same_kind):
                chosen[i] = knob.snap(value)
    return chosen


def _blank(
    system: System,
    base: NDArray[np.float64],
    places: tuple[int, ...],
    grids: tuple[NDArray[np.float64], ...],
    doubtful: list[int],
    background: NDArray[Any] | None,
) -> list[int]:
    """Which of the doubtful sweeps paint nothing: lowest, middle and highest value give the same picture."""
    if not doubtful:
        return []
    rows = np.repeat(base[doubtful], 3, axis=0)
    three = np.stack([grids[i][[0, len(grids[i]) // 2, -1]] for i in doubtful])
    rows[np.arange(len(rows)), np.repeat([places[i] for i in doubtful], 3)] = three.ravel()
    seen = system.encode(system.repair(rows), background).reshape(len(doubtful), 3, -1)
    same = (seen == seen[:, :1]).all(axis=(1, 2))
    return [i for i, blank in zip(doubtful, same, strict=True) if blank]


def _companions(
    system: System, row: NDArray[np.float64], place: int, alike: Mapping[str, Sequence[int]]
) -> dict[int, float]:
    """What the other knobs of an empty group get: their default, else the middle of their range."""
    chosen: dict[int, float] = {}
    for i in alike.get(system.knobs[place].group, ()):
        knob = system.knobs[i]
        if i != place and row[i] == knob.low:
            chosen[i] = knob.start if knob.start > knob.low else knob.snap((knob.low + knob.high) / 2)
    return chosen


def _named(system: System, chosen: Mapping[int, float]) -> dict[str, float]:
    return {system.knobs[i].name: float(value) for i, value in chosen.items()}


def _note(system: System, chosen: Mapping[int, float], automatic: bool, state: State | None) -> str:
    """What was held, and why; "empty in this state" only of what is, and only where a state was given."""
    if not chosen:
        return ""
    knobs = [(system.knobs[i], value) for i, value in chosen.items()]
    words = ", ".join(f"{knob.name} {number(value)} {knob.unit}".strip() for knob, value in knobs)
    groups = list(dict.fromkeys(knob.group for knob, _ in knobs))
    who, item = " and ".join(groups), len(groups) == 1
    why = ""
    if automatic and state is not None:
        low = all(state.values[i] == knob.low for i, knob in enumerate(system.knobs) if knob.group in groups)
        shows = f"{'is' if item else 'are'} empty" if low else f"{'shows' if item else 'show'} nothing"
        why = f" {shows} in this state, so {'it' if item else 'they'}"
    text = f"{who}{why} {'was' if item else 'were'} given {words}."
    return text[0].upper() + text[1:]
