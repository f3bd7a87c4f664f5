"""First-layer neurons as weights over the cells of the observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Policy, System
from dnnexplain.explain.forward import array, hooked, layers, module_of, network_of, private, tensor
from dnnexplain.explain.neurons import NeuronLayer, random_values

__all__ = ["AffineInput", "affine_input"]

_WEIGHTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CHECKED = 64


@dataclass(frozen=True, eq=False)
class AffineInput:
    """Neurons' inputs as ``weights @ cells + bias``: weights ``[N, cells]``, bias ``[N]``, float64."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]


def affine_input(system: System, policy: Policy, layer: NeuronLayer, neurons: tuple[int, ...]) -> AffineInput | None:
    """The weights of neurons whose input is an affine function of the observation, or ``None``.

    The layer must be the first with weights, its activation function monotone, and the weighted input
    must equal ``weights @ cells + bias`` on random valid states and on noise.
    """
    module = network_of(policy)
    first = layers(module, system.observation_shape)[0]
    weights = module_of(module, layer.weights)
    if first.name != layer.name or not layer.monotone or not isinstance(weights, _WEIGHTS):
        return None
    rng = np.random.default_rng(0)
    states = system.encode(random_values(system, _CHECKED, rng))
    noise = rng.normal(size=(4, *system.observation_shape)).astype(np.float32)
    inputs = tensor(np.concatenate([states, noise]))
    seen: list[Tensor] = []
    twin = private(policy)
    with hooked(twin, {layer.weights: lambda out: seen.append(out.flatten(1))}):
        slopes = _slopes(twin, torch.zeros_like(inputs[:1]), neurons, seen)
        with torch.no_grad():
            twin(torch.zeros_like(inputs[:1]))
            bias = array(seen[-1])[0, list(neurons)]
            twin(inputs)
    got = array(seen[-1])[:, list(neurons)]
    expected = array(inputs).reshape(len(inputs), -1) @ slopes.T + bias
    fits = np.allclose(got, expected, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(got).max())))
    return AffineInput(slopes, bias) if fits else None


def _slopes(twin: nn.Module, at: Tensor, neurons: tuple[int, ...], seen: list[Tensor]) -> NDArray[np.float64]:
    """The gradient of each neuron's input with respect to the observation ``[N, cells]``."""
    at = at.clone().requires_grad_()
    twin(at)
    rows = [torch.autograd.grad(seen[-1][0, n], at, retain_graph=True)[0].flatten() for n in neurons]
    return array(torch.stack(rows))
