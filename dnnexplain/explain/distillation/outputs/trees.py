"""Trees that set numbers or switches: one for all numbers, one for each switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.tree import LEAF, Tree, from_sklearn, grow
from dnnexplain.results import register

__all__ = ["OFF", "ON", "OutputTrees", "grow_numbers", "grow_switches"]

Floats = NDArray[np.float64]
OFF, ON = 0, 1
SMALLEST = 1e-9
FEWEST = 5
"""Decisions that a leaf holds at least."""


@register
@dataclass(frozen=True, eq=False)
class OutputTrees:
    """What stands in for a policy over ``A`` outputs.

    Attributes:
        kind: of the space, ``"values"`` or ``"switches"``.
        trees: for values one tree, whose scores are the numbers ``[N, A]``; for switches ``A`` trees, whose scores
            are the shares of decisions off and on ``[N, 2]``.
    """

    kind: str
    trees: tuple[Tree, ...]

    def outputs(self, features: Floats) -> Floats:
        """Raw outputs ``[B, A]`` for quantities ``[B, F]``: the numbers, or each switch's log-odds of being on."""
        if self.kind == "values":
            return np.asarray(self.trees[0].scores[self.trees[0].apply(features)])
        shares = np.stack([tree.scores[tree.apply(features)] for tree in self.trees], axis=1)
        safe = np.log(np.maximum(shares, SMALLEST))
        return np.asarray(safe[..., ON] - safe[..., OFF])

    @property
    def leaves_of_each(self) -> tuple[int, ...]:
        """Leaves of every tree."""
        return tuple(tree.leaves for tree in self.trees)

    @property
    def leaves(self) -> int:
        """Leaves of the largest tree."""
        return max(self.leaves_of_each)

    @property
    def depth(self) -> int:
        """Questions on the longest way to a leaf of any tree."""
        return max(tree.depth for tree in self.trees)


def grow_numbers(features: Floats, numbers: Floats, weights: Floats, *, leaves: int, seed: int = 0) -> OutputTrees:
    """One regression tree for all numbers, best split first (scikit-learn's CART, squared error summed over numbers).

    Args:
        features: ``[N, F]``.
        numbers: what is to be set ``[N, A]``.
        weights: of the decisions ``[N]``.
        leaves: at most so many.
        seed: breaks ties between splits.
    """
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415 - half a second that other explainers need not pay

    used = weights > 0
    model: Any = DecisionTreeRegressor(max_leaf_nodes=max(2, leaves), min_samples_leaf=FEWEST, random_state=seed)
    model.fit(features[used], numbers[used], weights[used])
    grown = from_sklearn(model.tree_, model.tree_.value[:, :, 0].astype(np.float64))
    return OutputTrees("values", (_without_idle(grown),))


def grow_switches(features: Floats, on: NDArray[Any], weights: Floats, *, leaves: int, seed: int = 0) -> OutputTrees:
    """One classification tree for each switch.

    Args:
        features: ``[N, F]``.
        on: which switches are on ``[N, A]``.
        weights: how much each switch of each decision counts ``[N, A]``; where all of a switch are 0, all count alike.
        leaves: at most so many in each tree.
        seed: breaks ties between splits.
    """
    trees = []
    for switch in range(on.shape[1]):
        column = weights[:, switch] if weights[:, switch].any() else np.ones(len(on))
        used = column > 0
        taken = on[used, switch].astype(np.int64)
        trees.append(grow(features[used], taken, column[used], count=2, leaves=leaves, seed=seed, smallest=FEWEST))
    return OutputTrees("switches", tuple(tree.simplified() for tree in trees))


def _without_idle(tree: Tree) -> Tree:
    """Without questions both of whose answers are leaves that set the same numbers."""
    while True:
        idle = {
            int(node)
            for node in np.flatnonzero(tree.feature != LEAF)
            if all(tree.feature[child] == LEAF for child in (tree.left[node], tree.right[node]))
            and np.array_equal(tree.scores[tree.left[node]], tree.scores[tree.right[node]])
        }
        if not idle:
            return tree
        tree = tree.cut(idle)
