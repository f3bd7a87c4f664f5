"""The built-in systems: a name and how to make it. This is the only list."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dnnexplain.contract import Choice, EpisodeSystem
from dnnexplain.systems.small import SmallSystem

__all__ = ["BUILT_IN", "SmallSystem", "make_system"]

BUILT_IN: dict[str, str] = {
    "deeprm": "dnnexplain.systems.deeprm:DeepRM",
    "routing": "dnnexplain.systems.routing:RoutingSystem",
}
"""Name of a system -> ``module:factory``; imported when first asked for."""


def make_system(name: str, **parameters: Any) -> EpisodeSystem:
    """Make a built-in system, e.g. ``make_system("deeprm", slots=10)``."""
    if name not in BUILT_IN:
        raise Choice("system", name, tuple(BUILT_IN)).error()
    module, factory = BUILT_IN[name].split(":")
    system: EpisodeSystem = getattr(import_module(module), factory)(**parameters)
    return system
