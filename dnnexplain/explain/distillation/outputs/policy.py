"""Trees over outputs as a policy of the contract, so that they can be run, attacked and compared like a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.outputs.trees import OutputTrees
from dnnexplain.explain.distillation.world import Features

__all__ = ["OutputPolicy"]


class OutputPolicy:
    """Sets numbers or switches by trees over domain features.

    Args:
        trees: the rules.
        features: what they speak of.
        name: for tables.
    """

    masked = True

    def __init__(self, trees: OutputTrees, features: Features, name: str = "tree") -> None:
        self.trees = trees
        self.features = features
        self.name = name

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The numbers, or each switch's log-odds of being on ``[B, A]``."""
        return self.trees.outputs(np.asarray(self.features(observations), dtype=np.float64))
