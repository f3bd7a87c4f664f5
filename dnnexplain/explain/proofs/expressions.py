"""A user's own property in a line: a Python expression over knobs and outputs that is claimed of every valid state.

For example ``not (job_1_length < job_2_length and out.job_2 > out.job_1)``. A knob or an output goes by its name with
``_`` for whatever is no letter or digit, outputs behind ``out.``; ``knob["job 1 length"]`` and ``out["job 1"]`` are the
same. Sums, differences and multiples of numbers are compared; ``and``, ``or``, ``not`` and chains join comparisons, each
of which speaks of knobs or of outputs. The text is parsed, never run.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnnexplain.contract import Case, Choice, DnnExplainError, Property, Relation, StateSet, System

__all__ = ["is_expression", "property_of"]

MOST_CASES = 64
_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE, ast.LtE: ast.Gt}
_SIGNS: dict[type[ast.cmpop], str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "=="}


@dataclass(frozen=True)
class _Linear:
    """A sum of weighted knobs, or of weighted outputs, and a number."""

    knobs: Mapping[str, float]
    outputs: Mapping[str, float]
    number: float = 0.0

    def plus(self, other: _Linear, sign: float) -> _Linear:
        return _Linear(
            _sum(self.knobs, other.knobs, sign),
            _sum(self.outputs, other.outputs, sign),
            self.number + sign * other.number,
        )

    def times(self, factor: float) -> _Linear:
        return _Linear(
            {name: factor * weight for name, weight in self.knobs.items()},
            {name: factor * weight for name, weight in self.outputs.items()},
            factor * self.number,
        )


@dataclass(frozen=True)
class _Atom:
    """``side > 0`` (strict) or ``side >= 0``."""

    side: _Linear
    strict: bool


def is_expression(text: str) -> bool:
    """Whether a property is given as an expression, rather than by name or file."""
    return bool(re.search(r"[<>]=?|==", text))


def property_of(system: System, text: str) -> Property:
    """The property that an expression claims of every valid state.

    A comparison of outputs that holds with equality counts as kept. ``<`` between knobs on grids means at least one step
    less; between others it is taken for ``<=``, and the property says so.

    Args:
        system: whose knobs and outputs are named.
        text: the expression.

    Raises:
        DnnExplainError: it is no such expression, names nothing known, or mixes knobs and outputs in one comparison.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        msg = f"{text!r} is not a Python expression: {error}"
        raise DnnExplainError(msg) from None
    reader = _Reader(system, text)
    try:
        ways = reader.ways(tree, wanted=False)
    except RecursionError:
        msg = "the property is nested too deeply to be read"
        raise DnnExplainError(msg) from None
    cases = [case for case in (reader.case(way) for way in ways) if case is not None]
    if not cases:
        msg = f"{text!r} holds whatever the network does: nothing in it can be violated in a valid state"
        raise DnnExplainError(msg)
    assumed = ("raw outputs are compared, without a mask", *reader.assumed)
    return Property("own", f"In every valid state: {text.strip()}", tuple(cases), assumed)


class _Reader:
    def __init__(self, system: System, text: str) -> None:
        self.system, self.text = system, text
        self.knobs = {_identifier(knob.name): knob.name for knob in system.knobs}
        self.outputs = {_identifier(name): name for name in system.output.names}
        self.steps = {knob.name: knob.step for knob in system.knobs}
        self.assumed: tuple[str, ...] = ()

    def ways(self, node: ast.expr, *, wanted: bool) -> list[tuple[_Atom, ...]]:
        """The ways in which an expression is true (or false): each a set of comparisons that hold at once."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.ways(node.operand, wanted=not wanted)
        if isinstance(node, ast.BoolOp):
            parts = [self.ways(value, wanted=wanted) for value in node.values]
            return (
                self._joined(parts)
                if isinstance(node.op, ast.And) == wanted
                else self._few(list(itertools.chain.from_iterable(parts)))
            )
        if isinstance(node, ast.Compare):
            pairs = list(zip((node.left, *node.comparators), node.ops, node.comparators, strict=False))
            parts = [self._compared(left, sign, right, wanted=wanted) for left, sign, right in pairs]
            return self._joined(parts) if wanted else self._few(list(itertools.chain.from_iterable(parts)))
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return [()] if node.value == wanted else []
        raise self._wrong(node, "is neither a comparison nor several joined by and, or, not")

    def _joined(self, parts: list[list[tuple[_Atom, ...]]]) -> list[tuple[_Atom, ...]]:
        if np.prod([float(len(part)) for part in parts]) > MOST_CASES:
            self._few([()] * (MOST_CASES + 1))
        return [sum(way, ()) for way in itertools.product(*parts)]

    def _few(self, ways: list[tuple[_Atom, ...]]) -> list[tuple[_Atom, ...]]:
        if len(ways) > MOST_CASES:
            msg = f"the property can be violated in more than {MOST_CASES} ways, each a proof of its own; ask several properties"
            raise DnnExplainError(msg)
        return ways

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr, *, wanted: bool) -> list[tuple[_Atom, ...]]:
        kind = type(sign)
        if kind is ast.NotEq:
            kind, wanted = ast.Eq, not wanted
        if kind not in _SIGNS:
            raise self._wrong(left, f"is compared by {type(sign).__name__}; use <, <=, >, >=, == or !=")
        side = self.linear(left).plus(self.linear(right), -1.0)
        if side.knobs and side.outputs:
            raise self._wrong(left, "is compared across knobs and outputs; a comparison speaks of one of them")
        if kind is ast.Eq:
            both = (_Atom(side, strict=False), _Atom(side.times(-1.0), strict=False))
            return [both] if wanted else [(_Atom(side, strict=True),), (_Atom(side.times(-1.0), strict=True),)]
        if not wanted:
            kind = _FLIPPED[kind]
        less = kind in {ast.Lt, ast.LtE}
        return [(_Atom(side.times(-1.0) if less else side, strict=kind in {ast.Lt, ast.Gt}),)]

    def linear(self, node: ast.expr) -> _Linear:
        """A sum of knobs, outputs and numbers."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return _Linear({}, {}, float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return self.linear(node.operand).times(-1.0 if isinstance(node.op, ast.USub) else 1.0)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            return self.linear(node.left).plus(self.linear(node.right), 1.0 if isinstance(node.op, ast.Add) else -1.0)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            left, right = self.linear(node.left), self.linear(node.right)
            if isinstance(node.op, ast.Mult) and not (left.knobs or left.outputs):
                return right.times(left.number)
            if not (right.knobs or right.outputs) and (isinstance(node.op, ast.Mult) or right.number):
                return left.times(right.number if isinstance(node.op, ast.Mult) else 1.0 / right.number)
        if named := self._named(node):
            return named
        raise self._wrong(node, "is no sum of knobs, outputs and numbers")

    def _named(self, node: ast.expr) -> _Linear | None:
        if isinstance(node, ast.Name):
            if node.id not in self.knobs:
                raise Choice("knob", node.id, tuple(self.knobs)).error()
            return _Linear({self.knobs[node.id]: 1.0}, {})
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "out":
            if node.attr not in self.outputs:
                raise Choice("output", node.attr, tuple(self.outputs)).error()
            return _Linear({}, {self.outputs[node.attr]: 1.0})
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
        ):
            table = {"knob": self.knobs, "out": self.outputs}.get(node.value.id)
            name = str(node.slice.value)
            if table is not None:
                if name not in table.values():
                    raise Choice("knob" if node.value.id == "knob" else "output", name, tuple(table.values())).error()
                return _Linear({name: 1.0}, {}) if node.value.id == "knob" else _Linear({}, {name: 1.0})
        return None

    def case(self, way: tuple[_Atom, ...]) -> Case | None:
        """One way to violate the property; ``None`` if no valid state can."""
        states: StateSet = StateSet.all_of(self.system)
        rows, offsets = [], []
        names = list(self.system.output.names)
        for atom in way:
            if atom.side.outputs:
                row = np.zeros(len(names))
                for name, weight in atom.side.outputs.items():
                    row[names.index(name)] = weight
                rows.append(row)
                offsets.append(atom.side.number)
            elif any(atom.side.knobs.values()):
                narrowed = self._narrowed(states, self._relation(atom))
                if narrowed is None:
                    return None
                states = narrowed
            elif atom.side.number < 0 or (atom.strict and atom.side.number == 0):
                return None
        if not rows:
            raise self._wrong(
                None, "can be violated without a word on the outputs: it speaks of states, not of the network"
            )
        words = " and ".join(_atom_words(atom) for atom in way) or "always"
        return Case(words, states, np.array(rows), np.array(offsets))

    def _narrowed(self, states: StateSet, relation: Relation) -> StateSet | None:
        """The states in which a relation holds; of one knob as its range, which proofs use best. ``None``: no state."""
        if len(relation.weights) > 1:
            return states.related(relation)
        ((name, weight),) = relation.weights.items()
        place = [knob.name for knob in self.system.knobs].index(name)
        end = relation.low / weight
        low, high = (end, states.high[place]) if weight > 0 else (states.low[place], end)
        if max(low, states.low[place]) > min(high, states.high[place]):
            return None
        return states.where(self.system, **{name: (low, high)})

    def _relation(self, atom: _Atom) -> Relation:
        weights = {name: weight for name, weight in atom.side.knobs.items() if weight}
        low = -atom.side.number
        if atom.strict:
            steps = {self.steps[name] for name in weights}
            only = steps.pop() if len(steps) == 1 else None
            if only and all(float(weight).is_integer() for weight in weights.values()):
                low += only
            else:
                self.assumed = ("a strict comparison of knobs without one common grid is taken with equality",)
        return Relation(weights, low=low)

    def _wrong(self, node: ast.expr | None, why: str) -> DnnExplainError:
        part = (
            self.text.strip() if node is None else (ast.get_source_segment(self.text.strip(), node) or "a part of it")
        )
        return DnnExplainError(
            f"{part!r} {why}; a property reads like not (job_1_length < job_2_length and out.job_2 > out.job_1), with this "
            "system's knobs and outputs"
        )


def _identifier(name: str) -> str:
    identifier = re.sub(r"\W+", "_", name).strip("_")
    return f"_{identifier}" if identifier[:1].isdigit() else identifier


def _sum(first: Mapping[str, float], other: Mapping[str, float], sign: float) -> dict[str, float]:
    totals = dict(first)
    for name, weight in other.items():
        totals[name] = totals.get(name, 0.0) + sign * weight
    return totals


def _atom_words(atom: _Atom) -> str:
    """``job 2 length - job 1 length > 0``."""
    terms: Any = {**atom.side.knobs, **atom.side.outputs}.items()
    words = ""
    for name, weight in terms:
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):g} "
            words += f"{' - ' if weight < 0 else ' + ' if words else ''}{size}{name}"
    return f"{words.strip()} {'>' if atom.strict else '>='} {-atom.side.number:g}"
