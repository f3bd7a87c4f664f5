"""Where the traffic goes: a network and its optimum side by side, live while demands are dragged."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Flowing, Graph
from dnnexplain.explain.decisions.flows import FlowComparison, compare_flows
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.words import number, told

__all__ = ["TopologyPanel", "graph_spec", "picture_of", "times"]


class TopologyPanel(StateEditor):
    """Where does the traffic go? Links coloured by how full they are; drag a demand, or scale all of them.

    It is also the editor of its states: traffic matrices to start from, undo and redo.

    Args:
        presets: states by name to start from; a function is called each time it is chosen.
    """

    QUESTION = "Where does the traffic go?"
    SAYS = "flows"
    WANTS = ("decision",)

    def setup(self) -> None:
        """The two pictures, the sliders for demands, presets and history."""
        system = self.session.system
        if not isinstance(system, Flowing):
            msg = f"{system.name} sends nothing over a graph; a TopologyPanel needs dnnexplain.contract.Flowing"
            raise DnnExplainError(msg)
        super().setup()
        self.found: FlowComparison | None = None
        self.parts = [{"part": "topology", "graph": graph_spec(system.graph), "edit": True}]
        self.session.observe(self._show_flows, "live")
        self._show_flows()

    @property
    def result(self) -> FlowComparison | None:  # type: ignore[override] # of an editor, what it shows is the answer
        """The present state's routing and its optimum."""
        return self.found

    def code_lines(self) -> tuple[str, ...]:
        """The comparison by itself."""
        return (
            "from dnnexplain.explain.decisions.flows import compare_flows",
            "found = compare_flows(system, policy, state)",
            "print(found.sentence())",
        )

    def _show_flows(self, _change: object = None) -> None:
        """The optimum takes about a millisecond, so it follows every step."""
        live, session = self.session.live, self.session
        if live.decision is None:
            self.error = live.failures.get("decision", "")
            return
        try:
            self.found = compare_flows(session.system, session.policy, live.state, live.decision)
        except DnnExplainError as error:
            self.error = told(error)
            return
        self.error = ""
        self.figure = {"flows": picture_of(self.found)}
        self.sentence = " ".join([self.found.sentence(), session.system.describe(live.state), self._note()]).strip()

    def _note(self) -> str:
        system = self.session.system
        assert isinstance(system, Flowing)
        note = system.graph.note
        return f"{note[:1].upper()}{note[1:].rstrip('.')}." if note else ""


def graph_spec(graph: Graph) -> dict[str, Any]:
    """A graph as the page's topology part takes it, once."""
    return {
        "nodes": list(graph.nodes),
        "places": np.round(graph.places, 5).tolist(),
        "links": [list(link) for link in graph.links],
        "capacity": graph.capacity.tolist(),
        "pairs": [list(pair) for pair in graph.pairs],
        "knobs": graph.knobs.tolist(),
        "earlier": graph.earlier.tolist(),
        "pathPair": graph.path_pair.tolist(),
        "pathLinks": [list(links) for links in graph.path_links],
        "unit": graph.unit,
    }


def picture_of(found: FlowComparison) -> dict[str, Any]:
    """A comparison as the page's topology part draws it."""
    return {
        "names": ["Network", "Optimum"],
        "cost": [found.cost, found.optimum],
        "ratio": found.ratio,
        "words": f"{times(found.ratio)} times the optimum" if found.cost > 0 else "No traffic",
        "used": np.stack([found.used, found.best_used]).astype(np.float32).tobytes(),
        "marks": found.marks.astype(np.int8).tobytes(),
        "shares": np.stack([found.shares, found.best_shares]).astype(np.float32).tobytes(),
    }


def times(ratio: float) -> str:
    """A ratio with three significant digits, trailing zeros kept: ``1.00``, ``3.47``, ``12.6``."""
    return f"{ratio:.2f}" if ratio < 10 else number(ratio)
