"""The map: which pixels moved the decision, and the sums by knob group."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import NetworkPolicy, Pictured
from dnnexplain.explain.attribution.methods import METHODS, Measure, Method
from dnnexplain.explain.attribution.one_state import Attribution
from dnnexplain.explain.attribution.targets import menu
from dnnexplain_widgets.menus import menu_of, why_not
from dnnexplain_widgets.panels.base import Panel

__all__ = ["SaliencyPanel"]


class SaliencyPanel(Panel):
    """What moved this decision? Orange speaks for the target, blue against it.

    Args:
        methods: names of the methods on offer; all light ones that give a map if not given.
    """

    QUESTION = "What moved this decision?"
    SAYS = "saliency"
    WANTS = ("decision", "saliency")
    OPTIONS = ("methods",)

    def setup(self) -> None:
        """Controls for target, method and baseline; the picture only for systems that have one."""
        light = [name for name, method in METHODS.items() if not (method.heavy or method.neuron or method.units)]
        self.methods = tuple(self.options.get("methods") or light)
        parts: list[dict[str, Any]] = [{"part": "groups"}]
        if isinstance(self.session.system, Pictured):
            parts.append({"part": "picture", "overlay": True})
        self.parts = parts
        self.session.observe(self._show_choices, "live")
        self._show_choices()

    @property
    def result(self) -> Attribution | None:
        """The map of the present state."""
        return self.session.live.attribution

    def code_lines(self) -> tuple[str, ...]:
        """The map by itself."""
        ask = self.session.ask
        given = f"method={ask.method!r}, target={ask.target!r}, baseline={ask.baseline!r}"
        return ("from dnnexplain.explain import attribute", f"map = attribute(system, policy, state, {given})")

    def on_answer(self, name: str, value: Any) -> None:
        """Target, method or baseline was chosen."""
        self.session.question(**{name: value})

    def _show_choices(self, _change: object = None) -> None:
        """The targets depend on the decision: "why A and not B" names them."""
        session = self.session
        live = session.live
        if live.decision is None or not isinstance(session.policy, NetworkPolicy):
            self.controls = []
            return
        default, *others = menu(session.system, live.decision)
        first = "default"
        targets = [[first, why_not(session.system, live.decision, default)]]
        targets += [[name, name] for name in others]
        if session.ask.target != first and session.ask.target not in others:
            targets.append([session.ask.target, session.ask.target])
        controls = [
            {"kind": "select", "name": "target", "label": "Explain", "options": targets},
            {
                "kind": "select",
                "name": "method",
                "label": "by",
                "options": [[n, _title(METHODS[n])] for n in self.methods],
            },
        ]
        if METHODS[session.ask.method].measure is Measure.SHARE:
            first, *names = session.system.baselines(session.state)
            controls.append(menu_of("baseline", "counted from", names, [("default", f"{first} (default)")]))
        self.controls = controls
        self.answers = {"target": session.ask.target, "method": session.ask.method, "baseline": session.ask.baseline}


def _title(method: Method) -> str:
    """A method's name; one whose numbers are slopes, which add up to nothing, says so."""
    return f"{method.title} (slopes)" if method.measure is Measure.SLOPE else method.title
