"""Names that a package offers and imports only when they are asked for, so that importing it stays quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_attribute"]


def lazy_attribute(package: str, home: Mapping[str, str], name: str) -> Any:
    """What a package's ``__getattr__`` answers.

    Args:
        package: the package's ``__name__``.
        home: each name that it offers, and the module of the package that holds it.
        name: what is asked for.

    Raises:
        AttributeError: the package does not offer the name.
    """
    if name not in home:
        msg = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{package}.{home[name]}"), name)
