"""The systems: the built-in ones, those of other installed packages, and small ones of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute
from dnnexplain.registry import BUILT_IN, make_system, spec_of, specs
from dnnexplain.systems.small import SmallSystem

if TYPE_CHECKING:
    from dnnexplain.systems.gym import GymSystem

__all__ = ["BUILT_IN", "GymSystem", "SmallSystem", "make_system", "spec_of", "specs"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {"GymSystem": "gym"}, name)
