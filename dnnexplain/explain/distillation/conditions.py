"""The way to a node in words: each feature named once, with its bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dnnexplain.explain.distillation.branching import LEAF, Branching
from dnnexplain.numbers import number

__all__ = ["asks_presence", "bounds", "conditions", "in_words", "is_yes_or_no", "or_none", "question"]

NOTHING: Mapping[str, float] = {}
"""No quantity can be absent."""


def bounds(tree: Branching, node: int) -> dict[int, tuple[float, float]]:
    """For each feature on the way to a node: above what, and at most what."""
    parents = {
        int(child): up for up in np.flatnonzero(tree.feature != LEAF) for child in (tree.left[up], tree.right[up])
    }
    limits: dict[int, tuple[float, float]] = {}
    while node:
        up = int(parents[node])
        feature, threshold = int(tree.feature[up]), float(tree.threshold[up])
        low, high = limits.get(feature, (-np.inf, np.inf))
        limits[feature] = (low, min(high, threshold)) if tree.left[up] == node else (max(low, threshold), high)
        node = up
    return dict(reversed(limits.items()))


def conditions(
    tree: Branching, node: int, names: tuple[str, ...], units: Mapping[str, str], absent: Mapping[str, float] = NOTHING
) -> str:
    """What holds in a node: ``"job 1 fits now and backlog is above 3.5 jobs"``; ``"always"`` at the root."""
    return in_words({names[feature]: span for feature, span in bounds(tree, node).items()}, units, absent)


def in_words(
    spans: Mapping[str, tuple[float, float]], units: Mapping[str, str], absent: Mapping[str, float] = NOTHING
) -> str:
    """Quantities by name, each with what it is above and what it is at most, in words; ``"always"`` without any."""
    parts = []
    for name, (low, high) in spans.items():
        unit, none = units.get(name, ""), absent.get(name)
        if none is not None and (_asks_presence(low, none) or _asks_presence(high, none)):
            parts += _presence(name, low, high, none, unit)
        elif is_yes_or_no(name, low if np.isfinite(low) else high, unit):
            parts.append(name if np.isfinite(low) else f"not {name}")
        elif np.isfinite(low) and np.isfinite(high):
            parts.append(f"{name} is above {number(low)} and at most {number(high)} {unit}".rstrip())
        else:
            side = f"at most {number(high)}" if np.isfinite(high) else f"above {number(low)}"
            tail = or_none(none, low, high)
            parts.append(f"{name} is {side} {unit}".rstrip() + tail)
    return " and ".join(parts) or "always"


def question(name: str, threshold: float, unit: str, absent: Mapping[str, float] = NOTHING) -> tuple[str, str]:
    """A question and its opposite in words; yes-or-no features are not compared with 0.5."""
    none = absent.get(name)
    if none is not None and asks_presence(name, threshold, absent):
        condition = _kind(name)
        answers = (f"there is a {condition}", f"there is no {condition}")
        return answers if none > threshold else answers[::-1]
    if is_yes_or_no(name, threshold, unit):
        return f"not {name}", name
    words = f"{number(threshold)} {unit}".rstrip()
    return (
        f"{name} at most {words}{or_none(none, -np.inf, threshold)}",
        f"above {words}{or_none(none, threshold, np.inf)}",
    )


def asks_presence(name: str, threshold: float, absent: Mapping[str, float]) -> bool:
    """Whether a question is whether there is such a thing at all."""
    return name in absent and _asks_presence(threshold, absent[name])


def _asks_presence(threshold: float, none: float) -> bool:
    """Whether nothing but absence lies on one side of a threshold, quantities being whole numbers."""
    return bool(np.isfinite(threshold)) and none - 1 <= threshold < none + 1


def _kind(name: str) -> str:
    """What the quantity is of: ``"shortest job"`` of ``"length of shortest job"``."""
    return name.partition(" of ")[2] or name


def _presence(name: str, low: float, high: float, none: float, unit: str) -> list[str]:
    """What bounds say of which one asks whether there is such a thing at all."""
    if none > 0 and _asks_presence(low, none):
        return [f"there is no {_kind(name)}"]
    if none == 0 and _asks_presence(high, none):
        return [f"there is no {_kind(name)}"]
    if none > 0:
        there = f"there is a {_kind(name)}"
        return [f"{name} is above {number(low)} {unit}".rstrip()] if np.isfinite(low) else [there]
    return [f"{name} is at most {number(high)} {unit}".rstrip()] if np.isfinite(high) else [f"there is a {_kind(name)}"]


def or_none(none: float | None, low: float, high: float) -> str:
    """``", or there is none"`` where the number of what is absent lies above ``low`` and at most at ``high``; else empty."""
    return "" if none is None or not low < none <= high else ", or there is none"


def is_yes_or_no(name: str, threshold: float, unit: str) -> bool:
    """Whether a feature is a yes or no: it has no unit, and is neither a slot nor a rank."""
    return not unit and threshold > 0 and threshold < 1 and not name.startswith("slot") and "rank" not in name
