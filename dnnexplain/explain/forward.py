"""Entering a network without disturbing it: private copies, hooks that always go, layers by name.

Captum and everything that hooks a module is not thread-safe. The rule here: nobody hooks a policy's
own module; whoever needs hooks works on :func:`private`, a copy (0.3 ms for a small network).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError, Policy

__all__ = [
    "Layer",
    "activations",
    "array",
    "hooked",
    "layer_names",
    "layers",
    "module_of",
    "network_of",
    "private",
    "shuffled",
    "tensor",
]

_COPYING = Lock()
_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Softplus, nn.Softsign,
)  # fmt: skip
_UNINTERESTING = (
    nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Softmax, nn.ZeroPad2d,
)  # fmt: skip


def tensor(observations: NDArray[Any] | Tensor) -> Tensor:
    """Observations as a float32 tensor of its own memory."""
    if isinstance(observations, Tensor):
        return observations.detach().to(torch.float32).clone()
    return torch.tensor(np.asarray(observations), dtype=torch.float32)


def array(values: Tensor) -> NDArray[np.float64]:
    """A tensor as a float64 array."""
    return values.detach().cpu().numpy().astype(np.float64)


def network_of(policy: Policy) -> nn.Module:
    """The torch module inside a policy.

    Raises:
        DnnExplainError: the policy is a rule, without a network that could be entered.
    """
    module = getattr(policy, "module", None)
    if not isinstance(module, nn.Module):
        msg = (
            f"policy {policy.name!r} has no torch network inside, so there is nothing to look into; "
            "explain a network (TorchPolicy), or read the rule itself"
        )
        raise DnnExplainError(msg)
    return module


def private(of: Policy | nn.Module) -> nn.Module:
    """A copy of a network for one caller alone: in evaluation mode, its weights frozen."""
    module = of if isinstance(of, nn.Module) else network_of(of)
    with _COPYING:
        twin: nn.Module = copy.deepcopy(module)
    twin.eval()
    twin.requires_grad_(requires_grad=False)
    return twin


def shuffled(module: nn.Module, seed: int) -> nn.Module:
    """A private copy in which the entries of every weight tensor are permuted (Adebayo et al. 2018)."""
    twin = private(module)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in twin.parameters():
            order = torch.randperm(weight.numel(), generator=draw)
            weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return twin


Hook = Callable[[Tensor], Tensor | None]


@contextmanager
def hooked(module: nn.Module, hooks: Mapping[str, Hook]) -> Iterator[None]:
    """Run ``hooks[name](output)`` whenever the named layer of a *private* module has answered.

    A hook that returns a tensor replaces the layer's output (to clamp or ablate a neuron). All hooks
    are gone afterwards, whatever happens.
    """
    handles = []
    try:
        for name, hook in hooks.items():
            part = module_of(module, name)
            handles.append(part.register_forward_hook(lambda _m, _in, out, hook=hook: hook(out)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def module_of(module: nn.Module, name: str) -> nn.Module:
    """A part of a network by its name."""
    parts = dict(module.named_modules())
    if name not in parts or name == "":
        known = [n for n, part in parts.items() if n and not any(part.children())]
        msg = f"the network has no layer {name!r}; there are: {', '.join(known) or 'none that has a name'}"
        raise DnnExplainError(msg)
    found: nn.Module = parts[name]
    return found


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it runs.

    Attributes:
        name: the module whose output is the layer's activation: the activation function's where one
            follows as a module of its own, else the weights'.
        weights: the name of the module with the weights (the same, if no activation module follows).
        shape: of the activation without the batch axis; ``(20,)``.
        activated: whether ``name`` is an activation function's output. If not, what is seen is the
            value before any activation that ``forward`` may apply by a function.
        last: whether it is the network's output.
    """

    name: str
    weights: str
    shape: tuple[int, ...]
    activated: bool
    last: bool

    @property
    def units(self) -> int:
        """How many neurons (or, of a convolution, how many cells of all its channels)."""
        return int(np.prod(self.shape))


def layers(module: nn.Module, observation_shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """The layers of a network in the order in which they run, found by running it once.

    Raises:
        DnnExplainError: a module is run more than once in one pass, so its output is ambiguous.
    """
    twin = private(module)
    ran: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def note(name: str, part: nn.Module) -> Hook:
        return lambda out: ran.append((name, part, tuple(out.shape[1:])))

    leaves = {n: part for n, part in twin.named_modules() if n and not any(part.children())}
    with hooked(twin, {n: note(n, part) for n, part in leaves.items()}), torch.no_grad():
        twin(torch.zeros((1, *observation_shape)))
    found: list[Layer] = []
    learned = [index for index, (_, part, _shape) in enumerate(ran) if any(True for _ in part.parameters())]
    first = learned[0] if learned else 0  # what stands before it only rescales the input
    for name, part, shape in ran[first:]:
        if isinstance(part, _UNINTERESTING):
            continue
        follows = isinstance(part, _ACTIVATIONS) and found and found[-1].shape == shape and not found[-1].activated
        weights = found.pop().weights if follows else name
        found.append(Layer(name, weights, shape, isinstance(part, _ACTIVATIONS), last=False))
    return tuple(Layer(x.name, x.weights, x.shape, x.activated, i == len(found) - 1) for i, x in enumerate(found))


def layer_names(module: nn.Module, observation_shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of a network's layers in running order, for :func:`activations`."""
    return tuple(layer.name for layer in layers(module, observation_shape))


def activations(module: nn.Module, layer: str, observations: NDArray[Any] | Tensor) -> NDArray[np.float64]:
    """A layer's output ``[B, *shape]`` for observations ``[B, *observation_shape]``; the module stays untouched.

    Raises:
        DnnExplainError: no such layer, or one that does not run, or runs more than once.
    """
    twin = private(module)
    seen: list[Tensor] = []
    with hooked(twin, {layer: lambda out: seen.append(out.detach().clone())}), torch.no_grad():
        twin(tensor(observations))
    if len(seen) != 1:
        msg = (
            f"layer {layer!r} ran {len(seen)} times in one pass, so its activation is ambiguous; "
            "give each use in forward() a module of its own"
        )
        raise DnnExplainError(msg)
    return array(seen[0])
