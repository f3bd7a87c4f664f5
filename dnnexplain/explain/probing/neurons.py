"""Neurons of a layer: which layer is meant, what its activation is, and how to read it quickly.

A neuron is one number that an activation function gives: weights, then a normalisation if there is one, then
the function; it is read after the function. Where ``forward`` applies a ReLU without a module, the neuron is
the weights' output cut off at zero; where no activation function is seen, it is the output of the weights.
:attr:`NeuronLayer.measured` says which, and every result repeats it.

A neuron is counted from 0, as in the network's tensors: neuron 3 of a layer with 20 units is row 3 of
its weights. The neurons of a convolution are the cells of all its channels, in C order.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Choice, DnnExplainError, Policy, System
from dnnexplain.explain.networks.hooks import (
    Layer,
    Side,
    array,
    hooked,
    layers,
    module_of,
    network_of,
    noted,
    private,
    tensor,
)
from dnnexplain.explain.networks.module_kinds import is_monotone

__all__ = ["NeuronLayer", "check_neuron", "layer_of", "neuron_activations", "random_values"]

_CUT_AT_ZERO = (nn.ReLU, nn.ReLU6)
_KNOWN: WeakKeyDictionary[nn.Module, dict[str | None, NeuronLayer]] = WeakKeyDictionary()
_CHUNK_NUMBERS = 1 << 22


@dataclass(frozen=True, slots=True)
class NeuronLayer:
    """A layer whose neurons are probed.

    Attributes:
        name: the module whose output (or, by ``side``, input) is read.
        weights: the module that holds the weights in front of it.
        shape: of the layer's output without the batch axis.
        rectified: whether the activation is zero below a threshold (a ReLU), so that "off" has a meaning.
        by_function: whether that ReLU is applied in ``forward`` by a function rather than a module; the
            activation is then the module's output cut off at zero.
        monotone: whether more weighted input never means less activation.
        last: whether this is the network's output.
        measured: what a neuron is here, in words: after which operation it is read.
        side: whether the module's output is read, or what it receives.
        activated: whether the module is an activation function.
    """

    name: str
    weights: str
    shape: tuple[int, ...]
    rectified: bool
    by_function: bool
    monotone: bool
    last: bool
    measured: str = ""
    side: Side = "output"
    activated: bool = False

    @property
    def units(self) -> int:
        """How many neurons the layer has."""
        return int(np.prod(self.shape))

    def before(self) -> NeuronLayer:
        """The same neurons before their activation function: what its module receives as the network runs."""
        side: Side = "input" if self.activated else self.side
        return replace(self, side=side, rectified=False, by_function=False, monotone=True)


def layer_of(system: System, policy: Policy, layer: str | None = None) -> NeuronLayer:
    """The layer of that name, or the first hidden one.

    Raises:
        DnnExplainError: the policy is a rule, or has no such layer.
    """
    module = network_of(policy)
    known = _KNOWN.setdefault(module, {})
    if layer not in known:
        ran = layers(module, system.observation_shape)
        chosen = _choose(ran, layer) if layer is not None else _first_hidden(system, module, ran)
        kind = module_of(module, chosen.name)
        by_function = _by_function(system, module, chosen)
        known[layer] = NeuronLayer(
            name=chosen.name,
            weights=chosen.weights,
            shape=chosen.shape,
            rectified=isinstance(kind, _CUT_AT_ZERO) or by_function,
            by_function=by_function,
            monotone=not chosen.activated or is_monotone(kind),
            last=chosen.last,
            measured=_measured(module, chosen, by_function=by_function),
            activated=chosen.activated,
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
    reader = _reader(network_of(policy), layer.name, layer.side)
    inputs = torch.as_tensor(observations, dtype=torch.float32)
    rows = max(1, _CHUNK_NUMBERS // max(1, int(np.prod(inputs.shape[1:])), layer.units))
    if not reader.once and len(inputs) > 1:
        reader.read(inputs[:1])  # the first pass goes on to the network's outputs, of which there may be very many
    seen = [reader.read(inputs[first : first + rows]) for first in range(0, len(inputs), rows)]
    activations = torch.cat(seen) if seen else torch.zeros((0, layer.units))
    chosen = activations if neurons is None else activations[:, neurons]
    return array(chosen.clamp_min(0) if layer.by_function else chosen)


@dataclass(slots=True)
class _Reader:
    """A twin of a network with the same weights but hooks of its own, for one thread."""

    twin: nn.Module
    layer: str
    seen: list[Tensor] = field(default_factory=list)
    once: bool = False

    def read(self, inputs: Tensor) -> Tensor:
        self.seen.clear()
        with torch.no_grad(), suppress(_Enough):
            self.twin(inputs)
        if len(self.seen) != 1:
            msg = f"layer {self.layer!r} does not run exactly once in a pass; give each use a module of its own"
            raise DnnExplainError(msg)
        self.once = True  # known now: from here on a pass ends where it was read
        return self.seen.pop()

    def note(self, values: Tensor) -> None:
        """Take what the layer gave or got; what comes behind it is not computed a second time."""
        self.seen.append(values.detach().flatten(1).clone())
        if self.once:
            raise _Enough


class _Enough(Exception):  # noqa: N818 - no error: the rest of a pass is not needed
    """All that was asked for was read."""


_OF_THREAD = local()


def _reader(module: nn.Module, layer: str, side: Side) -> _Reader:
    """The calling thread's reader of a layer; made once, for copying a network takes longer than running it."""
    if not hasattr(_OF_THREAD, "readers"):
        _OF_THREAD.readers = WeakKeyDictionary()
    readers: dict[tuple[str, Side], _Reader] = _OF_THREAD.readers.setdefault(module, {})
    if (layer, side) not in readers:
        shared = {id(weight): weight for weight in (*module.parameters(), *module.buffers())}
        reader = _Reader(copy.deepcopy(module, shared).eval(), layer)
        part = module_of(reader.twin, layer)
        if side == "output":
            part.register_forward_hook(lambda _m, _in, out: reader.note(out))
        else:
            part.register_forward_pre_hook(lambda _m, given: reader.note(given[0]))
        readers[layer, side] = reader
    return readers[layer, side]


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


def _choose(layers: tuple[Layer, ...], name: str) -> Layer:
    for layer in layers:
        if name in layer.names:
            return layer
    raise Choice("layer", name, tuple(layer.name for layer in layers)).error()


def _first_hidden(system: System, module: nn.Module, layers: tuple[Layer, ...]) -> Layer:
    """The first hidden layer; of branches that are added before one activation function, the layer of that function."""
    if not layers:
        msg = "the network has no layer that could be probed"
        raise DnnExplainError(msg)
    hidden = [layer for layer in layers if not layer.last] or list(layers[:1])
    first = hidden[0]
    if first.activated or _by_function(system, module, first):
        return first
    for layer in hidden[1:]:
        if layer.shape != first.shape or _feeds(system, module, first.name, layer.weights):
            break
        if layer.activated and _feeds(system, module, first.name, layer.name):
            return layer
    return first


def _feeds(system: System, module: nn.Module, first: str, other: str) -> bool:
    """Whether what one module gives goes, by whatever way, into another."""
    twin = private(module)
    cut: list[Tensor] = []
    given: list[Tensor] = []

    def leaf(out: Tensor) -> Tensor:
        cut.append(out.detach().requires_grad_())
        return cut[-1]

    with hooked(twin, {first: leaf}), noted(twin, other, "input", given.append):
        twin(torch.zeros((1, *system.observation_shape)))
    if not given or not cut or not given[0].requires_grad:
        return False
    return torch.autograd.grad(given[0].sum(), cut[0], allow_unused=True)[0] is not None


def _by_function(system: System, module: nn.Module, layer: Layer) -> bool:
    return not layer.activated and not layer.last and _cut_at_zero(system, module, layer.name)


def _measured(module: nn.Module, layer: Layer, *, by_function: bool) -> str:
    """What a neuron of the layer is: the operation after which it is read, and what comes before it."""
    weights = _module_words(module, layer.weights)
    path = " and ".join([weights, *(_module_words(module, name) for name in layer.between)])
    if not layer.activated:
        after = f"after {path}"
        if by_function:
            return f"{after}, cut off at zero as forward() does"
        return f"{after}{', the output' if layer.last else ', before whatever forward() does next'}"
    if layer.name == layer.weights:
        return f"after {weights}"
    joint = f"which follows {path}" if layer.direct else f"which receives what forward() makes of {path}"
    return f"after {_module_words(module, layer.name)}, {joint}"


def _module_words(module: nn.Module, name: str) -> str:
    return f"{type(module_of(module, name)).__name__} {name!r}"


def _cut_at_zero(system: System, module: nn.Module, name: str) -> bool:
    """Whether ``forward`` cuts this layer's outputs off at zero, by a function that cannot be hooked.

    Cutting twice is cutting once, so the network answers the same when the outputs are cut at zero before; and
    it does not when they are cut a little above zero (else it cuts higher, as ``relu(h - 1)`` does).
    """
    rng = np.random.default_rng(0)
    inputs = tensor(system.encode(random_values(system, 32, rng)))
    twin = private(module)
    seen: list[Tensor] = []

    def answer(floor: float | None) -> Tensor:
        def cutting(out: Tensor) -> Tensor | None:
            seen.append(out.detach().clone())
            return None if floor is None else out.clamp_min(floor)

        with torch.no_grad(), hooked(twin, {name: cutting}):
            values: Tensor = twin(inputs)
        return values

    plain = answer(None)
    if not (seen[0] < 0).any() or not torch.equal(plain, answer(0.0)):
        return False
    return not torch.equal(plain, answer(1e-2 * float(seen[0].abs().max())))
