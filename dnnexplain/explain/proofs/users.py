"""A user's own property as data.

    {"name": "short-first", "text": "A one-step job in slot 1 is ranked above waiting in an idle cluster",
     "where": {"job 1 length": [1, 1], "cpu in use at step 0": 0},
     "relations": [{"weights": {"job 1 cpu": 1, "job 1 memory": 1}, "low": 1}],
     "never": [["wait - job 1"]]}

``never`` lists cases; each is a list of expressions over the outputs' names (sums, differences, numbers) that must
not all be above zero at once. A single case may be written without the outer list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, Choice, DnnExplainError, Property, Relation, State, StateSet, System, only_numbers
from dnnexplain.explain.proofs.ready import around

__all__ = ["property_from"]

MOST = 1e15
"""Of a number in a relation; solvers take larger ones for infinite."""
_FIELDS = ("name", "text", "where", "relations", "never")


def property_from(system: System, data: Any, state: State | None = None, within: float = 3.0) -> Property:
    """A property of a system from JSON.

    Raises:
        DnnExplainError: a field is unknown or missing, or an expression names no output.
    """
    if not isinstance(data, Mapping):
        msg = f"a property is a JSON object with {', '.join(_FIELDS)}, not {type(data).__name__}"
        raise DnnExplainError(msg)
    for name in data:
        if name not in _FIELDS:
            raise Choice("field of a property", str(name), _FIELDS).error()
    never = data.get("never")
    if not isinstance(never, list) or not never:
        msg = 'a property says under "never" what must not be: [["wait - job 1"]]'
        raise DnnExplainError(msg)
    if all(isinstance(item, str) for item in never):
        never = [never]
    states = _states(system, data)
    cases = []
    for expressions in never:
        if not isinstance(expressions, list) or not expressions:
            msg = 'each case of "never" is a list of expressions such as "wait - job 1"'
            raise DnnExplainError(msg)
        parsed = [_expression(system, str(expression)) for expression in expressions]
        rows, offset = np.stack([row for row, _ in parsed]), np.array([shift for _, shift in parsed])
        cases.append(Case(" and ".join(f"{expression} > 0" for expression in expressions), states, rows, offset))
    text = str(data.get("text") or f"Never {' or '.join(case.name for case in cases)}")
    claim = Property(str(data.get("name", "own")), text, tuple(cases), ("raw outputs are compared, without a mask",))
    return claim if state is None else around(system, claim, state, within)


def _states(system: System, data: Mapping[str, Any]) -> StateSet:
    where, relations = data.get("where", {}), data.get("relations", [])
    if not isinstance(where, Mapping) or not isinstance(relations, list):
        msg = '"where" maps knobs to a value or [low, high]; "relations" is a list of {"weights": {...}, "low": ..., "high": ...}'
        raise DnnExplainError(msg)
    for name, value in where.items():
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2 or not only_numbers(pair):
            msg = f'"where" gives {name!r} a number or [low, high], not {value!r}'
            raise DnnExplainError(msg)
    states = StateSet.all_of(system).where(system, **where)
    names = tuple(knob.name for knob in system.knobs)
    for relation in relations:
        weights = relation.get("weights") if isinstance(relation, Mapping) else None
        if not isinstance(weights, Mapping) or not weights:
            msg = f'a relation needs "weights", a number for each knob, not {relation!r}'
            raise DnnExplainError(msg)
        for name in weights:
            if name not in names:
                raise Choice("knob", str(name), names).error()
        numbers = [*weights.values(), *(relation[end] for end in ("low", "high") if end in relation)]
        if any(isinstance(item, list) or not only_numbers(item) or abs(item) > MOST for item in numbers):
            msg = f'"weights", "low" and "high" of a relation are numbers, of at most {MOST:g}, not {relation!r}'
            raise DnnExplainError(msg)
        ends = {end: float(relation[end]) for end in ("low", "high") if end in relation}
        states = states.related(Relation({name: float(weight) for name, weight in weights.items()}, **ends))
    return states


def _expression(system: System, text: str) -> tuple[NDArray[np.float64], float]:
    """Weights of the outputs and a constant: ``"wait - job 1 + 0.5"``."""
    names = system.output.names
    row, shift = np.zeros(len(names)), 0.0
    longest = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    term = re.compile(rf"\s*([+-]?)\s*(?:(\d+(?:\.\d*)?)\s*\*\s*)?(?:({longest})(?![\w.])|(\d+(?:\.\d*)?))\s*")
    at = 0
    while at < len(text):
        match = term.match(text, at)
        if match is None or (at > 0 and not match[1]):
            msg = f"{text!r} is not a sum of outputs ({', '.join(names)}) and numbers; it stops making sense at {text[at:]!r}"
            raise DnnExplainError(msg)
        factor = (-1.0 if match[1] == "-" else 1.0) * float(match[2] or 1.0)
        if match[3]:
            row[names.index(match[3])] += factor
        else:
            shift += factor * float(match[4])
        at = match.end()
    return row, shift
