"""A policy with some neurons held at fixed values, whatever it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError, NetworkPolicy, System
from dnnexplain.explain.attribution.sentences import number
from dnnexplain.explain.networks.hooks import module_of, private
from dnnexplain.explain.probing.neurons import check_neuron, layer_of

__all__ = ["ClampedPolicy", "clamped"]

_CHUNK_NUMBERS = 1 << 21


@dataclass(eq=False)
class ClampedPolicy:
    """A policy's network with some neurons held at fixed values; a ``NetworkPolicy`` itself."""

    name: str
    module: nn.Module
    checkpoint: str
    masked: bool
    held: Mapping[int, float] = field(default_factory=dict)

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]`` for observations ``[B, *observation_shape]``."""
        inputs = np.asarray(observations, dtype=np.float32)
        rows = max(1, _CHUNK_NUMBERS // max(1, int(np.prod(inputs.shape[1:]))))
        with torch.no_grad():
            parts = [self.module(torch.tensor(inputs[i : i + rows])) for i in range(0, max(1, len(inputs)), rows)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def clamped(
    system: System, policy: NetworkPolicy, held: Mapping[int, float], layer: str | None = None
) -> ClampedPolicy:
    """The policy with neurons of one layer held at values, whatever the input.

    Args:
        system: the world.
        policy: with a torch network inside; it stays as it is.
        held: neuron (counted from 0) -> value.
        layer: by name; the first hidden layer if not given.

    Raises:
        DnnExplainError: no such layer or neuron, or a value that is not finite or that the layer's
            activation cannot take (below 0 after a ReLU).
    """
    neuron_layer = layer_of(system, policy, layer)
    values = {check_neuron(neuron_layer, neuron): float(value) for neuron, value in held.items()}
    for neuron, value in values.items():
        if not np.isfinite(value) or (neuron_layer.rectified and value < 0):
            msg = f"neuron {neuron} of layer {neuron_layer.name!r} cannot be held at {value:g}: its activation is never below 0"
            raise DnnExplainError(
                msg if np.isfinite(value) else f"hold neuron {neuron} at a finite number, not {value:g}"
            )
    twin = private(policy)
    positions, numbers = torch.tensor(list(values), dtype=torch.long), torch.tensor(list(values.values()))

    def hold(_module: nn.Module, _inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
        flat = out.flatten(1).clone()
        flat[:, positions] = numbers.to(flat.dtype)
        return flat.reshape(out.shape)

    module_of(twin, neuron_layer.name).register_forward_hook(hold)
    words = ", ".join(f"neuron {neuron} at {number(value)}" for neuron, value in values.items())
    return ClampedPolicy(f"{policy.name} with {words}", twin, policy.checkpoint, policy.masked, values)
