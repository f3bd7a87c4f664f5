"""Which inputs of a network have a path of weights to an output, whatever the state: its wiring."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.explain.networks.hooks import private, with_gradients

__all__ = ["wired_cells"]

_DRAWS = 16
"""Inputs that are tried: a pool passes on only the largest cell of each window."""


def wired_cells(module: nn.Module, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The inputs that some weights other than zero join to some output.

    A copy of the network is made in which no path can be shut or cancelled: every weight is its absolute value, the
    weights of each unit scaled to a sum of 1, every offset 1, every input positive. Then rectified units are all on, no
    sigmoid saturates, and the gradient is zero exactly where there is no path.

    Args:
        module: of which a unit's weights run along the first axis of a parameter (Linear, convolutions).
        shape: of an observation.

    Returns:
        ``[*shape]``.
    """
    opened = private(module).double()
    with torch.no_grad():
        for part in opened.parameters():
            if part.dim() < 2:
                part.fill_(1.0)
            else:
                part.abs_()
                part.div_(
                    part.flatten(1).sum(dim=1).clamp_min(torch.finfo(part.dtype).tiny).view(-1, *[1] * (part.dim() - 1))
                )
    rng = np.random.default_rng(0)
    with with_gradients():
        inputs = torch.from_numpy(0.5 + rng.random((_DRAWS, *shape))).requires_grad_()
        (slope,) = torch.autograd.grad(opened(inputs).sum(), inputs)
    return np.asarray((slope != 0).any(dim=0).numpy())
