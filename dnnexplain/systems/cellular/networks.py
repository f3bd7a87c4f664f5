"""The actor: dense layers with ReLU from what is seen to a rate, which is cut off at 0 and 1 when it is carried out."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dnnexplain.contract import Knob

__all__ = ["Scaled", "actor_stack"]


def actor_stack(inputs: int, hidden: Sequence[int], seed: int) -> nn.Sequential:
    """Layers ``flatten, hidden_1, relu_1, ..., output`` (the architecture ``mlp``); raw rates ``[B, 1]`` near 0.3.

    Args:
        inputs: number of knobs, which should be scaled to about -1 to 1.
        hidden: units of each hidden layer.
        seed: of the weights (He et al., 2015).
    """
    generator = torch.Generator().manual_seed(seed)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    width = inputs
    for number, units in enumerate(hidden, start=1):
        layers[f"hidden_{number}"] = _drawn(width, units, math.sqrt(2 / width), 0.0, generator)
        layers[f"relu_{number}"] = nn.ReLU()
        width = units
    layers["output"] = _drawn(width, 1, 0.1 / math.sqrt(width), 0.3, generator)
    module = nn.Sequential(layers)
    module.architecture = {"name": "mlp", "arguments": {"hidden": list(hidden)}}  # type: ignore[assignment]
    return module


def _drawn(inputs: int, units: int, deviation: float, bias: float, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, inputs, units)
    with torch.no_grad():
        layer.weight.normal_(0.0, deviation, generator=generator)
        layer.bias.fill_(bias)
    return layer


class Scaled(nn.Module):
    """A network that is trained on knobs scaled to -1 to 1, and can be written as one on the knobs themselves.

    Args:
        stack: of :func:`actor_stack`.
        knobs: whose bounds are scaled.
    """

    middle: Tensor
    span: Tensor

    def __init__(self, stack: nn.Sequential, knobs: Sequence[Knob]) -> None:
        super().__init__()
        self.stack = stack
        low, high = (torch.tensor([getattr(knob, end) for knob in knobs]) for end in ("low", "high"))
        self.register_buffer("middle", (low + high) / 2)
        self.register_buffer("span", ((high - low) / 2).clamp(min=1e-6))

    def forward(self, seen: Tensor) -> Tensor:
        """Knobs ``[B, K]`` to raw rates ``[B, 1]``."""
        rates: Tensor = self.stack((seen - self.middle) / self.span)
        return rates

    def folded(self) -> nn.Sequential:
        """The same function with the scale inside the first layer (in double precision, then rounded)."""
        from copy import deepcopy  # noqa: PLC0415 - once per training

        stack = deepcopy(self.stack)
        first = next(layer for layer in stack if isinstance(layer, nn.Linear))
        with torch.no_grad():
            weight = first.weight.double() / self.span.double()
            first.bias.copy_(first.bias.double() - weight @ self.middle.double())
            first.weight.copy_(weight)
        stack.architecture = self.stack.architecture  # type: ignore[assignment]
        return stack
