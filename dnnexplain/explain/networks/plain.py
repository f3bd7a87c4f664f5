"""A network as plain layers and arrays, so that something without torch (a page) can run it.

Layers are found by running the network once, and the stack made of them is then compared with the
network itself: a ``forward`` that does more than call its layers one after another is refused, not
approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.contract import DnnExplainError, PlainParts, Policy, System
from dnnexplain.explain.networks.hooks import hooked, layers, network_of, private, tensor
from dnnexplain.explain.networks.module_kinds import has_parts, makes_weights
from dnnexplain.explain.probing.neurons import layer_of, random_values

__all__ = ["SUPPORTED", "PlainLayer", "PlainNetwork", "ReadableLayer", "plain_network"]

SUPPORTED = (
    "Linear, ReLU, Sigmoid, Tanh, Conv2d, MaxPool2d, AvgPool2d, ZeroPad2d, Flatten, Unflatten, Dropout, Identity"
)
_PROBES = 32


@dataclass(frozen=True, eq=False)
class PlainLayer:
    """One layer.

    Attributes:
        kind: ``"dense"``, ``"conv"``, ``"relu"``, ``"sigmoid"``, ``"tanh"``, ``"scale"`` and ``"shares"`` (see
            ``contract.PlainParts``), ``"max-pool"``, ``"mean-pool"``, ``"pad"``, ``"turn"`` (cosines and
            sines, see ``contract.PlainParts``), or ``"same"`` (the numbers stay, in C order; only their shape changes).
        name: of the module.
        shape: of its output, without the batch axis.
        sizes: ``kernel``, ``stride`` and ``padding`` as (down, right); of a pad ``margins`` as (left, right,
            top, bottom); of a mean pool ``whole`` is (1,) if it divides by the whole kernel at the edges too; of a turn
            ``parts``.
        weight, bias: float32, as torch has them.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    weight: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class ReadableLayer:
    """A layer whose neurons can be looked at: its name, its place in the stack, whether it is a ReLU."""

    name: str
    at: int
    units: int
    rectified: bool


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """A stack of layers, equal to a policy's network.

    Attributes:
        shape: of the input, without the batch axis.
        layers: in running order.
        readable: the hidden layers that explainers may name (the output, if there is none).
        masked: whether invalid outputs are left out before the softmax.
    """

    shape: tuple[int, ...]
    layers: tuple[PlainLayer, ...]
    readable: tuple[ReadableLayer, ...]
    masked: bool

    @property
    def nbytes(self) -> int:
        """Bytes of all weights and biases."""
        arrays = (array for layer in self.layers for array in (layer.weight, layer.bias) if array is not None)
        return sum(array.nbytes for array in arrays)


def plain_network(system: System, policy: Policy) -> PlainNetwork:
    """A policy's network as plain layers.

    Raises:
        DnnExplainError: the policy is a rule, a layer is of a kind that is not supported, or the layers
            do not simply follow one another; the message says what is supported.
    """
    module = private(network_of(policy))
    ran = _run(module, system)
    _compare(system, module, [part for _, part, _ in ran])
    plain: list[PlainLayer] = []
    before = tuple(system.observation_shape)
    for name, part, shape in ran:
        plain += _as_layers(name, part, shape) if isinstance(part, PlainParts) else [_plain(name, part, before, shape)]
        before = shape
    places = {layer.name: at for at, layer in enumerate(plain)}
    result = layers(module, system.observation_shape)
    hidden = [layer for layer in result if not layer.last] or list(result)
    named = [layer_of(system, policy, layer.name) for layer in hidden]
    readable = tuple(ReadableLayer(item.name, places[item.name], item.units, item.rectified) for item in named)
    return PlainNetwork(tuple(system.observation_shape), tuple(plain), readable, bool(getattr(policy, "masked", True)))


def _run(module: nn.Module, system: System) -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    """Name, module and output shape of every layer, in the order in which they run."""
    ran: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def note(name: str, part: nn.Module) -> Callable[[torch.Tensor], None]:
        return lambda out: ran.append((name, part, tuple(out.shape[1:])))

    whole = [name for name, part in module.named_modules() if name and isinstance(part, PlainParts)]
    leaves = {
        name: part
        for name, part in module.named_modules()
        if name
        and not makes_weights(name)
        and (name in whole or not has_parts(part))
        and not any(name.startswith(f"{item}.") for item in whole)
    }
    with hooked(module, {name: note(name, part) for name, part in leaves.items()}), torch.no_grad():
        module(torch.zeros((1, *system.observation_shape)))
    return ran


def _compare(system: System, module: nn.Module, parts: list[nn.Module]) -> None:
    """Whether the layers one after another give what the network gives, on random valid states."""
    inputs = tensor(system.encode(random_values(system, _PROBES, np.random.default_rng(0))))
    try:
        with torch.no_grad():
            same = torch.allclose(nn.Sequential(*parts)(inputs), module(inputs), rtol=1e-6, atol=1e-6)
    except RuntimeError:  # shapes that do not fit together
        same = False
    if not same:
        msg = (
            "this network cannot run in a page: its forward() does more than run its layers one after another "
            f"(a function, a sum, a branch). Supported are stacks of modules: {SUPPORTED}; make each step a module "
            "of nn.Sequential"
        )
        raise DnnExplainError(msg)


def _as_layers(name: str, part: PlainParts, shape: tuple[int, ...]) -> list[PlainLayer]:
    """The layers that a module says it equals; the last one has its name."""
    plain_parts = part.plain_parts()
    names = [*(f"{name} part {number}" for number in range(1, len(plain_parts))), name]
    layers = []
    for called, layer in zip(names, plain_parts, strict=True):
        if layer["kind"] == "dense":
            weight, bias = (np.asarray(layer[key], dtype=np.float32) for key in ("weight", "bias"))
            layers.append(PlainLayer("dense", called, bias.shape, weight=weight, bias=bias))
        elif layer["kind"] == "scale":
            weight, bias = (np.asarray(layer[key], dtype=np.float32) for key in ("weight", "bias"))
            layers.append(PlainLayer("scale", called, shape, weight=weight, bias=bias))
        elif layer["kind"] == "shares":
            groups = tuple(int(group) for group in layer["parts"])
            layers.append(PlainLayer("shares", called, (len(groups),), {"parts": groups}))
        else:
            parts = tuple(int(size) for size in layer["parts"])
            layers.append(PlainLayer(str(layer["kind"]), called, (sum(parts),), {"parts": parts}))
    return layers


def _plain(name: str, part: nn.Module, before: tuple[int, ...], shape: tuple[int, ...]) -> PlainLayer:
    """One layer, ``before`` being the shape of its input."""
    make = _MAKERS.get(type(part))
    made = None if make is None else make(part, before)
    if made is None:
        msg = (
            f"this network cannot run in a page: its layer {name!r} is {_shown(part)}. Supported are {SUPPORTED} "
            "(without dilation, groups or ceil_mode, padded with zeros)"
        )
        raise DnnExplainError(msg)
    return PlainLayer(name=name, shape=shape, **made)


def _shown(part: nn.Module) -> str:
    return " ".join(repr(part).split())[:100]


Made = dict[str, Any] | None


def _dense(part: Any, before: tuple[int, ...]) -> Made:
    return None if len(before) != 1 else {"kind": "dense", **_weights(part)}


def _conv(part: Any, before: tuple[int, ...]) -> Made:
    plain = part.groups == 1 and part.dilation == (1, 1) and part.padding_mode == "zeros"
    if not plain or isinstance(part.padding, str) or len(before) != 3:
        return None
    sizes = {"kernel": part.kernel_size, "stride": part.stride, "padding": part.padding}
    return {"kind": "conv", "sizes": sizes, **_weights(part)}


def _max_pool(part: Any, before: tuple[int, ...]) -> Made:
    if _pair(part.dilation) != (1, 1) or part.ceil_mode or part.return_indices or len(before) != 3:
        return None
    return {"kind": "max-pool", "sizes": _window(part)}


def _mean_pool(part: Any, before: tuple[int, ...]) -> Made:
    if part.ceil_mode or part.divisor_override is not None or len(before) != 3:
        return None
    return {"kind": "mean-pool", "sizes": {**_window(part), "whole": (int(part.count_include_pad),)}}


def _pad(part: Any, before: tuple[int, ...]) -> Made:
    given = part.padding
    if isinstance(given, int):
        given = (given,) * 4
    if len(before) != 3 or min(given) < 0:
        return None
    return {"kind": "pad", "sizes": {"margins": tuple(int(margin) for margin in given)}}


def _same(part: Any, before: tuple[int, ...]) -> Made:
    del before
    axis = getattr(part, "start_dim", getattr(part, "dim", 1))
    return None if axis == 0 else {"kind": "same"}


def _relu(part: Any, before: tuple[int, ...]) -> Made:
    del part, before
    return {"kind": "relu"}


def _named(kind: str) -> Callable[[Any, tuple[int, ...]], Made]:
    return lambda _part, _before: {"kind": kind}


def _weights(part: Any) -> dict[str, Any]:
    weight = part.weight.detach().cpu().numpy().astype(np.float32)
    bias = np.zeros(len(weight), np.float32) if part.bias is None else part.bias.detach().cpu().numpy()
    return {"weight": weight, "bias": bias.astype(np.float32)}


def _window(part: Any) -> dict[str, tuple[int, ...]]:
    kernel = _pair(part.kernel_size)
    return {"kernel": kernel, "stride": _pair(part.stride), "padding": _pair(part.padding)}


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


_MAKERS: Mapping[type[nn.Module], Callable[[Any, tuple[int, ...]], Made]] = {
    nn.Linear: _dense,
    nn.Conv2d: _conv,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _mean_pool,
    nn.ZeroPad2d: _pad,
    nn.ReLU: _relu,
    nn.Sigmoid: _named("sigmoid"),
    nn.Tanh: _named("tanh"),
    nn.Flatten: _same,
    nn.Unflatten: _same,
    nn.Identity: _same,
    nn.Dropout: _same,
    nn.Dropout1d: _same,
    nn.Dropout2d: _same,
}
