"""Knobs and states: the quantities of the domain, and what a decision is made in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import DnnExplainError

__all__ = ["Knob", "State"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One named, bounded quantity of the domain, e.g. ``job 2 length, 0-15 steps``.

    Args:
        name: unique within a system, in the words of the domain: ``"job 2 length"``.
        unit: ``"steps"``, ``"units"``, ``"Gb/s"``; an empty string for a pure number.
        low, high: the inclusive bounds, in the unit.
        step: the grid (1 for integers); ``None`` for a continuous quantity.
        group: knobs that belong together share it: ``"job 2"``.
        default: where an untouched editor puts it; ``low`` if not given.
    """

    name: str
    unit: str
    low: float
    high: float
    step: float | None = 1.0
    group: str = ""
    default: float | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            msg = f"knob {self.name!r}: low {self.low:g} is above high {self.high:g}"
            raise DnnExplainError(msg)
        if self.step is not None and self.step <= 0:
            msg = f"knob {self.name!r}: step must be positive or None, not {self.step:g}"
            raise DnnExplainError(msg)

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers, every one within its bounds."""
        return self.step == 1 and float(self.low).is_integer()

    @property
    def start(self) -> float:
        """Where an untouched editor puts the knob."""
        return self.low if self.default is None else self.default

    def grid(self, points: int = 101) -> NDArray[np.float64]:
        """All values of a stepped knob, or ``points`` evenly spaced ones of a continuous knob."""
        if self.step is None:
            values = np.linspace(self.low, self.high, points)
            values[np.abs(values) < 1e-12 * (self.high - self.low)] = 0.0  # not 1.8e-15, of a range about zero
            return values
        count = int(np.floor((self.high - self.low) / self.step + 1e-9)) + 1
        return self.low + self.step * np.arange(count, dtype=np.float64)

    def snap(self, value: float) -> float:
        """The nearest allowed value."""
        if not _is_finite(value):
            msg = f"{self.name} must be a finite number between {self.low:g} and {self.high:g} {self.unit}, not {value!r:.40}"
            raise DnnExplainError(msg)
        inside = min(max(float(value), self.low), self.high)
        if self.step is None:
            return inside
        return min(self.low + self.step * round((inside - self.low) / self.step), self.high)


def _is_finite(value: Any) -> bool:
    """Whether it is a number that float64 holds."""
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False


@dataclass(frozen=True, eq=False)
class State:
    """What a decision is made in: the value of every knob, and what the knobs leave open.

    Attributes:
        values: one value per knob of the system, in its order; float64 ``[K]``.
        background: the observation the values were read from, or ``None``. Where a knob still has the
            value that the background shows, ``System.encode`` keeps the background's cells, so that a
            state taken from an episode gives back its observation to the bit.
    """

    values: NDArray[np.float64]
    background: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        same_background = (self.background is None and other.background is None) or (
            self.background is not None
            and other.background is not None
            and np.array_equal(self.background, other.background)
        )
        return same_background and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]
