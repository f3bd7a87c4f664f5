"""The public face of the simulators in gymnasium: registered as soon as gymnasium is imported, whichever comes first.

Gymnasium loads no plugins by itself since 1.0, and importing it here would make ``import dnnexplain`` slow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

__all__ = ["REGISTER", "register_environments"]

REGISTER = ("dnnexplain.systems.deeprm.gym:register",)
"""``module:function`` that registers a system's environments; this is the only list."""


def register_environments() -> None:
    """Register all environments now if gymnasium is imported, else right after its import."""
    if "gymnasium" in sys.modules:
        _register()
    elif not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


def _register() -> None:
    for place in REGISTER:
        module, function = place.split(":")
        getattr(import_module(module), function)()


class _AfterGymnasium(MetaPathFinder):
    """Lets the others find gymnasium, and adds the registration to the end of its import."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _then_register(spec.loader.exec_module)  # type: ignore[method-assign, assignment]
        return spec


def _then_register(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def execute_and_register(module: ModuleType) -> None:
        execute(module)
        _register()

    return execute_and_register
