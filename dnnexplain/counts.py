"""How many of what, in words: ``1 job``, ``2 jobs``, ``1 time step``; and lists of names."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["counted", "joined", "unit_of", "whose"]

_PLURAL = re.compile(r"\b([A-Za-z]{2,}[^s\W])s(?=$| per | of )")
"""The head of a unit in the plural: what stands at its end, or before "per" or "of"."""


def counted(count: int, thing: str, things: str = "") -> str:
    """A count with its noun: ``1 job``, ``1,240 jobs``; ``things`` is a plural that is not the noun with an s."""
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def joined(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    given = list(names)
    if len(given) < 2:
        return "".join(given)
    return f"{', '.join(given[:-1])} and {given[-1]}"


def unit_of(number: str, unit: str) -> str:
    """The unit as it stands after a number as shown: ``units`` after 2, ``unit`` after 1; ``Gb/s`` stays."""
    return _PLURAL.sub(r"\1", unit, count=1) if number.lstrip("+-−") == "1" else unit


def whose(name: str) -> str:
    """The possessive of a name: ``"Hold's"``, ``"the network with convolutions'"``."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"
