"""The part of a stable-baselines3 agent that decides, as torch layers in a row, from the names of its weights.

Actor-critics (PPO, A2C, TRPO, MaskablePPO, RecurrentPPO), values of actions (DQN, QR-DQN), squashed Gaussians
(SAC, TQC, CrossQ), deterministic actors (TD3, DDPG) and ARS, each behind nothing, or behind the package's
convolution for pictures.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._adapters import OneStep, Permuted, ScaledInput
from dnnexplain.policies.networks import NAMED_ACTIVATIONS

__all__ = ["Pixels", "Squash", "decider", "default_activation", "is_agent"]

Weights = Mapping[str, torch.Tensor]

_QUALITY = ("q_net.q_net.", "quantile_net.quantile_net.")
_CRITICS = re.compile(
    r"(mlp_extractor\.value_net|value_net|vf_features_extractor|lstm_critic|critic|critic_target|actor_target|"
    r"q_net_target|quantile_net_target|actor\.log_std)\..*|(actor\.)?log_std|critic\b.*"
)
_STRIDES = {0: 4, 2: 2, 4: 1}
"""Of the three convolutions of the Nature paper (Mnih et al. 2015), by their place."""
_RENORM = 1e-3
"""What sb3-contrib's batch renormalisation adds to the variance."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """How an agent's convolution sees a picture.

    Attributes:
        shape: the system's observation ``[H, W, C]``, ``[C, H, W]`` or ``[H, W]``.
        factor: by which each number is multiplied first: 1/255 for bytes.
    """

    shape: tuple[int, ...]
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Squash:
    """How an agent's numbers become actions within bounds.

    Attributes:
        ends: lowest and highest action; ``None`` for an agent whose actions are no numbers.
        clip: within what the mean is cut first, for a squashed Gaussian that explores by its state.
        tanh: whether a tanh bounds the actions, for agents whose kind leaves that open; ``None`` if nothing says.
    """

    ends: tuple[list[float], list[float]] | None = None
    clip: float = 2.0
    tanh: bool | None = None


def is_agent(weights: Weights) -> bool:
    """Whether a bare state dict is one of stable-baselines3, by its layers' names."""
    names = weights.keys()
    squashed = {"actor.mu.weight", "actor.latent_pi.0.weight"} <= names or "actor.latent_pi.0.scale" in names
    alone = "action_net.0.weight" in names and all(name.startswith("action_net.") for name in names)
    exact = "action_net.weight" in names or {"actor.mu.0.weight", "actor_target.mu.0.weight"} <= names
    return squashed or alone or exact or any(name.startswith(_QUALITY) for name in names)


def default_activation(weights: Weights) -> str:
    """What the packages put between an agent's layers if they are not told: tanh for actor-critics, else ReLU."""
    return "tanh" if "action_net.weight" in weights else "relu"


def decider(
    weights: Weights,
    activation: str,
    where: str,
    *,
    outputs: int,
    pixels: Pixels | None = None,
    squash: Squash | None = None,
) -> nn.Sequential:
    """The layers that decide, filled.

    Args:
        weights: the agent's state dict.
        activation: between its dense layers.
        where: the file, for messages.
        outputs: how many the system has.
        pixels: how a convolution sees the observation.
        squash: how its numbers become actions within bounds.

    Raises:
        DnnExplainError: layers of another kind; they are named.
    """
    rest = {name: weight for name, weight in weights.items() if not _CRITICS.fullmatch(name)}
    row, bounded = _Row(rest, activation, where), squash or Squash()
    if "action_net.weight" in rest:
        own = any(name.startswith("pi_features_extractor.") for name in rest)
        if own:
            row.drop("features_extractor.")
        row.picture("pi_features_extractor." if own else "features_extractor.", pixels)
        row.memory("lstm_actor.")
        row.dense("mlp_extractor.shared_net.", last=True)
        row.dense("mlp_extractor.policy_net.", last=True)
        row.output("action_net.")
        if bounded.ends is not None and bounded.tanh:
            row.squashed(bounded.ends)
    elif any(name.startswith(_QUALITY) for name in rest):
        stem = "q_net." if any(name.startswith(_QUALITY[0]) for name in rest) else "quantile_net."
        row.picture(f"{stem}features_extractor.", pixels)
        row.dense(f"{stem}{stem}", last=False)
        row.averaged(outputs)
    elif "actor.mu.weight" in rest:
        row.picture("actor.features_extractor.", pixels)
        row.dense("actor.latent_pi.", last=True)
        row.output("actor.mu.")
        row.squashed(bounded.ends)
    elif "actor.latent_pi.0.weight" in rest or "actor.log_std" in weights:
        # explores by its state: its mean is cut before the tanh
        row.picture("actor.features_extractor.", pixels)
        row.dense("actor.latent_pi.", last=True)
        row.output("actor.mu.0.")
        row.layers["cut"] = nn.Hardtanh(-bounded.clip, bounded.clip)
        row.squashed(bounded.ends)
    elif "actor.mu.0.weight" in rest:
        row.picture("actor.features_extractor.", pixels)
        row.dense("actor.mu.", last=False)
        row.squashed(bounded.ends)
    else:
        row.picture("features_extractor.", pixels)
        row.dense("action_net.", last=False)
        if bounded.ends is not None and bounded.tanh is not False:
            row.squashed(bounded.ends)
    return row.finish()


class _Row:
    """Layers in a row, made of weights that are used up."""

    def __init__(self, weights: dict[str, torch.Tensor], activation: str, where: str) -> None:
        self.left, self.activation, self.where = weights, activation, where
        self.layers: OrderedDict[str, nn.Module] = OrderedDict()
        self.number = 0

    def take(self, name: str) -> torch.Tensor | None:
        """A weight, which is used up."""
        return self.left.pop(name, None)

    def drop(self, prefix: str) -> None:
        """Weights that take no part in the decision."""
        self.left = {name: item for name, item in self.left.items() if not name.startswith(prefix)}

    def places(self, prefix: str) -> list[int]:
        """Numbers of the layers below a prefix, in order."""
        indices = {name[len(prefix) :].split(".")[0] for name in self.left if name.startswith(prefix)}
        return sorted(int(item) for item in indices if item.isdigit())

    def picture(self, prefix: str, pixels: Pixels | None) -> None:
        """The package's convolution, if the agent has one; else the input as it is, flattened."""
        first = self.left.get(f"{prefix}cnn.0.weight")
        if first is None:
            self.layers["flatten"] = nn.Flatten()
            return
        self._see(int(first.shape[1]), pixels)
        for place in self.places(f"{prefix}cnn."):
            weight, bias = self.take(f"{prefix}cnn.{place}.weight"), self.take(f"{prefix}cnn.{place}.bias")
            if weight is None or bias is None or weight.ndim != 4 or place not in _STRIDES:
                raise self._refused([f"{prefix}cnn.{place}"])
            self.number += 1
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]), _STRIDES[place])  # type: ignore[arg-type]
            self.layers[f"conv_{self.number}"] = _filled(layer, weight=weight, bias=bias)
            self.layers[f"relu_{self.number}"] = nn.ReLU()
        self.layers["flatten"] = nn.Flatten()
        inner, self.activation = self.activation, "relu"
        self.dense(f"{prefix}linear.", last=True)
        self.activation = inner

    def _see(self, channels: int, pixels: Pixels | None) -> None:
        shape = pixels.shape if pixels is not None else ()
        if pixels is not None and pixels.factor != 1:
            self.layers["scale"] = ScaledInput(pixels.factor)
        if len(shape) == 2 and channels == 1:
            self.layers["channel"] = nn.Unflatten(1, (1, shape[0]))
        elif len(shape) == 3 and shape[2] == channels and shape[0] != channels:
            self.layers["channels_first"] = Permuted((0, 3, 1, 2))

    def memory(self, prefix: str) -> None:
        """An LSTM that sees one observation, if the agent has one."""
        depth = sum(name.startswith(f"{prefix}weight_ih_l") for name in self.left)
        if not depth:
            return
        first, inner = self.left[f"{prefix}weight_ih_l0"], self.left[f"{prefix}weight_hh_l0"]
        layer = OneStep(int(first.shape[1]), int(inner.shape[1]), depth)
        names = list(layer.memory.state_dict())
        self.layers["memory"] = _filled(layer.memory, layer, **{name: self.take(prefix + name) for name in names})

    def dense(self, prefix: str, *, last: bool) -> bool:
        """Dense layers, with activations between, and behind the last one if there is one; whether there are any."""
        places = self.places(prefix)
        for place in places:
            weight, bias = self.take(f"{prefix}{place}.weight"), self.take(f"{prefix}{place}.bias")
            if weight is None:
                self._normalised(f"{prefix}{place}.", bias)
                continue
            if weight.ndim != 2:
                raise self._refused([f"{prefix}{place}"])
            end = place == places[-1] and not last
            self.number += not end
            self.layers["output" if end else f"hidden_{self.number}"] = _dense(weight, bias)
            if not end:
                self.layers[f"{self.activation}_{self.number}"] = NAMED_ACTIVATIONS[self.activation]()
        return bool(places)

    def _normalised(self, stem: str, bias: torch.Tensor | None) -> None:
        """Batch renormalisation, which is batch normalisation once it is trained."""
        scale, mean, var = (self.take(stem + name) for name in ("scale", "ra_mean", "ra_var"))
        self.take(f"{stem}steps")
        if scale is None or mean is None or var is None:
            raise self._refused([stem.rstrip(".")])
        layer = nn.BatchNorm1d(len(scale), eps=_RENORM)
        name = f"norm_{self.number + 1}"
        self.layers[name] = _filled(layer, weight=scale, bias=bias, running_mean=mean, running_var=var)

    def output(self, prefix: str) -> None:
        """The last dense layer."""
        weight, bias = self.take(f"{prefix}weight"), self.take(f"{prefix}bias")
        if weight is None or weight.ndim != 2:
            raise self._refused([prefix.rstrip(".")])
        self.layers["output"] = _dense(weight, bias)

    def averaged(self, outputs: int) -> None:
        """Quantiles of each action's value become their mean: ``[quantiles, actions]`` rows of the last layer."""
        layer: Any = self.layers.get("output")
        count = layer.out_features // outputs if layer is not None else 0
        if count > 1 and layer.out_features == count * outputs:
            weight = layer.weight.detach().reshape(count, outputs, -1).mean(0)
            bias = None if layer.bias is None else layer.bias.detach().reshape(count, outputs).mean(0)
            self.layers["output"] = _dense(weight, bias)

    def squashed(self, ends: tuple[list[float], list[float]] | None) -> None:
        """A tanh, and its -1 to 1 laid onto the actions' range."""
        self.layers["squash"] = nn.Tanh()
        if ends is not None and any(end != sign for which, sign in zip(ends, (-1, 1), strict=True) for end in which):
            low, high = (torch.tensor(end, dtype=torch.float32) for end in ends)
            self.layers["range"] = _dense(torch.diag((high - low) / 2), (high + low) / 2)

    def finish(self) -> nn.Sequential:
        """The row, if all weights that decide are in it and each layer takes what the one before gives."""
        dense = [layer for layer in self.layers.values() if isinstance(layer, nn.Linear)]
        if self.left or not dense:
            raise self._refused(list(self.left))
        wide = [(a.out_features, b.in_features) for a, b in itertools.pairwise(dense)]
        if "memory" not in self.layers and any(out != into for out, into in wide):
            raise self._refused([])
        return nn.Sequential(self.layers).eval()

    def _refused(self, foreign: list[str]) -> DnnExplainError:
        named = ", ".join(foreign[:3]) or "its layers do not follow one another"
        return DnnExplainError(
            f"{self.where}: of stable-baselines3 and sb3-contrib the MlpPolicy, the CnnPolicy with the package's own "
            f"convolution and the MlpLstmPolicy are read; this agent has more ({named}): make its network as a module and "
            "pass it, load_any(path, system, module=...)"
        )


def _dense(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None)
    return _filled(layer, weight=weight, bias=bias)


def _filled(layer: nn.Module, whole: nn.Module | None = None, **values: torch.Tensor | None) -> nn.Module:
    with torch.no_grad():
        for name, value in values.items():
            if value is not None:
                getattr(layer, name).copy_(value)
    return layer if whole is None else whole
