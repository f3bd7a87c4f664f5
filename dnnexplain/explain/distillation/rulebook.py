"""Rules as they stand after somebody worked on them: what they came from, what was changed, what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dnnexplain.charts import Chart
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.distillation.comparison import RuleComparison
from dnnexplain.explain.distillation.export import export
from dnnexplain.explain.distillation.result import Distillation
from dnnexplain.explain.distillation.tree import LEAF, Tree
from dnnexplain.results import Question, Result

__all__ = ["Rulebook"]


@dataclass(frozen=True, eq=False)
class Rulebook(Result):
    """A distilled tree of a chosen size, with changes made by hand.

    Attributes:
        question: of the distillation.
        distillation: where the rules come from; its figures are those of *its* tree.
        size: the place in ``distillation.path_trees`` that the changes began with.
        tree: the rules as they stand.
        comparison: what they cost beside others, or ``None`` if they were not run.
    """

    question: Question
    distillation: Distillation
    size: int
    tree: Tree
    comparison: RuleComparison | None = None

    @property
    def base(self) -> Tree:
        """The tree before the changes."""
        if not 0 <= self.size < len(self.distillation.path_trees):
            msg = f"size is a place from 0 to {len(self.distillation.path_trees) - 1}, not {self.size}"
            raise DnnExplainError(msg)
        return self.distillation.path_trees[self.size]

    @property
    def changed(self) -> tuple[int, ...]:
        """The nodes whose threshold or first action differs from the distilled tree's."""
        before, after = self.base, self.tree
        moved = np.where(before.feature == LEAF, before.action != after.action, before.threshold != after.threshold)
        return tuple(int(node) for node in np.flatnonzero(moved))

    def export(self, kind: str) -> str:
        """The rules as they stand as text, Python, C, JavaScript or JSON; see :func:`export`."""
        distillation = self.distillation
        return export(self.tree, kind, distillation.features, distillation.actions, distillation.units)

    def sentence(self) -> str:
        """How large the rules are, and what was changed by hand."""
        leaves, changes = counted(self.tree.leaves, "leaf", "leaves"), counted(len(self.changed), "change")
        words = f" {self.comparison.sentence()}" if self.comparison else " They were not run as they stand."
        return f"Rules of {leaves}, with {changes} made by hand.{words}"

    def table(self) -> list[dict[str, Any]]:
        """The comparison's rows; before it was run, the distillation's."""
        return (self.comparison or self.distillation).table()

    def picture(self) -> Chart:
        """The comparison's picture; before it was run, the distillation's."""
        return (self.comparison or self.distillation).picture()
