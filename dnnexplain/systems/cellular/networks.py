"""The actor: dense layers with ReLU from what is seen to a rate, which is cut off at 0 and 1 when it is carried out."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Whitened", "actor_stack"]

RIDGE = 0.01
"""Added to the variances by which directions are divided."""


def actor_stack(inputs: int, hidden: Sequence[int], seed: int) -> nn.Sequential:
    """Layers ``flatten, hidden_1, relu_1, ..., output`` (the architecture ``mlp``); raw rates ``[B, 1]`` near 0.3.

    Args:
        inputs: number of them; they should be of about unit size.
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
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, units)
    with torch.no_grad():
        layer.weight.normal_(0.0, deviation, generator=generator)
        layer.bias.fill_(bias)
    return layer


class Whitened(nn.Module):
    """A network that is trained on whitened inputs, and can be written as one on the inputs themselves.

    Minutes that follow one another are much alike, so that what tells them apart is small; whitened, every direction
    in which states differ counts alike, and training is quick.

    Args:
        stack: of :func:`actor_stack`.
        seen: states of the kind that it will meet ``[N, K]``.
    """

    middle: Tensor
    matrix: Tensor

    def __init__(self, stack: nn.Sequential, seen: NDArray[np.float32]) -> None:
        super().__init__()
        self.stack = stack
        rows = seen.astype(np.float64)
        spread = np.maximum(rows.std(axis=0), 1e-6)
        # Zero-phase whitening of standardised inputs; what hardly differs is not blown up more than tenfold.
        size, axes = np.linalg.eigh(np.cov((rows - rows.mean(axis=0)) / spread, rowvar=False))
        whiten = (axes / np.sqrt(np.maximum(size, 0) + RIDGE)) @ axes.T
        self.register_buffer("middle", torch.as_tensor(rows.mean(axis=0), dtype=torch.float32))
        self.register_buffer("matrix", torch.as_tensor(whiten / spread, dtype=torch.float32))

    def forward(self, seen: Tensor) -> Tensor:
        """What is seen ``[B, K]`` to raw rates ``[B, 1]``."""
        rates: Tensor = self.stack((seen - self.middle) @ self.matrix.T)
        return rates

    def watch(self, unit: int, knob: int, above: float, slope: float) -> None:
        """Let a unit of the first layer begin as ``slope (x - above)`` of one input alone, in that input's own unit.

        What ends abruptly, a day, is hard to find by gradients; with such a unit they need only use it.
        """
        first = next(layer for layer in self.stack if isinstance(layer, nn.Linear))
        axis = torch.zeros(len(self.middle), dtype=torch.float64)
        axis[knob] = slope
        with torch.no_grad():
            first.weight[unit] = torch.linalg.solve(self.matrix.double().T, axis).float()
            first.bias[unit] = slope * (float(self.middle[knob]) - above)

    def folded(self) -> nn.Sequential:
        """The same function with the whitening inside the first layer (in double precision, then rounded)."""
        stack = deepcopy(self.stack)
        first = next(layer for layer in stack if isinstance(layer, nn.Linear))
        with torch.no_grad():
            weight = first.weight.double() @ self.matrix.double()
            first.bias.copy_(first.bias.double() - weight @ self.middle.double())
            first.weight.copy_(weight)
        stack.architecture = self.stack.architecture
        return stack
