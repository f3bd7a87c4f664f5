"""A chain of components with one cost at its end, and the chain rule through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.explain.gray_box.component import Array, Component
from dnnexplain.explain.gray_box.sampled import Sampled

__all__ = ["Pipeline"]


@dataclass(frozen=True)
class Pipeline:
    """Components in the order in which data passes them; the cost is the largest of the last outputs.

    The last component may give one number per row, or several *pieces* (the utilisation of every link),
    of which the largest is the cost. A search may climb one piece at a time: each is smooth where the
    maximum is not.

    Attributes:
        components: the parts; each reads what the one before it gives.
    """

    components: tuple[Component, ...]

    def __init__(self, components: Sequence[Component]) -> None:
        if not components:
            msg = "a pipeline needs at least one component"
            raise DnnExplainError(msg)
        object.__setattr__(self, "components", tuple(components))

    @property
    def names(self) -> tuple[str, ...]:
        """The parts by name."""
        return tuple(part.name for part in self.components)

    def pieces(self, x: Array) -> Array:
        """The last component's outputs ``[B, m]`` at ``x [B, n]``."""
        y = np.asarray(x, dtype=np.float64)
        for part in self.components:
            y = part.output(y)
        return y

    def value(self, x: Array) -> Array:
        """The cost ``[B]`` at ``x [B, n]``: the largest piece."""
        return np.asarray(self.pieces(x).max(axis=1))

    def value_and_gradient(self, x: Array, piece: NDArray[np.int64] | None = None) -> tuple[Array, Array, Array]:
        """Costs ``[B]``, pieces ``[B, m]`` and gradients ``[B, n]``.

        Args:
            x: inputs ``[B, n]``.
            piece: which piece to differentiate in each row ``[B]``; the largest if not given.

        Returns:
            The cost (always the largest piece), all pieces, and the gradient of the chosen ones.
        """
        y = np.asarray(x, dtype=np.float64)
        pulls = []
        for part in self.components:
            y, pull = part.linearise(y)
            pulls.append(pull)
        rows = np.arange(len(y))
        cotangent = np.zeros_like(y)
        cotangent[rows, y.argmax(axis=1) if piece is None else piece] = 1.0
        for pull in reversed(pulls):
            cotangent = pull(cotangent)
        return np.asarray(y.max(axis=1)), y, cotangent

    def gradient(self, x: Array) -> Array:
        """The gradient of the cost ``[B, n]``."""
        return self.value_and_gradient(x)[2]

    def replace(self, name: str, make: Callable[[Component], Component]) -> Pipeline:
        """The same pipeline with the named component exchanged for ``make(component)``."""
        if name not in self.names:
            raise Choice("component", name, self.names).error()
        return Pipeline([make(part) if part.name == name else part for part in self.components])

    def sampled(self, name: str, **options: object) -> Pipeline:
        """The same pipeline with the named component treated as a black box; options of :class:`Sampled`."""
        return self.replace(name, lambda part: _black_box(part, options))


def _black_box(part: Component, options: dict[str, object]) -> Component:
    """A sampled twin: what a part carries past itself stays exact."""
    from dnnexplain.explain.gray_box.component import Carry  # noqa: PLC0415

    if isinstance(part, Carry):
        return Carry(Sampled(part.part, **options), part.reads, part.keeps)  # type: ignore[arg-type]
    return Sampled(part, **options)  # type: ignore[arg-type]
