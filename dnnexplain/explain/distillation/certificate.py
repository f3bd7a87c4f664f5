"""Whether rules that were written as a program decide as the tree they were written from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.proofs.certificate import Certificate, Claim, certify

__all__ = ["certify_python", "probing_rows"]

_DRAWN = 2_000


def certify_python(text: str, tree: Tree) -> Certificate:
    """Run an exported Python program beside its tree, on rows at and around every threshold and on random ones.

    Args:
        text: what :func:`~dnnexplain.explain.distillation.export.export` wrote.
        tree: what it was written from.
    """
    program: dict[str, Any] = {}
    exec(compile(text, "<exported rules>", "exec"), program)  # noqa: S102 - our own text, just written
    decide: Callable[[Any], int] = program["decide"]
    rows = probing_rows(tree)
    return certify(
        Claim("the exported program decides as the tree"),
        lambda given: tree.action[tree.apply(given)],
        lambda given: np.array([decide(row) for row in given.tolist()]),
        rows,
        tolerance=0.0,
        quantifies="any features",
    )


def probing_rows(tree: Tree, seed: int = 0) -> NDArray[np.float64]:
    """Features ``[n, F]`` that reach every leaf in many ways: thresholds, the next numbers on both sides, far values."""
    random = np.random.default_rng(seed)
    rows = np.zeros((_DRAWN, int(max(tree.feature.max(), 0)) + 1))
    for feature in range(rows.shape[1]):
        edges = tree.threshold[tree.feature == feature]
        edges = edges if len(edges) else np.zeros(1)
        values = np.concatenate(
            [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), edges - 1, edges + 1]
        )
        rows[:, feature] = random.choice(values, size=_DRAWN)
    return rows
