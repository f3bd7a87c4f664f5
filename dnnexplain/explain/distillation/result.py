"""What distillation returns: the tree, how closely it follows the network, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import cost_unit
from dnnexplain.explain.distillation.tree import LEAF, Tree
from dnnexplain.numbers import gap, interval, number, percent
from dnnexplain.results import Question, Result, array_field, plain_field

__all__ = ["Distillation", "in_words"]


@dataclass(frozen=True, eq=False)
class Distillation(Result):
    """A decision tree that stands in for a policy; every figure is on workloads that no choice was made on.

    Attributes:
        question: policy, seed and settings.
        tree: the chosen tree.
        features, units: what it asks about; ``actions``: the moves that it decides among.
        leaves, depth: of the tree.
        fidelity: share of the states visited by the network in which the tree does the same, with its
            95% interval (NaN where there is none; see :mod:`dnnexplain.intervals`).
        fidelity_free: the same over states where more than one action is valid.
        fidelity_own: the same over the states that the tree itself visits.
        macro_f1: mean over actions of F1, on the network's states.
        slowdown: the tree's mean cost per workload, whatever ``cost_name`` says that is.
        teacher_slowdown: the network's, on the same workloads.
        relative: the first over the second, minus 1, workload by workload; where the cost is no ratio scale, the
            first less the second.
        ratio: whether ``relative`` is a ratio.
        absent: what quantities are where what they are of is absent.
        agreement: how often trees from two seeds decide alike, mean over pairs and visited states.
        decisions: states learned from; ``unseen``: workloads of the figures; ``unseen_states``: states.
        cpu_seconds: computing time of all of this, of this process.
        sizes: most leaves allowed, along the path of cost-complexity pruning.
        path_leaves, path_fidelity, path_slowdown: per seed and size, on validation workloads.
        path_teacher: the network's mean cost on the same validation workloads.
        path_trees: the chosen seed's tree for each size.
        chosen: the seed whose tree was chosen, by return, as an index.
        words: a sentence.
    """

    question: Question
    tree: Tree
    features: tuple[str, ...]
    actions: tuple[str, ...]
    leaves: int
    depth: int
    fidelity: float
    fidelity_low: float
    fidelity_high: float
    fidelity_free: float
    fidelity_own: float
    macro_f1: float
    slowdown: float
    slowdown_low: float
    slowdown_high: float
    teacher_slowdown: float
    teacher_slowdown_low: float
    teacher_slowdown_high: float
    relative: float
    relative_low: float
    relative_high: float
    agreement: float
    decisions: int
    unseen: int
    unseen_states: int
    cost_name: str
    path_trees: tuple[Tree, ...]
    path_teacher: float
    chosen: int
    words: str
    sizes: NDArray[np.int64] = array_field("size", unit="leaves")
    path_leaves: NDArray[np.int64] = array_field("seed", "size", unit="leaves")
    path_fidelity: NDArray[np.float64] = array_field("seed", "size")
    path_slowdown: NDArray[np.float64] = array_field("seed", "size")
    units: dict[str, str] = plain_field(default_factory=dict)
    cpu_seconds: float = field(default=0.0, compare=False)
    ratio: bool = True
    absent: dict[str, float] = plain_field(default_factory=dict)

    def sentence(self) -> str:
        """What was found."""
        return self.words

    def text(self) -> str:
        """The rules as indented text."""
        return self.tree.to_words(self.features, self.actions, self.units, self.absent)

    @property
    def size(self) -> int:
        """The place of the chosen tree in :attr:`path_trees`."""
        return next(place for place, tree in enumerate(self.path_trees) if tree.leaves == self.tree.leaves)

    def at_most(self, leaves: int) -> Tree:
        """The tree of the path for the largest size that is at most ``leaves``."""
        fitting = np.flatnonzero(self.sizes <= max(leaves, int(self.sizes[0])))
        return self.path_trees[int(fitting[-1])]

    def table(self) -> list[dict[str, Any]]:
        """One row per node: its question or its action."""
        tree, rows = self.tree, []
        for node in range(len(tree.feature)):
            leaf = tree.feature[node] == LEAF
            rows.append(
                {
                    "node": node,
                    "asks": "" if leaf else self.features[tree.feature[node]],
                    "at most": None if leaf else float(tree.threshold[node]),
                    "then": None if leaf else int(tree.left[node]),
                    "else": None if leaf else int(tree.right[node]),
                    "action": self.actions[tree.action[node]] if leaf else "",
                    "share": float(tree.weight[node]),
                }
            )
        return rows


def in_words(teacher: str, tree: Tree, figures: dict[str, Any], cost_name: str) -> str:
    """How closely a tree follows its teacher and what its episodes cost, from the figures by name."""
    rules = "1 rule decides" if tree.leaves == 1 else f"{tree.leaves} rules decide"
    return (
        f"{rules} as {teacher} does in {percent(figures['fidelity'])} of the states it meets "
        f"({percent(figures['fidelity_free'])} where there is a choice); {cost_name} {number(figures['slowdown'])} against "
        f"{number(figures['teacher_slowdown'])}, {_against(figures, cost_name)}, on {figures['unseen']} unseen workloads."
    )


def _against(figures: dict[str, Any], cost_name: str) -> str:
    """By how much the rules cost more or less, with the interval."""
    more, ratio = figures["relative"], figures["ratio"]
    size = gap(abs(more), ratio=ratio, unit=cost_unit(cost_name)).removeprefix("+")
    told = "the same" if size == "0%" or not more else f"{size} {'higher' if more > 0 else 'lower'}"
    return f"{told} ({interval(figures['relative_low'], figures['relative_high'], ratio=ratio)})"
