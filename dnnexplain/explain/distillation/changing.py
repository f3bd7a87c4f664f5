"""One random change of a tree: a threshold, a question, a move, a leaf cut in two, a question dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.cutting import reaches, with_two_leaves
from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["changed"]

Floats = NDArray[np.float64]

OTHER = 0.3
"""Of changes of a question, the share that asks for another quantity."""
SPLIT = 0.7
"""Of changes of a leaf, the share that cuts it in two while there may be more leaves."""
DROPPED = 0.15
"""Of changes of a question, the share that drops it."""
CLOSE, NEAR = 0.6, 0.05
"""Of moved thresholds, the share that moves by at most so large a share of the values there."""


def changed(tree: Tree, features: Floats, rng: np.random.Generator, *, room: bool) -> Tree | None:
    """A tree with one change, without questions that are idle then, or ``None`` where nothing can be drawn.

    Args:
        tree: to change.
        features: of visited states, between whose values thresholds are drawn ``[N, F]``.
        rng: draws the change.
        room: whether there may be one leaf more.
    """
    node = int(rng.integers(len(tree.feature)))
    if tree.feature[node] == LEAF:
        move = int(rng.integers(tree.scores.shape[1]))
        if move == tree.action[node]:
            return None
        cut = room and rng.random() < SPLIT
        trial = _cut(tree, features, node, move, rng) if cut else tree.with_action(node, move)
    elif rng.random() < DROPPED:
        trial = tree.without(node, left=bool(rng.random() < 0.5)) if tree.leaves > 2 else None
    else:
        trial = _asked_otherwise(tree, features, node, rng)
    return None if trial is None else trial.simplified()


def _asked_otherwise(tree: Tree, features: Floats, node: int, rng: np.random.Generator) -> Tree | None:
    """Another threshold at a node, of the same quantity or of another one."""
    feature = int(rng.integers(features.shape[1]) if rng.random() < OTHER else tree.feature[node])
    same = feature == tree.feature[node] and rng.random() < CLOSE
    values = features[reaches(tree, features, node), feature]
    threshold = _between(values, rng, float(tree.threshold[node]) if same else None)
    if threshold is None:
        return None
    asking = tree.feature.copy()
    asking[node] = feature
    return replace(tree, feature=asking).with_threshold(node, threshold)


def _between(values: Floats, rng: np.random.Generator, now: float | None = None) -> float | None:
    """A number between two neighbours of the given ones, close to ``now`` if that is said; none where all are the same."""
    known = np.unique(values)
    if len(known) < 2:
        return None
    last = len(known) - 2
    if now is None:
        place = int(rng.integers(last + 1))
    else:
        reach = max(1, int(NEAR * len(known)))
        place = int(np.clip(np.searchsorted(known, now) - 1 + rng.integers(-reach, reach + 1), 0, last))
    return float(known[place] + known[place + 1]) / 2


def _cut(tree: Tree, features: Floats, leaf: int, move: int, rng: np.random.Generator) -> Tree | None:
    """A leaf made a question: on one side all stays, on the other another move is made."""
    feature = int(rng.integers(features.shape[1]))
    threshold = _between(features[reaches(tree, features, leaf), feature], rng)
    if threshold is None:
        return None
    stays = int(tree.action[leaf])
    low, high = (move, stays) if rng.integers(2) else (stays, move)
    return with_two_leaves(tree, leaf, feature, threshold, low, high)
