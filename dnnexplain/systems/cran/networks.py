"""Networks for radio heads: a value per toggle, as published, or a log-odds per head.

They see the hour, the demands, the gains, who is awake, and how the phases of two users' links to an antenna
differ: whether users disturb each other depends on that, and a set that serves them with one difference does
not with another. Places they do not see. What each cell of the input is divided by is stated here, not trained.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from dnnexplain.contract import Choice, DnnExplainError

if TYPE_CHECKING:
    from dnnexplain.systems.cran.radio import Radio

__all__ = ["NETWORKS", "TOLD", "Alike", "Report", "dense"]

TOLD = ("channels", "gains")
"""What a controller may be told of links: gains and differences of phases, or gains alone."""

HOUR, DEMAND, GAIN = (12.0, 12.0), (20.0, 20.0), (-110.0, 15.0)
"""What is subtracted and what is then divided by: h, Mb/s, dB."""


class Report(nn.Module):
    """What a controller is told of a state ``[B, n]``, each number near -1 to 1 ``[B, m]``.

    Hour, demands, gains, heads; and with ``told="channels"`` cosine and sine of the difference of the phases of two
    users' links to an antenna, antenna by antenna, for every pair of users. Beams undo a phase that all links of an
    antenna or all links of a user have in common, so that single phases mean nothing.

    Args:
        system: says where what stands in a state.
        told: one of :data:`TOLD`.
    """

    cells: Tensor
    centre: Tensor
    scale: Tensor
    first: Tensor
    second: Tensor

    def __init__(self, system: Radio, told: str = "gains") -> None:
        super().__init__()
        if told not in TOLD:
            raise Choice("told", told, TOLD).error()
        codec, scene = system.codec, system.scene
        parts = ((codec.hour, HOUR), (codec.demand, DEMAND), (codec.gain, GAIN), (codec.awake, (0.5, 0.5)))
        cells = [np.arange(part.start, part.stop) for part, _ in parts]
        rows = [np.tile(units, (len(where), 1)) for where, (_, units) in zip(cells, parts, strict=True)]
        centre, scale = np.concatenate(rows).T
        self.register_buffer("cells", torch.as_tensor(np.concatenate(cells)), persistent=False)
        self.register_buffer("centre", torch.as_tensor(centre, dtype=torch.float32), persistent=False)
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32), persistent=False)
        pairs = list(itertools.combinations(range(scene.users), 2)) if told == "channels" else []
        links = np.arange(codec.phase.start, codec.phase.stop).reshape(scene.users, -1)
        first, second = (np.array([links[pair[side]] for pair in pairs], dtype=np.int64).T.ravel() for side in (0, 1))
        self.register_buffer("first", torch.as_tensor(first), persistent=False)
        self.register_buffer("second", torch.as_tensor(second), persistent=False)

    @property
    def size(self) -> int:
        """How many numbers a controller is told."""
        return len(self.cells) + 2 * len(self.first)

    def forward(self, observations: Tensor) -> Tensor:
        """The part of the observations that is told, scaled."""
        told = (observations[:, self.cells] - self.centre) / self.scale
        turn = (observations[:, self.first] - observations[:, self.second]) * (math.pi / 180)
        return torch.cat([told, turn.cos(), turn.sin()], 1)

    def plain_parts(self) -> list[dict[str, Any]]:
        """Scaled cells and differences of phases are a weighted sum, cosines and sines follow (``contract.PlainParts``)."""
        kept, turns = len(self.cells), len(self.first)
        width = 1 + int(torch.cat([self.cells, self.first, self.second]).max())
        weight, bias = np.zeros((kept + 2 * turns, width), np.float32), np.zeros(kept + 2 * turns, np.float32)
        rows, scale = np.arange(kept), self.scale.numpy()
        weight[rows, self.cells.numpy()] = 1 / scale
        bias[:kept] = -self.centre.numpy() / scale
        for half in (0, 1):
            rows = kept + half * turns + np.arange(turns)
            weight[rows, self.first.numpy()], weight[rows, self.second.numpy()] = 1.0, -1.0
        return [
            {"kind": "dense", "weight": weight, "bias": bias},
            {"kind": "turn", "parts": (kept, turns, turns)},
        ]


def dense(system: Radio, hidden: Sequence[int] = (128, 128), seed: int = 0, told: str = "gains") -> nn.Sequential:
    """Dense layers with ReLU; one output per action or per head.

    Args:
        system: gives the sizes.
        hidden: units of each hidden layer.
        seed: of the weights; torch's global generator is left alone.
        told: of links; see :class:`Report`.

    Returns:
        layers ``report, hidden_1, relu_1, ..., output``.
    """
    if not hidden or any(units < 1 for units in hidden):
        msg = f"hidden must be whole numbers of at least 1, one per layer, not {list(hidden)}"
        raise DnnExplainError(msg)
    generator = torch.Generator().manual_seed(seed)
    report = Report(system, told)
    layers: OrderedDict[str, nn.Module] = OrderedDict(report=report)
    sizes = [report.size, *hidden, len(system.output.names)]
    names = [*(f"hidden_{number}" for number in range(1, len(hidden) + 1)), "output"]
    for name, (inputs, units) in zip(names, itertools.pairwise(sizes), strict=True):
        layers[name] = _layer(inputs, units, generator)
        if name != "output":
            layers[name.replace("hidden", "relu")] = nn.ReLU()
    module = nn.Sequential(layers)
    module.architecture = {"name": "dense", "arguments": {"hidden": list(hidden), "told": told}}  # type: ignore[assignment]
    return module


class Alike(nn.Module):
    """A dense network in training that treats all heads alike (Zaheer et al., Deep Sets, 2017).

    Each head has the same units; they see the head's own part and the mean over heads. Which head is which
    then need not be learned. :meth:`dense` writes it out as the plain network that it is.

    Args:
        system: gives the sizes.
        units: per head and hidden layer.
        seed: of the weights.
        told: of links; see :class:`Report`.
    """

    def __init__(self, system: Radio, units: Sequence[int], seed: int, told: str = "gains") -> None:
        super().__init__()
        scene = system.scene
        self.system, self.units, self.told = system, tuple(units), told
        self.report = Report(system, told)
        self.heads, self.common = scene.heads, 1 + scene.users
        links = np.arange(self.common, self.common + system.codec.links)
        own = links.reshape(scene.users, scene.heads, scene.antennas).transpose(1, 0, 2).reshape(scene.heads, -1)
        awake = links[-1] + 1 + np.arange(scene.heads)
        turns = awake[-1] + 1 + np.arange(2 * len(self.report.first))  # cosines, then sines, antenna by antenna
        turns = turns.reshape(2, scene.heads, -1).transpose(1, 0, 2).reshape(scene.heads, -1)
        self.columns = np.concatenate([own, awake[:, None], turns], axis=1)
        sizes = [self.columns.shape[1], *units, 1]
        generator = torch.Generator().manual_seed(seed)
        own_layers = [_layer(a, b, generator) for a, b in itertools.pairwise(sizes)]
        mean_layers = [_layer(a, b, generator, bias=False) for a, b in itertools.pairwise(sizes)]
        self.own, self.mean = nn.ModuleList(own_layers), nn.ModuleList(mean_layers)
        self.first = _layer(self.common, sizes[1], generator, bias=False)
        self.stay = _layer(sizes[-2], 1, generator)

    def forward(self, observations: Tensor) -> Tensor:
        """Outputs ``[B, A]``."""
        told = self.report(observations)
        rows = told[:, torch.as_tensor(self.columns)]  # [B, R, own]
        for number, (own, mean) in enumerate(zip(self.own, self.mean, strict=True)):
            last = number == len(self.units)
            middle = rows.mean(1, keepdim=True)
            stay = self.stay(middle)[..., 0] if last else None
            rows = own(rows) + mean(middle)
            if number == 0:
                rows = rows + self.first(told[:, : self.common])[:, None]
            if not last:
                rows = rows.relu()
        scores = rows[..., 0]
        return torch.cat([stay, scores], 1) if self.system.action == "toggle" and stay is not None else scores

    @torch.no_grad()
    def dense(self) -> nn.Sequential:
        """The same function as layers ``report, hidden_1, relu_1, ..., output``."""
        heads = self.heads
        module = dense(self.system, [heads * units for units in self.units], told=self.told)
        names = [*(f"hidden_{number}" for number in range(1, len(self.units) + 1)), "output"]
        for number, name in enumerate(names):
            layer: nn.Linear = getattr(module, name)
            own: nn.Linear = self.own[number]  # type: ignore[assignment]
            mean: nn.Linear = self.mean[number]  # type: ignore[assignment]
            weight, bias = torch.zeros_like(layer.weight), own.bias.repeat(heads)
            start = layer.weight.shape[0] - heads * own.out_features  # 1 where staying comes first
            for head in range(heads):
                rows = slice(start + head * own.out_features, start + (head + 1) * own.out_features)
                for other in range(heads):
                    weight[rows, self._columns(number, other)] += mean.weight / heads
                weight[rows, self._columns(number, head)] += own.weight
                if number == 0:
                    weight[rows, : self.common] += self.first.weight
            if start:
                weight[0] = self.stay.weight[0].repeat(heads) / heads
                bias = torch.cat([self.stay.bias, bias])
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        return module

    def _columns(self, number: int, head: int) -> Any:
        """Where a head's part lies in the input of a layer."""
        if number == 0:
            return torch.as_tensor(self.columns[head])
        units = self.units[number - 1]
        return torch.arange(head * units, (head + 1) * units)


def _layer(inputs: int, units: int, generator: torch.Generator, *, bias: bool = True) -> nn.Linear:
    """Weights uniform in +-1/sqrt(inputs)."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, units, bias=bias)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer


NETWORKS: dict[str, Callable[..., nn.Module]] = {"dense": dense}
"""Architecture name -> factory ``(system, **arguments)``."""
