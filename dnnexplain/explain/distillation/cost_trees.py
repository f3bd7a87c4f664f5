"""Trees that learn what each move costs, not what the teacher does.

In each visited state every action is tried and the teacher goes on to the end of the episode; a tree then predicts
what each move costs more than the best and does what it predicts to cost least: AggreVaTe (Ross and Bagnell, arXiv
1406.5979) with trees. States in which all moves cost alike teach nothing, those in which one is ruinous teach much, and
where the teacher errs, the tree need not follow it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation.decisions import Decisions
from dnnexplain.explain.distillation.tree import Tree, from_sklearn

__all__ = ["capped", "grow_by_cost"]

SMALLEST = 20
"""States that a leaf holds at least: costs are noisier than labels."""


RUINOUS = 0.9
"""Losses above this quantile of all count as this one: by how much a ruinous move is ruinous decides nothing, and squares
of it would take all the questions."""


def capped(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Losses ``[N, R]``, those that are ruinous alike."""
    return np.minimum(losses, np.quantile(losses, RUINOUS))


def grow_by_cost(known: Decisions, drawn: NDArray[np.float64], sizes: Sequence[int], seed: int) -> list[Tree]:
    """For each size the tree of at most so many leaves that predicts losses best (CART, squared error, best split first).

    Args:
        known: visited states with their ``losses`` ``[N, R]``.
        drawn: how often each state counts ``[N]``.
        sizes: most leaves.
        seed: breaks ties between splits.

    Returns:
        Trees without idle questions; a leaf's scores fall with the predicted loss, the best move's being the largest.

    Raises:
        DnnExplainError: there is nothing to choose in any state.
    """
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415 - half a second that other explainers need not pay

    used = drawn > 0
    if not used.any():
        msg = "there is no decision to learn from: in every visited state only one action is valid"
        raise DnnExplainError(msg)
    features, losses, weight = known.features[used], known.losses[used], drawn[used]
    losses = capped(losses)
    scale = float(losses.std()) or 1.0
    trees = []
    for size in sizes:
        model = DecisionTreeRegressor(max_leaf_nodes=max(2, size), min_samples_leaf=SMALLEST, random_state=seed % 2**32)
        tree = model.fit(features, losses, weight).tree_
        gains = -tree.value[:, :, 0] / scale
        scores = np.exp(gains - gains.max(axis=1, keepdims=True))
        trees.append(from_sklearn(tree, scores / scores.sum(axis=1, keepdims=True)).simplified())
    return trees
