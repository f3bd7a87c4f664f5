"""What a system measures of single decisions beside its outputs (``contract.Measured``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import Measured, State

__all__ = ["outcomes"]


def outcomes(
    system: Measured, states: Sequence[State], observations: NDArray[Any], outputs: NDArray[Any]
) -> NDArray[np.float64]:
    """The outcome of raw outputs ``[B, A]`` in states ``[B]`` with their observations ``[B, *observation_shape]``."""
    target = system.targets(states[0])[system.outcome]
    with torch.no_grad():
        values = target.scalar(torch.as_tensor(outputs, dtype=torch.float32), torch.as_tensor(observations))
    return np.asarray(values.numpy(), dtype=np.float64)
