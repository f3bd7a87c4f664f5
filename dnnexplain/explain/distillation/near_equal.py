"""Trees that cost as good as the same, and the one of them that is easiest to read.

Many trees do about equally well (the "Rashomon set": Breiman 2001; Semenova, Rudin and Parr, FAccT 2022); none of them
is the truth about a network, so the one with the fewest rules may be shown, and the others are told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Distillable
from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["EQUAL", "cost_of", "costs_of", "near_equal", "readable"]

EQUAL = 0.002
"""Costs count as equal up to this share of the best one's size."""
Costed = tuple[Tree, float]


def cost_of(system: Distillable, tree: Tree, workloads: Sequence[Any], seed: int) -> float:
    """What a tree's episodes cost, on average."""
    return float(costs_of(system, tree, workloads, seed).mean())


def costs_of(system: Distillable, tree: Tree, workloads: Sequence[Any], seed: int) -> NDArray[np.float64]:
    """What a tree's episode costs on each workload ``[W]``."""
    policy = TreePolicy(tree, system.features, len(system.output.names))
    return np.asarray(system.run(policy, workloads, seed=seed).cost, dtype=np.float64)


def near_equal(
    system: Distillable, trees: Sequence[Costed], workloads: Sequence[Any], seed: int, share: float = EQUAL
) -> list[Costed]:
    """The trees that cost at most ``share`` more than the cheapest one, easiest to read first.

    From each of the given ones, questions are taken out one at a time, the cheapest first, as long as the cost allows.

    Args:
        system: in which costs are measured.
        trees: trees and their mean costs on ``workloads``.
        workloads: not those of the figures.
        seed: of the runs.
        share: of the cheapest cost's size.
    """
    best = min(cost for _, cost in trees)
    most = best + share * abs(best)
    kept = [(tree.simplified(), cost) for tree, cost in trees if cost <= most]
    for tree, _ in list(kept):
        smaller: Tree | None = tree
        while smaller is not None:
            tried = [(item, cost_of(system, item, workloads, seed)) for item in _shorter(smaller)]
            cheapest = min(tried, key=lambda pair: pair[1], default=(tree, np.inf))
            smaller = cheapest[0] if cheapest[1] <= most else None
            kept += [cheapest] if smaller is not None else []
    best = min(cost for _, cost in kept)  # a tree without a question may cost less than it did with it
    return sorted([item for item in kept if item[1] <= best + share * abs(best)], key=readable)


def readable(costed: Costed) -> tuple[int, int, float]:
    """What is sorted by: rules, quantities that they ask for, cost."""
    tree, cost = costed
    return tree.leaves, tree.quantities, cost


def _shorter(tree: Tree) -> Iterator[Tree]:
    """The tree with one question less: its node a leaf that does as one of its two leaves did."""
    for node in np.flatnonzero(tree.feature != LEAF):
        ends = [int(tree.left[node]), int(tree.right[node])]
        if any(tree.feature[end] != LEAF for end in ends) or tree.leaves <= 2:
            continue
        for end in ends:
            scores = tree.scores.copy()
            scores[node] = scores[end]
            changed = Tree(tree.feature, tree.threshold, tree.left, tree.right, scores, tree.weight)
            yield changed.cut({int(node)}).simplified()
