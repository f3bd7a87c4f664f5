"""Weights of TensorFlow and Keras into a torch module that is given: by the layers' names, else by shapes and order.

Kernels are turned: ``[in, out]`` and ``[height, width, in, out]`` there, ``[out, in]`` and ``[out, in, height,
width]`` here. What optimisers keep beside the weights is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["fill_by_names"]

Weights = Mapping[str, torch.Tensor]

_KINDS = {
    "kernel": "weight", "w": "weight", "weights": "weight", "weight": "weight", "gamma": "weight", "scale": "weight",
    "depthwise_kernel": "weight", "bias": "bias", "b": "bias", "biases": "bias", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip
"""The last part of a name -> what torch calls it."""
_BESIDE = re.compile(
    r"adam|rmsprop|momentum|adagrad|optimi[sz]er|_power|global_step|save_counter|_checkpointable|ema(_|$)",
    re.IGNORECASE,
)
_ORDERS = (("weight",), ("weight", "bias"), ("weight", "bias", "running_mean", "running_var"))
"""What a layer's arrays are, where they have numbers for names."""


def fill_by_names(module: nn.Module, arrays: Weights, where: str, key: str | None = None) -> tuple[nn.Module, str]:
    """The module with the weights, and in words how layers were told (empty where their names did).

    Args:
        module: dense, convolutional and normalisation layers.
        arrays: by name, as the file has them.
        where: the file, for messages.
        key: only names that begin so: ``"actor"``.

    Raises:
        DnnExplainError: layers and weights do not fit one to one; both are listed.
    """
    groups = _grouped(arrays if key is None else _under(arrays, key))
    layers = {name: part for name, part in module.named_modules() if dict(part.named_parameters(recurse=False))}
    fitting = {name: [stem for stem, held in groups.items() if _fits(layer, held)] for name, layer in layers.items()}
    chosen: dict[str, str] = {}
    for name, stems in fitting.items():
        alike = [stem for stem in stems if _plain(stem).endswith(_plain(name))]
        if len(alike) == 1:
            chosen[name] = alike[0]
    if len(set(chosen.values())) == len(layers) == len(chosen):
        words = ""
    else:
        chosen, words = (
            _by_order(fitting, where, groups),
            "layers were told by their shapes and the order of their names",
        )
    with torch.no_grad():
        for name, stem in chosen.items():
            for kind, value in groups[stem].items():
                mine = getattr(layers[name], kind)
                mine.copy_(_turned(value, mine))
    return module, words


def _under(arrays: Weights, key: str) -> Weights:
    """What stands under a key as a whole part of its name; where nothing does, what begins so: ``actor`` is no ``actor_target``."""
    whole = {name: array for name, array in arrays.items() if re.match(rf"/*{re.escape(key)}(?![\w-])", name)}
    return whole or {name: array for name, array in arrays.items() if name.strip("/").startswith(key)}


def _grouped(arrays: Weights) -> dict[str, dict[str, torch.Tensor]]:
    """Arrays by layer and torch's name, in natural order of the layers; those of optimisers left out."""
    groups: dict[str, dict[str, torch.Tensor]] = {}
    numbered: dict[str, list[torch.Tensor]] = {}
    for name in sorted(arrays, key=_natural):
        plain = name.removesuffix(":0").removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
        stem, _, last = plain.rpartition("/")
        if _BESIDE.search(plain) or not arrays[name].is_floating_point():
            continue
        if last.isdigit():
            numbered.setdefault(stem.removesuffix("/vars"), []).append(arrays[name])
        elif last.lower() in _KINDS:
            groups.setdefault(stem, {})[_KINDS[last.lower()]] = arrays[name]
    for stem, held in numbered.items():
        order = next((order for order in _ORDERS if len(order) == len(held)), ())
        if order:
            groups[stem] = dict(zip(order, held, strict=True))
    return groups


def _fits(layer: nn.Module, held: Weights) -> bool:
    mine = {name: item for name, item in layer.state_dict().items() if name != "num_batches_tracked"}
    same = mine.keys() == held.keys()
    return same and all(_turned(held[name], item) is not None for name, item in mine.items())


def _turned(value: torch.Tensor, mine: torch.Tensor) -> torch.Tensor:
    """An array as torch lays it out, or ``None`` where it has another shape."""
    if value.ndim >= 2:
        turned = value.movedim((-1, -2), (0, 1))
        if mine.ndim == value.ndim and mine.shape[1] == 1 and value.shape[-2] * value.shape[-1] == mine.shape[0]:
            turned = value.movedim((-2, -1), (0, 1)).flatten(0, 1)[:, None]  # depthwise
    else:
        turned = value
    return turned if turned.shape == mine.shape else None  # type: ignore[return-value]


def _by_order(fitting: Mapping[str, Sequence[str]], where: str, groups: Mapping[str, Weights]) -> dict[str, str]:
    """Layers of one shape take the weights of that shape in turn, where there are as many of one as of the other."""
    chosen: dict[str, str] = {}
    for name, stems in fitting.items():
        rivals = [other for other, its in fitting.items() if list(its) == list(stems)]
        if not stems or len(rivals) != len(stems):
            held = "; ".join(f"{stem} {[list(item.shape) for item in part.values()]}" for stem, part in groups.items())
            msg = (
                f"{where}: the layer {name!r} of the module fits {counted(len(stems), 'layer')} of the file ({held[:400]}); name the "
                "module's layers as the file does, or say which part is meant, key='actor'"
            )
            raise DnnExplainError(msg)
        chosen[name] = stems[rivals.index(name)]
    return chosen


def _plain(name: str) -> str:
    return re.sub(r"[./_]+", "/", name.lower())


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
