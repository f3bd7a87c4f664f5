"""What each layer of Keras computes, as layers and operations of torch: https://keras.io/api/layers/ has the definitions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.policies._keras_activations import ACTIVATION_LAYERS, FUNCTIONS, LayerWeights, activation
from dnnexplain.policies._keras_graph import Graph
from dnnexplain.policies._onnx_layers import BatchNorm, dense

__all__ = ["LAYERS", "apply", "call_arguments"]

Config = Mapping[str, Any]

_IDLE = {
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity",
    "SpatialDropout1D", "SpatialDropout2D",
}  # fmt: skip
"""What does nothing in evaluation."""


def apply(graph: Graph, kind: str, name: str, config: Config, values: list[str], weights: LayerWeights) -> list[str]:
    """One call of a layer, as steps of the graph.

    Args:
        graph: to which the steps are added.
        kind, name: the layer's class and name.
        config: its arguments.
        values: what it is given, by name.
        weights: its arrays.

    Raises:
        DnnExplainError: a layer, or an argument of it, that is not read.
    """
    if kind in _IDLE:
        return values[:1]
    if kind in _MERGES:
        return [_merge(graph, kind, config, values)]
    if (called := _function(kind, config)) is not None and len(values) == 1:
        return [activation(graph, name, called, values[0])]
    if kind not in LAYERS:
        msg = (
            f"its layer {name!r} is a {kind}, which is not read (it may hold code); read are "
            f"{', '.join(sorted({*LAYERS, *_MERGES, *_IDLE}))}"
        )
        raise DnnExplainError(msg)
    if len(values) != 1:
        msg = f"its layer {name!r} ({kind}) takes {counted(len(values), 'value')}, where one is read"
        raise DnnExplainError(msg)
    if config.get("data_format") == "channels_first":
        msg = f"its layer {name!r} ({kind}) keeps channels first; save the network with channels last"
        raise DnnExplainError(msg)
    return [LAYERS[kind](graph, name, config, values[0], weights)]


def _function(kind: str, config: Config) -> str | None:
    """The activation that a step of a functional network is, where it is called as a function; ``None`` for others.

    ``keras.ops.tanh`` of version 3 is a ``Tanh``, ``tf.nn.relu`` and ``tf.math.tanh`` of version 2 a ``TFOpLambda``.
    """
    if kind == "TFOpLambda":
        called = str(config.get("function", "")).rpartition(".")[2]
        return called if called in FUNCTIONS else None
    called = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    return called if kind not in LAYERS and called in FUNCTIONS else None


def call_arguments(node: Any) -> tuple[list[Any], dict[str, Any]]:
    """What a call of a functional network is given: references to values, or numbers; and its options."""
    if isinstance(node, Mapping):  # version 3: arguments as JSON
        tensors = list(_tensors(node.get("args", ())))
        kwargs = dict(node.get("kwargs") or {})
        tensors += [tensor for value in kwargs.values() for tensor in _tensors(value) if isinstance(tensor, tuple)]
        return tensors, {key: value for key, value in kwargs.items() if key == "axis"}
    parts = node if node and isinstance(node[0], list) else [node]
    return [(str(part[0]), int(part[1]), int(part[2])) for part in parts], {}


def _tensors(argument: Any) -> Iterator[Any]:
    if isinstance(argument, Mapping):
        if argument.get("class_name") == "__keras_tensor__":
            name, node, index = argument["config"]["keras_history"]
            yield str(name), int(node), int(index)
    elif isinstance(argument, list | tuple):
        for item in argument:
            yield from _tensors(item)
    elif isinstance(argument, int | float) and not isinstance(argument, bool):
        yield float(argument)


# --- layers with weights ------------------------------------------------------------------------


def _dense(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    kernel, *bias = weights()
    _expect(name, kernel, (graph.shape(value)[-1], int(config["units"])))
    made = graph.layer(name, dense(kernel.T.contiguous(), bias[0] if bias else None), value)
    return activation(graph, f"{name}_activation", config.get("activation"), made)


def _conv(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    kernel, *bias = weights()
    weight = kernel.movedim((-1, -2), (0, 1))  # [..., in, out] -> [out, in, ...]
    made = _convolved(graph, name, config, value, weight, bias[0] if bias else None, int(config.get("groups") or 1))
    return activation(graph, f"{name}_activation", config.get("activation"), graph.last(made))


def _depthwise(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    kernel, *bias = weights()
    made = _each_channel(graph, name, config, value, kernel, bias[0] if bias else None)
    return activation(graph, f"{name}_activation", config.get("activation"), graph.last(made))


def _separable(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    each, across, *bias = weights()
    inner = graph.last(_each_channel(graph, f"{name}_depthwise", config, value, each, None))
    plain = {"strides": 1, "padding": "valid"}
    weight = across.movedim((-1, -2), (0, 1))
    made = _convolved(graph, name, plain, inner, weight, bias[0] if bias else None, 1)
    return activation(graph, f"{name}_activation", config.get("activation"), graph.last(made))


def _each_channel(
    graph: Graph, name: str, config: Config, value: str, kernel: torch.Tensor, bias: torch.Tensor | None
) -> str:
    channels = kernel.shape[-2]
    weight = kernel.movedim((-2, -1), (0, 1)).flatten(0, 1)[:, None]  # [..., in, times] -> [in * times, 1, ...]
    return _convolved(graph, name, config, value, weight, bias, channels)


def _convolved(
    graph: Graph, name: str, config: Config, value: str, weight: torch.Tensor, bias: torch.Tensor | None, groups: int
) -> str:
    """A convolution, channels first: weights ``[out, in / groups, ...]``."""
    rank = weight.ndim - 2
    _expect(name, weight, (weight.shape[0], graph.shape(value)[-1] // groups, *weight.shape[2:]))
    steps, apart = _sizes(config.get("strides"), rank), _sizes(config.get("dilation_rate"), rank)
    padded = _pad(graph, config, graph.first(value), weight.shape[2:], steps, apart, 0.0)
    kinds: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
    layer = kinds[rank](
        weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]), tuple(steps), dilation=tuple(apart),
        groups=groups, bias=bias is not None,
    )  # fmt: skip
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return graph.layer(name, layer, padded)


def _pad(
    graph: Graph, config: Config, value: str, kernel: Sequence[int], steps: Sequence[int], apart: Sequence[int],
    fill: float,
) -> str:  # fmt: skip
    """Zeros around a value with its channels first, as ``padding`` asks: one more behind than in front."""
    around = []
    for size, width, step, wide in zip(graph.shape(value)[1:], kernel, steps, apart, strict=True):
        reach = (width - 1) * wide + 1
        whole = max((-(-size // step) - 1) * step + reach - size, 0)
        ends = {"same": (whole // 2, whole - whole // 2), "causal": (reach - 1, 0)}
        around.append(ends.get(str(config.get("padding", "valid")).lower(), (0, 0)))
    if not any(map(any, around)):
        return value
    low, high = [0, 0, *(item[0] for item in around)], [0, 0, *(item[1] for item in around)]
    return graph.operation("Pad", [value], pads=[*low, *high], value=fill)[0]


def _batch_norm(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in {-1, graph.values[value].ndim - 1}:
        msg = f"its layer {name!r} normalises along the axis {axis}; only the last is read"
        raise DnnExplainError(msg)
    given = weights()
    features = graph.shape(value)[-1]
    layer = BatchNorm(features, eps=float(config.get("epsilon", 1e-3)))
    with torch.no_grad():
        layer.weight.copy_(given.pop(0) if config.get("scale", True) else torch.ones(features))
        layer.bias.copy_(given.pop(0) if config.get("center", True) else torch.zeros(features))
        for mine, its in zip((layer.running_mean, layer.running_var), given, strict=True):
            mine.copy_(its)  # type: ignore[union-attr]
    if len(graph.shape(value)) == 1:
        return graph.layer(name, layer, value)
    return graph.last(graph.layer(name, layer, graph.first(value)))


def _layer_norm(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in {-1, graph.values[value].ndim - 1} or config.get("rms_scaling"):
        msg = f"its layer {name!r} normalises along the axis {axis}, or by its root mean square; only the last axis is read"
        raise DnnExplainError(msg)
    given = weights()
    features = graph.shape(value)[-1]
    layer = nn.LayerNorm(features, eps=float(config.get("epsilon", 1e-3)))
    with torch.no_grad():
        layer.weight.copy_(given.pop(0) if config.get("scale", True) else torch.ones(features))
        layer.bias.copy_(given.pop(0) if config.get("center", True) else torch.zeros(features))
    return graph.layer(name, layer, value)


def _recurrent(operator: str, order: Sequence[int]) -> Callable[..., str]:
    def layer(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
        gate = config.get("recurrent_activation", "sigmoid")
        rare = [key for key in ("go_backwards", "stateful", "return_state", "time_major", "unroll") if config.get(key)]
        if rare or config.get("activation", "tanh") != "tanh" or gate != "sigmoid":
            msg = f"its layer {name!r} ({operator}) has {', '.join(rare) or 'other activations than usual'}, which is not read"
            raise DnnExplainError(msg)
        kernel, inner, *bias = weights()
        linear = bool(config.get("reset_after", False))
        both = bias[0] if bias else kernel.new_zeros(kernel.shape[1])
        both = both if both.ndim == 2 else torch.stack([both, torch.zeros_like(both)])
        given = [_gates(item, order) for item in (kernel.T, inner.T, both[0], both[1])]
        numbers = [graph.number(part[None]) for part in (given[0], given[1], torch.cat(given[2:]))]
        (rows,) = graph.operation("Transpose", [value], perm=[1, 0, 2])
        whole, last, *_ = graph.operation(operator, [rows, *numbers], linear_before_reset=int(linear))
        if not config.get("return_sequences"):
            return graph.operation("Squeeze", [last], axes=[0])[0]
        (flat,) = graph.operation("Squeeze", [whole], axes=[1])
        return graph.operation("Transpose", [flat], perm=[1, 0, 2])[0]

    return layer


def _gates(weights: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    """Gates ``[G H, ...]`` in another order."""
    parts = weights.chunk(len(order), 0)
    return torch.cat([parts[place] for place in order])


def _normalization(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    if config.get("invert"):
        msg = f"its layer {name!r} undoes a normalisation, which is not read"
        raise DnnExplainError(msg)
    mean, variance = (config.get("mean"), config.get("variance"))
    if mean is None:
        mean, variance = weights()[:2]
    (moved,) = graph.operation("Sub", [value, graph.number(_floats(mean))])
    spread = torch.sqrt(_floats(variance)).clamp_min(1e-7)
    return graph.operation("Div", [moved, graph.number(spread)])[0]


def _floats(constant: Any) -> torch.Tensor:
    constant = constant.get("config", {}).get("value", constant) if isinstance(constant, Mapping) else constant
    return torch.as_tensor(constant, dtype=torch.float32)


# --- shapes, pools ------------------------------------------------------------------------------


def _flatten(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del config, weights
    return graph.layer(name, nn.Flatten(), value)


def _reshape(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del name, weights
    shape = torch.tensor([0, *config["target_shape"]], dtype=torch.int64)
    return graph.operation("Reshape", [value, graph.number(shape)])[0]


def _permute(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del name, weights
    return graph.operation("Transpose", [value], perm=[0, *(int(axis) for axis in config["dims"])])[0]


def _rescale(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del name, weights
    for operator, factor, idle in (("Mul", config.get("scale", 1.0), 1.0), ("Add", config.get("offset", 0.0), 0.0)):
        if factor != idle:
            (value,) = graph.operation(operator, [value, graph.number(_floats(factor))])
    return value


def _zero_padding(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
    del name, weights
    padding = config.get("padding", 1)
    rank = len(graph.shape(value)) - 1
    sides = [padding] if rank == 1 else (padding if isinstance(padding, list) else [padding] * rank)
    both = [side if isinstance(side, list) else [side, side] for side in sides]
    low, high = [0, *(int(item[0]) for item in both), 0], [0, *(int(item[1]) for item in both), 0]
    return graph.operation("Pad", [value], pads=[*low, *high])[0]


def _pool(operator: str) -> Callable[..., str]:
    def layer(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
        del name, weights
        first = graph.first(value)
        rank = len(graph.shape(first)) - 1
        kernel = _sizes(config.get("pool_size"), rank)
        steps = _sizes(config.get("strides") or kernel, rank)
        fill = 0.0 if operator == "AveragePool" else -3e38
        padded = _pad(graph, config, first, kernel, steps, [1] * rank, fill)
        (made,) = graph.operation(operator, [padded], kernel_shape=kernel, strides=steps)
        if operator == "AveragePool" and padded != first:  # the mean is over what is there, not over the zeros
            share = _share(graph, config, graph.shape(first)[1:], kernel, steps)
            (made,) = graph.operation("Div", [made, graph.number(share)])
        return graph.last(made)

    return layer


def _share(
    graph: Graph, config: Config, sizes: Sequence[int], kernel: Sequence[int], steps: Sequence[int]
) -> torch.Tensor:
    """Which part of each window lies within the value."""
    scratch = Graph(graph.old)
    name = scratch.number(torch.ones(1, 1, *sizes))
    padded = _pad(scratch, config, name, kernel, steps, [1] * len(sizes), 0.0)
    pool = functional.avg_pool1d if len(sizes) == 1 else functional.avg_pool2d
    share: torch.Tensor = pool(scratch.values[padded], list(kernel), list(steps))
    return share


def _global(operator: str) -> Callable[..., str]:
    def layer(graph: Graph, name: str, config: Config, value: str, weights: LayerWeights) -> str:
        del name, weights
        axes = list(range(1, graph.values[value].ndim - 1))
        return graph.operation(operator, [value], axes=axes, keepdims=int(bool(config.get("keepdims"))))[0]

    return layer


def _sizes(sizes: Any, rank: int) -> list[int]:
    sizes = 1 if sizes is None else sizes
    return [int(item) for item in sizes] if isinstance(sizes, list | tuple) else [int(sizes)] * rank


def _merge(graph: Graph, kind: str, config: Config, values: list[str]) -> str:
    if len(values) < 2:
        return values[0]
    if kind == "Concatenate":
        return graph.operation("Concat", values, axis=int(config.get("axis", -1)))[0]
    (value,) = graph.operation(_MERGES[kind], values)
    return graph.operation("Div", [value, graph.number(float(len(values)))])[0] if kind == "Average" else value


def _expect(name: str, weight: torch.Tensor, shape: tuple[int, ...]) -> None:
    if tuple(weight.shape) != shape:
        msg = f"the weights of its layer {name!r} have the shape {list(weight.shape)}, its architecture says {list(shape)}"
        raise DnnExplainError(msg)


_MERGES = {
    "Add": "Sum", "Average": "Sum", "Concatenate": "Concat", "Divide": "Div", "Maximum": "Max", "Minimum": "Min",
    "Multiply": "Mul", "Subtract": "Sub", "TrueDivide": "Div",
}  # fmt: skip
"""What joins several values -> the operation."""

LAYERS: dict[str, Callable[[Graph, str, Config, str, LayerWeights], str]] = {
    **ACTIVATION_LAYERS,
    "AveragePooling1D": _pool("AveragePool"),
    "AveragePooling2D": _pool("AveragePool"),
    "BatchNormalization": _batch_norm,
    "Conv1D": _conv,
    "Conv2D": _conv,
    "Dense": _dense,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "Flatten": _flatten,
    "GRU": _recurrent("GRU", (0, 1, 2)),
    "GlobalAveragePooling1D": _global("ReduceMean"),
    "GlobalAveragePooling2D": _global("ReduceMean"),
    "GlobalMaxPooling1D": _global("ReduceMax"),
    "GlobalMaxPooling2D": _global("ReduceMax"),
    "LSTM": _recurrent("LSTM", (0, 3, 1, 2)),
    "LayerNormalization": _layer_norm,
    "MaxPooling1D": _pool("MaxPool"),
    "MaxPooling2D": _pool("MaxPool"),
    "Normalization": _normalization,
    "Permute": _permute,
    "Rescaling": _rescale,
    "Reshape": _reshape,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "SimpleRNN": _recurrent("RNN", (0,)),
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
}
"""Layer -> how it is read: graph, name, arguments, value, arrays, to the new value."""
