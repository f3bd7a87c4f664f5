"""ONNX operators with weights, and activations, as torch layers: what can be hooked, probed and proved about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError

__all__ = ["ACTIVATIONS", "WEIGHTED", "BatchNorm"]

Attributes = Mapping[str, Any]
Made = nn.Module | None


class BatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch's own classes differ in this check alone
    """Batch normalisation of inputs of any rank, ``[B, C, ...]``."""

    def _check_input_dim(self, _: torch.Tensor) -> None:
        """Any rank will do."""


def _filled(layer: nn.Module, **values: torch.Tensor | None) -> nn.Module:
    with torch.no_grad():
        for name, value in values.items():
            if value is not None:
                getattr(layer, name).copy_(value)
    return layer


def dense(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    """A dense layer from weights ``[out, in]`` and a bias of ``out`` numbers, or of one, or none."""
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None)
    return _filled(layer, weight=weight, bias=None if bias is None else bias.reshape(-1).expand(weight.shape[0]))


def _gemm(attributes: Attributes, b: torch.Tensor, c: torch.Tensor | None = None) -> Made:
    if attributes.get("transA") or b.ndim != 2:
        return None
    weight = (b if attributes.get("transB") else b.T) * attributes.get("alpha", 1.0)
    if c is not None and (c.numel() not in {1, weight.shape[0]} or c.shape[-1:] not in {(c.numel(),), ()}):
        return None
    return dense(weight, None if c is None else c * attributes.get("beta", 1.0))


def _matmul(_: Attributes, b: torch.Tensor) -> Made:
    return dense(b.T, None) if b.ndim == 2 else None


def _conv(attributes: Attributes, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Made:
    rank = weight.ndim - 2
    kinds: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
    pads = list(attributes.get("pads", [0] * 2 * rank))
    dilations = list(attributes.get("dilations", [1] * rank))
    strides = list(attributes.get("strides", [1] * rank))
    how = attributes.get("auto_pad", "NOTSET")
    if how in {"SAME_UPPER", "SAME_LOWER"}:
        if set(strides) != {1}:
            msg = "a convolution pads by auto_pad and steps over its input, which is not read; export explicit pads"
            raise DnnExplainError(msg)
        whole = [(size - 1) * step for size, step in zip(weight.shape[2:], dilations, strict=True)]
        low, high = [size // 2 for size in whole], [size - size // 2 for size in whole]
        pads = [*low, *high] if how == "SAME_UPPER" else [*high, *low]
    if rank not in kinds or max(pads, default=0) > 10_000:
        msg = f"a convolution over {rank} axes, or with absurd padding, is not read"
        raise DnnExplainError(msg)
    even = pads[:rank] == pads[rank:]
    groups = attributes.get("group", 1)
    layer: nn.Module = kinds[rank](
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        stride=tuple(strides),
        padding=tuple(pads[:rank]) if even else 0,
        dilation=tuple(dilations),
        groups=groups,
        bias=bias is not None,
    )
    _filled(layer, weight=weight, bias=bias)
    if even:
        return layer
    around = [size for axis in reversed(range(rank)) for size in (pads[axis], pads[axis + rank])]
    return nn.Sequential(nn.ConstantPad1d(tuple(around), 0.0) if rank == 1 else nn.ZeroPad2d(tuple(around)), layer)


def _batch_norm(
    attributes: Attributes, scale: torch.Tensor, bias: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor
) -> Made:
    if attributes.get("training_mode"):
        msg = "its batch normalisation is in training mode; export it after module.eval()"
        raise DnnExplainError(msg)
    layer = BatchNorm(len(scale), eps=attributes.get("epsilon", 1e-5))
    return _filled(layer, weight=scale, bias=bias, running_mean=mean, running_var=variance)


def _layer_norm(attributes: Attributes, scale: torch.Tensor, bias: torch.Tensor | None = None) -> Made:
    axis = attributes.get("axis", -1)
    if axis != -scale.ndim and not (axis > 0 and scale.ndim == 1):
        return None
    layer = nn.LayerNorm(tuple(scale.shape), eps=attributes.get("epsilon", 1e-5), bias=bias is not None)
    return _filled(layer, weight=scale, bias=bias)


def _prelu(_: Attributes, slope: torch.Tensor) -> Made:
    if slope.numel() != 1 and slope.shape[1:].numel() != 1:
        return None
    return _filled(nn.PReLU(slope.numel()), weight=slope.reshape(-1))


WEIGHTED: dict[str, Callable[..., Made]] = {
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "Gemm": _gemm,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "PRelu": _prelu,
}
"""Operator -> layer from its attributes and its constant inputs after the first; ``None``: computed, not a layer."""

ACTIVATIONS: dict[str, Callable[[Attributes], nn.Module]] = {
    "Celu": lambda a: nn.CELU(a.get("alpha", 1.0)),
    "Dropout": lambda _: nn.Identity(),
    "Elu": lambda a: nn.ELU(a.get("alpha", 1.0)),
    "Gelu": lambda a: nn.GELU(a.get("approximate", "none")),
    "HardSwish": lambda _: nn.Hardswish(),
    "Identity": lambda _: nn.Identity(),
    "LeakyRelu": lambda a: nn.LeakyReLU(a.get("alpha", 0.01)),
    "LogSoftmax": lambda a: nn.LogSoftmax(a.get("axis", -1)),
    "Mish": lambda _: nn.Mish(),
    "Relu": lambda _: nn.ReLU(),
    "Selu": lambda _: nn.SELU(),
    "Sigmoid": lambda _: nn.Sigmoid(),
    "Softmax": lambda a: nn.Softmax(a.get("axis", -1)),
    "Softplus": lambda _: nn.Softplus(),
    "Softsign": lambda _: nn.Softsign(),
    "Tanh": lambda _: nn.Tanh(),
}
"""Operator -> activation layer from its attributes."""
