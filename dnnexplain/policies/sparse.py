"""A fully connected first layer on pictures given as bytes, most of them zero: compiled, exact.

A DeepRM picture has 2,480 to 4,480 cells, about a tenth of them filled. Adding up the weights of the
filled cells costs a tenth of a dense product, forward and backward. A custom autograd function joins
it to torch; the result equals ``linear(pictures * scale)`` up to float32 rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.policies.sparse_kernels import add_outer, sum_rows

__all__ = ["ByteNetwork", "byte_linear", "first_linear"]

T = TypeVar("T")

_ROWS_PER_THREAD = 512


def _words(cells: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The same bytes read eight at a time; a tail of fewer than eight is left to the caller."""
    whole = cells.shape[1] // 8 * 8
    if whole == cells.shape[1]:
        return cells.view(np.uint64)
    return np.ascontiguousarray(cells[:, :whole]).view(np.uint64)


def _in_threads(part: Callable[[slice], T], rows: int) -> list[T]:
    """``part`` of the rows in as many threads as torch uses; small batches in this one."""
    threads = min(torch.get_num_threads(), rows // _ROWS_PER_THREAD)
    if threads < 2:
        return [part(slice(0, rows))]
    edges = np.linspace(0, rows, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(part, [slice(a, b) for a, b in itertools.pairwise(edges)]))


class _ByteLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, bias: torch.Tensor, cells: NDArray[np.uint8], scale: float) -> Any:
        ctx.cells, ctx.scale, ctx.shape = cells, scale, weight.shape
        out = np.empty((len(cells), weight.shape[0]), dtype=np.float32)
        table = np.ascontiguousarray(weight.detach().numpy().T)
        offset = bias.detach().numpy()

        def part(rows: slice) -> None:
            sum_rows(_words(cells[rows]), cells[rows], np.float32(scale), table, offset, out[rows])

        _in_threads(part, len(cells))
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        gradient = np.ascontiguousarray(gradients[0].numpy())

        def part(rows: slice) -> NDArray[np.float32]:
            table = np.zeros((ctx.shape[1], ctx.shape[0]), dtype=np.float32)
            cells = ctx.cells[rows]
            add_outer(_words(cells), cells, np.float32(ctx.scale), gradient[rows], table)
            return table

        table = np.sum(_in_threads(part, len(gradient)), axis=0)
        return torch.from_numpy(table.T), torch.from_numpy(gradient.sum(axis=0)), None, None


def byte_linear(linear: nn.Linear, pictures: NDArray[np.uint8], scale: float) -> torch.Tensor:
    """``linear(flatten(pictures) * scale)`` ``[B, units]`` for bytes ``[B, ...]``, differentiable in the weights."""
    cells = np.ascontiguousarray(pictures).reshape(len(pictures), -1)
    bias = linear.bias if linear.bias is not None else torch.zeros(linear.out_features)
    result: torch.Tensor = _ByteLinear.apply(linear.weight, bias, cells, scale)  # type: ignore[no-untyped-call] # torch's
    return result


def first_linear(module: nn.Module) -> tuple[nn.Linear, list[nn.Module]] | None:
    """The first layer and the rest, if a network is a plain stack: flatten, fully connected, more."""
    layers = [layer for layer in module.modules() if not list(layer.children())]
    if not isinstance(module, nn.Sequential) or any(isinstance(layer, nn.Sequential) for layer in module):
        return None
    linear = layers[1] if layers and isinstance(layers[0], nn.Flatten) and len(layers) > 1 else None
    if not isinstance(linear, nn.Linear) or linear.weight.dtype != torch.float32:
        return None
    return linear, layers[2:]


class ByteNetwork:
    """A network on pictures given as bytes: the sparse first layer where it fits, torch's own where not.

    Args:
        module: maps float32 ``[B, *shape]`` to ``[B, A]``.
        scale: a byte times this is the network's input.
    """

    def __init__(self, module: nn.Module, scale: float) -> None:
        self.module = module
        self.scale = scale
        self._split = first_linear(module)

    def __call__(self, pictures: NDArray[np.uint8]) -> torch.Tensor:
        """Raw outputs ``[B, A]``, differentiable in the weights."""
        if self._split is None:
            result: torch.Tensor = self.module(torch.from_numpy(pictures).to(torch.float32).mul_(self.scale))
            return result
        linear, rest = self._split
        hidden = byte_linear(linear, pictures, self.scale)
        for layer in rest:
            hidden = layer(hidden)
        return hidden
