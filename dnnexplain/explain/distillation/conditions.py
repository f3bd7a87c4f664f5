"""The way to a node in words: each feature named once, with its bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["bounds", "conditions", "is_yes_or_no", "question"]


def bounds(tree: Tree, node: int) -> dict[int, tuple[float, float]]:
    """For each feature on the way to a node: above what, and at most what."""
    parents = {
        int(child): up for up in np.flatnonzero(tree.feature != LEAF) for child in (tree.left[up], tree.right[up])
    }
    found: dict[int, tuple[float, float]] = {}
    while node:
        up = int(parents[node])
        feature, threshold = int(tree.feature[up]), float(tree.threshold[up])
        low, high = found.get(feature, (-np.inf, np.inf))
        found[feature] = (low, min(high, threshold)) if tree.left[up] == node else (max(low, threshold), high)
        node = up
    return dict(reversed(found.items()))


def conditions(tree: Tree, node: int, names: tuple[str, ...], units: Mapping[str, str]) -> str:
    """What holds in a node: ``"job 1 fits now and backlog is above 3.5 jobs"``; ``"always"`` at the root."""
    parts = []
    for feature, (low, high) in bounds(tree, node).items():
        name = names[feature]
        unit = units.get(name, "")
        if is_yes_or_no(name, low if np.isfinite(low) else high, unit):
            parts.append(name if np.isfinite(low) else f"not {name}")
        elif np.isfinite(low) and np.isfinite(high):
            parts.append(f"{name} is above {low:.3g} and at most {high:.3g} {unit}".rstrip())
        else:
            side = f"at most {high:.3g}" if np.isfinite(high) else f"above {low:.3g}"
            parts.append(f"{name} is {side} {unit}".rstrip())
    return " and ".join(parts) or "always"


def question(name: str, threshold: float, unit: str) -> tuple[str, str]:
    """A question and its opposite in words; yes-or-no features are not compared with 0.5."""
    if is_yes_or_no(name, threshold, unit):
        return f"not {name}", name
    number = f"{threshold:.3g} {unit}".rstrip()
    return f"{name} at most {number}", f"above {number}"


def is_yes_or_no(name: str, threshold: float, unit: str) -> bool:
    """Whether a feature is a yes or no: it has no unit, and is neither a slot nor a rank."""
    return not unit and threshold > 0 and threshold < 1 and not name.startswith("slot") and "rank" not in name
