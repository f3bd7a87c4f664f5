"""The tabs of a page: which section is open."""

from __future__ import annotations

from typing import Any

import traitlets as t

from dnnexplain.contract import Choice
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.sections import Section

__all__ = ["Contents"]


class Contents(Panel):
    """Tabs that open the sections of a page.

    Args:
        sections: in the order of their tabs.
    """

    PARTS = ({"part": "tabs"},)
    OPTIONS = ("sections",)
    COPYABLE = False

    section = t.Unicode(help="The key of the section that is open.")

    def setup(self) -> None:
        """One tab for each section."""
        sections: list[Section] = self.options.get("sections", [])
        self.known = tuple(part.key for part in sections)
        self.figure = {"tabs": [[part.key, part.label] for part in sections]}
        self.observe(lambda _change: self.set_answers(section=self.section), "section")

    def on_answer(self, name: str, value: Any) -> None:
        """A tab was chosen."""
        if name != "section" or value not in self.known:
            raise Choice(name, value, self.known).error()
        self.section = value
