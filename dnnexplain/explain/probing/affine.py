"""Neurons whose input is a weighted sum over the cells of the observation.

The sum is read at the activation function itself: what its module receives as the network runs, whatever
stands before it (a normalisation in evaluation mode, a sum of branches, ``1 - h``). Two things are asked:
that autograd's graph between observation and neuron holds operations of straight lines alone (a ReLU
anywhere in it bends some line, perhaps far from any sampled state), and that the sum is met on random states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnnexplain.contract import Policy, System
from dnnexplain.explain.networks.hooks import array, noted, private, tensor
from dnnexplain.explain.probing.neurons import NeuronLayer, random_values

__all__ = ["AffineInput", "affine_input"]

_CHECKED = 64
_STRAIGHT = frozenset(
    {
        "AddmmBackward0", "MmBackward0", "MvBackward0", "BmmBackward0", "BaddbmmBackward0", "AddBackward0",
        "SubBackward0", "RsubBackward1", "RsubBackward0", "NegBackward0", "MulBackward0", "DivBackward0", "TBackward0",
        "TransposeBackward0", "PermuteBackward0", "ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0",
        "SqueezeBackward0", "SqueezeBackward1", "SqueezeBackward2", "UnsqueezeBackward0", "SelectBackward0",
        "SliceBackward0", "IndexBackward0", "IndexSelectBackward0", "CatBackward0", "StackBackward0",
        "SplitBackward0", "UnbindBackward0", "ExpandBackward0", "RepeatBackward0", "CloneBackward0", "ToCopyBackward0",
        "SumBackward0", "SumBackward1", "MeanBackward0", "MeanBackward1", "ConvolutionBackward0",
        "NativeBatchNormBackward0", "CudnnBatchNormBackward0", "AvgPool2DBackward0", "ConstantPadNdBackward0",
        "AliasBackward0", "DotBackward0", "EinsumBackward0", "AccumulateGrad",
    }
)  # fmt: skip
"""Operations that are affine in one argument; a product of two that both depend on the observation is a
polynomial, which no finite set of points but one of measure zero takes for a line."""


@dataclass(frozen=True, eq=False)
class AffineInput:
    """Neurons' inputs as ``weights @ cells + bias``: weights ``[N, cells]``, bias ``[N]``, float64."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def at(self, cells: NDArray[Any]) -> NDArray[np.float64]:
        """The neurons' inputs ``[B, N]`` for observations ``[B, ...]``."""
        return np.asarray(np.asarray(cells, dtype=np.float64).reshape(len(cells), -1) @ self.weights.T + self.bias)


def affine_input(
    system: System, policy: Policy, layer: NeuronLayer, neurons: tuple[int, ...]
) -> tuple[AffineInput | None, str]:
    """The weights of neurons whose input is an affine function of the observation; else ``None`` and why not."""
    if not layer.monotone:
        return None, "more input does not always mean more activation here"
    before = layer.before()
    rng = np.random.default_rng(0)
    states = system.encode(random_values(system, _CHECKED, rng))
    noise = rng.normal(size=(4, *system.observation_shape)).astype(np.float32)
    inputs = tensor(np.concatenate([states, noise]))
    seen: list[Tensor] = []
    twin = private(policy)
    chosen = list(neurons)
    with noted(twin, before.name, before.side, seen.append):
        at = torch.zeros_like(inputs[:1]).requires_grad_()
        twin(at)
        if not seen or not seen[-1].requires_grad:
            return None, "the neuron's input does not depend on the observation through the network's own steps"
        if bends := _bends(seen[-1]):
            return None, f"the neuron's input is not a weighted sum over the observation: {bends} comes before it"
        rows = [torch.autograd.grad(seen[-1][0, n], at, retain_graph=True)[0].flatten() for n in chosen]
        line = AffineInput(array(torch.stack(rows)), array(seen[-1])[0, chosen])
        with torch.no_grad():
            twin(inputs)
    got = array(seen[-1])[:, chosen]
    fits = np.allclose(got, line.at(array(inputs)), rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(got).max())))
    return (line, "") if fits else (None, "the neuron's input is not a weighted sum over the observation")


def _bends(result: Tensor) -> str:
    """The first operation between observation and result that is not known to draw straight lines, by name."""
    left: list[Any] = [result.grad_fn]
    met: set[Any] = set(left)
    while left:
        step = left.pop()
        name = type(step).__name__
        if name not in _STRAIGHT:
            return name.split("Backward", maxsplit=1)[0]
        for following, _ in step.next_functions:
            if following is not None and following not in met:
                met.add(following)
                left.append(following)
    return ""
