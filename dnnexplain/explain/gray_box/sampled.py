"""A black-box component, differentiated by sampling it around the input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.component import Array, Component, Pullback, checked

__all__ = ["Sampled"]


class Sampled:
    """A part of which only outputs are known.

    A cotangent ``g`` is pulled back through central differences of the scalar ``g . f`` along random
    directions. With ``samples`` directions below ``n`` they are random signs (simultaneous perturbation,
    Spall 1992), unbiased and noisy; with ``samples >= n`` every coordinate is measured in turn (central
    differences), exact but for curvature and rounding. All samples of a batch go to the function in one call.

    Args:
        function: ``x [B, n]`` to ``y [B, m]``; or another component, whose derivative is then ignored.
        samples: directions per input.
        radius: half the distance between the two samples of a direction, in the input's unit: a number,
            or one per coordinate.
        low, high: samples stay within these bounds, if given (one number, or one per coordinate).
        seed: of the directions; the k-th call of a fresh component always uses the same ones.
        name: what the part does.
    """

    def __init__(
        self,
        function: Callable[[Array], Array] | Component,
        *,
        samples: int = 64,
        radius: float | Array = 1e-3,
        low: float | Array = -np.inf,
        high: float | Array = np.inf,
        seed: int = 0,
        name: str = "",
    ) -> None:
        if samples < 1:
            msg = f"a sampled component needs at least 1 sample per input, not {samples}"
            raise DnnExplainError(msg)
        if not np.all(np.asarray(radius) > 0):
            msg = f"the radius of a sampled component must be above 0, not {radius}"
            raise DnnExplainError(msg)
        self.function = function.output if isinstance(function, Component) else function
        self.name = name or (function.name if isinstance(function, Component) else "black box")
        self.samples = samples
        self.radius = radius
        self.low = low
        self.high = high
        self.calls = 0
        self._random = np.random.default_rng(seed)

    def output(self, x: Array) -> Array:
        """See :class:`~dnnexplain.explain.gray_box.component.Component`."""
        self.calls += len(x)
        return checked(self.name, self.function(x), len(x))

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """See :class:`~dnnexplain.explain.gray_box.component.Component`."""
        return self.output(x), lambda cotangent: self._pull(x, cotangent)

    def _pull(self, x: Array, cotangent: Array) -> Array:
        rows, n = x.shape
        signs = self._directions(rows, n)
        step = np.broadcast_to(np.asarray(self.radius, dtype=np.float64), (n,)) * signs
        above = np.clip(x[:, None, :] + step, self.low, self.high)
        below = np.clip(x[:, None, :] - step, self.low, self.high)
        both = self.output(np.concatenate([above, below]).reshape(-1, n)).reshape(2 * rows, step.shape[1], -1)
        rise = np.einsum("rsm,rm->rs", both[:rows] - both[rows:], cotangent)
        moved = above - below
        slope = np.divide(rise[:, :, None], moved, out=np.zeros_like(moved), where=moved != 0)
        return np.asarray(slope.sum(axis=1) / np.maximum((moved != 0).sum(axis=1), 1))

    def _directions(self, rows: int, n: int) -> Array:
        """Directions ``[rows, samples, n]``: each coordinate alone, or random signs on all."""
        if self.samples >= n:
            return np.broadcast_to(np.eye(n), (rows, n, n))
        return self._random.choice(np.array([-1.0, 1.0]), size=(rows, self.samples, n))
