"""A decision tree as plain arrays: decide, follow, prune, edit, and grow with scikit-learn."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.distillation import pruning
from dnnexplain.explain.distillation.branching import LEAF
from dnnexplain.explain.distillation.text import export_text
from dnnexplain.results import array_field, register

__all__ = ["LEAF", "Tree", "from_sklearn", "grow", "snapped"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@register
@dataclass(frozen=True, eq=False)
class Tree:
    """A binary tree of ``N`` nodes, node 0 the root, children after their parents.

    A state goes left where ``features[feature] <= threshold``. In a leaf, the valid action with the
    highest score is taken: the leaf's action, or the next best where that one is not valid.

    Attributes:
        feature: index of the feature that a node asks about ``[N]``, -1 in a leaf.
        threshold: in the feature's unit ``[N]``, 0 in a leaf.
        left, right: the children ``[N]``, -1 in a leaf.
        scores: weight of the training decisions per action ``[N, A]``, each row's sum 1; in a tree that sets
            numbers (:mod:`dnnexplain.explain.distillation.outputs`), the numbers.
        weight: share of all training weight that reached the node ``[N]``.
    """

    feature: Ints = array_field("node")
    threshold: Floats = array_field("node")
    left: Ints = array_field("node")
    right: Ints = array_field("node")
    scores: Floats = array_field("node", "action")
    weight: Floats = array_field("node")

    def __post_init__(self) -> None:
        count = len(self.feature)
        parts = (self.threshold, self.left, self.right, self.scores, self.weight)
        inner = np.flatnonzero(self.feature != LEAF)
        if count and all(len(part) == count for part in parts) and self.feature.min() >= LEAF:
            children = np.stack([self.left[inner], self.right[inner]])
            if not np.any((children <= inner) | (children >= count)) and len(np.unique(children)) == children.size:
                return
        msg = (
            f"these arrays are no tree of {counted(count, 'node')}: they must be of one length, and each inner node's two children "
            "later nodes that are no other node's"
        )
        raise DnnExplainError(msg)

    @property
    def leaves(self) -> int:
        """How many leaves."""
        return int(np.sum(self.feature == LEAF))

    @property
    def quantities(self) -> int:
        """How many features its questions are about."""
        return len(np.unique(self.feature[self.feature != LEAF]))

    @property
    def depth(self) -> int:
        """The largest number of questions on the way to a leaf."""
        depth = np.zeros(len(self.feature), dtype=int)
        for node in np.flatnonzero(self.feature != LEAF):
            depth[[self.left[node], self.right[node]]] = depth[node] + 1
        return int(depth.max())

    @property
    def action(self) -> Ints:
        """The first choice of each node ``[N]``."""
        return np.asarray(self.scores.argmax(axis=1), dtype=np.int64)

    def apply(self, features: Floats) -> Ints:
        """The leaf that each row of features ``[B, F]`` ends in ``[B]``."""
        node = np.zeros(len(features), dtype=np.int64)
        rows = np.arange(len(features))
        while (asking := self.feature[node] != LEAF).any():
            value = features[rows, np.maximum(self.feature[node], 0)]
            step = np.where(value <= self.threshold[node], self.left[node], self.right[node])
            node = np.where(asking, step, node)
        return node

    def path(self, features: Floats) -> list[int]:
        """The nodes that one row of features ``[F]`` passes, from root to leaf."""
        nodes = [0]
        while self.feature[nodes[-1]] != LEAF:
            node = nodes[-1]
            goes_left = features[self.feature[node]] <= self.threshold[node]
            nodes.append(int(self.left[node] if goes_left else self.right[node]))
        return nodes

    # --- other trees from this one ---

    def with_threshold(self, node: int, threshold: float) -> Tree:
        """This tree with another threshold at a node that asks."""
        self._check(node, asks=True)
        if not np.isfinite(threshold):
            msg = f"a threshold is a finite number, not {threshold}"
            raise DnnExplainError(msg)
        changed = self.threshold.copy()
        changed[node] = threshold
        return dataclasses.replace(self, threshold=changed)

    def with_action(self, node: int, action: int) -> Tree:
        """This tree with another first choice in a leaf; the other actions keep their order behind it."""
        self._check(node, asks=False)
        if not 0 <= action < self.scores.shape[1]:
            msg = f"action {action} does not exist; there are {self.scores.shape[1]}, from 0"
            raise DnnExplainError(msg)
        changed = self.scores.copy()
        changed[node, action] = changed[node].max() + 1
        changed[node] /= changed[node].sum()
        return dataclasses.replace(self, scores=changed)

    def _check(self, node: int, *, asks: bool) -> None:
        if not 0 <= node < len(self.feature):
            msg = f"node {node} does not exist; the tree has {counted(len(self.feature), 'node')}, from 0"
            raise DnnExplainError(msg)
        if (self.feature[node] != LEAF) != asks:
            msg = f"node {node} {'is a leaf: it has an action' if asks else 'asks: it has a threshold'}, not the other"
            raise DnnExplainError(msg)

    def cut(self, nodes: set[int]) -> Tree:
        """This tree with the given nodes made leaves."""
        keep: list[int] = []
        todo = [0]
        while todo:
            node = todo.pop()
            keep.append(node)
            if self.feature[node] != LEAF and node not in nodes:
                todo += [int(self.right[node]), int(self.left[node])]
        new = {old: index for index, old in enumerate(keep)}
        rows = np.array(keep)
        leaf = np.array([self.feature[old] == LEAF or old in nodes for old in keep])
        left = [LEAF if ends else new[int(self.left[old])] for old, ends in zip(keep, leaf, strict=True)]
        right = [LEAF if ends else new[int(self.right[old])] for old, ends in zip(keep, leaf, strict=True)]
        return Tree(
            feature=np.where(leaf, LEAF, self.feature[rows]),
            threshold=np.where(leaf, 0.0, self.threshold[rows]),
            left=np.array(left, dtype=np.int64),
            right=np.array(right, dtype=np.int64),
            scores=self.scores[rows],
            weight=self.weight[rows],
        )

    def without(self, node: int, *, left: bool) -> Tree:
        """This tree with one child, and all below it, in the place of a node that asks."""
        self._check(node, asks=True)
        child = int((self.left if left else self.right)[node])
        parts = {name: getattr(self, name).copy() for name in ("feature", "threshold", "left", "right", "scores")}
        for part in parts.values():
            part[node] = part[child]
        for name in ("feature", "left", "right"):  # nobody's child now: what stood below it stands below the node
            parts[name][child] = LEAF
        return dataclasses.replace(self, **parts).cut(set())

    def simplified(self) -> Tree:
        """Without questions both of whose answers lead to one action; first choices stay the same."""
        idle, _ = pruning.merged(self.left.tolist(), self.right.tolist(), self.action.tolist(), set())
        return self.cut(idle)

    def pruned(self) -> list[Tree]:
        """The nested trees of minimal cost-complexity pruning, this one first, its root last."""
        return [self.cut(nodes) for nodes in pruning.cuts(self)]

    def along(self, sizes: Sequence[int]) -> list[Tree]:
        """For each size the largest of :meth:`pruned`, simplified, that has at most so many leaves."""
        left, right, action = self.left.tolist(), self.right.tolist(), self.action.tolist()
        trees: dict[int, Tree] = {}
        for cut in pruning.cuts(self):
            idle, leaves = pruning.merged(left, right, action, cut)
            fitting = [size for size in sizes if leaves <= size and size not in trees]
            if fitting:
                trees |= dict.fromkeys(fitting, self.cut(cut | idle))
            if len(trees) == len(set(sizes)):
                break
        return [trees[size] for size in sizes]

    def to_words(
        self,
        names: tuple[str, ...],
        actions: tuple[str, ...],
        units: Mapping[str, str],
        absent: Mapping[str, float] | None = None,
        whole: Collection[str] = (),
    ) -> str:
        """The tree as indented lines of questions and actions; ``absent`` and ``whole`` as ``Features`` has them."""
        return export_text(self, names, actions, units, absent, whole)


def grow(
    features: Floats,
    actions: Ints,
    weights: Floats,
    *,
    count: int,
    leaves: int,
    seed: int = 0,
    smallest: int = 5,
) -> Tree:
    """A classification tree, best split first (scikit-learn's CART).

    Args:
        features: ``[N, F]``.
        actions: what is to be decided ``[N]``, below ``count``.
        weights: of the decisions ``[N]``.
        count: number of actions ``A``.
        leaves: at most so many.
        seed: breaks ties between splits.
        smallest: decisions that a leaf holds at least.
    """
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - half a second that other explainers need not pay

    if not len(features):
        msg = "there is no decision to learn from: in every visited state only one action is valid"
        raise DnnExplainError(msg)
    model = DecisionTreeClassifier(max_leaf_nodes=max(2, leaves), min_samples_leaf=smallest, random_state=seed)
    model.fit(features, actions, weights)
    tree = model.tree_
    scores = np.zeros((tree.node_count, count))
    scores[:, model.classes_] = tree.value[:, 0, :]
    return from_sklearn(tree, scores / scores.sum(axis=1, keepdims=True))


def from_sklearn(fitted: Any, scores: Floats) -> Tree:
    """A grown ``sklearn.tree`` structure (``model.tree_``) with the scores of its nodes ``[N, A]``."""
    leaf = fitted.children_left == LEAF
    everything = float(fitted.weighted_n_node_samples[0])
    raw = Tree(
        feature=np.where(leaf, LEAF, fitted.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, fitted.threshold),
        left=fitted.children_left.astype(np.int64),
        right=fitted.children_right.astype(np.int64),
        scores=scores,
        weight=fitted.weighted_n_node_samples / everything,
    )
    return raw.cut(set())


def snapped(tree: Tree, features: NDArray[np.float64], names: tuple[str, ...], absent: Mapping[str, float]) -> Tree:
    """A tree whose questions "is there such a thing?" ask just that.

    A quantity of something that may be absent has a number of its own then (see ``Features.absent``), far from
    the others. A threshold between that number and all others that were learned from lies anywhere in between; it is
    moved to the end of the gap, which changes nothing of what was learned.

    Args:
        tree: learned.
        features: what it was learned from ``[N, F]``.
        names: of the features.
        absent: the number of each quantity where what it is of is absent.
    """
    threshold = np.array(tree.threshold)
    for node in np.flatnonzero(tree.feature != LEAF):
        none = absent.get(names[tree.feature[node]])
        if none is None or threshold[node] >= none:
            continue
        column = features[:, tree.feature[node]]
        if not np.any((column > threshold[node]) & (column < none)):
            threshold[node] = none - 0.5
    return dataclasses.replace(tree, threshold=threshold)
