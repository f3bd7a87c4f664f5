"""The state editor: the picture with its handles, histories as lines, a slider for every knob, presets, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, Pictured, SeriesView, State
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.views import series_data, views_of_kind

__all__ = ["StateEditor"]

Preset = State | Callable[[], State]


class StateEditor(Panel):
    """What does the network see? Drag a rectangle's edge, or use the sliders.

    Args:
        presets: states by name to start from; a function is called each time it is chosen.
    """

    QUESTION = "What does the network see?"
    SAYS = "state"
    OPTIONS = ("presets",)

    def setup(self) -> None:
        """Controls for presets and history; picture and rows of numbers only for systems that have them."""
        self._start = self.session.state
        given: Mapping[str, Preset] = self.options.get("presets") or {}
        self.presets: dict[str, Preset] = {"Where it started": self._start, **given}
        series = views_of_kind(self.session.system, SeriesView)
        rows = [{"part": "series", "series": series_data(view, self.session.system)} for view in series]
        parts: list[dict[str, Any]] = [*rows, {"part": "knobs"}]
        if any(line.chances for view in series for line in view.lines):
            self.session.want("decision")
        if isinstance(self.session.system, Pictured):
            parts.insert(0, {"part": "picture", "overlay": False})
        self.parts = parts
        self.session.observe(self._show_history, "state")
        self._show_history()

    @property
    def result(self) -> State:
        """The present state."""
        return self.session.state

    def load(self, name: str) -> None:
        """Start from a preset by its name."""
        if name not in self.presets:
            raise Choice("preset", name, tuple(self.presets)).error()
        preset = self.presets[name]
        self.session.state = preset if isinstance(preset, State) else preset()

    def empty(self) -> None:
        """Every knob at its lowest, nothing in the background."""
        low = np.array([knob.low for knob in self.session.system.knobs])
        self.session.state = State(self.session.system.repair(low[None])[0])

    def on_answer(self, name: str, value: Any) -> None:
        """A preset was chosen."""
        if name == "preset" and value:
            self.load(value)
            self.set_answers(preset="")

    def on_press(self, name: str) -> None:
        """Undo, redo, empty."""
        {"undo": self.session.undo, "redo": self.session.redo, "empty": self.empty}[name]()
        self._show_history()

    def _show_history(self, _change: object = None) -> None:
        history = self.session.history
        options = [["", "Choose…"], *([name, name] for name in self.presets)]
        self.controls = [
            {"kind": "select", "name": "preset", "label": "Start from", "options": options},
            {"kind": "button", "name": "undo", "label": "Undo", "disabled": not history.past},
            {"kind": "button", "name": "redo", "label": "Redo", "disabled": not history.future},
            {
                "kind": "button",
                "name": "empty",
                "label": "Empty",
                "hint": "Every knob at its lowest, nothing in the background.",
            },
        ]
