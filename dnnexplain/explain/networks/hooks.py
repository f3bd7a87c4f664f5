"""Entering a network without disturbing it: private copies, hooks that always go, layers by name.

Captum and everything that hooks a module is not thread-safe. The rule here: nobody hooks a policy's
own module; whoever needs hooks works on :func:`private`, a copy (0.3 ms for a small network).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError, Policy
from dnnexplain.explain.networks.module_kinds import (
    has_parts,
    is_activation,
    is_normalisation,
    is_uninteresting,
    makes_weights,
)
from dnnexplain.twins import same_weights

__all__ = [
    "Layer",
    "NoNetworkError",
    "Side",
    "activations",
    "array",
    "hooked",
    "layer_names",
    "layers",
    "module_of",
    "network_of",
    "noted",
    "private",
    "shuffled",
    "tensor",
]

_COPYING = Lock()


def tensor(observations: NDArray[Any] | Tensor) -> Tensor:
    """Observations as a float32 tensor of its own memory."""
    if isinstance(observations, Tensor):
        return observations.detach().to(torch.float32).clone()
    return torch.tensor(np.asarray(observations), dtype=torch.float32)


def array(values: Tensor) -> NDArray[np.float64]:
    """A tensor as a float64 array."""
    return values.detach().cpu().numpy().astype(np.float64)


class NoNetworkError(DnnExplainError):
    """A policy without a torch network inside."""


def network_of(policy: Policy) -> nn.Module:
    """The torch module inside a policy.

    Raises:
        NoNetworkError: the policy is a rule, without a network that could be entered.
    """
    module = getattr(policy, "module", None)
    if not isinstance(module, nn.Module):
        msg = (
            f"policy {policy.name!r} has no torch network inside, so there is nothing to look into; "
            "explain a network (TorchPolicy), or read the rule itself"
        )
        raise NoNetworkError(msg)
    return module


@contextmanager
def with_gradients() -> Iterator[None]:
    """Gradients and float32 inside, whatever modes the caller is in; a network that has none is told so.

    Raises:
        DnnExplainError: no gradient leads from the outputs back to the input.
    """
    try:
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
            yield
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        msg = (
            "no gradient leads from this network's outputs to its input: its forward() detaches, rounds or runs under "
            "torch.no_grad() or torch.inference_mode(); take that out, or choose a method without gradients, such as feature-ablation or shapley"
        )
        raise DnnExplainError(msg) from None


def private(of: Policy | nn.Module) -> nn.Module:
    """A twin of a network for one caller alone: in evaluation mode, its weights frozen, in the same memory."""
    module = of if isinstance(of, nn.Module) else network_of(of)
    with _COPYING:
        twin: nn.Module = copy.deepcopy(module, same_weights(module))
    twin.eval()
    twin.requires_grad_(requires_grad=False)
    return twin


_LARGE = 1 << 20
"""Entries from which a tensor is shuffled in place: a list of places to move them to would have twice its bytes."""


def shuffled(module: nn.Module, seed: int) -> nn.Module:
    """A private copy in which the entries of every weight tensor are permuted (Adebayo et al. 2018)."""
    twin = copy.deepcopy(private(module))
    draw, large = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    with torch.no_grad():
        for weight in twin.parameters():
            if weight.numel() > _LARGE and weight.is_contiguous():
                large.shuffle(weight.detach().numpy().reshape(-1))
                continue
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


Side = Literal["input", "output"]


@contextmanager
def noted(module: nn.Module, name: str, side: Side, note: Callable[[Tensor], object]) -> Iterator[None]:
    """Call ``note`` with what the named part of a *private* module gives, or with what it receives, flat ``[B, n]``.

    The tensor stays part of the graph of gradients.
    """
    part = module_of(module, name)

    def tell(seen: Tensor) -> None:
        note(seen.flatten(1).clone())

    if side == "output":
        handle = part.register_forward_hook(lambda _m, _given, out: tell(out))
    else:
        handle = part.register_forward_pre_hook(lambda _m, given: tell(given[0]))
    try:
        yield
    finally:
        handle.remove()


def module_of(module: nn.Module, name: str) -> nn.Module:
    """A part of a network by its name."""
    parts = dict(module.named_modules())
    if name not in parts or name == "":
        known = [n for n, part in parts.items() if n and not makes_weights(n) and not has_parts(part)]
        msg = f"the network has no layer {name!r}; there are: {', '.join(known) or 'none that has a name'}"
        raise DnnExplainError(msg)
    inner: nn.Module = parts[name]
    return inner


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it runs: weights, a normalisation if there is one, an activation function if there is one.

    Attributes:
        name: the module whose output is the layer's activation: the activation function's where one
            follows as a module of its own, else the last of the others.
        weights: the name of the module with the weights (the same, if nothing follows).
        shape: of the activation without the batch axis; ``(20,)``.
        activated: whether ``name`` is an activation function's output. If not, what is seen is the
            value before any activation that ``forward`` may apply by a function.
        last: whether it is the network's output.
        between: names of normalisations between the weights and the activation function.
        direct: whether each of these modules receives what the one before it gave. If not, ``forward``
            computes something in between (a sum of branches, a function).
    """

    name: str
    weights: str
    shape: tuple[int, ...]
    activated: bool
    last: bool
    between: tuple[str, ...] = ()
    direct: bool = True

    @property
    def units(self) -> int:
        """How many neurons (or, of a convolution, how many cells of all its channels)."""
        return int(np.prod(self.shape))

    @property
    def names(self) -> frozenset[str]:
        """Every module that belongs to it."""
        return frozenset({self.name, self.weights, *self.between})


@dataclass(frozen=True, eq=False, slots=True)
class _Step:
    """One module as it ran: what came in, what went out."""

    name: str
    part: nn.Module
    given: Tensor | None
    gave: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.gave.shape[1:])

    @property
    def keeps_shape(self) -> bool:
        return self.given is not None and self.given.shape == self.gave.shape


def layers(module: nn.Module, observation_shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """The layers of a network in the order in which they run, found by running it once.

    Raises:
        DnnExplainError: a module is run more than once in one pass, so its output is ambiguous.
    """
    steps = _steps(private(module), observation_shape)
    learned = [index for index, step in enumerate(steps) if any(True for _ in step.part.parameters())]
    first = learned[0] if learned else 0  # what stands before it only rescales the input
    ran: list[Layer] = []
    before: Tensor | None = None
    for step in steps[first:]:
        if is_uninteresting(step.part):
            if before is not None and step.given is not None and torch.equal(step.given, before):
                before = step.gave
            continue
        open_end = bool(ran) and ran[-1].shape == step.shape and not ran[-1].activated and step.keeps_shape
        normal = step.keeps_shape and is_normalisation(step.part, step.shape)
        active = not normal and step.keeps_shape and is_activation(step.part, step.shape)
        if normal and not ran:
            continue
        if open_end and (normal or active):
            direct = before is not None and step.given is not None and torch.equal(step.given, before)
            ran.append(_longer(ran.pop(), step.name, activated=active, direct=direct))
        else:
            ran.append(Layer(step.name, step.name, step.shape, active, last=False))
        before = step.gave
    return tuple(replace(layer, last=place == len(ran) - 1) for place, layer in enumerate(ran))


def _longer(layer: Layer, name: str, *, activated: bool, direct: bool) -> Layer:
    """A layer to which a normalisation or an activation function belongs, too."""
    between = layer.between if layer.name == layer.weights else (*layer.between, layer.name)
    return replace(layer, name=name, activated=activated, between=between, direct=layer.direct and direct)


def _steps(twin: nn.Module, observation_shape: tuple[int, ...]) -> list[_Step]:
    """The modules that do the work, as they run: the innermost, or a whole that is one activation function."""
    ran: list[_Step] = []
    inputs: dict[str, Tensor | None] = {}
    handles = []

    def entered(name: str, given: tuple[Any, ...]) -> None:
        item = len(given) == 1 and isinstance(given[0], Tensor)
        inputs[name] = given[0].detach().clone() if item else None

    def left(name: str, part: nn.Module, gave: object) -> None:
        if not isinstance(gave, Tensor):
            return
        ran.append(_Step(name, part, inputs[name], gave.detach().clone()))

    for name, part in twin.named_modules():
        if name and not makes_weights(name):
            handles.append(part.register_forward_pre_hook(lambda _m, given, name=name: entered(name, given)))
            handles.append(part.register_forward_hook(lambda m, _in, gave, name=name: left(name, m, gave)))
    try:
        with torch.no_grad():
            twin(torch.rand((1, *observation_shape), generator=torch.Generator().manual_seed(0)))
    finally:
        for handle in handles:
            handle.remove()
    whole = {step.name for step in ran if has_parts(step.part) and _is_one_activation(step)}
    inside = {step.name for step in ran if any(step.name.startswith(f"{name}.") for name in whole)}
    return [s for s in ran if s.name not in inside and (s.name in whole or not has_parts(s.part))]


def _is_one_activation(step: _Step) -> bool:
    """Whether a module made of others is a function of single numbers, such as ``x * sigmoid(x)``."""
    container = isinstance(step.part, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    learned = any(True for _ in step.part.parameters())
    return not container and not learned and step.keeps_shape and is_activation(step.part, step.shape)


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
