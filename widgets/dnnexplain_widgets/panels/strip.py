"""The decision in one slim line, which stays in sight when its own panel is scrolled away."""

from __future__ import annotations

from dnnexplain_widgets.panels.base import Panel

__all__ = ["StripPanel"]


class StripPanel(Panel):
    """What does it do here, in short?"""

    QUESTION = "What does it do here, in short?"
    PARTS = ({"part": "strip"},)
    WANTS = ("decision",)
    COPYABLE = False

    def has_answer(self) -> bool:
        """It follows the page; nothing in it can be old."""
        return False
