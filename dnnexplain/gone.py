"""Arguments that are no more: taken for one release with a warning that says why, then refused as Python refuses them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["without"]

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
            for name in reasons.keys() & kwargs.keys():
                del kwargs[name]
                message = f"{function.__name__}: {name} does nothing: {reasons[name]}; it goes in the next release"
                warnings.warn(message, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return called

    return around
