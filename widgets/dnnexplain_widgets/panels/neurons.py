"""The hidden neurons: who is on, and which length switches the chosen one."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import Flowing, System
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.explain.probing.thresholds import Curves
from dnnexplain_widgets.menus import menu_of
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.session import telling_unit

__all__ = ["NeuronsPanel"]


class NeuronsPanel(Panel):
    """Which neurons are on, and what switches the chosen one?"""

    QUESTION = "What switches its neurons?"
    PARTS = ({"part": "units"}, {"part": "curves"})
    SAYS = "neurons"
    WANTS = ("neurons",)
    COMPARES = True

    def setup(self) -> None:
        """Controls for the layer (if there are several) and for what the curves run over."""
        self._met: Any = None
        self._tried: tuple[Any, set[str]] = (None, set())
        self.session.observe(self._show_choices, ["policy", "ask"])
        self.session.observe(self._leave_flat, "live")
        self._leave_flat()
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
            "from dnnexplain.explain.probing.thresholds import curves",
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
        shared = _sweeps(session.system)
        layers = session.layers
        controls = []
        if len(layers) > 1:
            options = [[name, name] for name in layers]
            controls.append({"kind": "select", "name": "layer", "label": "Layer", "options": options})
        controls.append(menu_of("sweep", "Curves over", shared))
        self.controls = controls
        self.answers = {"layer": session.ask.layer or (layers[0] if layers else ""), "sweep": session.ask.sweep}

    def _leave_flat(self, _change: object = None) -> None:
        """Where the network does not see the demand that is swept, sweep the newest one that it sees; show a neuron that moves."""
        curves, system = self.result, self.session.system
        if curves is None or not isinstance(system, Flowing):
            return
        spread = np.max([np.ptp(values, axis=1) for values in curves.activation], axis=0)
        if spread.any() or not len(system.graph.earlier):
            if self._met is not self.session.policy and not spread[self.session.unit]:
                self.session.unit = telling_unit(curves)
            self._met = self.session.policy
            return
        names = [knob.name for knob in system.knobs]
        tried = self._tried[1] if self._tried[0] is self.session.policy else set()
        for row, other in (
            (system.graph.knobs, system.graph.earlier[-1]),
            (system.graph.earlier[-1], system.graph.knobs),
        ):
            swept = {names[knob]: names[beside] for knob, beside in zip(row, other, strict=True)}
            wanted = swept.get(self.session.ask.sweep)
            if wanted is not None and wanted not in tried:
                self._tried = (self.session.policy, {self.session.ask.sweep, wanted})
                self.session.question(sweep=wanted)
                return


def _sweeps(system: System) -> tuple[str, ...]:
    """What curves may run over: kinds of knobs that objects share; of traffic, each demand now and just before."""
    names = [knob.name for knob in system.knobs]
    if isinstance(system, Flowing):
        rows = [system.graph.knobs, *system.graph.earlier[-1:]]
        return tuple(names[knob] for pair in zip(*rows, strict=True) for knob in pair)
    return tuple(kinds(system)) or tuple(names[:12])
