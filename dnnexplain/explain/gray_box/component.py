"""Components of a pipeline: each gives its output and a vector-Jacobian product.

Gray-box analysis (Namyar et al., "End-to-End Performance Analysis of Learning-enabled Systems",
HotNets 2024, section 4) differentiates a system part by part. Here a part is anything that can be
*linearised*: asked at ``x``, it returns its output and a function that pulls a cotangent of the output
back to the input. ``B`` is the batch, ``n`` the inputs and ``m`` the outputs of a part; rows of a batch
are independent of one another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Array", "Autodiff", "Carry", "Component", "Envelope", "Formula", "Pullback", "checked"]

Array = NDArray[np.float64]
Pullback = Callable[[Array], Array]


@runtime_checkable
class Component(Protocol):
    """A part of a pipeline.

    Attributes:
        name: what the part does, in words: ``"network"``, ``"utilisation of links"``.
    """

    name: str

    def output(self, x: Array) -> Array:
        """The output ``[B, m]`` at ``x [B, n]``."""
        ...

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """The output ``[B, m]`` and the pullback: cotangents ``[B, m]`` to cotangents ``[B, n]``."""
        ...


def checked(name: str, y: Array, rows: int) -> Array:
    """The output of a user's function as float64 ``[rows, m]``, or an error that names the part."""
    out = np.asarray(y, dtype=np.float64)
    if out.ndim == 1 and out.shape[0] == rows:
        out = out[:, None]
    if out.ndim != 2 or out.shape[0] != rows:
        msg = (
            f"component {name!r} was given {rows} rows and returned shape {tuple(out.shape)}; "
            f"a component maps a batch [B, n] to [B, m], one row per input"
        )
        raise DnnExplainError(msg)
    if not np.isfinite(out).all():
        row = int(np.flatnonzero(~np.isfinite(out).all(axis=1))[0])
        msg = f"component {name!r} returned a number that is not finite in row {row}; check its input's bounds"
        raise DnnExplainError(msg)
    return out


class Autodiff:
    """A part written in torch, differentiated by torch.

    Args:
        function: a torch function or module, float64 ``[B, n]`` to ``[B, m]`` (or ``[B]``).
        name: what the part does.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], name: str = "network") -> None:
        self.function = function
        self.name = name

    def output(self, x: Array) -> Array:
        """See :class:`Component`."""
        import torch  # noqa: PLC0415 - `import dnnexplain` must not load torch

        with torch.no_grad():
            y = self.function(torch.from_numpy(np.ascontiguousarray(x)))
        return checked(self.name, y.numpy(), len(x))

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """See :class:`Component`."""
        import torch  # noqa: PLC0415

        with torch.enable_grad():
            leaf = torch.from_numpy(np.array(x)).requires_grad_()
            y = self.function(leaf)
        shape = y.shape

        def pull(cotangent: Array) -> Array:
            seed = torch.from_numpy(np.ascontiguousarray(cotangent)).reshape(shape)
            (gradient,) = torch.autograd.grad(y, leaf, seed, retain_graph=True)
            return np.asarray(gradient.numpy())

        return checked(self.name, y.detach().numpy(), len(x)), pull


class Formula:
    """A part whose derivative the user knows.

    Args:
        function: ``x [B, n]`` to ``y [B, m]``.
        vjp: ``(x [B, n], y [B, m], cotangent [B, m])`` to ``[B, n]``.
        name: what the part does.
    """

    def __init__(
        self,
        function: Callable[[Array], Array],
        vjp: Callable[[Array, Array, Array], Array],
        name: str = "formula",
    ) -> None:
        self.function = function
        self.vjp = vjp
        self.name = name

    def output(self, x: Array) -> Array:
        """See :class:`Component`."""
        return checked(self.name, self.function(x), len(x))

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """See :class:`Component`."""
        y = self.output(x)
        return y, lambda cotangent: self.vjp(x, y, cotangent)


class Envelope:
    """The value of an optimisation problem as a function of its data, differentiated by its duals.

    The envelope theorem: where the optimum moves smoothly, its derivative with respect to a right-hand
    side is that row's multiplier, so one solve gives the value and the whole gradient.

    Args:
        function: ``x [B, n]`` to values ``[B]`` and gradients ``[B, n]``.
        value: ``x [B, n]`` to values ``[B]`` alone, where that is cheaper.
        name: what the part does.
    """

    def __init__(
        self,
        function: Callable[[Array], tuple[Array, Array]],
        value: Callable[[Array], Array] | None = None,
        name: str = "optimum",
    ) -> None:
        self.function = function
        self.value = value
        self.name = name

    def output(self, x: Array) -> Array:
        """See :class:`Component`."""
        return checked(self.name, self.function(x)[0] if self.value is None else self.value(x), len(x))

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """See :class:`Component`."""
        value, gradient = self.function(x)
        slope = checked(self.name, gradient, len(x))
        return checked(self.name, value, len(x)), lambda cotangent: cotangent * slope


class Carry:
    """A part that reads some inputs and hands others on: ``x -> [part(x[reads]), x[keeps]]``.

    With it a chain carries what a later part needs beside the output of an earlier one: the demands go
    past the network to the links.

    Args:
        part: the component that is applied.
        reads: the input positions that it reads, in its order.
        keeps: the input positions that are handed on behind its output.
    """

    def __init__(self, part: Component, reads: NDArray[np.int64], keeps: NDArray[np.int64]) -> None:
        self.part = part
        self.reads = np.asarray(reads, dtype=np.int64)
        self.keeps = np.asarray(keeps, dtype=np.int64)
        self.name = part.name

    def output(self, x: Array) -> Array:
        """See :class:`Component`."""
        return np.concatenate([self.part.output(x[:, self.reads]), x[:, self.keeps]], axis=1)

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """See :class:`Component`."""
        inner, pull_inner = self.part.linearise(x[:, self.reads])
        width = inner.shape[1]

        def pull(cotangent: Array) -> Array:
            columns = np.zeros(x.shape[::-1])  # an input may be both read and kept: cotangents add up
            np.add.at(columns, self.reads, pull_inner(cotangent[:, :width]).T)
            np.add.at(columns, self.keeps, cotangent[:, width:].T)
            return np.ascontiguousarray(columns.T)

        return np.concatenate([inner, x[:, self.keeps]], axis=1), pull
