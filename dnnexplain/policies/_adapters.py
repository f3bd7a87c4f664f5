"""Small modules put around a network so that it speaks the system's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

__all__ = [
    "EachNormalized",
    "LogProbabilities",
    "Normalized",
    "OneOutput",
    "OneStep",
    "Permuted",
    "Picked",
    "ScaledInput",
]


class LogProbabilities(nn.Module):
    """The logarithm of a network that ends in probabilities, so that its outputs are logits.

    Args:
        network: maps to probabilities ``[B, A]``; those below float32's smallest count as that.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Log-probabilities ``[B, A]``."""
        return torch.log(self.network(observations).clamp_min(torch.finfo(torch.float32).tiny))


class ScaledInput(nn.Module):
    """Observations times a number, for a network that was trained on another scale.

    Args:
        factor: 40 for a network that saw bytes of 0 to 40 where the system shows 0 to 1.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = float(factor)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The observations as the network knows them, same shape."""
        return observations * self.factor

    def extra_repr(self) -> str:
        """The factor, for reprs and hashes."""
        return f"factor={self.factor:g}"


class OneOutput(nn.Module):
    """One of a network's several outputs.

    Args:
        network: gives a tuple, a list or a mapping.
        place: which of it.
    """

    def __init__(self, network: nn.Module, place: Any) -> None:
        super().__init__()
        self.network, self.place = network, place

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The chosen output ``[B, A]``."""
        values: torch.Tensor = self.network(observations)[self.place]
        return values


class Permuted(nn.Module):
    """Observations with their axes in another order.

    Args:
        order: of the axes, the batch's first: ``(0, 3, 1, 2)`` brings a picture's channels to the front.
    """

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.order = tuple(order)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The observations in that order."""
        return observations.permute(self.order)

    def extra_repr(self) -> str:
        """The order, for reprs and hashes."""
        return f"order={self.order}"


class Picked(nn.Module):
    """Cells of the observation in another order, or 0.

    Args:
        cells: for each cell that the network sees, which of the flattened observation it is; -1 for one that is 0.
    """

    def __init__(self, cells: Sequence[int]) -> None:
        super().__init__()
        self.cells = tuple(cells)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The picked cells ``[B, len(cells)]``."""
        return nn.functional.pad(observations.flatten(1), (0, 1))[:, list(self.cells)]

    def extra_repr(self) -> str:
        """The cells, for reprs and hashes."""
        return f"cells={self.cells}"


class OneStep(nn.Module):
    """An LSTM that sees one observation, with nothing remembered: as at the beginning of an episode.

    Args:
        inputs, units, depth: numbers that it sees, units of each layer, layers.
    """

    def __init__(self, inputs: int, units: int, depth: int = 1) -> None:
        super().__init__()
        self.inputs, self.units, self.depth = inputs, units, depth
        self.memory = nn.LSTM(inputs, units, depth)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """What it gives ``[B, units]`` for observations ``[B, inputs]``."""
        values: torch.Tensor = self.memory(observations.unsqueeze(0))[0]
        return values[0]


class Normalized(nn.Module):
    """Observations less their mean, by their spread, cut: what a network saw whose observations were normalised.

    Args:
        shape: of one observation; what it holds comes with the weights.
        clip: the largest number that is let through; 0 for no limit.
    """

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(self, shape: tuple[int, ...], clip: float = 0.0) -> None:
        super().__init__()
        self.shape, self.clip = tuple(shape), float(clip)
        self.register_buffer("mean", torch.zeros(self.shape))
        self.register_buffer("factor", torch.ones(self.shape))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The normalised observations, same shape."""
        moved = (observations - self.mean) * self.factor
        return moved if not self.clip else torch.clamp(moved, -self.clip, self.clip)

    def extra_repr(self) -> str:
        """Shape and limit, for reprs and hashes."""
        return f"shape={self.shape}, clip={self.clip:g}"


class EachNormalized(nn.Module):
    """Several observations, one after another, each less the mean of one by its spread, cut; zeros alone stay zeros.

    So are observations stacked that were normalised before: those before an episode began are zeros, not normalised ones.

    Args:
        size: numbers of one observation.
        count: observations.
        clip: the largest number that is let through; 0 for no limit.
    """

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(self, size: int, count: int, clip: float = 0.0) -> None:
        super().__init__()
        self.size, self.count, self.clip = size, count, float(clip)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("factor", torch.ones(size))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The normalised observations, same shape."""
        each: torch.Tensor = observations.unflatten(1, (self.count, self.size))
        moved = (each - self.mean) * self.factor
        moved = torch.clamp(moved, -self.clip, self.clip) if self.clip else moved
        there = (each != 0).any(dim=2, keepdim=True)
        return torch.flatten(moved * there, 1)

    def extra_repr(self) -> str:
        """Sizes and limit, for reprs and hashes."""
        return f"size={self.size}, count={self.count}, clip={self.clip:g}"
