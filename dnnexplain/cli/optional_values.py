"""Options whose value may be left out: ``explain --survey`` alone surveys as many states as its default says."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["SURVEYED", "with_values"]

SURVEYED = 1000
"""States of a survey that names no number."""

_LEFT_OUT = {("explain", "--survey"): SURVEYED}


def with_values(arguments: Sequence[str]) -> list[str]:
    """A command line in which such an option that stands alone has its value.

    >>> with_values(["explain", "abr", "--survey", "--json"])
    ['explain', 'abr', '--survey', '1000', '--json']
    """
    given = list(arguments)
    command = next((word for word in given if not word.startswith("-")), "")
    written = []
    for place, word in enumerate(given):
        written.append(word)
        value = _LEFT_OUT.get((command, word))
        if value is not None and not _is_number(given[place + 1 : place + 2]):
            written.append(str(value))
    return written


def _is_number(rest: Sequence[str]) -> bool:
    """Whether what follows is meant as the value: a number, below zero too (which is refused in its place)."""
    if not rest:
        return False
    try:
        float(rest[0].replace("_", ""))
    except ValueError:
        return False
    return True
