"""From bare weights to a network: recognise a stack of dense layers, or one of the known architectures."""

from __future__ import annotations

import itertools
import math
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.counts import counted
from dnnexplain.policies._layers import describe
from dnnexplain.policies.networks import NETWORKS, build, dense_stack

__all__ = ["fill", "filled", "network_from_weights", "portable", "stripped"]

Weights = Mapping[str, torch.Tensor]
ASSUMED = (
    "the file names no architecture: dense layers with ReLU between them were assumed (where that is wrong, say which: "
    "activation='tanh', --activation tanh)"
)


def portable(module: nn.Module, system: System) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A module's weights, and the architecture that makes it again.

    A plain sequence of flatten, dense layers and ReLU is given the names of ``networks.mlp``; any nest of
    torch's own layers is described layer by layer.

    Raises:
        DnnExplainError: a class of the user's own, which a file of weights cannot keep.
    """
    described = getattr(module, "architecture", None)
    if isinstance(described, dict) and repr(build(described, system)) == repr(module):  # not altered since
        return dict(module.state_dict()), described
    dense = _plain_stack(module)
    if dense is not None:
        stack = dense_stack([dense[0].in_features, *(layer.out_features for layer in dense)])
        with torch.no_grad():
            for mine, layer in zip((part for part in stack if isinstance(part, nn.Linear)), dense, strict=True):
                mine.weight.copy_(layer.weight)
                mine.bias.copy_(layer.bias)
        return dict(stack.state_dict()), stack.architecture  # type: ignore[return-value]
    layers = describe(module)
    if layers is None:
        msg = (
            f"a file of weights cannot keep the architecture of {_foreign(module)}: give save a nest of nn.Sequential "
            "with torch's own layers, write ONNX with save_onnx, or keep the weights alone with "
            "save(..., weights_alone=True), which then need load(path, system, module=...)"
        )
        raise DnnExplainError(msg)
    return dict(module.state_dict()), {"name": "layers", "arguments": {"module": layers}}


def _foreign(module: nn.Module) -> str:
    """The first part that has no description, by its class."""
    for part in module.modules():
        if type(part) is not nn.Sequential and not (any(part.children()) and describe(part)) and describe(part) is None:
            return f"the class {type(part).__qualname__}"
    return f"the class {type(module).__qualname__}"


def _plain_stack(module: nn.Module) -> list[nn.Linear] | None:
    leaves = list(_leaves(module))
    kinds = [type(leaf) for leaf in leaves if not isinstance(leaf, nn.Flatten | nn.Identity)]
    dense = [leaf for leaf in leaves if type(leaf) is nn.Linear and leaf.bias is not None]
    expected = ([nn.Linear, nn.ReLU] * len(dense))[:-1]
    return dense if dense and kinds == expected else None


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that a nest of plain Sequentials runs, in order."""
    if type(module) is nn.Sequential:
        for child in module:
            yield from _leaves(child)
    else:
        yield module


def network_from_weights(
    weights: Weights, system: System, where: str, activation: str | None = None
) -> tuple[nn.Module, str]:
    """The network that bare weights belong to, filled, and what was assumed (empty if nothing was).

    Args:
        weights: a state dict without any word on its architecture.
        system: whose input and output sizes it should have.
        where: the file, for messages.
        activation: between dense layers, if it is known; ReLU is assumed if not.

    Raises:
        DnnExplainError: neither a stack of dense layers nor a known architecture.
    """
    for name, factory in NETWORKS.items() if activation is None else ():
        try:
            module = factory(system)
        except DnnExplainError:  # this architecture cannot read this system
            continue
        if {name: tensor.shape for name, tensor in module.state_dict().items()} == {
            name: tensor.shape for name, tensor in weights.items()
        }:
            return (
                fill(module, weights, where),
                f"by the names of its layers the network was taken for {name}, with ReLU (where that is wrong: activation='tanh', --activation tanh)",
            )
    layers = _dense_layers(weights)
    order = None if layers is None else _chain(layers, math.prod(system.observation_shape))
    if layers is None or order is None:
        msg = (
            f"{where}: these weights ({_listed(weights)}) are no plain stack of dense layers, and the file does not say "
            "what they belong to; make your module and pass it: load_any(path, system, module=your_module)"
        )
        raise DnnExplainError(msg)
    chained = [layers[stem] for stem in order]
    sizes = [chained[0][0].shape[1], *(weight.shape[0] for weight, _ in chained)]
    stack = dense_stack(sizes, activation or "relu")
    named: OrderedDict[str, torch.Tensor] = OrderedDict()
    for name, (weight, bias) in zip(
        (key[: -len(".weight")] for key in list(stack.state_dict())[::2]), chained, strict=True
    ):
        named[f"{name}.weight"], named[f"{name}.bias"] = weight, bias
    return fill(stack, named, where), ASSUMED if activation is None and len(chained) > 1 else ""


PREFIXES = ("_orig_mod.", "module.", "model.", "net.", "network.", "policy.", "actor.", "agent.", "q_net.")
"""What wrappers and training loops put before every name: torch.compile, DataParallel, Lightning, agents."""

ACTORS = ("actor.", "actor_mean.", "actor_mu.", "policy.", "pi.", "policy_net.")
"""How the part of an agent is called that decides, where another part (the critic) is beside it."""


def stripped(weights: Weights) -> tuple[Weights, str]:
    """Weights without the prefixes that all names share and without a critic's, and a sentence on both."""
    gone, left_out = "", 0
    while weights:
        names = list(weights)
        prefix = next((item for item in PREFIXES if all(name.startswith(item) for name in names)), None)
        if prefix is None and not left_out:
            prefix = next((item for item in ACTORS if any(name.startswith(item) for name in names)), None)
            left_out = sum(not name.startswith(prefix) for name in names) if prefix else 0
        if prefix is None:
            break
        weights = {name[len(prefix) :]: weights[name] for name in names if name.startswith(prefix)}
        gone += prefix
    also = f", and {left_out} weights of other parts" if left_out else ""
    return weights, f"the prefix {gone!r} of the weights' names{also} were left out" if gone else ""


def _fitting(weights: Weights, expected: Weights, where: str) -> tuple[Weights, str]:
    """The weights of a module among others, under any prefix, and that prefix: ``actor.`` of an agent that has a critic too.

    What has the names as they are comes first, then what is called as an actor is, then what a wrapper puts before names.

    Raises:
        DnnExplainError: several networks fit equally well, and nothing says which is meant.
    """
    first = next(iter(expected), "")
    prefixes = dict.fromkeys(name[: len(name) - len(first)] for name in weights if name.endswith(f".{first}"))
    fitting: dict[str, Weights] = {}
    for prefix in ("", *sorted(prefixes, key=len)):
        inside = {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}
        if inside.keys() == expected.keys():
            fitting[prefix] = inside
    shaped = {p: part for p, part in fitting.items() if all(part[n].shape == w.shape for n, w in expected.items())}
    best = shaped or fitting
    least = min(map(_rank, best), default=0)
    named = [prefix for prefix in best if _rank(prefix) == least]
    if len(named) > 1:
        listed, key = ", ".join(prefix[:-1] for prefix in named), named[0][:-1]
        msg = f"{where} holds several networks that the module fits ({listed}); say which: key={key!r} (--key {key})"
        raise DnnExplainError(msg)
    return (best[named[0]], named[0]) if named else (weights, "")


def _rank(prefix: str) -> int:
    """How surely the network under a prefix is the one that decides, by the last part of its name; 0 is surest."""
    last = f"{prefix[:-1].rpartition('.')[2]}." if prefix else ""
    order = ("", *dict.fromkeys((*ACTORS, *PREFIXES)))
    return order.index(last) if last in order else len(order)


def fill(module: nn.Module, weights: Weights, where: str) -> nn.Module:
    """Load weights into a module, as :func:`filled` does."""
    return filled(module, weights, where)[0]


def filled(module: nn.Module, weights: Weights, where: str) -> tuple[nn.Module, str]:
    """A module with weights loaded into it, and what of the file was left out, in words (empty if nothing was).

    The file's names may carry a prefix, and it may hold other parts beside the network.

    Raises:
        DnnExplainError: names, shapes or kinds of number differ; the first difference is named.
    """
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    expected = module.state_dict()
    plain = {re.sub(r"(^|\.)_orig_mod\.", r"\1", name): tensor for name, tensor in weights.items()}
    given, prefix = _fitting(plain, expected, where)
    missing, foreign = (
        [name for name in expected if name not in given],
        [name for name in given if name not in expected],
    )
    if missing or foreign:
        msg = (
            f"{where}: expected the weights {_listed(expected)}, found {_listed(given)}; is it another network's file?"
        )
        raise DnnExplainError(msg)
    for name, tensor in expected.items():
        if given[name].shape != tensor.shape:
            msg = (
                f"{where}: {name!r} has the shape {list(given[name].shape)}, the network expects {list(tensor.shape)}; "
                "was it trained for another size of the system?"
            )
            raise DnnExplainError(msg)
        whole = given[name].ndim > 1 and not given[name].is_floating_point()
        if tensor.is_floating_point() and (whole or given[name].is_complex()):
            kind = str(given[name].dtype).removeprefix("torch.")
            msg = f"{where}: {name!r} holds {kind} numbers, real floats are expected; save the weights before they are quantised or cast"
            raise DnnExplainError(msg)
    module.load_state_dict(given, assign=any(tensor.is_meta for tensor in expected.values()))
    return module, _left_out(plain, prefix)


def _left_out(weights: Weights, prefix: str) -> str:
    """What stands beside the network under a prefix, in words."""
    others = [name for name in weights if not name.startswith(prefix)]
    if not others:
        return ""
    parts = list(dict.fromkeys(name.partition(".")[0] for name in others))
    listed = ", ".join(parts[:6]) + (", ..." if len(parts) > 6 else "")
    return f"the weights under {prefix[:-1]!r} were read, and {counted(len(others), 'weight')} of other parts ({listed}) left out"


def _listed(weights: Weights) -> str:
    shown = [f"{name} {list(tensor.shape)}" for name, tensor in list(weights.items())[:6]]
    return ", ".join(shown) + (f" and {len(weights) - 6} more" if len(weights) > 6 else "")


def _dense_layers(weights: Weights) -> dict[str, tuple[torch.Tensor, torch.Tensor]] | None:
    """Layer name -> weight ``[out, in]`` and bias ``[out]``, in natural order; ``None`` if anything else is there."""
    layers: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name in sorted((name for name in weights if name.endswith("weight")), key=_natural):
        weight, bias = weights[name], weights.get(name[: -len("weight")] + "bias")
        if weight.ndim != 2 or bias is None or bias.shape != weight.shape[:1]:
            return None
        layers[name[: -len("weight")]] = (weight, bias)
    return layers if layers and 2 * len(layers) == len(weights) else None


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _chain(layers: dict[str, tuple[torch.Tensor, torch.Tensor]], inputs: int) -> list[str] | None:
    """The order in which each layer's outputs are the next one's inputs, if shapes or numbers settle it."""
    sizes = {name: (int(weight.shape[1]), int(weight.shape[0])) for name, (weight, _) in layers.items()}
    natural = list(layers)
    inner = {re.sub(r"\d+", "#", name) for name in natural[1:-1]}
    numbered = len(inner) <= 1 and all("#" in stem for stem in inner)
    if numbered and all(sizes[a][1] == sizes[b][0] for a, b in itertools.pairwise(natural)):
        return natural
    order: list[str] = []
    given = {out for _, out in sizes.values()}
    width = inputs if any(size == inputs for size, _ in sizes.values()) else None
    while len(order) < len(sizes):
        left = [name for name in natural if name not in order]
        fitting = [name for name in left if sizes[name][0] == width or (width is None and sizes[name][0] not in given)]
        if len(fitting) != 1:
            return None
        order.append(fitting[0])
        width = sizes[fitting[0]][1]
    return order
