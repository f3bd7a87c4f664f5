"""The scale of the observations that a network was trained on is part of the policy."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from dnnexplain.contract import Choice, DnnExplainError, System
from dnnexplain.policies._adapters import ScaledInput
from dnnexplain.policies.sb3 import has_parts_of_agent

__all__ = ["guessed_scale", "scaled"]


def scaled(network: nn.Module, system: System, scale: str) -> nn.Module:
    """The network behind the scale that it was trained on, ``"unit"`` (0 to 1, as systems show) or ``"bytes"``.

    Raises:
        DnnExplainError: another scale, or bytes of a system that shows none.
    """
    if scale not in {"unit", "bytes"}:
        raise Choice("scale of observations", scale, ("unit", "bytes")).error()
    unit = getattr(system, "byte_scale", None)
    if unit is None and scale == "bytes":
        msg = f"{system.name} shows no bytes, so a network of it cannot have been trained on them; leave scale out"
        raise DnnExplainError(msg)
    if unit is None or scale == "unit":
        return network
    return nn.Sequential(OrderedDict(scale=ScaledInput(1 / float(unit)), network=network))


def guessed_scale(module: nn.Module, system: System) -> str:
    """What was assumed of the scale of a module of the user's own; empty where nothing needed to be."""
    unit = getattr(system, "byte_scale", None)
    if unit is None or not has_parts_of_agent(module):
        return ""
    return (
        "made of parts of an agent of stable-baselines3, whose scale is not told: numbers from 0 to 1 were assumed (if it "
        f"was trained on the gymnasium environment, which shows bytes up to {1 / unit:g}: scale='bytes')"
    )
