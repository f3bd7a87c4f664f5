"""Undo and redo of changes to rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from dnnexplain.explain.distillation import Tree

__all__ = ["Edits", "Version"]


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
