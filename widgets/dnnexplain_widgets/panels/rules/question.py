"""Whom rules are learned from: the session's own system and state, or what a subclass makes of them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dnnexplain.contract import State, System
from dnnexplain_widgets.panels.base import Panel

__all__ = ["AskedPanel"]


class AskedPanel(Panel):
    """A panel about a world that need not be the session's system, see :class:`PartRulesPanel`."""

    def world(self) -> System:
        """The world whose states the rules speak of."""
        return self.session.system

    def seen(self) -> NDArray[Any]:
        """The present state as that world shows it ``[1, *observation_shape]``."""
        return self.session.live.observation[None]

    def open_found(self, state: State, name: str) -> None:
        """Load one of that world's states into the session."""
        self.session.open_in_editor(state, name)
