"""Neurons of a layer: which layer is meant, what its activation is, and how to read it quickly.

A neuron is counted from 0, as in the network's tensors: neuron 3 of a layer with 20 units is row 3 of
its weights. The neurons of a convolution are the cells of all its channels, in C order.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Choice, DnnExplainError, Policy, System
from dnnexplain.explain.forward import Layer, array, hooked, layers, module_of, network_of, private, tensor

__all__ = ["NeuronLayer", "check_neuron", "layer_of", "neuron_activations", "random_values"]

_CUT_AT_ZERO = (nn.ReLU, nn.ReLU6)
_MONOTONE = (
    nn.ReLU, nn.ReLU6, nn.ELU, nn.SELU, nn.CELU, nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Softplus, nn.Softsign,
)  # fmt: skip
_KNOWN: WeakKeyDictionary[nn.Module, dict[str | None, NeuronLayer]] = WeakKeyDictionary()
_CHUNK_NUMBERS = 1 << 22


@dataclass(frozen=True, slots=True)
class NeuronLayer:
    """A layer whose neurons are probed.

    Attributes:
        name: the module whose output is read.
        weights: the module that holds the weights in front of it.
        shape: of the layer's output without the batch axis.
        rectified: whether the activation is zero below a threshold (a ReLU), so that "off" has a meaning.
        by_function: whether that ReLU is applied in ``forward`` by a function rather than a module; the
            activation is then the module's output cut off at zero.
        monotone: whether more weighted input never means less activation.
        last: whether this is the network's output.
    """

    name: str
    weights: str
    shape: tuple[int, ...]
    rectified: bool
    by_function: bool
    monotone: bool
    last: bool

    @property
    def units(self) -> int:
        """How many neurons the layer has."""
        return int(np.prod(self.shape))

    def before(self) -> NeuronLayer:
        """The same neurons before their activation function, as far as a module shows them."""
        return replace(self, name=self.weights, rectified=False, by_function=False, monotone=True)


def layer_of(system: System, policy: Policy, layer: str | None = None) -> NeuronLayer:
    """The layer of that name, or the first hidden one.

    Raises:
        DnnExplainError: the policy is a rule, or has no such layer.
    """
    module = network_of(policy)
    known = _KNOWN.setdefault(module, {})
    if layer not in known:
        found = _choose(layers(module, system.observation_shape), layer)
        kind = module_of(module, found.name)
        by_function = not found.activated and not found.last and _cut_at_zero(system, module, found.name)
        known[layer] = NeuronLayer(
            name=found.name,
            weights=found.weights,
            shape=found.shape,
            rectified=isinstance(kind, _CUT_AT_ZERO) or by_function,
            by_function=by_function,
            monotone=found.name == found.weights or isinstance(kind, _MONOTONE) or _leaky(kind),
            last=found.last,
        )
    return known[layer]


def check_neuron(layer: NeuronLayer, neuron: int) -> int:
    """The neuron's number, if the layer has it."""
    if isinstance(neuron, bool) or not isinstance(neuron, int | np.integer) or not 0 <= neuron < layer.units:
        msg = f"layer {layer.name!r} has {layer.units} neurons, numbered 0 to {layer.units - 1}; there is no neuron {neuron!r}"
        raise DnnExplainError(msg)
    return int(neuron)


def neuron_activations(
    policy: Policy, layer: NeuronLayer, observations: NDArray[Any] | Tensor, neurons: slice | list[int] | None = None
) -> NDArray[np.float64]:
    """Activations of a layer ``[B, units]`` (or of the given neurons) in observations ``[B, *observation_shape]``.

    Works on a twin of the network that belongs to the calling thread, so it may run in any thread.

    Raises:
        DnnExplainError: the layer does not run exactly once in a pass.
    """
    reader = _reader(network_of(policy), layer.name)
    inputs = torch.as_tensor(observations, dtype=torch.float32)
    rows = max(1, _CHUNK_NUMBERS // max(1, int(np.prod(inputs.shape[1:])), layer.units))
    seen = [reader.read(inputs[first : first + rows]) for first in range(0, len(inputs), rows)]
    found = torch.cat(seen) if seen else torch.zeros((0, layer.units))
    chosen = found if neurons is None else found[:, neurons]
    return array(chosen.clamp_min(0) if layer.by_function else chosen)


@dataclass(slots=True)
class _Reader:
    """A twin of a network with the same weights but hooks of its own, for one thread."""

    twin: nn.Module
    layer: str
    seen: list[Tensor] = field(default_factory=list)

    def read(self, inputs: Tensor) -> Tensor:
        self.seen.clear()
        with torch.no_grad():
            self.twin(inputs)
        if len(self.seen) != 1:
            msg = f"layer {self.layer!r} does not run exactly once in a pass; give each use a module of its own"
            raise DnnExplainError(msg)
        return self.seen.pop()


_OF_THREAD = local()


def _reader(module: nn.Module, layer: str) -> _Reader:
    """The calling thread's reader of a layer; made once, for copying a network takes longer than running it."""
    if not hasattr(_OF_THREAD, "readers"):
        _OF_THREAD.readers = WeakKeyDictionary()
    readers: dict[str, _Reader] = _OF_THREAD.readers.setdefault(module, {})
    if layer not in readers:
        shared = {id(weight): weight for weight in (*module.parameters(), *module.buffers())}
        reader = _Reader(copy.deepcopy(module, shared).eval(), layer)
        note = reader.seen.append
        module_of(reader.twin, layer).register_forward_hook(lambda _m, _in, out: note(out.detach().flatten(1).clone()))
        readers[layer] = reader
    return readers[layer]


def random_values(system: System, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Valid knob values ``[count, K]``: every knob drawn from its grid, then repaired."""
    grids: dict[tuple[float, float, float | None], NDArray[np.float64]] = {}
    columns = []
    for knob in system.knobs:
        kind = (knob.low, knob.high, knob.step)
        if kind not in grids:
            grids[kind] = knob.grid()
        grid = grids[kind]
        columns.append(grid[rng.integers(len(grid), size=count)])
    drawn = np.stack(columns, axis=1)
    return np.asarray(system.repair(drawn), dtype=np.float64)


def _leaky(kind: nn.Module) -> bool:
    return isinstance(kind, nn.LeakyReLU) and kind.negative_slope >= 0


def _choose(found: tuple[Layer, ...], name: str | None) -> Layer:
    if not found:
        msg = "the network has no layer that could be probed"
        raise DnnExplainError(msg)
    if name is None:
        return next((layer for layer in found if not layer.last), found[0])
    for layer in found:
        if name in {layer.name, layer.weights}:
            return layer
    raise Choice("layer", name, tuple(layer.name for layer in found)).error()


def _cut_at_zero(system: System, module: nn.Module, name: str) -> bool:
    """Whether the network answers the same when this layer's negative outputs are set to zero.

    A ReLU that ``forward`` applies by a function cannot be hooked; but cutting twice is cutting once.
    """
    rng = np.random.default_rng(0)
    inputs = tensor(system.encode(random_values(system, 32, rng)))
    twin = private(module)
    seen: list[Tensor] = []

    def cutting(out: Tensor) -> Tensor:
        seen.append(out.detach().clone())
        return out.clamp_min(0)

    with torch.no_grad():
        plain = twin(inputs)
        with hooked(twin, {name: cutting}):
            cut = twin(inputs)
    return bool((seen[0] < 0).any()) and torch.equal(plain, cut)
