"""Menus of names: a list to choose from, or, where there are thousands, a field that takes a name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from dnnexplain.counts import counted

__all__ = ["LONGEST", "menu_of"]

LONGEST = 600
"""Names that a menu lists; a page with a menu of 160,000 takes seconds to open."""

_SUGGESTED = 100


def menu_of(name: str, label: str, names: Collection[str], first: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """A control that chooses one of many names.

    Args:
        name, label: of the control.
        names: what there is, in order.
        first: values that stand before them, each with its words.
    """
    control = {"name": name, "label": label}
    if len(first) + len(names) <= LONGEST:
        return {"kind": "select", **control, "options": [*map(list, first), *([name, name] for name in names)]}
    suggested = [*map(list, first), *([item, item] for item in islice(names, _SUGGESTED))]
    hint = f"One of {counted(len(names), 'name')}, as {suggested[-1][0]}; the first ones are suggested."
    return {"kind": "text", **control, "options": suggested, "hint": hint}
