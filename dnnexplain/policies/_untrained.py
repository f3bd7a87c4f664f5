"""What a network is worth before it learned anything: the paper's shape with the weights that training starts from.

Where invalid actions are masked, part of a network's success is the mask's: on DeepRM an untrained network that
is masked beats some hand-written rules. So it stands beside trained ones.
"""

from __future__ import annotations

import torch

from dnnexplain.contract import System
from dnnexplain.policies.networks import mlp
from dnnexplain.policies.torch_policy import TorchPolicy

__all__ = ["UNTRAINED", "untrained"]

UNTRAINED = "untrained"
"""The name by which commands know it."""


def untrained(system: System, seed: int = 0, *, masked: bool = True) -> TorchPolicy:
    """Random weights, as training starts from them: the system's own first architecture, or one layer of 20 ReLU units.

    Args:
        system: gives the sizes of input and output, and its architectures if it has any (``networks``).
        seed: of the weights.
        masked: whether invalid actions are left out.
    """
    own = next(iter(getattr(system, "networks", {}).values()), None)
    if own is None:
        return TorchPolicy(mlp(system, (20,), seed), system, name=UNTRAINED, masked=masked, copy=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TorchPolicy(own(system), system, name=UNTRAINED, masked=masked, copy=False)
