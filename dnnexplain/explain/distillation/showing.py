"""What the results of distillation show alike, whether their trees name an action, set numbers or set switches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, lines
from dnnexplain.explain.distillation.branching import LEAF, Branching

__all__ = ["node_rows", "path_chart"]


def node_rows(tree: Branching, names: Sequence[str], verb: str, leaf: Callable[[int], str]) -> list[dict[str, Any]]:
    """One row per node: its question, or what its leaf says.

    Args:
        tree: of ``N`` nodes.
        names: of the features ``[F]``.
        verb: the column of what a leaf says: ``action``, ``to``.
        leaf: what the leaf at a node says.
    """
    rows = []
    for node, feature in enumerate(tree.feature):
        ends = feature == LEAF
        rows.append(
            {
                "node": node,
                "asks": "" if ends else names[feature],
                "at most": None if ends else float(tree.threshold[node]),
                "then": None if ends else int(tree.left[node]),
                "else": None if ends else int(tree.right[node]),
                verb: leaf(node) if ends else "",
                "share": float(tree.weight[node]),
            }
        )
    return rows


def path_chart(
    leaves: NDArray[np.int64], cost: NDArray[np.float64], teacher: tuple[str, float], cost_name: str, chosen: int
) -> Chart:
    """The cost of each size of tree on validation workloads, seed by seed, beside the teacher's.

    Args:
        leaves, cost: of each seed's trees ``[S, P]``; the cost in its own unit.
        teacher: its name and its cost on the same workloads.
        cost_name: the cost's name and unit.
        chosen: the leaves of the tree that was taken.
    """
    shown = {f"seed {seed}": pair for seed, pair in enumerate(zip(leaves, cost, strict=True))}
    return lines(shown, Axis("leaves"), Axis(cost_name), levels=[teacher], places=[("chosen", chosen)])
