"""The systems: the built-in ones, those of other installed packages, and small ones of your own."""

from __future__ import annotations

from dnnexplain.registry import BUILT_IN, make_system, spec_of, specs
from dnnexplain.systems.small import SmallSystem

__all__ = ["BUILT_IN", "SmallSystem", "make_system", "spec_of", "specs"]
