"""The certificate of a neuron's maximum: the weighted sum against the neuron as the policy runs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import NetworkPolicy, System, valid_states
from dnnexplain.explain.networks.hooks import array, private, tensor
from dnnexplain.explain.probing.affine import AffineInput
from dnnexplain.explain.probing.neurons import NeuronLayer, neuron_activations, random_values
from dnnexplain.explain.proofs import Certificate, Claim, certify
from dnnexplain.explain.proofs.certificate import Function, Sense

__all__ = ["certify_maximum"]

_SAMPLED, _ANSWERED = 256, 64
_SEED = 7
"""Not the seed of the states on which the weights were read."""


def certify_maximum(
    system: System,
    policy: NetworkPolicy,
    layer: NeuronLayer,
    neuron: int,
    affine: AffineInput,
    place: int,
    values: NDArray[np.float64],
    largest: float,
) -> Certificate:
    """Check that a neuron's input is the sum that was maximised, and that no sampled state passes the maximum.

    Three things are asked: that the network looked into answers as the policy does, that no sampled state
    activates the neuron more, and that what its activation function receives is the sum.

    Args:
        system, policy: the world and the network.
        layer, neuron: which neuron.
        affine, place: the sum that was maximised, and the neuron's row in it.
        values: the state in which it is largest ``[K]``.
        largest: the sum there.
    """
    states = random_values(system, _SAMPLED, np.random.default_rng(_SEED))
    text = f"no valid state activates neuron {neuron} of layer {layer.name!r} more"
    where = valid_states(system)

    def read(at: NeuronLayer) -> Function:
        return lambda rows: neuron_activations(policy, at, system.encode(rows), [neuron])[:, 0]

    def summed(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return affine.at(system.encode(rows))[:, place]

    def own(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(policy.outputs(system.encode(rows)))

    def looked_into(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        with torch.no_grad():
            return array(private(policy)(tensor(system.encode(rows))))

    reached = float(read(layer)(values[None])[0])
    same = Claim("the network that is looked into answers as the policy does")
    checks = (
        certify(same, looked_into, own, states[:_ANSWERED], values),
        certify(Claim(text, reached, Sense.AT_MOST), read(layer), read(layer), states, values, quantifies=where),
        certify(Claim(text, largest, Sense.AT_MOST), summed, read(layer.before()), states, values, quantifies=where),
    )
    return next((check for check in checks if not check.holds), checks[-1])
