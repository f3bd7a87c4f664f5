"""A system as a graph: what the network does beside the optimum or a rule, live while nodes and amounts are dragged."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError, GraphView
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.views import graph_data, graph_picture, views_of_kind

__all__ = ["GraphPanel"]


class GraphPanel(StateEditor):
    """What does the network do, drawn as a graph? Drag nodes and amounts, click switches.

    It is also the editor of its states, with presets, undo and redo; the system says as data what is drawn
    (``contract.GraphView``).

    Args:
        presets: states by name to start from; a function is called each time it is chosen.
    """

    QUESTION = "What does the network do here?"
    SAYS = "graph"
    WANTS = ("decision",)

    def setup(self) -> None:
        """The graph once for each side, sliders, presets and history."""
        super().setup()
        self.parts = [{"part": "graph", "graph": self.graph(), "edit": True}, *self.below()]
        self.session.observe(self._show_graph, "live")
        self._show_graph()

    def graph(self) -> dict[str, Any]:
        """What the page must know of the graph.

        Raises:
            DnnExplainError: the system has no such view.
        """
        views = views_of_kind(self.session.system, GraphView)
        if not views:
            msg = f"{self.session.system.name} is not drawn as a graph; give it a dnnexplain.contract.GraphView among its views"
            raise DnnExplainError(msg)
        self.view = views[0]
        self.question = self.view.title
        return graph_data(self.view, self.session.system)

    def below(self) -> list[dict[str, Any]]:
        """What stands below the graph: sliders for all knobs."""
        return [part for part in self.parts if part["part"] != "picture"]

    def picture(self) -> tuple[dict[str, Any], str]:
        """What is drawn of the present state, and a sentence."""
        live = self.session.live
        assert live.decision is not None
        sides = self.view.show(live.state, live.decision)
        verdict = self.view.tell(sides)
        return graph_picture(sides, verdict), self.session.system.describe(live.state)

    def _show_graph(self, _change: object = None) -> None:
        """It takes some milliseconds, so it follows every step."""
        live = self.session.live
        if live.decision is None:
            self.error = live.failures.get("decision", "")
            return
        self.error = ""
        self.guarded(self._draw)

    def _draw(self) -> None:
        drawn, sentence = self.picture()
        self.figure, self.sentence = {"graph": drawn}, sentence
