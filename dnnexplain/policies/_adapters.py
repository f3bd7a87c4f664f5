"""Small modules put around a network so that it speaks the system's language."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["LogProbabilities", "OneOutput", "ScaledInput"]


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
        found: torch.Tensor = self.network(observations)[self.place]
        return found
