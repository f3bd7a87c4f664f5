"""dnnexplain: why learned network controllers decide, when they fail, and what rules can add.

The common path is one call each, and systems and policies go by their names::

    import dnnexplain as dx

    dx.explain("deeprm", "default")
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from dnnexplain.environments import register_environments
from dnnexplain.moved import install as find_moved_modules

__version__ = "0.1.0"

FRONT = ("attack", "distill", "explain", "probe", "prove", "report", "stress")
"""What :mod:`dnnexplain.front` offers; it is imported when one of them is first asked for."""

__all__ = [*FRONT, "__version__"]  # noqa: PLE0604 - the table is the one list of names

register_environments()
find_moved_modules()


class _Callable(ModuleType):
    """``dnnexplain.explain``: a package to import from, and a function to call."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """See :func:`dnnexplain.front.explain`."""
        return import_module("dnnexplain.front").explain(*args, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        """A module that is imported by an old name never hides the function of that name."""
        if not (isinstance(value, ModuleType) and name in self.__all__):
            super().__setattr__(name, value)


class _Package(ModuleType):
    """This package: makes its part ``explain`` callable when that is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "explain" and isinstance(value, ModuleType):
            value.__class__ = _Callable
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "explain":
        return import_module("dnnexplain.explain")
    if name in FRONT:
        return getattr(import_module("dnnexplain.front"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *FRONT})
