"""Which inputs of a network have a path of weights to an output, whatever the state: its wiring."""

from __future__ import annotations

import copy
from itertools import cycle, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.explain.networks.hooks import private, tensor, with_gradients

__all__ = ["wired_cells"]

_DRAWS, _ROUNDS = 16, 35
"""Inputs that are tried at once, and how often: a pool passes on only the largest cell of each window."""
_SCALES = (1.0, 1.0, 1.0, 10.0, -1.0, 1e3, -1e3)
"""What inputs are multiplied with, in turn: a network that takes a fixed number off its input may need larger ones."""
_MIDDLE = 0.25
"""Values stay from here to one less this."""


def wired_cells(module: nn.Module, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The inputs that some weights other than zero join to some output.

    A copy of the network is made in which no path is shut or cancelled: every weight that is not zero is drawn anew
    above zero, those of each unit scaled to a sum of a half, every offset a quarter, running means 0 and variances 1.
    For inputs from a quarter to three quarters all units stay there too: rectified ones are on, none is cut or
    saturated, and as weights are drawn no two paths cancel. An input has a path if a mix of the outputs has a gradient
    there for one of the inputs tried.

    Args:
        module: of which a unit's weights run along the first axis of a parameter (Linear, convolutions).
        shape: of an observation.

    Returns:
        ``[*shape]``.
    """
    rng = np.random.default_rng(0)
    opened, wired = _opened(module, rng), np.zeros(shape, dtype=np.bool_)
    with with_gradients():
        for scale in islice(cycle(_SCALES), _ROUNDS):
            drawn = scale * rng.uniform(_MIDDLE, 1.0 - _MIDDLE, (_DRAWS, *shape))
            inputs = tensor(drawn).requires_grad_()
            outputs = opened(inputs).reshape(_DRAWS, -1)
            mix = tensor(rng.uniform(0.5, 1.0, outputs.shape[1]))  # of what sums to a constant no plain sum tells
            (slope,) = torch.autograd.grad((outputs * mix).sum(), inputs)
            wired |= np.asarray((slope != 0).any(dim=0).numpy())
            if wired.all():
                break
    return wired


def _opened(module: nn.Module, rng: np.random.Generator) -> nn.Module:
    """A copy in which every unit is on."""
    opened = copy.deepcopy(private(module))
    with torch.no_grad():
        for part in opened.parameters():
            if part.dim() < 2:
                part.fill_(_MIDDLE)
                continue
            part.copy_((part != 0) * torch.from_numpy(rng.uniform(0.5, 1.0, tuple(part.shape))))
            each = part.flatten(1).sum(dim=1).clamp_min(torch.finfo(part.dtype).tiny)
            part.mul_(0.5 / each.view(-1, *[1] * (part.dim() - 1)))
        for layer in opened.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - what all of its kinds are
                layer.reset_running_stats()
    return opened
