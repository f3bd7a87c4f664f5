"""What a module does to the numbers that pass through it: an activation function, a normalisation, or neither.

Modules of torch are known by their class and parameters. Any other module is tried: one that answers each
number by itself (a change of one input changes no other output) is an activation function, or a scaling
where it is also affine. So a user's own activation function counts as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["has_parts", "is_activation", "is_monotone", "is_normalisation", "is_uninteresting", "makes_weights"]

_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Softplus, nn.Softsign, nn.LogSigmoid,
    nn.Threshold, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink,
)  # fmt: skip
_NORMALISATIONS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LocalResponseNorm,
)  # fmt: skip
_UNINTERESTING = (
    nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Softmax, nn.ZeroPad2d,
)  # fmt: skip
_WEIGHTS = (nn.Linear, nn.Bilinear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding, nn.RNNBase)
_ALWAYS_RISING = (nn.ReLU, nn.ReLU6, nn.SELU, nn.Tanh, nn.Sigmoid, nn.Hardsigmoid, nn.Softsign, nn.LogSigmoid)
_ALSO_RISING = (nn.Hardtanh, nn.Softshrink, nn.Hardshrink, nn.Tanhshrink, nn.Identity)


def has_parts(part: nn.Module) -> bool:
    """Whether a module is made of others that run; what makes a layer's weights anew (a parametrization) is none."""
    return any(name != "parametrizations" for name, _ in part.named_children())


def makes_weights(name: str) -> bool:
    """Whether a part belongs to a parametrization, which makes another part's weights and sees no observation."""
    return "parametrizations" in name.split(".")


def is_uninteresting(part: nn.Module) -> bool:
    """Whether a module only reshapes, pads, drops in training, or makes probabilities."""
    return isinstance(part, _UNINTERESTING)


def is_activation(part: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a module applies a curved function to each number by itself (``shape``: of its input, no batch axis)."""
    if isinstance(part, _ACTIVATIONS):
        return True
    if isinstance(part, (*_NORMALISATIONS, *_UNINTERESTING, *_WEIGHTS)):
        return False
    return _number_by_number(part, shape) and not _affine(part, shape)


def is_normalisation(part: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a module normalises, or scales and shifts each number by itself."""
    if isinstance(part, _NORMALISATIONS):
        return True
    if isinstance(part, (*_ACTIVATIONS, *_UNINTERESTING, *_WEIGHTS)):
        return False
    return _number_by_number(part, shape) and _affine(part, shape)


def is_monotone(part: nn.Module) -> bool:
    """Whether more input never means less output, for a class of torch with its parameters; ``False`` if not known.

    A class derived from one of torch's may compute something else, so it is not known.
    """
    kind = type(part)
    if kind in (*_ALWAYS_RISING, *_ALSO_RISING):
        return True
    checks: dict[type[nn.Module], Callable[[Any], bool]] = {
        nn.LeakyReLU: lambda p: p.negative_slope >= 0,
        nn.PReLU: lambda p: bool((p.weight >= 0).all()),
        nn.ELU: lambda p: p.alpha >= 0,
        nn.CELU: lambda p: p.alpha > 0,
        nn.Softplus: lambda p: p.beta > 0,
        nn.Threshold: lambda p: p.value <= p.threshold,
    }
    return kind in checks and bool(checks[kind](part))


def _answer(part: nn.Module, inputs: Tensor) -> Tensor | None:
    """What a module gives for inputs ``[B, *shape]``; ``None`` where it takes no such tensor or gives another shape."""
    try:
        with torch.no_grad():
            answer = part(inputs.clone())
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, NotImplementedError):
        return None
    return answer if isinstance(answer, Tensor) and answer.shape == inputs.shape else None


def _number_by_number(part: nn.Module, shape: tuple[int, ...]) -> bool:
    draw = torch.Generator().manual_seed(0)
    inputs = 3 * torch.randn((4, *shape), generator=draw)
    moved = torch.rand(inputs.shape, generator=draw) < 0.5
    before = _answer(part, inputs)
    after = _answer(part, torch.where(moved, 3 * torch.randn(inputs.shape, generator=draw), inputs))
    if before is None or after is None or before.numel() == 1:
        return False
    return torch.equal(before[~moved], after[~moved]) and not torch.equal(before, after)


def _affine(part: nn.Module, shape: tuple[int, ...]) -> bool:
    draw = torch.Generator().manual_seed(1)
    left, right = (3 * torch.randn((16, *shape), generator=draw) for _ in range(2))
    answers = [_answer(part, inputs) for inputs in (left, right, 0.5 * (left + right))]
    if any(answer is None for answer in answers):
        return False
    first, second, middle = (answer for answer in answers if answer is not None)
    return torch.allclose(0.5 * (first + second), middle, rtol=1e-4, atol=1e-5)
