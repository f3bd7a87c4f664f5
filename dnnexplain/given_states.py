"""States that somebody wrote: read as the system understands them, and what was moved to a valid state is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.assumptions import assume
from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.reading import read_json

__all__ = ["given_state", "say_what_moved", "state_from_file"]

_SAME = 1e-3
"""Relative to the number given; what float32 loses is far below."""

_NAMED = 4


def state_from_file(system: Any, path: str | Path) -> State:
    """The state in a JSON file; see :func:`given_state`."""
    return given_state(system, read_json(path, "the state"))


def given_state(system: Any, values: Any) -> State:
    """The state that JSON data mean to a system; each number that had to be moved is said among what is assumed.

    Args:
        system: whose state it is.
        values: the system's own fields, as ``explain --json`` prints them under ``"state"``, or knobs by name
            (``{"job 1 length": 3}``), the others as they stand at first.

    Raises:
        DnnExplainError: no object of named quantities, or not one that the system understands.
    """
    if not isinstance(values, Mapping):
        kind = {list: "a list", str: "a text", type(None): "null"}.get(type(values), f"{values!r:.80}")
        msg = f'a state is a JSON object of named quantities, not {kind}; explain --json prints one under "state"'
        raise DnnExplainError(msg)
    if not values:
        msg = 'a state is a JSON object of named quantities, and this one is empty: it says nothing; explain --json prints one under "state"'
        raise DnnExplainError(msg)
    if _by_knob(system, values):
        state = state_from_values(system, values)
        taken = _by_name(system, state)
        first = _by_name(system, state_from_values(system, {}))
    else:
        state = system.state_from_json(values)
        taken = system.state_to_json(state)
        first = system.state_to_json(state_from_values(system, {}))
    say_what_moved(values, taken)
    _say_what_is_missing(values, taken, first)
    return state


def _by_name(system: Any, state: State) -> dict[str, float]:
    return {knob.name: float(value) for knob, value in zip(system.knobs, state.values, strict=True)}


def _by_knob(system: Any, values: Mapping[str, Any]) -> bool:
    """Whether knobs are named: none but knobs, or one that is no field of the system's own form."""
    knobs = values.keys() & {knob.name for knob in system.knobs}
    return bool(knobs) and (
        knobs == values.keys() or not knobs <= system.state_to_json(state_from_values(system, {})).keys()
    )


def _say_what_is_missing(given: Mapping[str, Any], taken: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Say among what is assumed which fields or knobs a state left open, those inside others too, and what is taken."""
    left: dict[str, list[str]] = {}
    for words, how in _left_open(given, taken, first):
        left.setdefault(how, []).append(words)
    if left:
        parts = [f"{how}: {_some(names, ', ')}" for how, names in left.items()]
        assume(f"the given state leaves open what it does not name, {'; '.join(parts)}")


_FIRST, _FITTED, _NONE = "taken as it stands at first", "taken so that it fits the rest", "taken as none"


def _left_open(given: Any, taken: Any, first: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """What is not named, and how it is taken; of many parts of one field their number."""
    if isinstance(given, list) and isinstance(first, list):
        given, taken, first = ({n: part for n, part in enumerate(parts or (), 1) if isinstance(part, Mapping)}
                               for parts in (given, taken, first))  # fmt: skip
    if not isinstance(given, Mapping) or not isinstance(first, Mapping):
        return
    taken = taken if isinstance(taken, Mapping) else {}
    names = dict.fromkeys((*first, *taken))
    another_form = not given.keys() <= names.keys()
    missing: dict[str, list[str]] = {}
    for name in names:
        place = f"{where} {name}".strip()
        if name not in given and (name not in taken or taken[name] == first.get(name) or not another_form):
            how = _NONE if name not in taken else _FIRST if taken[name] == first.get(name) else _FITTED
            value = taken.get(name)
            missing.setdefault(how, []).append(f"{place} {value:g}" if _is_number(value) else place)
    for how, places in missing.items():
        if where and len(places) > _NAMED:
            yield f"{where} ({len(places)} of {len(names)})", how
        else:
            yield from ((place, how) for place in places)
    for name in names:
        if name in given:
            yield from _left_open(given[name], taken.get(name), first.get(name), f"{where} {name}".strip())


def _some(words: list[str], between: str) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return f"{between.join(words[:_NAMED])}{more}"


def say_what_moved(given: Mapping[str, Any], taken: Mapping[str, Any]) -> None:
    """Say among what is assumed which numbers of a state were given and are not taken as they are."""
    moved = [f"{where} {said:g} was given, {used:g} is taken" for where, said, used in _moved(given, taken)]
    if moved:
        assume(f"no valid state is as the given one: {_some(moved, '; ')}")


def _moved(given: Any, taken: Any, where: str = "") -> Iterator[tuple[str, float, float]]:
    """Place, number given, number taken, wherever they differ; what only one of both has is left out."""
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        for name in (name for name in given if name in taken):
            yield from _moved(given[name], taken[name], f"{where} {name}".strip())
    elif isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        for place, pair in enumerate(zip(given, taken, strict=True), start=1):
            yield from _moved(*pair, f"{where} {place}".strip())
    elif _is_number(given) and _is_number(taken) and abs(given - taken) > _SAME * max(1.0, abs(given)):
        yield where, given, taken


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
