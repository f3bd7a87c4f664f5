"""Properties by name: those of a system's spec, ``robust`` for any system, and a user's own from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Box,
    Case,
    Choice,
    Discrete,
    DnnExplainError,
    MultiBinary,
    Policy,
    Property,
    Spec,
    State,
    StateSet,
    System,
    load_reference,
    outside_valid,
)
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.numbers import with_unit

__all__ = ["ROBUST", "named_property", "property_names", "rival_rows", "robust"]

ROBUST = "robust"
ABOUT_ROBUST = "No valid change of one group of knobs by so many steps flips the decision in a state."


def property_names(spec: Spec) -> dict[str, str]:
    """All ready properties of a system, with a sentence on each."""
    return {ROBUST: ABOUT_ROBUST, **{item.name: item.about for item in spec.properties}}


def named_property(
    spec: Spec, system: System, policy: Policy, name: str, state: State | None, within: float
) -> Property:
    """A ready property by its name.

    Args:
        spec, system, policy: whose.
        name: one of :func:`property_names`.
        state: of ``robust``; any other property is asked around it, if one is given.
        within: steps away from the state.

    Raises:
        DnnExplainError: there is none of that name, or the state is missing.
    """
    if name == ROBUST:
        if state is None:
            msg = "robust speaks of one decision: say in which state (--state FILE)"
            raise DnnExplainError(msg)
        return robust(system, policy, state, within)
    for item in spec.properties:
        if item.name == name:
            claim: Property = load_reference(item.make)(system, **item.parameters)
            return claim if state is None else around(system, claim, state, within)
    raise Choice("property", name, tuple(property_names(spec))).error()


def around(system: System, claim: Property, state: State, within: float) -> Property:
    """A property asked only of states at most so many steps away from one."""
    cases = []
    for case in claim.cases:
        try:
            cases.append(replace(case, states=case.states.around(system, state.values, within)))
        except DnnExplainError:
            continue  # no state of this case is so near
    if not cases:
        msg = f"no state within {with_unit(within, 'steps')} of this one is among those that {claim.name} speaks of"
        raise DnnExplainError(msg)
    return replace(
        claim, text=f"Within {with_unit(within, 'steps')} of the given state: {claim.text}", cases=tuple(cases)
    )


def rival_rows(system: System, outputs: NDArray[np.float64]) -> list[tuple[str, NDArray[np.float64], float]]:
    """What would be another decision than that of some outputs ``[A]``: words, a row ``[A]``, an offset.

    Raises:
        DnnExplainError: the system's space is of none of the kinds that are known.
    """
    space, count = system.output, len(outputs)
    unit = np.eye(count)
    taken = space.decide(outputs[None])[0]
    if isinstance(space, Discrete):
        kept = int(taken)
        return [(space.names[at], unit[at] - unit[kept], 0.0) for at in range(count) if at != kept]
    if isinstance(space, MultiBinary):
        return [(f"{space.names[at]} switched", unit[at] * (-1.0 if taken[at] else 1.0), 0.0) for at in range(count)]
    if isinstance(space, Box):
        return _other_numbers(space, np.asarray(taken, dtype=np.float64))
    msg = f"proofs know no {type(space).__name__}"
    raise DnnExplainError(msg)


def _other_numbers(space: Box, taken: NDArray[np.float64]) -> list[tuple[str, NDArray[np.float64], float]]:
    """What differs by more than the tolerance from numbers as they are set: within the bounds, where outputs are cut off.

    A number at its bound has no rival beyond it, however far the output is outside.
    """
    unit, rivals = np.eye(len(taken)), []
    for at, (value, low, high) in enumerate(zip(taken, *space.bounds, strict=True)):
        for sign, word, room in ((1.0, "higher", high - value), (-1.0, "lower", value - low)):
            if room > space.another:
                words = f"{space.names[at]} {word} by more than {space.another:g}"
                rivals.append((words, sign * unit[at], -sign * float(value) - space.another))
    return rivals or [("another decision, of which there is none", 0.0 * unit[0], -1.0)]


def kept_decision(
    system: System, policy: Policy, state: State
) -> tuple[Any, list[tuple[str, NDArray[np.float64], float]]]:
    """What a policy does in a state, and what would be another decision."""
    actions = decide(system, policy, state)
    if not isinstance(system.output, Discrete):
        return actions.taken, rival_rows(system, actions.outputs)
    action, unit, names = int(actions.taken), np.eye(len(actions.outputs)), system.output.names
    return action, [(names[at], unit[at] - unit[action], 0.0) for at in range(len(names)) if at != action]


def robust(system: System, policy: Policy, state: State, within: float, groups: Sequence[str] = ()) -> Property:
    """No valid change of one group of knobs by at most ``within`` steps in all flips the decision in a state.

    Args:
        system, policy: whose decision.
        state: in which.
        within: steps of the knobs' grids, summed over the group.
        groups: of knobs; all if none are named.

    Raises:
        DnnExplainError: the state is not valid, or the budget no positive number.
    """
    if not within > 0:
        msg = f"--within must be a positive number of steps, not {within:g}"
        raise DnnExplainError(msg)
    outside = "" if state.background is not None else outside_valid(system, state)
    if outside:
        raise DnnExplainError(outside)
    kept, rivals = kept_decision(system, policy, state)
    discrete = isinstance(system.output, Discrete)
    cases = []
    for group, states in _grouped(system, state, within, groups):
        phrase = f"with {group} changed, " if group else ""
        for words, row, offset in rivals:
            name = f"{phrase}{words} instead of {system.output.tell(kept)}" if discrete else f"{phrase}{words}"
            cases.append(Case(name, states, row[None], np.array([offset])))
    what = "one group of knobs" if len(cases) > len(rivals) else (groups[0] if groups else "the knobs")
    text = f"No valid change of {what} by at most {with_unit(within, 'steps')} in all flips the decision {system.output.tell(kept)!r}"
    return Property(ROBUST, text, tuple(cases), decided=discrete, kept=kept if discrete else None)


_MANY = 32


def _grouped(system: System, state: State, within: float, groups: Sequence[str]) -> list[tuple[str, StateSet]]:
    """For each group the states in which its knobs alone have moved; one set of all knobs where there are many groups."""
    whole = StateSet.all_of(system)
    names = list(dict.fromkeys(knob.group or knob.name for knob in system.knobs))
    unknown = [group for group in groups if group not in names]
    if unknown:
        raise Choice("group of knobs", unknown[0], tuple(names)).error()
    if len(names) > _MANY and not groups:
        return [("", whole.around(system, state.values, within))]
    rows = []
    for group in groups or names:
        moving = np.array([(knob.group or knob.name) == group for knob in system.knobs])
        rows.append((group, free_knobs(whole, state.values, moving).around(system, state.values, within)))
    return rows


def free_knobs(whole: StateSet, values: NDArray[np.float64], free: NDArray[np.bool_]) -> StateSet:
    """States that share the values of all knobs that are not free."""
    return replace(whole, low=np.where(free, whole.low, values), high=np.where(free, whole.high, values))


def described(verdict: Any, system: System) -> Mapping[str, Any]:
    """A verdict as JSON: states in the words of the domain, no infinite numbers."""

    def number(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    def tell(values: NDArray[np.float64] | None) -> Any:
        return None if values is None else system.state_to_json(State(values))

    pair = verdict.witness is not None and verdict.witness.ndim == 2
    first = verdict.witness[0] if pair else verdict.witness
    failed = verdict.failed
    return {
        "property": verdict.claim.name,
        "text": verdict.claim.text,
        "verdict": verdict.verdict,
        "bound": number(verdict.bound),
        "gap": number(verdict.gap),
        "witness": tell(first),
        "changed": tell(verdict.witness[1]) if pair else None,
        "then": None if verdict.after is None else tell(verdict.after),
        "violation": None if failed is None else {"case": failed.name, "margin": failed.best, "how": failed.how},
        "checked": number(verdict.checked),
        "seconds": verdict.seconds,
        "clock": "wall",
        "limit": verdict.limit or None,
        "sentence": verdict.sentence(),
        "quantifies": verdict.quantifies,
        "assumed": list(verdict.assumed),
        "cases": [
            {"case": case.name, "verdict": case.verdict, "bound": number(case.bound), "best": number(case.best),
             "how": case.how, "reason": case.reason}
            for case in verdict.cases
        ],
    }  # fmt: skip
