"""The hidden neurons: who is on, and which length switches the chosen one."""

from __future__ import annotations

from typing import Any

from dnnexplain.explain.sweeps import kinds
from dnnexplain.explain.thresholds import Curves
from dnnexplain_widgets.panels.base import Panel

__all__ = ["NeuronsPanel"]


class NeuronsPanel(Panel):
    """Which neurons are on, and what switches the chosen one?"""

    QUESTION = "What switches its neurons?"
    PARTS = ({"part": "units"}, {"part": "curves"})
    SAYS = "neurons"
    WANTS = ("neurons",)

    def setup(self) -> None:
        """Controls for the layer (if there are several) and for what the curves run over."""
        self.session.observe(self._show_choices, ["policy", "ask"])
        self._show_choices()

    @property
    def result(self) -> Curves | None:
        """The activation curves of all neurons in the present state."""
        return self.session.live.curves

    def code_lines(self) -> tuple[str, ...]:
        """The curves by themselves."""
        knobs = list(self.result.knobs) if self.result is not None else []
        layer = f", layer={self.session.ask.layer!r}" if self.session.ask.layer else ""
        return (
            "from dnnexplain.explain.thresholds import curves",
            f"found = curves(system, policy, {knobs!r}, state=state{layer})",
            f"neuron = {self.session.unit}",
        )

    def on_answer(self, name: str, value: Any) -> None:
        """A neuron, a layer or a kind of knob was chosen."""
        if name == "unit":
            self.session.unit = int(value)
        else:
            self.session.question(**{name: value})

    def _show_choices(self, _change: object = None) -> None:
        session = self.session
        shared = tuple(kinds(session.system)) or tuple(knob.name for knob in session.system.knobs[:12])
        layers = session.layers
        controls = []
        if len(layers) > 1:
            options = [[name, name] for name in layers]
            controls.append({"kind": "select", "name": "layer", "label": "Layer", "options": options})
        controls.append(
            {"kind": "select", "name": "sweep", "label": "Curves over", "options": [[n, n] for n in shared]}
        )
        self.controls = controls
        self.answers = {"layer": session.ask.layer or (layers[0] if layers else ""), "sweep": session.ask.sweep}
