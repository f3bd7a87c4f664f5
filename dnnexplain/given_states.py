"""States that somebody wrote: read as the system understands them, and what was moved to a valid state is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.assumptions import assume
from dnnexplain.contract import DnnExplainError, State
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

    Raises:
        DnnExplainError: no object of named quantities, or not one that the system understands.
    """
    if not isinstance(values, Mapping):
        kind = {list: "a list", str: "a text", type(None): "null"}.get(type(values), f"{values!r:.80}")
        msg = f'a state is a JSON object of named quantities, not {kind}; explain --json prints one under "state"'
        raise DnnExplainError(msg)
    state: State = system.state_from_json(values)
    say_what_moved(values, system.state_to_json(state))
    return state


def say_what_moved(given: Mapping[str, Any], taken: Mapping[str, Any]) -> None:
    """Say among what is assumed which numbers of a state were given and are not taken as they are."""
    moved = [f"{where} {said:g} was given, {used:g} is taken" for where, said, used in _moved(given, taken)]
    if moved:
        more = f"; and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
        assume(f"no valid state is as the given one: {'; '.join(moved[:_NAMED])}{more}")


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
