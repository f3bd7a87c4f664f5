"""A set of states as a conjunction of bounds on the system's own quantities: what a region is and where a guard acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, System
from dnnexplain.explain.distillation.conditions import in_words
from dnnexplain.results import register

__all__ = ["EVERYWHERE", "Quantities", "Span", "Where", "quantities_of"]


class Quantities(Protocol):
    """Domain quantities of states; see :class:`dnnexplain.explain.distillation.Features`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the quantities ``[F]``."""
        ...

    @property
    def units(self) -> Mapping[str, str]:
        """By name; empty for a yes or no."""
        ...

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The quantities ``[B, F]`` of observations ``[B, *observation_shape]``."""
        ...


class KnobQuantities:
    """The knobs themselves as quantities, of a system that names no others."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.names = tuple(knob.name for knob in system.knobs)
        self.units = {knob.name: knob.unit for knob in system.knobs}
        self.whole = tuple(knob.name for knob in system.knobs if knob.whole)

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The knobs' values ``[B, K]``."""
        return self.system.decode(observations)


def quantities_of(system: System) -> Quantities:
    """What may be asked of a system's states: its features, or its knobs where it names none."""
    quantities: Quantities = getattr(system, "features", None) or KnobQuantities(system)
    return quantities


@register
@dataclass(frozen=True, slots=True)
class Span:
    """Bounds of one quantity: above ``above``, and at most ``at_most``; infinite where there is no bound."""

    feature: str
    above: float | None = None
    at_most: float | None = None

    @property
    def low(self) -> float:
        """The lower bound, which is not part of it."""
        return -np.inf if self.above is None else float(self.above)

    @property
    def high(self) -> float:
        """The upper bound, which is part of it."""
        return np.inf if self.at_most is None else float(self.at_most)


@register
@dataclass(frozen=True, slots=True)
class Where:
    """States in which every one of some bounds holds; none: every state."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], bounds: Mapping[int, tuple[float, float]]) -> Where:
        """From bounds by index of the quantity; infinite ones are left out."""
        spans = (
            Span(names[index], None if low == -np.inf else float(low), None if high == np.inf else float(high))
            for index, (low, high) in bounds.items()
        )
        return cls(tuple(span for span in spans if span.above is not None or span.at_most is not None))

    def columns(self, names: Sequence[str]) -> list[int]:
        """The place of each bound's quantity.

        Raises:
            DnnExplainError: the system has no such quantity.
        """
        known = {name: place for place, name in enumerate(names)}
        for span in self.spans:
            if span.feature not in known:
                raise Choice("quantity", span.feature, tuple(names)).error()
        return [known[span.feature] for span in self.spans]

    def holds(self, names: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """In which rows of quantities ``[B, F]`` all bounds hold ``[B]``."""
        inside = np.ones(len(values), dtype=bool)
        for column, span in zip(self.columns(names), self.spans, strict=True):
            inside &= (values[:, column] > span.low) & (values[:, column] <= span.high)
        return inside

    def words(self, quantities: Quantities) -> str:
        """In the system's words: ``"job 1 fits now and backlog is at least 4 jobs"``."""
        absent: Mapping[str, float] = getattr(quantities, "absent", {})
        whole: Collection[str] = getattr(quantities, "whole", ())
        return in_words({span.feature: (span.low, span.high) for span in self.spans}, quantities.units, absent, whole)

    def to_json(self) -> list[dict[str, Any]]:
        """One object per bound; a side without a bound is left out."""
        return [
            {"feature": span.feature}
            | ({} if span.above is None else {"above": span.above})
            | ({} if span.at_most is None else {"at_most": span.at_most})
            for span in self.spans
        ]

    @classmethod
    def from_json(cls, data: Any) -> Where:
        """The inverse.

        Raises:
            DnnExplainError: a bound that is none, said in words.
        """
        if not isinstance(data, list):
            msg = f"'when' must be a list of bounds, such as {_EXAMPLE}, not {_short(data)}"
            raise DnnExplainError(msg)
        return cls(tuple(_span(datum) for datum in data))


_EXAMPLE = '[{"feature": "backlog", "above": 3.5}]'
EVERYWHERE = Where()


def _span(data: Any) -> Span:
    if not isinstance(data, Mapping) or not isinstance(data.get("feature"), str):
        msg = f"a bound must name its feature, such as {_EXAMPLE[1:-1]}, not {_short(data)}"
        raise DnnExplainError(msg)
    sides = {side: data.get(side) for side in ("above", "at_most")}
    strange = set(data) - {"feature", *sides}
    wrong = [
        side
        for side, value in sides.items()
        if value is not None
        and (isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value))
    ]
    if strange or wrong or all(value is None for value in sides.values()):
        msg = f"the bound of {data['feature']!r} must be numbers 'above' and 'at_most' (either may be left out), not {_short(data)}"
        raise DnnExplainError(msg)
    span = Span(data["feature"], sides["above"], sides["at_most"])
    if not span.low < span.high:
        msg = f"the bound of {span.feature!r} holds nowhere: above {span.above} and at most {span.at_most}"
        raise DnnExplainError(msg)
    return span


def _short(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 80 else f"{text[:77]}..."
