"""The way to a node in words: each feature named once, with its bounds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from dnnexplain.counts import unit_of
from dnnexplain.explain.distillation.branching import LEAF, Branching
from dnnexplain.numbers import number

__all__ = ["asks_presence", "bounds", "conditions", "in_words", "is_yes_or_no", "least", "or_none", "question"]

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
    tree: Branching,
    node: int,
    names: tuple[str, ...],
    units: Mapping[str, str],
    absent: Mapping[str, float] = NOTHING,
    whole: Collection[str] = (),
) -> str:
    """What holds in a node: ``"job 1 fits now and backlog is at least 4 jobs"``; ``"always"`` at the root."""
    return in_words({names[feature]: span for feature, span in bounds(tree, node).items()}, units, absent, whole)


def in_words(
    spans: Mapping[str, tuple[float, float]],
    units: Mapping[str, str],
    absent: Mapping[str, float] = NOTHING,
    whole: Collection[str] = (),
) -> str:
    """Quantities by name, each with what it is above and what it is at most, in words; ``"always"`` without any.

    Of those that are ``whole`` numbers it is said which they are: at least 4 where they are above 3.5.
    """
    parts = []
    for name, (low, high) in spans.items():
        unit, none = units.get(name, ""), absent.get(name)
        if none is not None and (_asks_presence(low, none) or _asks_presence(high, none)):
            parts += _presence(name, low, high, none, unit)
        elif is_yes_or_no(name, low if np.isfinite(low) else high, unit):
            parts.append(name if np.isfinite(low) else f"not {name}")
        else:
            tail = "" if np.isfinite(low) and np.isfinite(high) else or_none(none, low, high)
            counts = bool(unit) and name.startswith(f"{unit} ")  # "jobs waiting", counted in jobs
            said = _range(low, high, "" if counts else unit, whole=name in whole)
            parts.append(f"{'the number of ' if counts else ''}{name} is {said}{tail}")
    return " and ".join(parts) or "always"


def least(above: float) -> int:
    """The least whole number above a bound."""
    return math.floor(above) + 1


def _range(low: float, high: float, unit: str, *, whole: bool) -> str:
    """What a quantity is that is above ``low`` and at most ``high``: ``"above 2.5 s"``, ``"2 or 3 jobs"``, ``"at least 1 job"``."""
    if whole and np.isfinite(low) and np.isfinite(high):
        first, last = least(low), math.floor(high)
        if first == last:
            return _with(number(first), unit)
        if first < last:
            return _with(f"{number(first)} {'or' if last == first + 1 else 'to'} {number(last)}", unit)
    above = f"at least {number(least(low))}" if whole and np.isfinite(low) else f"above {number(low)}"
    most = f"at most {number(math.floor(high) if whole and np.isfinite(high) else high)}"
    sides = [side for side, end in ((above, low), (most, high)) if np.isfinite(end)]
    return _with(" and ".join(sides), unit)


def _with(words: str, unit: str) -> str:
    """A range and its unit, which is one where its last number is 1."""
    return f"{words} {unit_of(words.rpartition(' ')[2], unit)}".rstrip()


def question(
    name: str, threshold: float, unit: str, absent: Mapping[str, float] = NOTHING, whole: Collection[str] = ()
) -> tuple[str, str]:
    """A question and its opposite in words; yes-or-no features are not compared with 0.5, nor are whole numbers."""
    none = absent.get(name)
    if none is not None and asks_presence(name, threshold, absent):
        condition = _kind(name)
        answers = (f"there is a {condition}", f"there is no {condition}")
        return answers if none > threshold else answers[::-1]
    if is_yes_or_no(name, threshold, unit):
        return f"not {name}", name
    most, above = (_range(*span, unit, whole=name in whole) for span in ((-np.inf, threshold), (threshold, np.inf)))
    return f"{name} {most}{or_none(none, -np.inf, threshold)}", f"{above}{or_none(none, threshold, np.inf)}"


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
    there = f"there is a {_kind(name)}"
    if none > 0:
        return [f"{name} is {_range(low, np.inf, unit, whole=True)}"] if np.isfinite(low) else [there]
    return [f"{name} is {_range(-np.inf, high, unit, whole=True)}"] if np.isfinite(high) else [there]


def or_none(none: float | None, low: float, high: float) -> str:
    """``", or there is none"`` where the number of what is absent lies above ``low`` and at most at ``high``; else empty."""
    return "" if none is None or not low < none <= high else ", or there is none"


def is_yes_or_no(name: str, threshold: float, unit: str) -> bool:
    """Whether a feature is a yes or no: it has no unit, and is neither a slot nor a rank."""
    return not unit and threshold >= 0 and threshold < 1 and not name.startswith("slot") and "rank" not in name
