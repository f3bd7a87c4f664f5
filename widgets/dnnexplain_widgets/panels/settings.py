"""Numbers or switches that a network sets: how they are now, and one of them as a live curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import Box, Decision, Discrete, DnnExplainError, SweepAxis, SweepView
from dnnexplain.explain.decisions.sweep_map import sweep_line
from dnnexplain.explain.decisions.sweeps import knob_index
from dnnexplain.registry import spec_of
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.views import views_of_kind
from dnnexplain_widgets.words import label

__all__ = ["SettingsPanel"]


class SettingsPanel(Panel):
    """What does the network set here, and how would that change along one quantity?"""

    QUESTION = "What does it set here?"
    PARTS = ({"part": "probabilities"}, {"part": "live-curve"})
    SAYS = "decision"
    WANTS = ("decision",)

    def setup(self) -> None:
        """Controls: along which quantity, of which output, beside which rule."""
        system = self.session.system
        if isinstance(system.output, Discrete):
            msg = f"{system.name} chooses one action; a DecisionPanel shows it"
            raise DnnExplainError(msg)
        lines = [axis.knobs[0] for view in views_of_kind(system, SweepView) for axis in (view.down, view.across)]
        self.knobs = list(dict.fromkeys([*lines, *(knob.name for knob in system.knobs)]))
        rules = system.rules()
        first = next((name for name in spec_of(system).baselines if name in rules), next(iter(rules), ""))
        self.answers = {"along": self.knobs[0], "output": "", "rule": first}
        self.controls = self._controls(list(rules))
        self.session.observe(self._follow, "live")
        self._follow()

    @property
    def result(self) -> Decision | None:
        """What the network does in the present state."""
        return self.session.live.decision

    def code_lines(self) -> tuple[str, ...]:
        """The decision by itself."""
        return ("from dnnexplain.explain import decide", "decision = decide(system, policy, state)")

    def on_answer(self, name: str, value: Any) -> None:
        """Another curve."""
        del name, value
        self._follow()

    def _controls(self, rules: list[str]) -> list[dict[str, Any]]:
        space = self.session.system.output
        controls: list[dict[str, Any]] = [
            {
                "kind": "select",
                "name": "along",
                "label": "Curve along",
                "options": [[knob, knob] for knob in self.knobs],
            }
        ]
        if len(space.names) > 1:
            all_of_them = [] if isinstance(space, Box) else [["", "how many are on"]]
            options = [*all_of_them, *([name, name] for name in space.names)]
            controls.append({"kind": "select", "name": "output", "label": "Of", "options": options})
        beside = [[rule, label(rule)] for rule in rules]
        return [*controls, {"kind": "select", "name": "rule", "label": "Beside", "options": beside}]

    def _follow(self, _change: object = None) -> None:
        """Some forty states, a millisecond or two, so that the curve follows every step."""
        if self.session.live.decision is not None:
            self.guarded(self._draw)

    def _draw(self) -> None:
        session, space = self.session, self.session.system.output
        along, output = str(self.answers["along"]), str(self.answers["output"])
        axis = SweepAxis(along, (along,))
        rule = session.system.rules().get(str(self.answers["rule"]))
        lines = []
        for policy in filter(None, (session.policy, rule)):
            line = sweep_line(session.system, policy, axis, session.state, output=output)
            lines.append({"name": label(policy.name), "points": np.stack(line).astype(np.float32).tobytes()})
        numbers = isinstance(space, Box)
        knob = knob_index(session.system, along)
        low, high = space.bounds if isinstance(space, Box) else (0.0, 1.0 if output else float(len(space.names)))
        self.figure = {
            "curve": {
                "knob": knob,
                "along": along,
                "unit": session.system.knobs[knob].unit,
                "name": output or (space.names[0] if numbers else "switches on"),
                "lines": lines,
                "low": _finite(low),
                "high": _finite(high),
            }
        }


def _finite(bound: Any) -> float | None:
    value = float(np.ravel(bound)[0])
    return value if np.isfinite(value) else None
