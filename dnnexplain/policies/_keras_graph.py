"""A network of Keras while it is read: steps over named values, whose shapes are known by running them at once.

Keras keeps channels last, torch first: convolutions and pools run between two transpositions, and a pair that
undoes itself is left out.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._onnx_ops import OPERATIONS
from dnnexplain.policies.onnx_files import OnnxNetwork, Step, taken
from dnnexplain.reading import check_count

__all__ = ["Graph"]

MOST_NUMBERS = 1 << 24
"""Numbers of one value, at most."""


class Graph:
    """Steps, layers and constants of a network that is being read.

    Attributes:
        old: whether the file is of Keras 2, some of whose functions differ.
    """

    def __init__(self, old: bool = False) -> None:
        self.old = old
        self.steps: list[Step] = []
        self.layers: dict[str, nn.Module] = {}
        self.constants: dict[str, torch.Tensor] = {}
        self.values: dict[str, torch.Tensor] = {}
        self.channels_first: dict[str, str] = {}
        self._count = itertools.count()

    def source(self, shape: Sequence[int]) -> str:
        """The network's input, for observations of a shape."""
        wanted = 1
        for size in shape:
            wanted *= size
        if not 0 < wanted <= MOST_NUMBERS:
            msg = f"it takes observations of the shape {list(shape)}; no controller's network does"
            raise DnnExplainError(msg)
        self.values["observation"] = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
        return "observation"

    def number(self, value: Any) -> str:
        """A constant: a number, or an array."""
        name = f"constant {next(self._count)}"
        self.constants[name] = self.values[name] = torch.as_tensor(
            value, dtype=None if isinstance(value, torch.Tensor) else torch.float32
        )
        return name

    def shape(self, value: str) -> tuple[int, ...]:
        """Of one observation's value, without the batch axis."""
        return tuple(self.values[value].shape[1:])

    def operation(self, operator: str, inputs: Sequence[str], **attributes: Any) -> list[str]:
        """A step that is no layer; its values' names."""
        with torch.no_grad():
            values = OPERATIONS[operator](attributes, *(self.values.get(name) for name in inputs))
        parts = values if isinstance(values, tuple) else (values,)
        return self._keep(Step(operator, tuple(inputs), self._names(len(parts)), "", attributes), parts)

    def layer(self, name: str, layer: nn.Module, value: str) -> str:
        """A step that is a layer: one object where a layer is called twice."""
        label = next((known for known, there in self.layers.items() if there is layer), None) or self._label(name)
        self.layers[label] = layer.eval()
        with torch.no_grad():
            result = layer(self.values[value])
        return self._keep(Step(type(layer).__name__, (value,), self._names(1), label), (result,))[0]

    def pointwise(self, name: str, layer: nn.Module, value: str) -> str:
        """A layer that treats every number alike, before a transposition rather than after it."""
        first = self.channels_first.get(value)
        if first is None:
            return self.layer(name, layer, value)
        return self.last(self.layer(name, layer, first))

    def first(self, value: str) -> str:
        """The value with its channels first ``[B, C, ...]``."""
        if value in self.channels_first:
            return self.channels_first[value]
        rank = self.values[value].ndim
        return self.operation("Transpose", [value], perm=[0, rank - 1, *range(1, rank - 1)])[0]

    def last(self, value: str) -> str:
        """The value with its channels last again ``[B, ..., C]``."""
        rank = self.values[value].ndim
        operation = self.operation("Transpose", [value], perm=[0, *range(2, rank), 1])[0]
        self.channels_first[operation] = value
        return operation

    def finish(self, source: str, results: list[str]) -> nn.Module:
        """The network: a plain sequence where its steps are layers in a row, else a graph."""
        needed, kept = set(results), []
        for step in reversed(self.steps):
            if needed & set(step.outputs):
                kept.append(step)
                needed |= set(step.inputs)
        steps = kept[::-1]
        used = [step.layer for step in steps if step.layer]
        row = [source, *(step.outputs[0] for step in steps)]
        plain = len(used) == len(set(used)) == len(steps) and results == row[-1:]
        if plain and all(step.inputs == (before,) for step, before in zip(steps, row, strict=False)):
            return nn.Sequential(OrderedDict((name, self.layers[name]) for name in used)).eval()
        constants = {name: value for name, value in self.constants.items() if name in needed}
        network = OnnxNetwork(source, results, steps, {name: self.layers[name] for name in used}, constants)
        network.declared = (None, *self.shape(source))
        return network.eval()

    def _names(self, count: int) -> tuple[str, ...]:
        return tuple(f"value {next(self._count)}" for _ in range(count))

    def _keep(self, step: Step, values: Sequence[torch.Tensor]) -> list[str]:
        check_count(len(self.steps), "its architecture", "steps")
        if any(value.numel() > 2 * MOST_NUMBERS for value in values):
            msg = f"its {step.operator} makes {max(value.numel() for value in values):,} numbers; no controller's does"
            raise DnnExplainError(msg)
        self.steps.append(step)
        self.values.update(zip(step.outputs, values, strict=True))
        return list(step.outputs)

    def _label(self, name: str) -> str:
        stem = re.sub(r"\W+", "_", name).strip("_") or "layer"
        stem = f"{stem}_" if taken(stem) else stem
        names = (stem if count == 1 else f"{stem}_{count}" for count in range(1, len(self.layers) + 2))
        return next(name for name in names if name not in self.layers)
