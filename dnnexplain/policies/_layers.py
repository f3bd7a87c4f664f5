"""Modules as data and back: the whole architecture of a network made of torch's own layers.

What is described is exactly what runs: a module of a class that is not listed here, one with hooks, or one
whose ``forward`` was replaced has no description, and ``save`` says so instead of guessing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.encoding import decode, encode
from dnnexplain.policies._adapters import (
    EachNormalized,
    LogProbabilities,
    Normalized,
    OneOutput,
    OneStep,
    Permuted,
    Picked,
    ScaledInput,
)
from dnnexplain.policies._onnx_layers import BatchNorm
from dnnexplain.policies.onnx_files import OnnxNetwork, Step

__all__ = ["describe", "make", "signature"]

_CONV = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
_POOL = "kernel_size stride padding ceil_mode"
_NORM = "num_features eps momentum affine track_running_stats"
_ARGUMENTS: dict[type[nn.Module], str] = {
    nn.Linear: "in_features out_features bias",
    nn.Conv1d: _CONV,
    nn.Conv2d: _CONV,
    nn.MaxPool1d: _POOL,
    nn.MaxPool2d: _POOL,
    nn.AvgPool1d: f"{_POOL} count_include_pad",
    nn.AvgPool2d: f"{_POOL} count_include_pad",
    nn.AdaptiveAvgPool1d: "output_size",
    nn.AdaptiveAvgPool2d: "output_size",
    nn.BatchNorm1d: _NORM,
    nn.BatchNorm2d: _NORM,
    BatchNorm: _NORM,
    nn.LayerNorm: "normalized_shape eps elementwise_affine bias",
    nn.GroupNorm: "num_groups num_channels eps affine",
    nn.Flatten: "start_dim end_dim",
    nn.Unflatten: "dim unflattened_size",
    nn.ZeroPad2d: "padding",
    nn.ConstantPad1d: "padding value",
    nn.Identity: "",
    nn.Dropout: "p",
    nn.ReLU: "",
    nn.ReLU6: "",
    nn.LeakyReLU: "negative_slope",
    nn.PReLU: "num_parameters",
    nn.ELU: "alpha",
    nn.CELU: "alpha",
    nn.SELU: "",
    nn.GELU: "approximate",
    nn.SiLU: "",
    nn.Mish: "",
    nn.Softplus: "beta threshold",
    nn.Softsign: "",
    nn.Tanh: "",
    nn.Hardtanh: "min_val max_val",
    nn.Hardswish: "",
    nn.Hardsigmoid: "",
    nn.Sigmoid: "",
    nn.LogSigmoid: "",
    nn.Threshold: "threshold value",
    nn.Softmax: "dim",
    nn.LogSoftmax: "dim",
    nn.Softmin: "dim",
    ScaledInput: "factor",
    Normalized: "shape clip",
    EachNormalized: "size count clip",
    OneStep: "inputs units depth",
    Permuted: "order",
    Picked: "cells",
}
"""Layer -> the arguments that make it again."""

_KINDS: dict[str, type[nn.Module]] = {kind.__name__: kind for kind in _ARGUMENTS}


def describe(module: nn.Module) -> dict[str, Any] | None:
    """A module as plain JSON, or ``None`` where it is not made of known layers alone.

    A layer that is used twice is described twice.
    """
    kind = type(module)
    if _is_altered(module):
        return None
    if kind is nn.Sequential:
        parts = [[name, describe(part)] for name, part in module._modules.items() if part is not None]  # noqa: SLF001
        return None if any(part is None for _, part in parts) else {"kind": "Sequential", "parts": parts}
    if kind is LogProbabilities:
        inner = describe(module.network)  # type: ignore[arg-type]
        return None if inner is None else {"kind": "LogProbabilities", "network": inner}
    if kind is OneOutput:
        inner = describe(module.network)  # type: ignore[arg-type]
        return None if inner is None else {"kind": "OneOutput", "network": inner, "place": module.place}
    if kind is OnnxNetwork:
        return _graph(module)  # type: ignore[arg-type]
    if kind not in _ARGUMENTS:
        return None
    return {"kind": kind.__name__} | {name: _plain(module, name) for name in _ARGUMENTS[kind].split()}


def _is_altered(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks)  # noqa: SLF001
    return any(hooks) or "forward" in vars(module)


def _plain(module: nn.Module, name: str) -> Any:
    value = getattr(module, name)
    if name == "bias":
        return value is not None
    if isinstance(value, torch.Size | tuple):
        return list(value)
    return value


def _graph(network: OnnxNetwork) -> dict[str, Any] | None:
    layers = {name: describe(layer) for name, layer in network.named_children()}
    if any(layer is None for layer in layers.values()):
        return None
    steps = [[s.operator, list(s.inputs), list(s.outputs), s.layer, encode(s.attributes)] for s in network.steps]
    constants = {name: str(getattr(network, buffer).dtype)[6:] for name, buffer in network.constants.items()}
    shapes = {name: list(getattr(network, buffer).shape) for name, buffer in network.constants.items()}
    return {
        "kind": "OnnxNetwork",
        "source": network.source,
        "results": list(network.results),
        "steps": steps,
        "layers": layers,
        "constants": {name: [constants[name], shapes[name]] for name in constants},
    }


def make(described: Mapping[str, Any]) -> nn.Module:
    """The module that :func:`describe` described, without weights: they are to be assigned.

    Raises:
        DnnExplainError: a kind that is not known, or arguments that it does not take.
    """
    try:
        with torch.device("meta"):
            return _made(described).eval()
    except DnnExplainError:
        raise
    except Exception as error:  # noqa: BLE001 - what a damaged description raises is the layer's affair
        msg = f"the file's architecture is damaged: {' '.join(str(error).split())[:120]}"
        raise DnnExplainError(msg) from None


def _made(described: Mapping[str, Any]) -> nn.Module:
    kind = str(described["kind"])
    if kind == "Sequential":
        return nn.Sequential(OrderedDict((str(name), _made(part)) for name, part in described["parts"]))
    if kind == "LogProbabilities":
        return LogProbabilities(_made(described["network"]))
    if kind == "OneOutput":
        return OneOutput(_made(described["network"]), described["place"])
    if kind == "OnnxNetwork":
        return OnnxNetwork(
            described["source"],
            described["results"],
            [Step(s[0], tuple(s[1]), tuple(s[2]), s[3], decode(s[4])) for s in described["steps"]],
            {name: _made(layer) for name, layer in described["layers"].items()},
            {
                name: torch.empty(shape, dtype=getattr(torch, dtype))
                for name, (dtype, shape) in described["constants"].items()
            },
        )
    if kind not in _KINDS:
        raise Choice("layer", kind, tuple(_KINDS)).error()
    names = _ARGUMENTS[_KINDS[kind]].split()
    given = {name: _tupled(described[name]) for name in names}
    return _KINDS[kind](**given)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- what tells two networks with the same weights apart ------------------------------------------

_SHAPES = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.ZeroPad2d)
_STEPS = {((4, 5), (2, 5), (0, 0)), ((3, 3), (1, 1), (1, 1)), ((3, 3), (2, 1), (1, 1))}
"""Kernel, stride and padding of :func:`dnnexplain.policies.networks.convnet`."""


def signature(module: nn.Module) -> str:
    """What a network computes beyond its weights, as text; empty for the usual: ReLU between layers.

    The usual one is left out so that the hashes of networks of that kind stay as they always were.
    """
    leaves = [part for part in module.modules() if not any(part.children()) and not isinstance(part, _SHAPES)]
    foreign = [
        type(part).__qualname__
        for part in module.modules()
        if type(part).__module__.partition(".")[0] not in {"torch", "dnnexplain"}
    ]
    own = any(
        type(part).__module__.startswith("dnnexplain.")
        and type(part)
        not in {ScaledInput, Normalized, EachNormalized, OneStep, Permuted, Picked, OnnxNetwork, BatchNorm}
        for part in module.modules()
        if type(part) not in {LogProbabilities, OneOutput}
    )
    if own and not foreign:  # made by a system from what its file says
        return ""
    usual = [_usual(leaf, place) for place, leaf in enumerate(leaves)]
    if not foreign and all(usual) and len(leaves) % 2:
        return ""
    graph = [repr(part.steps) for part in module.modules() if isinstance(part, OnnxNetwork)]
    return "|".join([*foreign, *(repr(leaf) for leaf in leaves), *graph])


def _usual(layer: nn.Module, place: int) -> bool:
    if place % 2:
        return type(layer) is nn.ReLU
    if type(layer) is nn.Conv2d:
        return (layer.kernel_size, layer.stride, layer.padding) in _STEPS and layer.groups == 1
    return type(layer) is nn.Linear
