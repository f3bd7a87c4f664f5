"""Dead, active, saturated, flat: how a neuron responds at each value of a knob, by stated definitions.

For a curve ``a`` over the grid of a knob:

- *dead*: ``a`` is exactly 0, and the layer is rectified (a ReLU). Other layers have no dead range.
- *flat*: the whole curve moves by at most :data:`FLAT_SHARE` of the neuron's range (its range over a
  reference batch of reachable states where one is given, else over all curves computed together), and is
  not dead everywhere. A flat curve has no thresholds.
- *saturated*: the longest range at an end of the grid, at least two values wide and not dead, over which
  ``a`` strays from its end value by at most :data:`PACE_SHARE` of what a straight line from the curve's
  lowest to its highest value would over the same width: its average pace there is a tenth of the curve's.
- *active*: everywhere else.

A threshold is a step of the grid at which one range gives way to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dnnexplain.numbers import number
from dnnexplain.results import register

__all__ = ["FLAT_SHARE", "PACE_SHARE", "Range", "Response", "Threshold", "classify", "ranges_of", "thresholds_of"]

FLAT_SHARE = 0.05
"""A curve that moves by no more than this share of the neuron's range is flat."""

PACE_SHARE = 0.1
"""A range with no more than this share of the curve's average pace is saturated."""


class Response(IntEnum):
    """How a neuron responds at one value of a knob."""

    DEAD = 0
    ACTIVE = 1
    SATURATED = 2
    FLAT = 3


@register
@dataclass(frozen=True, slots=True)
class Range:
    """A run of grid values with one response, ``low`` and ``high`` included."""

    response: str
    low: float
    high: float


@register
@dataclass(frozen=True, slots=True)
class Threshold:
    """A change of response between two neighbouring grid values.

    Attributes:
        kind: ``"turns on"``, ``"turns off"``, ``"stops changing"`` or ``"starts changing"``.
        before, after: the last value of the one range and the first value of the next.
    """

    kind: str
    before: float
    after: float

    def words(self) -> str:
        """``turns on between 2 and 3``."""
        return f"{self.kind} between {number(self.before)} and {number(self.after)}"


def classify(
    values: NDArray[np.float64], activation: NDArray[np.float64], scale: NDArray[np.float64], *, rectified: bool
) -> NDArray[np.int8]:
    """The response at every grid value, by the definitions of this module.

    Args:
        values: the grid, ascending ``[n]``.
        activation: curves over it ``[..., n]``.
        scale: the range of each curve's neuron ``[...]``.
        rectified: whether an activation of 0 means "off".

    Returns:
        :class:`Response` codes ``[..., n]``.
    """
    spread = activation.max(axis=-1) - activation.min(axis=-1)
    dead = (activation == 0) & rectified
    labels = np.full(activation.shape, Response.ACTIVE, dtype=np.int8)
    width = values[-1] - values[0]
    if width > 0:
        pace = PACE_SHARE * spread / width
        labels[_settled(values, activation, pace) & ~dead[..., -1:]] = Response.SATURATED
        early = _settled(-values[::-1], activation[..., ::-1], pace)[..., ::-1]
        labels[early & ~dead[..., :1]] = Response.SATURATED
    labels[dead] = Response.DEAD
    labels[(spread <= FLAT_SHARE * scale) & ~dead.all(axis=-1)] = Response.FLAT
    return labels


def _settled(
    values: NDArray[np.float64], activation: NDArray[np.float64], pace: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Where each curve has settled to its last value, at least two grid values before the end ``[..., n]``."""
    away = np.abs(activation - activation[..., -1:])[..., ::-1]
    worst = np.maximum.accumulate(away, axis=-1)[..., ::-1]
    near = worst <= pace[..., None] * (values[-1] - values)
    near[..., -1] = False
    return np.asarray(np.maximum.accumulate(near, axis=-1))


_WORDS = {
    (Response.DEAD, Response.ACTIVE): "turns on",
    (Response.DEAD, Response.SATURATED): "turns on",
    (Response.ACTIVE, Response.DEAD): "turns off",
    (Response.SATURATED, Response.DEAD): "turns off",
    (Response.ACTIVE, Response.SATURATED): "stops changing",
    (Response.SATURATED, Response.ACTIVE): "starts changing",
}


def ranges_of(values: NDArray[np.float64], labels: NDArray[np.int8]) -> tuple[Range, ...]:
    """Runs of grid values ``[n]`` with one label ``[n]``, from low to high."""
    cuts = np.flatnonzero(np.diff(labels)) + 1
    firsts = [0, *cuts.tolist()]
    lasts = [*(cuts - 1).tolist(), len(labels) - 1]
    return tuple(
        Range(Response(int(labels[i])).name.lower(), float(values[i]), float(values[j]))
        for i, j in zip(firsts, lasts, strict=True)
    )


def thresholds_of(values: NDArray[np.float64], labels: NDArray[np.int8]) -> tuple[Threshold, ...]:
    """Where the label changes along a grid ``[n]``, from low to high."""
    return tuple(
        Threshold(
            _WORDS[Response(int(labels[i])), Response(int(labels[i + 1]))], float(values[i]), float(values[i + 1])
        )
        for i in np.flatnonzero(np.diff(labels))
    )
