"""What distillation returns: the tree, how closely it follows the network, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Chart
from dnnexplain.contract import cost_unit
from dnnexplain.explain.distillation.choosing import begun, measured_on
from dnnexplain.explain.distillation.showing import node_rows, path_chart
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.numbers import as_told, gap, interval, number, percent, span_as_told
from dnnexplain.results import Question, Result, array_field, plain_field

__all__ = ["FORMER", "Distillation", "against", "in_words"]

FORMER = "slowdown"
"""What costs were called in the names of fields, and are in JSON beside their names of now for one release."""


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
        single: the best single sentence: the move that says most decisions if it is made always.
        single_fidelity, single_free: its shares, as ``fidelity`` and ``fidelity_free``; NaN in older files.
        fidelity_own: the same over the states that the tree itself visits.
        macro_f1: mean over actions of F1, on the network's states.
        cost: the tree's mean cost per workload, whatever ``cost_name`` says that is.
        teacher_cost: the network's, on the same workloads.
        relative: the first over the second, minus 1, workload by workload; where the cost is no ratio scale, the
            first less the second.
        ratio: whether ``relative`` is a ratio.
        absent: what quantities are where what they are of is absent; ``whole``: those that are whole numbers.
        agreement: how often trees from two seeds decide alike, mean over pairs and visited states.
        decisions: states learned from; ``unseen``: workloads of the figures; ``unseen_states``: states.
        cpu_seconds: computing time of all of this, of this process.
        sizes: most leaves allowed, along the path of cost-complexity pruning.
        path_leaves, path_fidelity, path_cost: per seed and size, on validation workloads.
        path_teacher: the network's mean cost on the same validation workloads.
        path_trees: the chosen seed's tree for each size.
        chosen: the seed whose tree was chosen, by return, as an index.
        words: a sentence.
        stopped: ``""``; ``"interrupted"`` if the search was ended before all trees were grown; ``"running"`` in what is
            kept while it goes on, whose figures are on the workloads by which trees are chosen.
        alike: after polishing, the trees that cost as good as the same on validation workloads, easiest to read first.
        alike_cost: what they cost there, on average.
    """

    VERSION: ClassVar[int] = 2

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
    cost: float
    cost_low: float
    cost_high: float
    teacher_cost: float
    teacher_cost_low: float
    teacher_cost_high: float
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
    path_cost: NDArray[np.float64] = array_field("seed", "size")
    units: dict[str, str] = plain_field(default_factory=dict)
    cpu_seconds: float = field(default=0.0, compare=False)
    ratio: bool = True
    absent: dict[str, float] = plain_field(default_factory=dict)
    whole: list[str] = plain_field(default_factory=list)
    stopped: str = ""
    single: str = ""
    single_fidelity: float = math.nan
    single_free: float = math.nan
    alike: tuple[Tree, ...] = ()
    alike_cost: tuple[float, ...] = ()

    def __getattr__(self, name: str) -> Any:
        """A field by its name of before, when the only system had that cost. Deprecated."""
        now = name.replace(FORMER, "cost")
        if name == now or now not in self.__dict__:
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(msg)
        warn(f"Distillation.{name} is deprecated; write {now}", DeprecationWarning, stacklevel=2)
        return self.__dict__[now]

    @classmethod
    def migrated(cls, data: dict[str, Any], version: int) -> dict[str, Any] | None:
        """Version 1 had another word for the cost in the names of its fields."""
        return {name.replace(FORMER, "cost"): datum for name, datum in data.items()} if version == 1 else None

    def sentence(self) -> str:
        """What was found."""
        return self.words

    def text(self) -> str:
        """The rules as indented text."""
        return self.text_of(self.tree)

    def text_of(self, tree: Tree) -> str:
        """Another tree over the same quantities, as :meth:`text`."""
        return tree.to_words(self.features, self.actions, self.units, self.absent, self.whole)

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
        tree = self.tree
        return node_rows(tree, self.features, "action", lambda node: self.actions[tree.action[node]])

    def picture(self) -> Chart:
        """The cost of each size of tree on validation workloads, seed by seed, beside the network's."""
        teacher = (self.question.policy or "the network", self.path_teacher)
        return path_chart(self.path_leaves, self.path_cost, teacher, self.cost_name, self.leaves)


def in_words(teacher: str, tree: Tree, figures: dict[str, Any], cost_name: str, stopped: str = "") -> str:
    """How closely a tree follows its teacher and what its episodes cost, from the figures by name.

    Args:
        teacher, tree, cost_name: whom it follows, the tree, and what costs are called.
        figures: by the names of :class:`Distillation`.
        stopped: as of :class:`Distillation`.
    """
    called, (cost, teacher_cost) = as_told(cost_name, figures["cost"], figures["teacher_cost"])
    rules = "1 rule decides" if tree.leaves == 1 else f"{tree.leaves} rules decide"
    return (
        f"{begun(stopped)}{rules} as {teacher} does in {percent(figures['fidelity'])} of the states it meets "
        f"({percent(figures['fidelity_free'])} where there is a choice{_beside(figures)}); {called} {number(cost)} against "
        f"{number(teacher_cost)}, {against(figures, cost_name)}, {measured_on(stopped, figures['unseen'])}."
    )


def _beside(figures: dict[str, Any]) -> str:
    """The best single sentence's share, where it is known."""
    if not figures.get("single"):
        return ""
    return f', where "{figures["single"]}" alone says {percent(figures["single_free"])}'


def against(figures: dict[str, Any], cost_name: str) -> str:
    """By how much the rules cost more or less, with the interval."""
    ratio = figures["ratio"]
    more, low, high = figures["relative"], figures["relative_low"], figures["relative_high"]
    if not ratio:
        more, low, high = span_as_told(cost_name, more, low, high)
    size = gap(abs(more), ratio=ratio, unit=cost_unit(cost_name)).removeprefix("+")
    words = "the same" if size == "0%" or not more else f"{size} {'higher' if more > 0 else 'lower'}"
    return f"{words} ({interval(low, high, ratio=ratio)})"
