"""What is no more: for one release taken with a warning that says why, then refused as Python refuses it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

__all__ = ["instead", "renamed", "without"]

P = ParamSpec("P")
R = TypeVar("R")


def without(**reasons: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take, and leave unused, keyword arguments that it once had.

    Args:
        reasons: old argument: why it does nothing any more, the rest of the sentence "NAME does nothing: ...".
    """

    def around(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in [name for name in kwargs if name in reasons]:
                del kwargs[name]
                message = f"{function.__name__}: {name} does nothing: {reasons[name]}; it goes in the next release"
                warnings.warn(message, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return called

    return around


def instead(old: str, new: str) -> None:
    """Warn the caller of the function that calls this: what it uses goes in the next release, and what to write then."""
    warnings.warn(f"{old} goes in the next release; write {new}", DeprecationWarning, stacklevel=3)


def renamed(module: str, **homes: str) -> Callable[[str], Any]:
    """What a module's ``__getattr__`` is where it offered other names once.

    Args:
        module: its ``__name__``.
        homes: old name: what it is now, as ``"package.module:name"``.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            msg = f"module {module!r} has no attribute {name!r}"
            raise AttributeError(msg)
        home, _, new = homes[name].partition(":")
        message = f"{module}.{name} is now {home}.{new}; the old name goes in the next release"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(import_module(home), new)

    return attribute
