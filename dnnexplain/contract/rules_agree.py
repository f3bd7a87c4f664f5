"""Properties from reference rules: where several rules decide alike, a network must not decide otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.properties import Case, Property, StateSet, chosen_over
from dnnexplain.contract.spaces import Box

__all__ = ["agreed_choices", "agreed_levels", "agreed_switches", "decisions_of", "where_all"]

AGREES = "agrees-with-rules"
RAW = "raw outputs are compared"


Chosen = Callable[[NDArray[Any]], NDArray[np.bool_]]
"""Of the actions of some states ``[B]`` or ``[B, N]``, which are meant ``[B]``."""


def decisions_of(system: Any, names: Sequence[str], values: NDArray[np.float64]) -> list[NDArray[Any]]:
    """What each rule decides in states whose knobs are given ``[B, K]``: ``[B]``, or ``[B, A]`` of numbers."""
    seen, rules = system.encode(values), system.rules()
    valid = system.valid_actions(seen)
    return [system.output.decide(rules[name].outputs(seen), valid) for name in names]


def where_all(
    system: Any,
    names: Sequence[str],
    wanted: Chosen,
    states: StateSet | None = None,
) -> StateSet:
    """The states of a set in which every one of some rules decides as wanted."""

    def only(values: NDArray[np.float64]) -> NDArray[np.bool_]:
        left = np.arange(len(values))
        for name in names:  # the next rule is asked only where those before it decide as wanted
            if len(left):
                left = left[wanted(decisions_of(system, [name], values[left])[0])]
        kept = np.zeros(len(values), dtype=np.bool_)
        kept[left] = True
        return kept

    return replace(StateSet.all_of(system) if states is None else states, only=only)


def agreed_choices(
    system: Any,
    names: Sequence[str],
    within: Callable[[int], StateSet] | None = None,
    actions: Sequence[int] | None = None,
    called: Callable[[str], str] = str,
) -> Property:
    """Of one choice among several: where the rules make the same one, the network ranks no other above it.

    Args:
        system: with these rules.
        names: of the rules.
        within: of an action, a set that holds every state in which the rules choose it; all valid states if not given. A
            proof speaks of that whole set, so a smaller one is proved more easily.
        actions: that are asked about; all if not given.
        called: a rule's name for people, from its name.
    """
    options, count = system.output.names, len(system.output.names)
    together = _listed([called(name) for name in names])
    cases = []
    for action in range(count) if actions is None else actions:
        states = where_all(system, names, _one_that_is(action), within(action) if within else None)
        for other in range(count):
            if other != action:
                words = f"{options[other]!r} is ranked above {options[action]!r}, which {together} choose"
                cases.append(Case(words, states, chosen_over(count, other, [action]), np.zeros(1)))
    text = f"Where {together} choose the same, the network ranks nothing above it"
    return Property(AGREES, text, tuple(cases), (RAW,))


def agreed_switches(system: Any, names: Sequence[str], called: Callable[[str], str] = str) -> Property:
    """Of switches: where the rules all switch one on, or all off, the network does not do the other."""
    together, cases = _listed([called(name) for name in names]), []
    for place, label in enumerate(system.output.names):
        for on in (True, False):
            states = where_all(system, names, _has(place, on))
            row = (-1.0 if on else 1.0) * np.eye(len(system.output.names))[[place]]
            words = f"{label} is {'off' if on else 'on'} where {together} have it {'on' if on else 'off'}"
            cases.append(Case(words, states, row, np.zeros(1)))
    text = f"What {together} all switch on is on, and what they all switch off is off"
    return Property(AGREES, text, tuple(cases), (RAW,))


def agreed_levels(
    system: Any,
    names: Sequence[str],
    slack: float,
    within: Callable[[float], StateSet],
    called: Callable[[str], str] = str,
) -> Property:
    """Of numbers between two ends: where the rules all give one end, the network is at most ``slack`` away from it.

    Args:
        system: whose output is a :class:`~dnnexplain.contract.Box`.
        names: of the rules.
        slack: in the outputs' unit.
        within: of an end, a set that holds every state in which the rules give it.
        called: a rule's name for people, from its name.
    """
    space = system.output
    assert isinstance(space, Box)
    together, cases = _listed([called(name) for name in names]), []
    for place, label in enumerate(space.names):
        for end, sign, side in (
            (float(np.ravel(space.low)[place]), 1.0, "above"),
            (float(np.ravel(space.high)[place]), -1.0, "below"),
        ):
            states = where_all(system, names, _has(place, end), within(end))
            row = sign * np.eye(len(space.names))[[place]]
            words = f"{label} is more than {slack:g} {side} {end:g}, which {together} give"
            cases.append(Case(words, states, row, np.array([-sign * end - slack])))
    text = f"Where {together} all give the least or the most, the network is within {slack:g} of it"
    return Property(AGREES, text, tuple(cases))


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _one_that_is(action: int) -> Chosen:
    return lambda taken: np.asarray(taken == action)


def _has(place: int, value: float) -> Chosen:
    return lambda taken: np.isclose(taken[:, place].astype(np.float64), value)
