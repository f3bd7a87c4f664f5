"""A tree as a policy of the contract, so that it can be run, attacked and compared like a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.distillation.world import Features

__all__ = ["TreePolicy"]

SMALLEST = 1e-9


class TreePolicy:
    """Decides by a tree over domain features; invalid actions are masked, the leaf's next best taken.

    Args:
        tree: the rules.
        features: what they speak of.
        name: for tables.
    """

    masked = True

    def __init__(self, tree: Tree, features: Features, name: str = "tree") -> None:
        self.tree = tree
        self.features = features
        self.name = name

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithm of the leaf's scores ``[B, A]``."""
        return self.outputs_of_features(self.features(observations))

    def outputs_of_features(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same from features ``[B, F]``."""
        return np.asarray(np.log(np.maximum(self.tree.scores[self.tree.apply(features)], SMALLEST)))
