"""Boxes in which more is lost than outside: grown by a tree, widened and cut while they tell as much (XPlain, HotNets 2024)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "failing_boxes", "inside", "score"]

Floats = NDArray[np.float64]
Bounds = Mapping[int, tuple[float, float]]

LEAVES = 8
SMALLEST = 0.02
"""Share of the samples that a leaf holds at least."""
LEAST = 8
"""Samples that a box holds at least, in either half."""
KEPT = 0.98
"""Share of its score that a box keeps when a bound is dropped."""
ALIKE = 0.8
"""Two boxes that share this much of their samples are one."""
STEPS = 12
"""Places to which a bound may be moved."""


def inside(bounds: Bounds, values: Floats) -> NDArray[np.bool_]:
    """Which rows of quantities ``[N, F]`` lie in a box ``[N]``: above each lower bound, at most each upper one."""
    hits = np.ones(len(values), dtype=bool)
    for feature, (low, high) in bounds.items():
        hits &= (values[:, feature] > low) & (values[:, feature] <= high)
    return hits


def score(within: NDArray[np.bool_], loss: Floats) -> float:
    """How clearly more is lost inside: the difference of means times ``sqrt(n_in n_out / n)``, as in a t statistic."""
    count, every = int(within.sum()), len(loss)
    if count in {0, every}:
        return 0.0
    difference = float(loss[within].mean() - loss[~within].mean())
    return difference * float(np.sqrt(count * (every - count) / every))


def failing_boxes(
    values: Floats, loss: Floats, *, leaves: int = LEAVES, seed: int = 0
) -> list[dict[int, tuple[float, float]]]:
    """Boxes in which more is lost than elsewhere, the clearest first.

    Args:
        values: quantities ``[N, F]``.
        loss: ``[N]``.
        leaves: of each tree.
        seed: of ties among splits.
    """
    if len(loss) < 2 * LEAST or not np.ptp(loss) > 0:
        return []
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415 - slow to import

    smallest = max(LEAST, int(SMALLEST * len(loss)))
    grown: list[dict[int, tuple[float, float]]] = []
    for target in (loss, (loss > 0).astype(np.float64), np.log1p(loss / loss[loss > 0].mean())):
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=smallest, random_state=seed)
        grown += _leaves(tree.fit(values, target).tree_)
    boxes = [_cut(_widened(_cut(box, values, loss), values, loss), values, loss) for box in grown]
    boxes = [box for box in boxes if box and score(inside(box, values), loss) > 0]
    boxes.sort(key=lambda box: -score(inside(box, values), loss))
    return _distinct(boxes, values)


def _leaves(tree: object) -> list[dict[int, tuple[float, float]]]:
    """The bounds of every leaf of a tree of scikit-learn."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    feature, threshold = tree.feature, tree.threshold  # type: ignore[attr-defined]
    leaves: list[dict[int, tuple[float, float]]] = []
    waiting: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while waiting:
        node, bounds = waiting.pop()
        if left[node] < 0:
            leaves.append(bounds)
            continue
        question, at = int(feature[node]), float(threshold[node])
        low, high = bounds.get(question, (-np.inf, np.inf))
        waiting.append((left[node], {**bounds, question: (low, min(high, at))}))
        waiting.append((right[node], {**bounds, question: (max(low, at), high)}))
    return leaves


def _cut(bounds: Bounds, values: Floats, loss: Floats) -> dict[int, tuple[float, float]]:
    """Without the sides of a box that tell next to nothing."""
    box = dict(bounds)
    while True:
        now = score(inside(box, values), loss)
        best, without = -np.inf, None
        for feature, (low, high) in box.items():
            for side in ((-np.inf, high), (low, np.inf)):
                if side == (low, high):
                    continue
                rest = {**box, feature: side}
                if side == (-np.inf, np.inf):
                    del rest[feature]
                reached = score(inside(rest, values), loss)
                if reached > best:
                    best, without = reached, rest
        if without is None or best < KEPT * now:
            return box
        box = without


def _widened(bounds: Bounds, values: Floats, loss: Floats) -> dict[int, tuple[float, float]]:
    """With each bound where it tells most, the others being as they are."""
    box = dict(bounds)
    for feature in list(box):
        for side in (0, 1):
            if not np.isfinite(box[feature][side]):
                continue
            column = np.unique(values[:, feature])
            between = (column[1:] + column[:-1]) / 2
            places = np.unique(np.quantile(between, np.linspace(0, 1, STEPS))) if len(between) else between
            for place in places:
                span = list(box[feature])
                span[side] = float(place)
                if not span[0] < span[1]:
                    continue
                moved = {**box, feature: (span[0], span[1])}
                if score(inside(moved, values), loss) > 1.01 * score(inside(box, values), loss):
                    box = moved
    return box


def _distinct(boxes: list[dict[int, tuple[float, float]]], values: Floats) -> list[dict[int, tuple[float, float]]]:
    kept: list[dict[int, tuple[float, float]]] = []
    seen: list[NDArray[np.bool_]] = []
    for box in boxes:
        here = inside(box, values)
        if all((here & other).sum() < ALIKE * (here | other).sum() for other in seen):
            kept.append(box)
            seen.append(here)
    return kept
