"""Pensieve's published networks as plain dense layers: TensorFlow checkpoints, and two layouts of torch weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.wiring import BRANCHES, first_layer
from dnnexplain.tensorflow_files import is_tensorflow, read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKPOINT_ENDINGS", "joined", "known_network"]

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
CHECKPOINT_ENDINGS = (".index", ".data-00000-of-00001", ".meta", ".ckpt")

_TENSORFLOW = ("FullyConnected", "FullyConnected_1", "Conv1D", "Conv1D_1", "Conv1D_2", "FullyConnected_2",
               "FullyConnected_3", "FullyConnected_4")  # fmt: skip
_TORCH = {
    "Pensieve-PPO": (
        "fc1_actor",
        "fc2_actor",
        "conv1_actor",
        "conv2_actor",
        "conv3_actor",
        "fc3_actor",
        "fc4_actor",
        "pi_head",
    ),
    "NN4Sys": tuple(f"linear{number}" for number in range(8)),
}
_LINEAR = {"NN4Sys"}
"""Layouts whose last branch has no activation."""

_TAP = 1
"""The kernel's position that a convolution of width 4 with padding "same" lets see an input of length 1."""


def known_network(
    path: Path, weights: Mapping[str, torch.Tensor] | None, columns: int, remaining_row: int | None
) -> tuple[nn.Module, str] | None:
    """A published network from its file, or ``None`` if it is none.

    Args:
        path: either file of a TensorFlow checkpoint, or their common beginning.
        weights: of a torch file; see ``contract.KnowsNetworks``.
        columns: of the observation.
        remaining_row: where it reads the chunks remaining, 5 or 4; ``None``: where its authors' code does.
    """
    if weights is None:
        if not is_tensorflow(path):
            return None
        return _from_checkpoint(path, columns, 4 if remaining_row is None else remaining_row)
    for kind, names in _TORCH.items():
        layers = _layers(weights, names)
        if layers is not None:
            row = 5 if remaining_row is None else remaining_row
            note = f"{kind}'s layout of the paper's network; {_where(row)}"
            if kind in _LINEAR:
                layers = _without_activation(layers)
                note += "; its branch of the chunks remaining has no ReLU"
            return joined(layers, columns, row), note
    return None


def _where(row: int) -> str:
    return f"the chunks remaining are read from row {row}, as in {'the paper' if row == 5 else 'the published code'}"


def _from_checkpoint(path: Path, columns: int, row: int) -> tuple[nn.Module, str]:
    tensors = read_checkpoint(path)
    layers: list[Pair] = []
    for name in _TENSORFLOW:
        weight, bias = (tensors.get(f"actor/{name}/{part}") for part in "Wb")
        if weight is None or bias is None:
            held = ", ".join(sorted(tensors)[:6])
            msg = f"{path.name} is a TensorFlow checkpoint, but not Pensieve's: it has no actor/{name}/W and b (it holds {held}, ...)"
            raise DnnExplainError(msg)
        if weight.ndim == 4:  # [4, 1, cells, units]
            weight = weight[_TAP, 0]
        layers.append((weight.T.astype(np.float32), bias.astype(np.float32)))
    return joined(layers, columns, row), f"Pensieve's TensorFlow checkpoint; {_where(row)}"


def _layers(weights: Mapping[str, torch.Tensor], names: tuple[str, ...]) -> list[Pair] | None:
    """Weight and bias of the named layers, also where they stand in the first of a list; ``None`` if one is missing."""
    for prefix in ("", "0."):
        if all(f"{prefix}{name}.{part}" in weights for name in names for part in ("weight", "bias")):
            read: Callable[[str], Any] = lambda name: weights[name].detach().float().numpy()  # noqa: E731
            return [(read(f"{prefix}{name}.weight"), read(f"{prefix}{name}.bias")) for name in names]
    return None


def _without_activation(layers: list[Pair]) -> list[Pair]:
    """The same network with a ReLU behind its last branch: x goes through as relu(x) - relu(-x)."""
    (weight, bias), (following, offset) = layers[5], layers[6]
    before = following.shape[1] - len(bias)
    straight = following[:, before:] @ weight  # [units, 1]
    branch = (np.array([[1.0], [-1.0]], dtype=np.float32), np.zeros(2, dtype=np.float32))
    joining = np.concatenate([following[:, :before], straight, -straight], axis=1)
    return [*layers[:5], branch, (joining, offset + following[:, before:] @ bias), layers[7]]


def joined(layers: list[Pair], columns: int, remaining_row: int) -> nn.Sequential:
    """Six branches, the layer that joins them, and the output, as dense layers; see ``wiring``.

    Args:
        layers: weight ``[units, inputs]`` and bias of each, in the order of ``wiring.BRANCHES``, then the two others.
        columns: of the observation.
        remaining_row: where the chunks remaining are read.

    Returns:
        ``flatten, hidden_1, relu_1, hidden_2, relu_2, output``, the names of ``policies.networks.mlp``.
    """
    branches = dict(zip(BRANCHES, layers, strict=False))
    whole = [first_layer(branches, columns, remaining_row), *layers[len(BRANCHES) :]]
    module = nn.Sequential()
    module.add_module("flatten", nn.Flatten())
    for number, (weight, bias) in enumerate(whole, start=1):
        if number > 1 and weight.shape[1] != len(whole[number - 2][1]):
            msg = f"layer {number} reads {weight.shape[1]} units, but the one before has {len(whole[number - 2][1])}"
            raise DnnExplainError(msg)
        dense = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0])
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(weight))
            dense.bias.copy_(torch.from_numpy(bias))
        last = number == len(whole)
        module.add_module("output" if last else f"hidden_{number}", dense)
        if not last:
            module.add_module(f"relu_{number}", nn.ReLU())
    module.eval()
    return module
