"""The public face of the simulators in gymnasium: registered as soon as gymnasium is imported, whichever comes first.

Gymnasium loads no plugins by itself since 1.0, and importing it here would make ``import dnnexplain`` slow.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as typing's own, whose import costs more than this module
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["environments", "register_environments"]


def environments() -> dict[str, tuple[str, str]]:
    """Id -> ``module:class`` of the environment and of its vector form (or empty), from every system's spec."""
    from dnnexplain.registry import specs  # noqa: PLC0415 - once gymnasium is imported

    return {name: classes for spec in specs().values() for name, classes in spec.environments.items()}


def register_environments() -> None:
    """Register all environments now if gymnasium is imported, else right after its import."""
    if "gymnasium" in sys.modules:
        _register()
    elif not any(type(finder).__name__ == _AfterGymnasium.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


def _register() -> None:
    import gymnasium  # noqa: PLC0415 - see the top

    for name, (environment, vector) in environments().items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=environment, vector_entry_point=vector or None)


class _AfterGymnasium:
    """A finder that lets the others find gymnasium, and adds the registration to the end of its import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _then_register(spec.loader.exec_module)  # type: ignore[method-assign, assignment]
        return spec


def _then_register(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def execute_and_register(module: ModuleType) -> None:
        execute(module)
        _register()

    return execute_and_register
