"""Networks by name: the paper's dense one and a small convolutional one, made of named layers.

Every activation is a module of its own, used once: attribution by DeepLift and hooks on layers need that.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import Choice, DnnExplainError, System
from dnnexplain.policies._layers import make

__all__ = [
    "NAMED_ACTIVATIONS",
    "NETWORKS",
    "activation_name",
    "build",
    "convnet",
    "dense_stack",
    "hidden_layers",
    "layer_shapes",
    "mlp",
]

ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
    nn.Tanh,
    nn.Hardtanh,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Softsign,
)


NAMED_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "leaky_relu": nn.LeakyReLU,
    "relu6": nn.ReLU6,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "hardtanh": nn.Hardtanh,
    "hardswish": nn.Hardswish,
    "celu": nn.CELU,
    "softsign": nn.Softsign,
    "none": nn.Identity,
}
"""What may stand between dense layers, by name, with torch's default arguments."""


def activation_name(name: str) -> str:
    """``"LeakyReLU"``, ``"leaky-relu"`` and ``"leaky_relu"`` as a name of :data:`NAMED_ACTIVATIONS`.

    Raises:
        DnnExplainError: there is no such activation; the message lists those there are.
    """
    plain = name.lower().replace("-", "").replace("_", "")
    plain = {"identity": "none", "swish": "silu"}.get(plain, plain)
    for known in NAMED_ACTIVATIONS:
        if known.replace("_", "") == plain:
            return known
    raise Choice("activation", name, tuple(NAMED_ACTIVATIONS)).error()


def dense_stack(sizes: Sequence[int], activation: str = "relu") -> nn.Sequential:
    """Flatten, then dense layers with an activation between; weights are not set.

    Args:
        sizes: inputs, units of each hidden layer, outputs.
        activation: a name of :data:`NAMED_ACTIVATIONS`.
    """
    name = activation_name(activation)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for number, (inputs, units) in enumerate(itertools.pairwise(sizes[:-1]), start=1):
        layers[f"hidden_{number}"] = nn.utils.skip_init(nn.Linear, inputs, units)
        layers[f"{name}_{number}"] = NAMED_ACTIVATIONS[name]()
    layers["output"] = nn.utils.skip_init(nn.Linear, sizes[-2], sizes[-1])
    arguments: dict[str, Any] = {"hidden": [int(size) for size in sizes[1:-1]]}
    if name != "relu":
        arguments["activation"] = name
    return _described(nn.Sequential(layers), "mlp", arguments)


def mlp(system: System, hidden: Sequence[int] = (20,), seed: int = 0, activation: str = "relu") -> nn.Sequential:
    """The network of DeepRM (HotNets 2016): flattened input, one hidden layer of 20 ReLU units.

    Weights are drawn from N(0, 0.01) and biases are 0, as in its published code.

    Args:
        system: gives the sizes of input and output.
        hidden: units of each hidden layer.
        seed: of the weights; torch's global generator is left alone.
        activation: between the layers: ``"relu"``, ``"tanh"``, ``"gelu"``, ... (``NAMED_ACTIVATIONS``).

    Returns:
        layers ``flatten, hidden_1, relu_1, ..., output``; raw outputs ``[B, A]``.
    """
    if any(units < 1 for units in hidden):
        msg = f"hidden must be whole numbers of at least 1, one per layer, not {list(hidden)}"
        raise DnnExplainError(msg)
    module = dense_stack([math.prod(system.observation_shape), *hidden, len(system.output.names)], activation)
    generator = torch.Generator().manual_seed(seed)
    for layer in module:
        if isinstance(layer, nn.Linear):
            _draw(layer, 0.01, generator)
    return module


def convnet(system: System, channels: Sequence[int] = (8, 16), hidden: int = 24, seed: int = 0) -> nn.Sequential:
    """Two convolutions, a hidden dense layer, and the output; for Grad-CAM.

    The first convolution steps over a wide picture (40 columns or more) in blocks of 2 rows and 5
    columns (zeros are added below and on the right to fill the last), so that a state of 20 x 124 cells
    costs 0.46 million operations. Convolutions and hidden
    layer start from He et al. (2015), the output from N(0, 0.01), so near equal probabilities.

    Args:
        system: its observation must be a picture ``[rows, columns]``.
        channels: of the two convolutions.
        hidden: units of the dense layer.
        seed: of the weights; torch's global generator is left alone.

    Returns:
        layers ``channel, margin, conv_1, relu_1, conv_2, relu_2, flatten, hidden_3, relu_3, output``.

    Raises:
        DnnExplainError: the observation is not a picture.
    """
    if len(system.observation_shape) != 2:
        msg = (
            f"a convolutional network needs a picture [rows, columns]; {system.name}'s observation has the shape "
            f"{list(system.observation_shape)}: use mlp"
        )
        raise DnnExplainError(msg)
    rows, columns = system.observation_shape
    wide = rows >= 8 and columns >= 40
    kernel, stride, padding = ((4, 5), (2, 5), 0) if wide else ((3, 3), (1, 1), 1)
    first, second = channels
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        channel=nn.Unflatten(1, (1, rows)),
        margin=nn.ZeroPad2d((0, -columns % 5, 0, rows % 2) if wide else 0),
        conv_1=nn.utils.skip_init(nn.Conv2d, 1, first, kernel, stride=stride, padding=padding),
        relu_1=nn.ReLU(),
        conv_2=nn.utils.skip_init(nn.Conv2d, first, second, 3, stride=(2, 1), padding=1),
        relu_2=nn.ReLU(),
        flatten=nn.Flatten(),
    )
    down, across = ((rows + rows % 2 - 4) // 2 + 1, -(-columns // 5)) if wide else (rows, columns)
    features = second * ((down - 1) // 2 + 1) * across
    layers["hidden_3"] = nn.utils.skip_init(nn.Linear, features, hidden)
    layers["relu_3"] = nn.ReLU()
    layers["output"] = nn.utils.skip_init(nn.Linear, hidden, len(system.output.names))
    generator = torch.Generator().manual_seed(seed)
    for name in ("conv_1", "conv_2", "hidden_3"):
        layer: Any = layers[name]
        _draw(layer, math.sqrt(2 / layer.weight[0].numel()), generator)
    _draw(layers["output"], 0.01, generator)
    return _described(nn.Sequential(layers), "convnet", {"channels": list(channels), "hidden": hidden})


NETWORKS: dict[str, Callable[..., nn.Sequential]] = {"mlp": mlp, "convnet": convnet}
"""Architecture name -> factory; a checkpoint names one and its arguments."""


def build(architecture: Mapping[str, Any], system: System) -> nn.Module:
    """The network that a checkpoint's ``architecture`` (``name`` and ``arguments``) describes.

    Raises:
        DnnExplainError: the name or an argument is unknown.
    """
    name = str(architecture.get("name"))
    if name == "layers":
        return make(dict(architecture.get("arguments") or {}).get("module") or {})
    known = {**NETWORKS, **getattr(system, "networks", {})}  # a system may have architectures of its own
    if name not in known:
        raise Choice("network architecture", name, tuple(known)).error()
    arguments = dict(architecture.get("arguments") or {})
    try:
        module: nn.Module = known[name](system, **arguments)
    except TypeError as error:
        msg = f"the architecture {name!r} cannot be made with the arguments {arguments}: {error}"
        raise DnnExplainError(msg) from None
    return module


def hidden_layers(module: nn.Module) -> tuple[str, ...]:
    """Names of the layers whose units may be probed, in order: the activations, without a last one.

    A module that applies its activations as functions has none; then the dense and convolutional layers
    before the last are named, whose values are taken before the activation.
    """
    leaves = [(name, layer) for name, layer in module.named_modules() if not any(True for _ in layer.children())]
    computing = [
        (name, layer) for name, layer in leaves if not isinstance(layer, nn.Dropout | nn.Identity | nn.Flatten)
    ]
    inner = computing[:-1]
    inner_names = tuple(name for name, layer in inner if isinstance(layer, ACTIVATIONS))
    return inner_names or tuple(name for name, layer in inner if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d))


def layer_shapes(module: nn.Module, example: torch.Tensor) -> dict[str, tuple[int, ...]]:
    """The shape of each hidden layer's units, without the batch axis; their product is their number.

    Args:
        module: any network.
        example: one input ``[1, *observation_shape]`` or more.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def hook(_: nn.Module, __: Any, units: torch.Tensor) -> None:
            shapes[name] = tuple(units.shape[1:])

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in hidden_layers(module)]
    try:
        with torch.no_grad():
            module(example)
    finally:
        for handle in handles:
            handle.remove()
    return {name: shapes[name] for name in hidden_layers(module) if name in shapes}


def _draw(layer: Any, deviation: float, generator: torch.Generator) -> None:
    with torch.no_grad():
        layer.weight.normal_(0.0, deviation, generator=generator)
        layer.bias.zero_()


def _described(module: nn.Sequential, name: str, arguments: dict[str, Any]) -> nn.Sequential:
    """Tell :func:`build` how to make it again; the note travels with copies of the module."""
    module.architecture = {"name": name, "arguments": arguments}  # type: ignore[assignment]
    return module
