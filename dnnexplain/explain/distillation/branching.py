"""What reading, cutting and telling a tree ask of it: nodes as arrays."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAF", "Branching"]

LEAF = -1
"""The feature and the children of a node that asks nothing."""


class Branching(Protocol):
    """A binary tree of ``N`` nodes, node 0 the root; see :class:`~dnnexplain.explain.distillation.tree.Tree`."""

    @property
    def feature(self) -> NDArray[np.int64]:
        """What a node asks about ``[N]``, :data:`LEAF` in a leaf."""

    @property
    def threshold(self) -> NDArray[np.float64]:
        """A state goes left where the feature is at most this ``[N]``."""

    @property
    def left(self) -> NDArray[np.int64]:
        """The child for yes ``[N]``."""

    @property
    def right(self) -> NDArray[np.int64]:
        """The child for no ``[N]``."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """Of each action ``[N, A]``."""

    @property
    def weight(self) -> NDArray[np.float64]:
        """The share of what was learned from that reached a node ``[N]``."""

    @property
    def action(self) -> NDArray[np.int64]:
        """The first choice of a node ``[N]``."""
