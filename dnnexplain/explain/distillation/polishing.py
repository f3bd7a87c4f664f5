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


def polish(
    system: Distillable,
    tree: Tree,
    features: NDArray[np.float64],
    workloads: Sequence[Any],
    *,
    trials: int,
    seed: int,
    over: Callable[[], bool] = lambda: False,
) -> tuple[Tree, float]:
    """Hill climbing (first improvement) from a tree.

    A trial moves one threshold to one of the values that the states at that node have, lets a node ask for another
    quantity (three times in ten), or gives one leaf another move, and is kept if the mean cost of ``workloads`` falls.

    Args:
        system: in which costs are measured.
        tree: to begin with.
        features: of visited states, from which thresholds are drawn ``[N, F]``.
        workloads: on which; they must not be those of the figures.
        trials: how many.
        seed: of the trials, and of the runs.
        over: asked before each trial; once true, the best tree so far is returned.

    Returns:
        The best tree and its mean cost.
    """
    rng = np.random.default_rng(seed)
    best, least = tree, cost_of(system, tree, workloads, seed)
    for _ in range(trials):
        if over():
            break
        trial = _trial(best, features, rng)
        if trial is None:
            continue
        cost = cost_of(system, trial, workloads, seed)
        if cost < least:
            best, least = trial, cost
    return best, least


def _trial(tree: Tree, features: NDArray[np.float64], rng: np.random.Generator) -> Tree | None:
    """One change, or none where nothing can be drawn."""
    node = int(rng.integers(len(tree.feature)))
    if tree.feature[node] == LEAF:
        move = int(rng.integers(tree.scores.shape[1]))
        return None if move == tree.action[node] else tree.with_action(node, move)
    asked = int(rng.integers(features.shape[1]) if rng.random() < OTHER else tree.feature[node])
    values = np.unique(features[_reaches(tree, features, node), asked])
    if len(values) < 2:
        return None
    place = int(rng.integers(len(values) - 1))
    asking = tree.feature.copy()
    asking[node] = asked
    return replace(tree, feature=asking).with_threshold(node, float(values[place] + values[place + 1]) / 2)


def _reaches(tree: Tree, features: NDArray[np.float64], node: int) -> NDArray[np.bool_]:
    """Which rows pass a node ``[N]``."""
    there = np.ones(len(features), dtype=np.bool_)
    while node:
        parent = int(np.flatnonzero((tree.left == node) | (tree.right == node))[0])
        left = features[:, tree.feature[parent]] <= tree.threshold[parent]
        there &= left if tree.left[parent] == node else ~left
        node = parent
    return there
