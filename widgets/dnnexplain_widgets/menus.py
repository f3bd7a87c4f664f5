"""Menus of names: a list to choose from, or, where there are thousands, a field that takes a name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from dnnexplain.contract import Decision, Discrete, System
from dnnexplain.counts import counted

__all__ = ["LONGEST", "menu_of", "why_not"]

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


def why_not(system: System, decision: Decision, target: str) -> str:
    """How a menu calls the target that is explained unless another is chosen: of a choice, why not the next best.

    As ``"no change minus toggle head 4"`` it is twice as long, and a narrow panel cuts it off.
    """
    if not isinstance(system.output, Discrete) or decision.action is None:
        return target
    chosen, minus, other = target.partition(" minus ")
    return f"why not {other}, the next best" if minus and chosen == system.output.names[decision.action] else target
