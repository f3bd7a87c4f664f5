"""What each ONNX operator computes, in torch: those without weights or state of their own.

An operation takes the node's attributes and its inputs (``None`` where an optional one is absent), as the
operator specification has them: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._onnx_recurrent import RECURRENT

__all__ = ["OPERATIONS"]

Attributes = Mapping[str, Any]
MOST_NUMBERS = 1 << 26


def _bounded(shape: Sequence[int]) -> list[int]:
    sizes = [int(size) for size in shape]
    if int(np.prod([max(1, abs(size)) for size in sizes], dtype=object)) > MOST_NUMBERS:
        msg = f"an operator makes an array of the shape {sizes}; no controller's network needs one"
        raise DnnExplainError(msg)
    return sizes


def _numbers(value: torch.Tensor | Sequence[int] | None) -> list[int] | None:
    if value is None:
        return None
    return [int(number) for number in (value.reshape(-1).tolist() if isinstance(value, torch.Tensor) else value)]


def _axes(attributes: Attributes, given: torch.Tensor | None) -> list[int] | None:
    """Axes are an input in newer operator sets, an attribute in older ones."""
    return _numbers(given if given is not None else attributes.get("axes"))


def _reshape(attributes: Attributes, x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    sizes = _bounded(_numbers(shape) or [])
    if not attributes.get("allowzero"):
        sizes = [x.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return x.reshape(tuple(sizes))


def _flatten(attributes: Attributes, x: torch.Tensor) -> torch.Tensor:
    axis = attributes.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _gather(attributes: Attributes, x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    axis = attributes.get("axis", 0) % x.ndim
    places = torch.where(indices < 0, indices + x.shape[axis], indices).long()
    picked = x.index_select(axis, places.reshape(-1))
    return picked.reshape((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


def _scatter(attributes: Attributes, x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
    axis = attributes.get("axis", 0) % x.ndim
    places = torch.where(indices < 0, indices + x.shape[axis], indices).long()
    how = attributes.get("reduction", "none")
    if how == "none":
        return x.scatter(axis, places, updates)
    return x.scatter_reduce(axis, places, updates, {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}[how])


def _slice(attributes: Attributes, x: torch.Tensor, *rest: torch.Tensor | None) -> torch.Tensor:
    parts = [_numbers(part) for part in rest] or [_numbers(attributes.get(name)) for name in ("starts", "ends", "axes")]
    starts, ends, axes, steps = (*parts, None, None)[:4]
    starts, ends = starts or [], ends or []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = axes[number] if axes else number
        step = steps[number] if steps else 1
        places = range(x.shape[axis])[slice(start, None if step < 0 and end < -x.shape[axis] else end, step)]
        x = x.index_select(axis, torch.tensor(list(places), dtype=torch.long, device=x.device))
    return x


def _split(attributes: Attributes, x: torch.Tensor, sizes: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
    axis = attributes.get("axis", 0)
    given: list[int] | int | None = _numbers(sizes if sizes is not None else attributes.get("split"))
    if given is None:
        count = attributes["num_outputs"]
        given = -(-x.shape[axis] // count)
    return torch.split(x, given, axis)


def _squeeze(attributes: Attributes, x: torch.Tensor, given: torch.Tensor | None = None) -> torch.Tensor:
    axes = _axes(attributes, given)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def _unsqueeze(attributes: Attributes, x: torch.Tensor, given: torch.Tensor | None = None) -> torch.Tensor:
    axes = _axes(attributes, given) or []
    for axis in sorted(axis % (x.ndim + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _reduce(name: str) -> Callable[..., torch.Tensor]:
    def operation(attributes: Attributes, x: torch.Tensor, given: torch.Tensor | None = None) -> torch.Tensor:
        axes = _axes(attributes, given)
        if not axes:
            if attributes.get("noop_with_empty_axes"):
                return x
            axes = list(range(x.ndim))
        result: torch.Tensor = getattr(torch, name)(x, dim=tuple(axes), keepdim=bool(attributes.get("keepdims", 1)))
        return result

    return operation


def _gemm(attributes: Attributes, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
    left = a.T if attributes.get("transA") else a
    right = b.T if attributes.get("transB") else b
    product: torch.Tensor = attributes.get("alpha", 1.0) * (left @ right)
    return product if c is None else product + attributes.get("beta", 1.0) * c


def _clip(
    attributes: Attributes, x: torch.Tensor, low: torch.Tensor | None = None, high: torch.Tensor | None = None
) -> torch.Tensor:
    return torch.clamp(x, _end(attributes, "min", low), _end(attributes, "max", high))


def _end(attributes: Attributes, name: str, given: torch.Tensor | None) -> Any:
    return attributes.get(name) if given is None else given.item()


def _cast(attributes: Attributes, x: torch.Tensor) -> torch.Tensor:
    kinds = {1: torch.float32, 10: torch.float32, 11: torch.float32, 6: torch.int64, 7: torch.int64, 9: torch.bool}
    if attributes["to"] not in kinds:
        msg = "it casts to a type that is neither float, int nor bool"
        raise DnnExplainError(msg)
    return x.to(kinds[attributes["to"]])


def _pad(attributes: Attributes, x: torch.Tensor, *rest: torch.Tensor | None) -> torch.Tensor:
    pads, value, axes = (*rest, None, None, None)[:3]
    sizes = _numbers(pads if pads is not None else attributes.get("pads")) or []
    where = _numbers(axes) or list(range(x.ndim))
    if attributes.get("mode", "constant") != "constant":
        msg = "it pads by reflecting or repeating, which is not read"
        raise DnnExplainError(msg)
    both = [[0, 0] for _ in range(x.ndim)]
    for number, axis in enumerate(where):
        both[axis] = [sizes[number], sizes[number + len(where)]]
    _bounded([size + sum(pair) for size, pair in zip(x.shape, both, strict=True)])
    fill = attributes.get("value", 0.0) if value is None else value.item()
    return functional.pad(x, [size for pair in reversed(both) for size in pair], value=fill)


def _pool(name: str) -> Callable[..., torch.Tensor]:
    def operation(attributes: Attributes, x: torch.Tensor) -> torch.Tensor:
        kernel = attributes["kernel_shape"]
        pads = attributes.get("pads", [0] * 2 * len(kernel))
        if pads[: len(kernel)] != pads[len(kernel) :] or attributes.get("auto_pad", "NOTSET") not in {
            "NOTSET",
            "VALID",
        }:
            msg = "it pools with uneven padding, which is not read"
            raise DnnExplainError(msg)
        options = {
            "kernel_size": kernel,
            "stride": attributes.get("strides", [1] * len(kernel)),
            "padding": pads[: len(kernel)],
            "ceil_mode": bool(attributes.get("ceil_mode", 0)),
        }
        if name == "avg":
            options["count_include_pad"] = bool(attributes.get("count_include_pad", 0))
        result: torch.Tensor = getattr(functional, f"{name}_pool{len(kernel)}d")(x, **options)
        return result

    return operation


def _global_mean(_: Attributes, x: torch.Tensor) -> torch.Tensor:
    return x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)


def _filled(attributes: Attributes, shape: torch.Tensor) -> torch.Tensor:
    value = attributes.get("value")
    fill = torch.zeros(1) if value is None else torch.from_numpy(np.array(value))
    return fill.reshape(1).expand(_bounded(_numbers(shape) or [])).clone()


def _expand(_: Attributes, x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    return x * torch.ones(_bounded(_numbers(shape) or []), dtype=x.dtype, device=x.device)


def _old_softmax(attributes: Attributes, x: torch.Tensor) -> torch.Tensor:
    """Before operator set 13: over all axes from ``axis`` on, together."""
    axis = attributes.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1).softmax(1).reshape(x.shape)


def _dequantized(
    attributes: Attributes, x: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor | None = None
) -> torch.Tensor:
    """Whole numbers as those that they stand for; scales along an axis, or one for all."""
    axis = attributes.get("axis", 1)
    shape = [-1 if place == axis % x.ndim else 1 for place in range(x.ndim)] if scale.numel() > 1 else [1] * x.ndim
    if attributes.get("block_size", 0):
        msg = "it dequantises by blocks, which is not read"
        raise DnnExplainError(msg)
    moved = x.float() if zero is None else x.float() - zero.float().reshape(shape if zero.numel() > 1 else [1] * x.ndim)
    return moved * scale.reshape(shape)


def _einsum(attributes: Attributes, *inputs: torch.Tensor) -> torch.Tensor:
    equation = attributes["equation"]
    text = equation.decode() if isinstance(equation, bytes) else str(equation)
    value: torch.Tensor = torch.einsum(text, *inputs)
    return value


def _elementwise(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda _, *inputs: function(*inputs)


def _fold(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def operation(_: Attributes, first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        for other in others:
            first = function(first, other)
        return first

    return operation


def _divide(_: Attributes, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    whole = not (a.is_floating_point() or b.is_floating_point())
    return torch.div(a, b, rounding_mode="trunc") if whole else a / b


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Abs": _elementwise(torch.abs),
    "Add": _elementwise(torch.add),
    "And": _elementwise(torch.logical_and),
    "AveragePool": _pool("avg"),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda attributes, *parts: torch.cat(parts, attributes["axis"]),
    "ConstantOfShape": _filled,
    "Cos": _elementwise(torch.cos),
    "Div": _divide,
    "Equal": _elementwise(torch.eq),
    "DequantizeLinear": _dequantized,
    "Einsum": _einsum,
    "Erf": _elementwise(torch.erf),
    "Exp": _elementwise(torch.exp),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_mean,
    "Greater": _elementwise(torch.gt),
    "GreaterOrEqual": _elementwise(torch.ge),
    "Less": _elementwise(torch.lt),
    "LessOrEqual": _elementwise(torch.le),
    "Log": _elementwise(torch.log),
    "MatMul": _elementwise(torch.matmul),
    "Max": _fold(torch.maximum),
    "MaxPool": _pool("max"),
    "Min": _fold(torch.minimum),
    "Mul": _elementwise(torch.mul),
    "Neg": _elementwise(torch.neg),
    "Not": _elementwise(torch.logical_not),
    "OldLogSoftmax": lambda attributes, x: _old_softmax(attributes, x).log(),
    "OldSoftmax": _old_softmax,
    "Or": _elementwise(torch.logical_or),
    "Pad": _pad,
    "Pow": _elementwise(torch.pow),
    "Reciprocal": _elementwise(torch.reciprocal),
    "ReduceMax": _reduce("amax"),
    "ReduceMean": _reduce("mean"),
    "ReduceMin": _reduce("amin"),
    "ReduceSum": _reduce("sum"),
    "Reshape": _reshape,
    "ScatterElements": _scatter,
    "Shape": lambda attributes, x: torch.tensor(list(x.shape)[attributes.get("start", 0) : attributes.get("end")]),
    "Sin": _elementwise(torch.sin),
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _elementwise(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(torch.sub),
    "Sum": _fold(torch.add),
    "Transpose": lambda attributes, x: x.permute(attributes.get("perm", list(reversed(range(x.ndim))))),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(torch.where),
    **RECURRENT,
}
"""Operator -> what it computes."""
