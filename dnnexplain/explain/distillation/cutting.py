"""A change of a tree that what its moves lose proposes: a question by which two moves lose least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["best_cut", "cut_by_losses", "reaches", "with_two_leaves"]

Floats = NDArray[np.float64]

GROWN = 0.6
"""Of proposals, the share that cuts a leaf while there may be more leaves; the others ask a last question anew."""
DRAWN = 1_500
"""States that are drawn for one proposal: other ones each time, so that the same node is not always cut alike."""
SMALLEST = 10
"""States on each side of a cut at least."""


def cut_by_losses(tree: Tree, features: Floats, losses: Floats, rng: np.random.Generator, *, room: bool) -> Tree | None:
    """A tree in which a leaf, or a node whose answers are leaves, asks what tells two moves apart best.

    Args:
        tree: to change.
        features: of visited states ``[N, F]``.
        losses: what each move loses in them ``[N, R]``.
        rng: draws the node, the quantity and the states.
        room: whether there may be one leaf more.

    Returns:
        The tree without questions that are idle then; ``None`` where there is nothing to cut.
    """
    leaf = tree.feature == LEAF
    last = np.flatnonzero(~leaf & leaf[tree.left] & leaf[tree.right])
    among = np.flatnonzero(leaf) if room and (rng.random() < GROWN or not len(last)) else last
    if not len(among):
        return None
    node, feature = int(rng.choice(among)), int(rng.integers(features.shape[1]))
    rows = np.flatnonzero(reaches(tree, features, node))
    if len(rows) < 2 * SMALLEST:
        return None
    rows = rng.choice(rows, min(DRAWN, len(rows)))
    cut = best_cut(features[rows, feature], losses[rows])
    return None if cut is None else with_two_leaves(tree, node, feature, *cut).simplified()


def best_cut(values: Floats, losses: Floats) -> tuple[float, int, int] | None:
    """The threshold at which the best move for each side loses least in sum, and both moves.

    Args:
        values: of one quantity ``[N]``.
        losses: of each move ``[N, R]``.

    Returns:
        ``None`` where no threshold has enough states on both sides, or one move is best for both.
    """
    order = np.argsort(values, kind="stable")
    ordered, below = values[order], np.cumsum(losses[order], axis=0)
    lost = below[:-1].min(axis=1) + (below[-1] - below[:-1]).min(axis=1)
    places = np.arange(1, len(order))
    allowed = (np.diff(ordered) > 0) & (places >= SMALLEST) & (len(order) - places >= SMALLEST)
    if not allowed.any():
        return None
    place = int(np.where(allowed, lost, np.inf).argmin())
    low, high = int(below[place].argmin()), int((below[-1] - below[place]).argmin())
    return None if low == high else (float(ordered[place] + ordered[place + 1]) / 2, low, high)


def with_two_leaves(tree: Tree, node: int, feature: int, threshold: float, low: int, high: int) -> Tree:
    """The tree with a question at a leaf, or at a node whose answers are leaves; below it, one move a side."""
    parts = {name: getattr(tree, name).copy() for name in ("feature", "threshold", "left", "right", "scores", "weight")}
    if tree.feature[node] == LEAF:
        count = len(tree.feature)
        for name, value in (("feature", LEAF), ("threshold", 0.0), ("left", LEAF), ("right", LEAF)):
            parts[name] = np.append(parts[name], [value, value])
        parts["scores"] = np.vstack([tree.scores, tree.scores[[node, node]]])
        parts["weight"] = np.append(tree.weight, [tree.weight[node] / 2] * 2)
        parts["left"][node], parts["right"][node] = count, count + 1
    parts["feature"][node], parts["threshold"][node] = feature, threshold
    grown = Tree(**parts)
    return grown.with_action(int(grown.left[node]), low).with_action(int(grown.right[node]), high)


def reaches(tree: Tree, features: Floats, node: int) -> NDArray[np.bool_]:
    """Which rows pass a node ``[N]``."""
    there = np.ones(len(features), dtype=np.bool_)
    while node:
        parent = int(np.flatnonzero((tree.left == node) | (tree.right == node))[0])
        left = features[:, tree.feature[parent]] <= tree.threshold[parent]
        there &= left if tree.left[parent] == node else ~left
        node = parent
    return there
