"""Optimal trees: of all trees of a depth over chosen questions the one that errs least.

STreeD (van der Linden, de Weerdt, Demirovic, "Necessary and Sufficient Conditions for Optimal Decision
Trees using Dynamic Programming", NeurIPS 2023) does the search; it is an optional extra.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation.tree import LEAF, Tree, grow

__all__ = ["check_installed", "grow_optimal"]

QUESTIONS = 40
"""Questions that an optimal tree may ask: those that tell most in a large greedy tree."""
ROWS = 3000
LARGE = 200

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def check_installed() -> None:
    """Raise an error that says what to install if STreeD is not there."""
    if find_spec("pystreed") is None:
        msg = "optimal trees need pystreed: pip install 'dnnexplain[optimal]'; or leave the optimal depth at 0"
        raise DnnExplainError(msg)


def grow_optimal(
    features: Floats,
    actions: Ints,
    weights: Floats,
    *,
    count: int,
    leaves: int,
    depth: int = 3,
    seconds: float = 60.0,
    seed: int = 0,
) -> Tree:
    """The tree with the least weight of errors among those of a depth, over the most telling questions.

    It is optimal over at most 3,000 decisions drawn by weight and the 40 questions that lower the Gini
    impurity most in a greedy tree of 200 leaves; not over all questions that could be asked.

    Args:
        features, actions, weights, count: as for :func:`grow`.
        leaves: at most so many.
        depth: at most so many questions on the way to a leaf; time grows steeply beyond 3.
        seconds: the search must end by then.
        seed: of the draw.

    Raises:
        DnnExplainError: pystreed is not installed, or the search did not end in time.
    """
    check_installed()
    from pystreed import STreeDClassifier  # noqa: PLC0415 - an optional extra

    greedy = grow(features, actions, weights, count=count, leaves=LARGE, seed=seed)
    feature, threshold = _questions(greedy)
    if leaves < 2 or not len(feature):
        return greedy.cut({0})
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(features), min(ROWS, len(features)), p=weights / weights.sum())
    nodes = min(leaves, 2**depth) - 1
    model = STreeDClassifier(
        "accuracy", max_depth=min(depth, nodes), max_num_nodes=nodes, time_limit=seconds, random_seed=seed % 2**31
    )
    model.fit((features[rows][:, feature] <= threshold).astype(np.int64), actions[rows])
    if not model.fit_result.is_optimal():
        msg = f"no optimal tree of depth {depth} was proved within {seconds:g} s; take a smaller depth, or 0 for none"
        raise DnnExplainError(msg)
    return _tree(model.get_tree(), feature, threshold, features, actions, weights, count)


def _questions(greedy: Tree) -> tuple[Ints, Floats]:
    """Features and thresholds of the questions that lower the impurity most, each once."""
    risk = greedy.weight * (1 - np.sum(greedy.scores**2, axis=1))
    gains: dict[tuple[int, float], float] = {}
    for node in np.flatnonzero(greedy.feature != LEAF):
        key = (int(greedy.feature[node]), float(greedy.threshold[node]))
        gain = risk[node] - risk[greedy.left[node]] - risk[greedy.right[node]]
        gains[key] = gains.get(key, 0.0) + float(gain)
    best = sorted(gains, key=lambda key: -gains[key])[:QUESTIONS]
    return np.array([item for item, _ in best], dtype=np.int64), np.array([two for _, two in best])


def _tree(
    root: object, feature: Ints, threshold: Floats, features: Floats, actions: Ints, weights: Floats, count: int
) -> Tree:
    """STreeD's tree as ours: scores and weights are those of all decisions."""
    rows: list[tuple[int, float, int, int, Floats]] = []

    def write(node: object, here: NDArray[np.bool_]) -> int:
        place = len(rows)
        mass = np.bincount(actions[here], weights[here], minlength=count).astype(np.float64)
        rows.append((LEAF, 0.0, LEAF, LEAF, mass))
        if not node.is_leaf_node():  # type: ignore[attr-defined]
            quantity = int(node.feature)  # type: ignore[attr-defined]
            yes = features[:, feature[quantity]] <= threshold[quantity]
            left = write(node.right_child, here & yes)  # type: ignore[attr-defined]
            right = write(node.left_child, here & ~yes)  # type: ignore[attr-defined]
            rows[place] = (int(feature[quantity]), float(threshold[quantity]), left, right, mass)
        return place

    write(root, np.ones(len(features), dtype=bool))
    mass = np.array([row[4] for row in rows])
    total = mass.sum(axis=1)
    scores = np.where(total[:, None] > 0, mass / np.maximum(total, 1e-300)[:, None], 1 / count)
    return Tree(
        feature=np.array([row[0] for row in rows], dtype=np.int64),
        threshold=np.array([row[1] for row in rows]),
        left=np.array([row[2] for row in rows], dtype=np.int64),
        right=np.array([row[3] for row in rows], dtype=np.int64),
        scores=scores,
        weight=total / total[0],
    )
