"""Ways to climb cost / optimum: where the search moves, and how it takes the optimum in the denominator.

Every way maps parameters ``p [B, k]`` to inputs ``x [B, n]``, a ratio that is never above the true one,
and the gradient of its logarithm. The logarithm makes steep and flat places alike, and turns a quotient
into a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["AlternativeWay", "EnvelopeWay", "Slope", "Way", "WitnessWay"]

TINY = 1e-300


@dataclass(frozen=True)
class Slope:
    """Where a batch stands and which way is up.

    Attributes:
        x: the inputs ``[B, n]``.
        ratio: cost over denominator ``[B]``; 0 where there is no case.
        gradient: of the logarithm of (chosen piece / denominator) by the parameters ``[B, k]``.
        pieces: the pieces of the cost ``[B, m]``.
    """

    x: Array
    ratio: Array
    gradient: Array
    pieces: Array


class Way(Protocol):
    """How parameters become inputs and the optimum becomes a denominator."""

    scale: Array

    def start(self, x: Array) -> Array:
        """Parameters ``[B, k]`` that stand for inputs ``[B, n]``."""
        ...

    def valid(self, p: Array) -> Array:
        """The nearest valid parameters."""
        ...

    def slope(self, p: Array, piece: NDArray[np.int64] | None = None) -> Slope:
        """The ratio and its gradient; for one chosen piece of the cost per row, or the largest."""
        ...


def _relative(gradient: Array, value: Array) -> Array:
    """The gradient of a logarithm; 0 where there is no logarithm."""
    return np.divide(gradient, value[:, None], out=np.zeros_like(gradient), where=value[:, None] > TINY)


def _chosen(pieces: Array, piece: NDArray[np.int64] | None) -> Array:
    return np.asarray(pieces.max(axis=1) if piece is None else pieces[np.arange(len(pieces)), piece])


class EnvelopeWay:
    """Move the input itself; the optimum is solved at every step, its gradient is that of its duals."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.scale = problem.domain.width

    def start(self, x: Array) -> Array:
        """See :class:`Way`."""
        return x

    def valid(self, p: Array) -> Array:
        """See :class:`Way`."""
        return self.problem.domain.between(p)

    def slope(self, p: Array, piece: NDArray[np.int64] | None = None) -> Slope:
        """See :class:`Way`."""
        x = self.problem.domain.valid(p) if self.problem.domain.whole else p
        cost, pieces, rise = self.problem.pipeline.value_and_gradient(x, piece)
        best, pull = self.problem.optimum.linearise(x)
        optimum = best[:, 0]
        gradient = _relative(rise, _chosen(pieces, piece)) - _relative(pull(np.ones_like(best)), optimum)
        return Slope(x, self.problem.over(cost, optimum), gradient, pieces)


class WitnessWay:
    """Move a feasible solution; the input follows from it, and its value bounds the optimum from above."""

    def __init__(self, problem: Problem) -> None:
        if problem.witness is None:
            msg = f"{problem.name} has no witness parametrisation; give Problem(witness=...) or use another method"
            raise DnnExplainError(msg)
        self.problem = problem
        self.witness = problem.witness
        self.scale = self.witness.scale

    def start(self, x: Array) -> Array:
        """See :class:`Way`."""
        return self.witness.lift(x)

    def valid(self, p: Array) -> Array:
        """See :class:`Way`."""
        return self.witness.valid(p)

    def slope(self, p: Array, piece: NDArray[np.int64] | None = None) -> Slope:
        """See :class:`Way`."""
        x, back = self.witness.input.linearise(p)
        value, pull = self.witness.value.linearise(p)
        cost, pieces, rise = self.problem.pipeline.value_and_gradient(x, piece)
        bound = value[:, 0]
        gradient = back(_relative(rise, _chosen(pieces, piece))) - _relative(pull(np.ones_like(value)), bound)
        return Slope(x, self.problem.over(cost, bound), gradient, pieces)


class AlternativeWay:
    """Move the input and a second solution together; the second solution's value is the denominator."""

    def __init__(self, problem: Problem) -> None:
        if problem.alternative is None:
            msg = f"{problem.name} has no second solution; give Problem(alternative=...) or use another method"
            raise DnnExplainError(msg)
        self.problem = problem
        self.alternative = problem.alternative
        self.inputs = problem.domain.size
        self.scale = np.concatenate([problem.domain.width, np.ones(self.alternative.size)])

    def start(self, x: Array) -> Array:
        """See :class:`Way`."""
        return np.concatenate([x, np.zeros((len(x), self.alternative.size))], axis=1)

    def valid(self, p: Array) -> Array:
        """See :class:`Way`."""
        return np.concatenate([self.problem.domain.valid(p[:, : self.inputs]), p[:, self.inputs :]], axis=1)

    def parts(self, p: Array, piece: NDArray[np.int64] | None = None) -> tuple[Array, Array, Array, Array, Array]:
        """Cost ``[B]``, pieces, its gradient ``[B, n + k]``, the second value ``[B]`` and its gradient."""
        cost, pieces, rise = self.problem.pipeline.value_and_gradient(p[:, : self.inputs], piece)
        value, pull = self.alternative.value.linearise(p)
        padded = np.concatenate([rise, np.zeros((len(p), self.alternative.size))], axis=1)
        return cost, pieces, padded, value[:, 0], pull(np.ones_like(value))

    def slope(self, p: Array, piece: NDArray[np.int64] | None = None) -> Slope:
        """See :class:`Way`."""
        cost, pieces, rise, value, fall = self.parts(p, piece)
        gradient = _relative(rise, _chosen(pieces, piece)) - _relative(fall, value)
        return Slope(p[:, : self.inputs], self.problem.over(cost, value), gradient, pieces)
