"""What the panels that look into a layer share: which neuron, which network, and a result that is kept in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dnnexplain.contract import DnnExplainError, NetworkPolicy
from dnnexplain.explain.probing.neurons import NeuronLayer, check_neuron, layer_of
from dnnexplain.results import Result
from dnnexplain_widgets.live import nothing_inside
from dnnexplain_widgets.messages import scene
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.uploads import text_of

__all__ = ["ProbingPanel"]

ABOUT_NEURON = ("layer", "unit")


class ProbingPanel(Panel):
    """The base: the session's layer and neuron as controls, one heavy result that is saved and reloaded.

    A subclass says what its result is (``KIND``), draws one with :meth:`show`, lists its controls in
    :meth:`own_controls`, and hears of another neuron or network in :meth:`on_neuron`.
    """

    WANTS: ClassVar[tuple[str, ...]] = ("neurons",)
    KIND: ClassVar[type[Result]] = Result
    OPENS: ClassVar[str] = "load"
    NEURON: ClassVar[bool] = True
    """Whether the panel is about one neuron, rather than the whole layer."""

    def setup(self) -> None:
        """Controls; a panel about a rule says that there is nothing to look into."""
        self.finding: Any = None
        self.stale = False
        self.colours: dict[str, int | None] = dict(scene(self.session.system)["colours"])
        self.answers = dict(self.first_answers())
        self._about = self._now()
        self.session.observe(self._on_session, ["policy", "ask", "unit"])
        self.observe(self._on_page, "on_page")
        self.show_controls()

    # --- what a subclass says ---

    def first_answers(self) -> dict[str, Any]:
        """What its controls are at to begin with."""
        return {}

    def own_controls(self) -> list[dict[str, Any]]:
        """Its controls, after the neuron's."""
        return []

    def show(self, result: Any) -> None:
        """Draw a result, computed just now or saved before."""

    def on_neuron(self, *, network: bool) -> None:
        """Another neuron or layer was chosen; with ``network``, another network."""

    def catch_up(self) -> None:
        """The panel is on the page again: draw what it left out meanwhile."""

    # --- what a subclass may use ---

    def worker_network(self) -> NetworkPolicy:
        """:meth:`worker_policy` of a network."""
        policy = self.worker_policy()
        assert isinstance(policy, NetworkPolicy)
        return policy

    @property
    def result(self) -> Any:
        """What was found, or ``None`` until it was asked for."""
        return self.finding

    @property
    def layer(self) -> NeuronLayer:
        """The session's layer."""
        return layer_of(self.session.system, self.session.policy, self.session.ask.layer)

    @property
    def has_network(self) -> bool:
        """Whether there is anything to look into."""
        return isinstance(self.session.policy, NetworkPolicy)

    @property
    def layer_argument(self) -> str:
        """The layer as Python source, if it is not the first."""
        return f", layer={self.session.ask.layer!r}" if self.session.ask.layer else ""

    def save(self, file: str) -> Path:
        """Write the result to a file, to be read with :meth:`load`."""
        if self.finding is None:
            msg = "there is nothing to save yet; press the first button"
            raise DnnExplainError(msg)
        path: Path = self.finding.save(file)
        return path

    def load(self, file: str | Path) -> None:
        """Show a saved result."""
        self.drop()
        self.show(self.checked(self.KIND.load(file)))

    def checked(self, result: Any) -> Any:
        """A result that speaks of this system; the panel says so if it is about another network."""
        question = result.question
        if question.system != self.session.system.name:
            msg = f"this result is about {question.system}, not about {self.session.system.name}"
            raise DnnExplainError(msg)
        self.stale = question.checkpoint != getattr(self.session.policy, "checkpoint", "")
        self.answered_before(question)
        return result

    def show_controls(self) -> None:
        """Offer what there is to choose now."""
        if not self.has_network:
            self.controls = []
            self.sentence = nothing_inside(self.session.policy)
            return
        controls = [*self._neuron_controls(), *self.own_controls()]
        if controls != self.controls:
            self.controls = controls
        layers = self.session.layers
        shown = {"layer": self.session.ask.layer or (layers[0] if layers else ""), "unit": self.session.unit}
        if any(self.answers.get(name) != value for name, value in shown.items()):
            self.answers = {**self.answers, **shown}

    def on_answer(self, name: str, value: Any) -> None:
        """Another neuron or layer, which the other panels then show too."""
        if name == "unit" and value != self.session.unit:
            self.session.unit = check_neuron(self.layer, int(value))
        elif name == "layer" and value != (self.session.ask.layer or self.session.layers[0]):
            self.session.question(layer=value)

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was chosen."""
        del name
        self.drop()
        text = text_of(file, content)
        self.show(self.checked(self.KIND.from_json(text)))

    # --- inside ---

    def _now(self) -> tuple[Any, ...]:
        session = self.session
        return (session.policy, session.ask.layer, session.unit)

    def _on_session(self, _change: Mapping[str, Any]) -> None:
        now = self._now()
        before, self._about = self._about, now
        if before == now:
            return
        network = before[0] is not now[0]
        if network:
            self.drop()
        self.error = ""
        self.guarded(self.show_controls)
        if self.has_network:
            self.guarded(lambda: self.on_neuron(network=network))

    def _on_page(self, _change: object) -> None:
        if self.on_page and self.has_network:
            self.guarded(self.show_controls)
            self.guarded(self.catch_up)

    def _neuron_controls(self) -> list[dict[str, Any]]:
        layers = self.session.layers
        controls: list[dict[str, Any]] = []
        if len(layers) > 1:
            options = [[name, name] for name in layers]
            controls.append({"kind": "select", "name": "layer", "label": "Layer", "options": options})
        if self.NEURON:
            high = self.layer.units - 1
            controls.append(
                {"kind": "number", "name": "unit", "label": f"Neuron, 0 to {high}", "low": 0, "high": high, "step": 1}
            )
        return controls
