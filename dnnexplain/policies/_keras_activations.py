"""Activations of Keras, as layers of their own or as arguments of others: https://keras.io/api/layers/activations/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._keras_graph import Graph

__all__ = ["ACTIVATION_LAYERS", "FUNCTIONS", "LayerWeights", "activation"]

Config = Mapping[str, Any]
LayerWeights = Callable[[], list[torch.Tensor]]
"""A layer's arrays, read when they are asked for."""

_POINTWISE: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hard_silu": nn.Hardswish,
    "hard_swish": nn.Hardswish,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "log_sigmoid": nn.LogSigmoid,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}
FUNCTIONS = frozenset({"log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh"})
"""Activations that functional networks call as functions, with nothing more to say than their value."""


def activation(graph: Graph, name: str, setting: Any, value: str) -> str:
    """An activation as a layer or a layer's argument: a name, a function's description, or a layer's."""
    if isinstance(setting, Mapping):
        inner = setting.get("config")
        kind = str(setting.get("class_name"))
        if isinstance(inner, Mapping) and kind in ACTIVATION_LAYERS:
            return ACTIVATION_LAYERS[kind](graph, name, inner, value, list)
        setting = inner if isinstance(inner, str) else kind
    which = str(setting or "linear").rpartition(">")[2]
    if which == "linear":
        return value
    if which in _POINTWISE:
        return graph.pointwise(name, _POINTWISE[which](), value)
    if which == "hard_sigmoid":
        return _hard_sigmoid(graph, name, value)
    if which in {"softmax", "log_softmax"}:
        return graph.layer(name, (nn.Softmax if which == "softmax" else nn.LogSoftmax)(-1), value)
    if which == "exponential":
        return graph.operation("Exp", [value])[0]
    msg = (
        f"its layer {name!r} has the activation {which!r}, which is not read; read are {', '.join(sorted(_POINTWISE))}"
    )
    raise DnnExplainError(msg)


def _hard_sigmoid(graph: Graph, name: str, value: str) -> str:
    if not graph.old:
        return graph.pointwise(name, nn.Hardsigmoid(), value)
    steep = graph.operation("Mul", [value, graph.number(0.2)])
    moved = graph.operation("Add", [*steep, graph.number(0.5)])
    return graph.operation("Clip", moved, min=0.0, max=1.0)[0]


def _activate(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del weights
    return activation(graph, name, config.get("activation"), value)


def _relu(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del weights
    most, slope = config.get("max_value"), _first(config, "negative_slope", "alpha", default=0.0)
    if config.get("threshold") or (most is not None and slope):
        msg = f"its layer {name!r} is a ReLU with a threshold, or with both a slope and an upper end, which is not read"
        raise DnnExplainError(msg)
    if slope:
        return graph.pointwise(name, nn.LeakyReLU(float(slope)), value)
    return graph.pointwise(name, nn.ReLU() if most is None else nn.Hardtanh(0.0, float(most)), value)


def _leaky(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del weights
    return graph.pointwise(name, nn.LeakyReLU(float(_first(config, "negative_slope", "alpha", default=0.3))), value)


def _elu(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del weights
    return graph.pointwise(name, nn.ELU(float(_first(config, "alpha", default=1.0))), value)


def _prelu(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del config
    (slope,) = weights()
    if len(set(slope.reshape(-1).tolist())) == 1:
        layer = nn.PReLU(1)
        with torch.no_grad():
            layer.weight.copy_(slope.reshape(-1)[:1])
        return graph.layer(name, layer, value)
    above = graph.layer(name, nn.ReLU(), value)
    below = graph.operation("Min", [value, graph.number(0.0)])
    return graph.operation("Add", [above, *graph.operation("Mul", [*below, graph.number(slope[None])])])[0]


def _softmax(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del weights
    axis = config.get("axis", -1)
    return graph.layer(name, nn.Softmax(int(axis[0] if isinstance(axis, list) else axis)), value)


def _first(config: Config, *names: str, default: Any) -> Any:
    """The first argument that is given: versions differ in names; old ones wrap numbers."""
    value = next((config[name] for name in names if config.get(name) is not None), default)
    return value.get("value", default) if isinstance(value, Mapping) else value


ACTIVATION_LAYERS: dict[str, Callable[[Graph, str, Config, str, LayerWeights], str]] = {
    "Activation": _activate,
    "ELU": _elu,
    "LeakyReLU": _leaky,
    "PReLU": _prelu,
    "ReLU": _relu,
    "Softmax": _softmax,
}
"""Layer -> how it is read: graph, name, arguments, value, arrays, to the new value."""
