"""How much passes through a network for one input: what bounds memory and time of methods that ask it often."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from dnnexplain.explain.networks.module_kinds import has_parts, makes_weights

__all__ = ["Sizes", "sizes_of"]


class Sizes(NamedTuple):
    """Of one input.

    Attributes:
        widest: the most numbers that one layer gives.
        products: multiplications of dense and convolutional layers.
    """

    widest: int
    products: int


def sizes_of(module: nn.Module, example: Tensor) -> Sizes:
    """Measured on ``example`` ``[1, ...]`` by hooks, which are taken off again."""
    widest, products = [1], [0]

    def count(layer: nn.Module, _inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if not isinstance(first, Tensor):
            return
        widest.append(first.numel())
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim > 1:
            products.append(first.numel() * weight[0].numel())

    leaves = [part for name, part in module.named_modules() if not makes_weights(name) and not has_parts(part)]
    hooks = [part.register_forward_hook(count) for part in leaves if not isinstance(part, torch.jit.ScriptModule)]
    try:
        with torch.no_grad():
            module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return Sizes(max(widest), sum(products))
