"""Learned routers: DOTE with the current matrix or a history, and Learning to Route with link weights.

All of them end in split ratios that are valid by construction, and every activation is a module of its
own, so that attribution and probing can enter anywhere.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing.tensors import TorchRouting

if TYPE_CHECKING:
    from dnnexplain.systems.routing.paths import PathSet
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["NETWORKS", "NormalisePerPair", "Scale", "SoftminOverPaths", "dote", "learning_to_route"]


class Scale(nn.Module):
    """Divides demands by a typical one, so that the first layer sees numbers near 1.

    Args:
        typical: the mean demand of the training law, Gb/s; a property of the system, not a weight.
    """

    def __init__(self, typical: float) -> None:
        super().__init__()
        self.typical = typical

    def forward(self, demands: Tensor) -> Tensor:
        """Gb/s to multiples of the typical demand, same shape."""
        return demands / self.typical

    def plain_parts(self) -> Sequence[Mapping[str, Any]]:
        """The same as data, for a page that runs without torch (``contract.PlainParts``)."""
        return [{"kind": "scale", "weight": [1 / self.typical], "bias": [0.0]}]


class NormalisePerPair(nn.Module):
    """Shares between 0 and 1 for each path ``[B, F]`` to split ratios that sum to 1 per pair (DOTE)."""

    def __init__(self, paths: PathSet) -> None:
        super().__init__()
        self.routing = TorchRouting(paths, links=False)

    def forward(self, shares: Tensor) -> Tensor:
        """Split ratios ``[B, F]``; a pair whose shares all underflow to 0 splits evenly."""
        return self.routing.normalise(shares)

    def plain_parts(self) -> Sequence[Mapping[str, Any]]:
        """The same as data, for a page that runs without torch (``contract.PlainParts``)."""
        return [{"kind": "shares", "parts": self.routing.pair_of_path.tolist()}]


class SoftminOverPaths(nn.Module):
    """Link weights ``[B, E]`` to split ratios ``[B, F]``: softmin of each path's total weight within its pair.

    Args:
        paths: the paths.
        sharpness: gamma in ``exp(-gamma * weight)``.
    """

    def __init__(self, paths: PathSet, sharpness: float) -> None:
        super().__init__()
        self.routing = TorchRouting(paths)
        self.sharpness = sharpness

    def forward(self, weights: Tensor) -> Tensor:
        """Split ratios ``[B, F]``."""
        return self.routing.softmax(-self.sharpness * self.routing.path_costs(weights))


def dote(system: Routed, hidden: Sequence[int] = (128, 128, 128, 128), seed: int = 0) -> nn.Sequential:
    """DOTE (Perry et al., NSDI 2023): dense layers with ReLU, one sigmoid share per path, normalised per pair.

    Reads the current matrix or the history, whichever the system shows.

    Args:
        system: gives sizes, paths and the typical demand.
        hidden: units of each hidden layer.
        seed: of the weights; torch's global generator is left alone.

    Returns:
        layers ``scale, flatten, hidden_1, relu_1, ..., output, share, splits``.
    """
    layers = _stem(system, hidden, system.paths.count, "output", seed)
    layers["share"] = nn.Sigmoid()
    layers["splits"] = NormalisePerPair(system.paths)
    return _described(nn.Sequential(layers), "dote", {"hidden": list(hidden)})


def learning_to_route(
    system: Routed, hidden: Sequence[int] = (128, 128), sharpness: float = 2.0, seed: int = 0
) -> nn.Sequential:
    """Learning to Route (Valadarsky et al., HotNets 2017): history to link weights, softmin over paths.

    Two things differ from the paper. Its softmin spreads traffic hop by hop over all neighbours; here
    it spreads over the system's k shortest paths, as all policies of this system do. And as this makes
    the utilisation differentiable, the weights are trained by its gradient, not by policy gradient.

    Args:
        system: gives sizes, paths and the typical demand; it should show a history.
        hidden: units of each hidden layer.
        sharpness: gamma of the softmin.
        seed: of the weights.

    Returns:
        layers ``scale, flatten, hidden_1, relu_1, ..., output, link_weights, splits``; the layer
        ``link_weights`` gives the positive weight of each link ``[B, E]``.
    """
    layers = _stem(system, hidden, len(system.topology.links), "output", seed)
    layers["link_weights"] = nn.Softplus()
    layers["splits"] = SoftminOverPaths(system.paths, sharpness)
    return _described(nn.Sequential(layers), "learning_to_route", {"hidden": list(hidden), "sharpness": sharpness})


NETWORKS: dict[str, Callable[..., nn.Module]] = {"dote": dote, "learning_to_route": learning_to_route}
"""Architecture name -> factory ``(system, **arguments)``."""


def _stem(system: Routed, hidden: Sequence[int], outputs: int, last: str, seed: int) -> OrderedDict[str, nn.Module]:
    if any(units < 1 for units in hidden):
        msg = f"hidden must be whole numbers of at least 1, one per layer, not {list(hidden)}"
        raise DnnExplainError(msg)
    generator = torch.Generator().manual_seed(seed)
    typical = float(system.mean_demands.mean())
    layers: OrderedDict[str, nn.Module] = OrderedDict(scale=Scale(typical), flatten=nn.Flatten())
    sizes = [math.prod(system.observation_shape), *hidden, outputs]
    names = [*(f"hidden_{number}" for number in range(1, len(hidden) + 1)), last]
    for name, (inputs, units) in zip(names, itertools.pairwise(sizes), strict=True):
        layers[name] = _dense(inputs, units, generator)
        if name != last:
            layers[name.replace("hidden", "relu")] = nn.ReLU()
    return layers


def _dense(inputs: int, units: int, generator: torch.Generator) -> nn.Linear:
    """A dense layer with weights and biases uniform in +-1/sqrt(inputs), torch's own default."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, units)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer


def _described(module: nn.Sequential, name: str, arguments: dict[str, object]) -> nn.Sequential:
    """Note how the module is made again; a checkpoint keeps it."""
    module.architecture = {"name": name, "arguments": arguments}  # type: ignore[assignment]
    return module
