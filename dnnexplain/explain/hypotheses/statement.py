"""What may be said of a policy in domain words: it does so here, it acts as that rule, it does not look at this."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, Discrete, DnnExplainError
from dnnexplain.explain.regions.where import EVERYWHERE, Span, Where, quantities_of
from dnnexplain.registry import spec_of
from dnnexplain.results import register

__all__ = ["Statement", "doing", "parse_statement", "sources"]


@register
@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence about a policy.

    Attributes:
        kind: ``"does"``: where ``where`` holds, it does as ``what`` (a rule, a move or an action);
            ``"ignores"``: changing the knobs of the group ``what`` alone does not change its decision.
        where: in which states it speaks.
        what: see ``kind``.
    """

    kind: str
    where: Where
    what: str

    def words(self, system: Any) -> str:
        """The sentence."""
        if self.kind == "ignores":
            return f"it does not look at {self.what}"
        place = self.where.words(quantities_of(system))
        return f"it does as {self.what}" if place == "always" else f"where {place}, it does as {self.what}"


def sources(system: Any) -> tuple[str, ...]:
    """What a policy may be said to do: rules, moves, actions."""
    rules = [name for name in system.rules() if name not in {"random", "optimum"}]
    if not isinstance(system.output, Discrete):
        return tuple(rules)
    moves: tuple[str, ...] = getattr(getattr(system, "features", None), "moves", ())
    return tuple(dict.fromkeys((*rules, *moves, *system.output.names)))


def doing(system: Any, what: str, observations: NDArray[Any]) -> NDArray[Any]:
    """The actions that ``what`` stands for in given states ``[N]`` or ``[N, A]``.

    Raises:
        DnnExplainError: no rule, move or action of that name.
    """
    rules = system.rules()
    if what in rules:
        actions: NDArray[Any] = system.output.decide(
            rules[what].outputs(observations), system.valid_actions(observations)
        )
        return actions
    if isinstance(system.output, Discrete):
        moves: tuple[str, ...] = getattr(getattr(system, "features", None), "moves", ())
        if what in moves:
            named: NDArray[Any] = system.features.actions(observations)[:, moves.index(what)]
            return named
        if what in system.output.names:
            return np.full(len(observations), system.output.names.index(what))
    raise Choice("rule, move or action", what, sources(system)).error()


_BOUND = re.compile(r"^(?P<name>.+?)\s*(?P<sign><=|>)\s*(?P<value>-?[0-9.]+(?:e-?[0-9]+)?)$", re.IGNORECASE)


def parse_statement(system: Any, text: str) -> Statement:
    """A user's line: ``"backlog > 3 and jobs waiting <= 2: sjf"``, ``"always: sjf"`` or ``"ignores: job 1 cpu"``.

    Raises:
        DnnExplainError: none of these, or a name that the system does not have.
    """
    left, colon, right = (part.strip() for part in text.partition(":"))
    if not colon or not right:
        msg = f"a statement is 'CONDITIONS: DOES', 'always: DOES' or 'ignores: GROUP', such as {_example(system)!r}, not {text!r}"
        raise DnnExplainError(msg)
    if left == "ignores":
        _known("group", right, tuple(dict.fromkeys(knob.group or knob.name for knob in system.knobs)))
        return Statement("ignores", EVERYWHERE, right)
    _known("rule, move or action", right, sources(system))
    return Statement("does", EVERYWHERE if left == "always" else _where(system, left), right)


def _example(system: Any) -> str:
    """A statement in the system's own words, as its spec has it for the help of commands, or by its first rule."""
    rules = tuple(system.rules())
    return dict(spec_of(system).said).get("SAYING") or f"always: {next(iter(rules), sources(system)[0])}"


def _known(what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise Choice(what, name, tuple(names)).error()


def _where(system: Any, text: str) -> Where:
    bounds: dict[str, tuple[float, float]] = {}
    for part in text.split(" and "):
        match = _BOUND.match(part.strip())
        if match is None:
            msg = f"a condition is 'QUANTITY > NUMBER' or 'QUANTITY <= NUMBER', not {part.strip()!r}"
            raise DnnExplainError(msg)
        low, high = bounds.get(match["name"], (-np.inf, np.inf))
        value = float(match["value"])
        bounds[match["name"]] = (max(low, value), high) if match["sign"] == ">" else (low, min(high, value))
    where = Where(tuple(_span(name, bounds) for name in bounds))
    where.columns(quantities_of(system).names)
    return where


def _span(name: str, bounds: Mapping[str, tuple[float, float]]) -> Span:
    low, high = bounds[name]
    return Span(name, None if low == -np.inf else low, None if high == np.inf else high)
