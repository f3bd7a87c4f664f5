"""A system that a solver can read whole: what the white box is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.component import Array

__all__ = ["WhiteBox"]


@dataclass(frozen=True)
class WhiteBox:
    """A system that a solver can read whole.

    Inputs are ``x = high * z`` with ``z`` 0 or 1. The network is dense layers with ReLU between them, its
    outputs clipped to [0, 1]: ``y [m]``. The cost is the largest piece of ``constant z + product q`` with
    ``q_k = z[owner_k] y_k``. The optimum is the smallest ``max(use f)`` over ``f >= 0`` with ``serve f = x``.

    Attributes:
        high: the inputs' full values ``[n]``.
        layers: weights ``[out, in]`` and biases ``[out]``, first to last, acting on ``x``.
        owner: which input each output multiplies ``[m]``.
        constant, product: how pieces are made ``[pieces, n]`` and ``[pieces, m]``.
        serve, use: the optimum's constraints ``[n, F]`` and objective rows ``[rows, F]``, not negative.
        least: a number that no optimum of an input other than 0 is below.
        ratio: cost / optimum of inputs ``[B, n]``, evaluated outside the program: ``[B]``.
    """

    high: Array
    layers: tuple[tuple[Array, Array], ...]
    owner: NDArray[np.int64]
    constant: Array
    product: Array
    serve: Array
    use: Array
    least: float
    ratio: Callable[[Array], Array] = field(compare=False)

    def __post_init__(self) -> None:
        if not (self.least > 0 and (np.asarray(self.high) > 0).all()):
            msg = f"a white box needs inputs and optima above 0; got a least optimum of {self.least}"
            raise DnnExplainError(msg)

    def outputs(self, x: Array) -> Array:
        """The network's clipped outputs ``[B, m]`` for inputs ``[B, n]``."""
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight.T + bias, 0.0)
        weight, bias = self.layers[-1]
        return np.asarray(np.clip(x @ weight.T + bias, 0.0, 1.0))

    def modelled(self, x: Array) -> Array:
        """Cost / optimum of on-off inputs ``[B, n]`` by the program's own parts alone: ``[B]``."""
        least = np.array([self._least_optimum(row) for row in np.asarray(x, dtype=np.float64)])
        return np.asarray(self.pieces(x).max(axis=1) / least)

    def _least_optimum(self, x: Array) -> float:
        """The smallest ``max(use f)`` over ``f >= 0`` with ``serve f = x``, as a linear program."""
        from scipy.optimize import linprog  # noqa: PLC0415 - 0.2 s that only a certificate needs

        rows, flows = self.use.shape
        solution = linprog(
            np.append(np.zeros(flows), 1.0),
            A_ub=np.hstack([self.use, -np.ones((rows, 1))]),
            b_ub=np.zeros(rows),
            A_eq=np.hstack([self.serve, np.zeros((len(self.serve), 1))]),
            b_eq=x,
        )
        return float(solution.fun) if solution.status == 0 else float("nan")

    def pieces(self, x: Array) -> Array:
        """The pieces of the cost ``[B, pieces]`` for inputs ``[B, n]`` that are on or off."""
        z = (np.asarray(x) > self.high / 2).astype(np.float64)
        q = z[:, self.owner] * self.outputs(x)
        return np.asarray(z @ self.constant.T + q @ self.product.T)
