"""Where the traffic goes: a network and its optimum side by side, live while demands are dragged."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Flowing
from dnnexplain.explain.decisions.flows import FlowComparison, compare_flows
from dnnexplain.numbers import percent
from dnnexplain_widgets.panels.graph import GraphPanel
from dnnexplain_widgets.views import flow_graph
from dnnexplain_widgets.words import number

__all__ = ["TopologyPanel", "picture_of", "times"]


class TopologyPanel(GraphPanel):
    """Where does the traffic go? Links coloured by how full they are; drag a demand, or scale all of them.

    It is also the editor of its states: traffic matrices to start from, undo and redo.

    Args:
        presets: states by name to start from; a function is called each time it is chosen.
    """

    QUESTION = "Where does the traffic go?"
    SAYS = "flows"

    finding: FlowComparison | None = None

    def graph(self) -> dict[str, Any]:
        """The topology, its pairs and their paths."""
        system = self.session.system
        if not isinstance(system, Flowing):
            msg = f"{system.name} sends nothing over a graph; a TopologyPanel needs dnnexplain.contract.Flowing"
            raise DnnExplainError(msg)
        return flow_graph(system.graph)

    def below(self) -> list[dict[str, Any]]:
        """Nothing: demands are dragged pair by pair."""
        return []

    @property
    def result(self) -> FlowComparison | None:  # type: ignore[override] # of an editor, what it shows is the answer
        """The present state's routing and its optimum."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The comparison by itself."""
        return (
            "from dnnexplain.explain.decisions.flows import compare_flows",
            "found = compare_flows(system, policy, state)",
            "print(found.sentence())",
        )

    def picture(self) -> tuple[dict[str, Any], str]:
        """The optimum takes about a millisecond."""
        live, session = self.session.live, self.session
        self.finding = compare_flows(session.system, session.policy, live.state, live.decision)
        words = [self.finding.sentence(), session.system.describe(live.state), self._note()]
        return picture_of(self.finding), " ".join(words).strip()

    def _note(self) -> str:
        system = self.session.system
        assert isinstance(system, Flowing)
        note = system.graph.note
        return f"{note[:1].upper()}{note[1:].rstrip('.')}." if note else ""


def picture_of(comparison: FlowComparison) -> dict[str, Any]:
    """A comparison as widgets/page/src/parts/graph.js draws it."""
    return {
        "names": ["Network", "Optimum"],
        "headlines": [f"busiest link {percent(cost)} full" for cost in (comparison.cost, comparison.optimum)],
        "verdict": f"{times(comparison.ratio)} times the optimum" if comparison.cost > 0 else "No traffic",
        "level": np.stack([comparison.used, comparison.best_used]).astype(np.float32).tobytes(),
        "words": None,
        "on": None,
        "marks": comparison.marks.astype(np.int8).tobytes(),
        "shares": np.stack([comparison.shares, comparison.best_shares]).astype(np.float32).tobytes(),
    }


def times(ratio: float) -> str:
    """A ratio with three significant digits, trailing zeros kept: ``1.00``, ``3.47``, ``12.6``."""
    return f"{ratio:.2f}" if ratio < 10 else number(ratio)
