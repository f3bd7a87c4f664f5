"""A tree as a policy of the contract, so that it can be run, attacked and compared like a network."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.distillation.world import Features

__all__ = ["TreePolicy"]

SMALLEST = 1e-9


class TreePolicy:
    """Decides by a tree over domain features whose leaves name moves; of invalid ones the leaf's next best is taken.

    Args:
        tree: the rules.
        features: what they speak of.
        count: how many actions ``A`` the system has.
        name: for tables.
    """

    masked = True

    def __init__(self, tree: Tree, features: Features, count: int, name: str = "tree") -> None:
        self.tree = tree
        self.features = features
        self.count = count
        self.name = name

    @cached_property
    def nodes(self) -> tuple[NDArray[Any], ...]:
        """Feature, threshold, left, right ``[N]`` and scores ``[N, R]``, for simulators that run trees themselves."""
        tree = self.tree
        whole = [np.ascontiguousarray(part, dtype=np.int64) for part in (tree.feature, tree.left, tree.right)]
        real = [np.ascontiguousarray(part, dtype=np.float64) for part in (tree.threshold, tree.scores)]
        return whole[0], real[0], whole[1], whole[2], real[1]

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithm of the leaf's best score among the moves that each action is ``[B, A]``."""
        scores = self.tree.scores[self.tree.apply(self.features(observations))]
        moves = self.features.actions(observations)
        best = np.zeros((len(scores), int(self.count)))
        for move in range(scores.shape[1]):
            rows = np.arange(len(scores)), moves[:, move]
            best[rows] = np.maximum(best[rows], scores[:, move])
        return np.asarray(np.log(np.maximum(best, SMALLEST)))
