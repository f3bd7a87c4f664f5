"""A network asked about two states at once, as one network."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["OfPairs"]


class OfPairs(nn.Module):
    """A network of one observation as one of pairs: what the first state shows, and what the second one shows more.

    Args:
        network: gives outputs ``[B, A]`` for observations ``[B, ...]``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        """Outputs of the first and of the second state ``[B, 2A]`` for ``[B, 2, ...]``."""
        first, more = pairs[:, 0], pairs[:, 1]
        return torch.cat([self.network(first), self.network(first + more)], dim=1)
