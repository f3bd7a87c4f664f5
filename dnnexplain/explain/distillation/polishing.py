"""A tree made better by what its episodes cost: questions and leaves changed one at a time, kept if the cost falls.

Learning from labels makes a tree that says what its teacher says; what matters is what its episodes cost. A tree of
few leaves that departs from its teacher does so better where it is cheap, which labels do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Distillable
from dnnexplain.explain.distillation.near_equal import cost_of
from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["polish"]

OTHER = 0.3
"""Of trials at a question, the share that asks for another quantity."""
SPLIT = 0.7
"""Of trials at a leaf, the share that cuts it in two while there may be more leaves."""


def polish(
    system: Distillable,
    tree: Tree,
    features: NDArray[np.float64],
    workloads: Sequence[Any],
    *,
    trials: int,
    seed: int,
    leaves: int = 0,
    over: Callable[[], bool] = lambda: False,
) -> tuple[Tree, float]:
    """Hill climbing (first improvement) from a tree.

    A trial moves one threshold to one of the values that the states at that node have, lets a node ask for another
    quantity (three times in ten), gives one leaf another move, or, while there may be more leaves, cuts one in two, and
    is kept if the mean cost of ``workloads`` falls; questions that are idle then go.

    Args:
        system: in which costs are measured.
        tree: to begin with.
        features: of visited states, from which thresholds are drawn ``[N, F]``.
        workloads: on which; they must not be those of the figures.
        trials: how many.
        seed: of the trials, and of the runs.
        leaves: how many there may be; no more than there are if 0.
        over: asked before each trial; once true, the best tree so far is returned.

    Returns:
        The best tree and its mean cost.
    """
    rng = np.random.default_rng(seed)
    best, least = tree, cost_of(system, tree, workloads, seed)
    for _ in range(trials):
        if over():
            break
        trial = _trial(best, features, rng, room=best.leaves < leaves)
        if trial is None:
            continue
        cost = cost_of(system, trial, workloads, seed)
        if cost < least:
            best, least = trial.simplified(), cost
    return best, least


def _trial(tree: Tree, features: NDArray[np.float64], rng: np.random.Generator, *, room: bool) -> Tree | None:
    """One change, or none where nothing can be drawn."""
    node = int(rng.integers(len(tree.feature)))
    if tree.feature[node] == LEAF:
        move = int(rng.integers(tree.scores.shape[1]))
        if move == tree.action[node]:
            return None
        return _cut(tree, features, node, move, rng) if room and rng.random() < SPLIT else tree.with_action(node, move)
    asked = int(rng.integers(features.shape[1]) if rng.random() < OTHER else tree.feature[node])
    threshold = _between(features[_reaches(tree, features, node), asked], rng)
    if threshold is None:
        return None
    asking = tree.feature.copy()
    asking[node] = asked
    return replace(tree, feature=asking).with_threshold(node, threshold)


def _between(values: NDArray[np.float64], rng: np.random.Generator) -> float | None:
    """A number between two neighbours of the given ones, or none where all are the same."""
    known = np.unique(values)
    if len(known) < 2:
        return None
    place = int(rng.integers(len(known) - 1))
    return float(known[place] + known[place + 1]) / 2


def _cut(tree: Tree, features: NDArray[np.float64], leaf: int, move: int, rng: np.random.Generator) -> Tree | None:
    """A leaf made a question: on one side all stays, on the other another move is made."""
    asked = int(rng.integers(features.shape[1]))
    threshold = _between(features[_reaches(tree, features, leaf), asked], rng)
    if threshold is None:
        return None
    count = len(tree.feature)
    feature, limit = np.append(tree.feature, [LEAF, LEAF]), np.append(tree.threshold, [0.0, 0.0])
    left, right = np.append(tree.left, [LEAF, LEAF]), np.append(tree.right, [LEAF, LEAF])
    feature[leaf], limit[leaf], left[leaf], right[leaf] = asked, threshold, count, count + 1
    half = tree.weight[leaf] / 2
    grown = Tree(
        feature,
        limit,
        left,
        right,
        np.vstack([tree.scores, tree.scores[[leaf, leaf]]]),
        np.append(tree.weight, [half, half]),
    )
    return grown.with_action(count + int(rng.integers(2)), move)


def _reaches(tree: Tree, features: NDArray[np.float64], node: int) -> NDArray[np.bool_]:
    """Which rows pass a node ``[N]``."""
    there = np.ones(len(features), dtype=np.bool_)
    while node:
        parent = int(np.flatnonzero((tree.left == node) | (tree.right == node))[0])
        left = features[:, tree.feature[parent]] <= tree.threshold[parent]
        there &= left if tree.left[parent] == node else ~left
        node = parent
    return there
