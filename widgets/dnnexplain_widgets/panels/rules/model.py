"""Rules on the desk: where they come from, how they stand, what is known of them, undo and redo; no widget needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.distillation import Disagreement, Distillable, Distillation, Rulebook, RuleComparison, Tree
from dnnexplain_widgets.panels.rules import view as figures
from dnnexplain_widgets.panels.rules.view import RULES
from dnnexplain_widgets.panels.rules.work import EDITED, Ground

__all__ = ["Desk", "Edits", "Version"]


@dataclass(eq=False)
class Desk:
    """What a rules panel holds once there are rules.

    Attributes:
        finding: the distillation; ``ground``: work and states that the rules are tried on.
        edits: the rules as they stand, with undo and redo.
        comparison: what they cost, or ``None`` before they were run.
        apart: trees of where the network is not a rule, by the rule's name.
        view: :data:`RULES`, or the rule that the network is compared with.
        opened: the leaf and the place of the state that is in the editor, or ``None``.
        absent: values that say that something is not there; ``whole``: quantities that are whole numbers; see
            ``explain.distillation.Features``.
    """

    finding: Distillation
    ground: Ground
    edits: Edits
    comparison: RuleComparison | None = None
    apart: dict[str, Disagreement] = field(default_factory=dict)
    view: str = RULES
    opened: tuple[int, int] | None = None
    absent: Mapping[str, float] = field(default_factory=dict)
    whole: Collection[str] = ()

    @classmethod
    def of(cls, distillation: Distillation, ground: Ground, book: Rulebook | None = None) -> Desk:
        """New rules, or those of a saved book with its changes."""
        size = distillation.size if book is None else book.size
        edits = Edits(Version(size, distillation.path_trees[size]))
        if book is not None and book.changed:
            edits.edit(book.tree)
        return cls(distillation, ground, edits)

    @property
    def base(self) -> Tree:
        """The distilled tree that the present rules began with."""
        return self.finding.path_trees[self.edits.now.size]

    @property
    def book(self) -> Rulebook:
        """The rules as they stand, to be saved."""
        now = self.edits.now
        return Rulebook(self.finding.question, self.finding, now.size, now.tree, self.comparison)

    def speech(self) -> figures.Speech:
        """The tree that is shown, and its words."""
        finding = self.finding
        if self.view != RULES:
            apart = self.apart[self.view]
            leaves = figures.difference_leaves(apart, self.ground, self.view)
            return figures.Speech(
                apart.tree, finding.features, finding.units, leaves, absent=self.absent, whole=self.whole
            )
        tree, changed = self.edits.now.tree, frozenset(self.book.changed)
        leaves = figures.rule_leaves(tree, finding.actions, self.ground, changed)
        return figures.Speech(tree, finding.features, finding.units, leaves, changed, self.absent, self.whole)

    def figure(self, speech: figures.Speech) -> dict[str, Any]:
        """What the page draws."""
        editable = self.view == RULES
        rules = {"lines": figures.lines(speech), "actions": list(self.finding.actions), "editable": editable}
        drawn: dict[str, Any] = {"rules": rules}
        if not editable:
            return drawn
        drawn["sizes"] = figures.size_curves(self.finding, self.edits.now.size)
        if self.comparison is not None:
            trees = {counted(tree.leaves, "rule"): tree for tree in self.finding.path_trees}
            drawn["cells"] = figures.cost_table(self.comparison, self.ground, trees | {EDITED: self.edits.now.tree})
        return drawn

    def states(self, leaf: int, *, differ: bool = False) -> NDArray[np.int64]:
        """The visited states that end in a leaf, by their place; with ``differ`` only those decided otherwise."""
        known = self.ground.known
        tree = self.edits.now.tree if self.view == RULES else self.apart[self.view].tree
        here = tree.apply(known.features) == leaf
        if self.view == RULES:
            other = self.ground.decide(tree)
        else:
            other = self.ground.rules[self.view]
            here &= known.free
        if differ:
            here &= other != known.action
        if not here.any():
            msg = "the network met no such state in this rule"
            raise DnnExplainError(msg)
        return np.flatnonzero(here)

    def check(self, system: Distillable) -> None:
        """Whether the rules speak of what a system has."""
        features = system.features
        if self.finding.features != tuple(features.names) or self.finding.actions != tuple(features.moves):
            msg = f"these rules speak of other quantities than this {system.name} has; were they made with other sizes?"
            raise DnnExplainError(msg)


@dataclass(frozen=True, eq=False)
class Version:
    """Rules at one time: the place of their size, and the tree as it then was."""

    size: int
    tree: Tree
    edited: bool = False


@dataclass(eq=False)
class Edits:
    """The versions before and after the present one.

    Moving along the sizes is no change of its own: the slider goes back by itself. Only leaving changed
    rules is noted, so that no change by hand is ever lost.
    """

    now: Version
    past: list[Version] = field(default_factory=list)
    future: list[Version] = field(default_factory=list)

    def edit(self, tree: Tree) -> None:
        """Change the present rules."""
        self._note(Version(self.now.size, tree, edited=True))

    def resize(self, size: int, tree: Tree) -> None:
        """Go to the distilled rules of another size."""
        if self.now.edited:
            self._note(Version(size, tree))
        else:
            self.now, self.future = Version(size, tree), []

    def undo(self) -> None:
        """Back to the version before, if there is one."""
        if self.past:
            self.future.append(self.now)
            self.now = self.past.pop()

    def redo(self) -> None:
        """Forward again."""
        if self.future:
            self.past.append(self.now)
            self.now = self.future.pop()

    def _note(self, version: Version) -> None:
        self.past.append(self.now)
        self.now, self.future = version, []
