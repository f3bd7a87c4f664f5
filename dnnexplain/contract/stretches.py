"""Changes of a series over a stretch of it, within limits: what searches for worse workloads are made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import Choice, DnnExplainError

__all__ = ["Spans", "change_stretch", "draw_line", "settled_limits"]

Floats = NDArray[np.float64]
Spans = Mapping[str, tuple[float, float]]


def settled_limits(limits: Spans, usual: Spans, widest: Spans, what: str) -> dict[str, tuple[float, float]]:
    """Limits for everything that may be changed: those given, within the widest; the usual ones where none is given.

    Args:
        limits: ``{name: (low, high)}`` as a user gives them.
        usual: of every name that there is.
        widest: what no limit can leave, by name.
        what: of what these are limits, for messages: ``"a day"``.

    Raises:
        DnnExplainError: an unknown name, or limits that leave nothing.
    """
    spans = dict(usual)
    for name, (low, high) in limits.items():
        if name not in usual:
            raise Choice(f"limit of {what}", name, tuple(usual)).error()
        least, most = widest[name]
        spans[name] = (max(least, float(low)), min(most, float(high)))
        if spans[name][0] > spans[name][1]:
            msg = f"the limits of {name} leave no value: {low:g} to {high:g}, within {least:g} to {most:g}"
            raise DnnExplainError(msg)
    return spans


def change_stretch(values: Floats, rng: np.random.Generator, low: float, high: float, longest: int) -> None:
    """Over one stretch a series ``[R]`` is higher, lower, level, as at another time, a wave, or swings; in place.

    Args:
        values: at least two numbers.
        rng: draws the stretch and the change.
        low, high: what the changed values stay within.
        longest: of the stretch, in values; its length is drawn uniformly on a scale of logarithms.
    """
    total = len(values)
    length = min(total, int(np.exp(rng.uniform(np.log(2), np.log(longest)))))
    first = int(rng.integers(0, total - length + 1))
    part = slice(first, first + length)
    kind = int(rng.integers(5))
    if kind == 0:  # higher or lower
        values[part] += rng.normal(0.0, 0.2) * (high - low)
    elif kind == 1:  # level
        values[part] = rng.uniform(low, high)
    elif kind == 2:  # as at another time
        other = int(rng.integers(0, total - length + 1))
        values[part] = values[other : other + length].copy()
    elif kind == 3:  # rises and falls again
        values[part] += rng.normal(0.0, 0.3) * (high - low) * np.sin(np.pi * (np.arange(length) + 0.5) / length)
    else:  # swings between two levels
        period = rng.uniform(2, 40)
        up = np.sin(2 * np.pi * np.arange(length) / period) > 0
        values[part] = np.where(up, *np.sort(rng.uniform(low, high, 2)))
    values[part] = np.clip(values[part], low, high)


def draw_line(count: int, every: int, low: float, high: float, rng: np.random.Generator) -> Floats:
    """A series ``[count]`` that runs straight through points drawn uniformly within limits, one every so many values."""
    places = np.arange(count)
    knots = np.append(np.arange(0, count, every), count - 1)
    return np.interp(places, knots, rng.uniform(low, high, len(knots)))
