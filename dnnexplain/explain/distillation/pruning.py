"""Minimal cost-complexity pruning over plain lists: which questions go first, and what is left then.

Breiman et al., "Classification and Regression Trees" (1984), Section 3.3; the cost is the Gini impurity,
as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dnnexplain.explain.distillation.branching import Branching

__all__ = ["cuts", "merged"]

NONE = -1
CLOSE = 1e-12
"""Gains nearer than this are equal: their questions go together."""


def cuts(tree: Branching) -> Iterator[set[int]]:
    """The questions that are leaves by then, from none to the root: one set for each nested tree."""
    left, right = tree.left.tolist(), tree.right.tolist()
    parent = [NONE] * len(left)
    for node, child in enumerate(left):
        if child != NONE:
            parent[child] = parent[right[node]] = node
    risk = (tree.weight * (1 - np.sum(tree.scores**2, axis=1))).tolist()
    below, leaves = list(risk), [1] * len(risk)
    asks = {node for node, child in enumerate(left) if child != NONE}
    for node in sorted(asks, reverse=True):
        below[node] = below[left[node]] + below[right[node]]
        leaves[node] = leaves[left[node]] + leaves[right[node]]
    cut: set[int] = set()
    yield set(cut)
    while asks:
        gain = {node: (risk[node] - below[node]) / (leaves[node] - 1) for node in asks}
        least = min(gain.values()) + CLOSE
        for node in [node for node, value in gain.items() if value <= least]:
            cut.add(node)
            below[node], leaves[node] = risk[node], 1
            _drop(node, left, right, asks)
            up = parent[node]
            while up != NONE:
                if up in asks:  # else it is cut itself
                    below[up] = below[left[up]] + below[right[up]]
                    leaves[up] = leaves[left[up]] + leaves[right[up]]
                up = parent[up]
        yield set(cut)


def _drop(node: int, left: Sequence[int], right: Sequence[int], asks: set[int]) -> None:
    """A node and all below it ask no more."""
    todo = [node]
    while todo:
        here = todo.pop()
        asks.discard(here)
        if left[here] != NONE:
            todo += (left[here], right[here])


def merged(left: Sequence[int], right: Sequence[int], action: Sequence[int], cut: set[int]) -> tuple[set[int], int]:
    """The questions both of whose answers lead to one action once those in ``cut`` are leaves; leaves then left."""
    order, todo = [], [0]
    while todo:
        node = todo.pop()
        order.append(node)
        if left[node] != NONE and node not in cut:
            todo += (left[node], right[node])
    idle: set[int] = set()
    only, leaves = list(action), [1] * len(left)
    for node in reversed(order):
        if left[node] == NONE or node in cut:
            continue
        first, second = left[node], right[node]
        leaves[node] = leaves[first] + leaves[second]
        if leaves[node] == 2 and only[first] == only[second]:
            idle.add(node)
            only[node], leaves[node] = only[first], 1
    return idle, leaves[0]
