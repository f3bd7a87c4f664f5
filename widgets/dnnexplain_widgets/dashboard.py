"""All panels of one session on one page, for a laptop or a phone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from dnnexplain.contract import Choice, DnnExplainError, OutputKind, Policy, Replayable, State, System
from dnnexplain.explain.decision import decide
from dnnexplain_widgets.panels.attribution import AttributionPanel
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.editor import Preset, StateEditor
from dnnexplain_widgets.panels.episode import EpisodePanel
from dnnexplain_widgets.panels.neurons import NeuronsPanel
from dnnexplain_widgets.panels.saliency import SaliencyPanel
from dnnexplain_widgets.panels.white_box import WhiteBoxPanel
from dnnexplain_widgets.session import Session

__all__ = ["Dashboard", "Masthead"]

Loader = Callable[[Path], Policy]
_FILE = "\0file"


class Masthead(Panel):
    """The title, which network is explained, and light or dark.

    Args:
        title: of the page.
        policies: networks by name, ready or as functions that load them.
        loader: reads a file of weights into a policy; the page then offers to bring your own.
    """

    OPTIONS = ("title", "policies", "loader")
    COPYABLE = False

    def setup(self) -> None:
        """Controls for network, file and theme."""
        self.question = self.options.get("title", "")
        known: Mapping[str, Policy | Callable[[], Policy]] | None = self.options.get("policies")
        self.policies = dict(known or {self.session.policy.name: self.session.policy})
        self.loader: Loader | None = self.options.get("loader")
        names = [[name, name] for name in self.policies]
        controls: list[dict[str, Any]] = [{"kind": "select", "name": "policy", "label": "Network", "options": names}]
        if self.loader is not None:
            hint = "A safetensors file, a state dict, or the original's pickle of numpy arrays; nothing in it is run."
            controls.append(
                {"kind": "file", "name": "weights", "label": "Bring your own…", "accept": ".safetensors,.pt,.pth,.pkl", "hint": hint}
            )  # fmt: skip
        themes = [["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]]
        controls.append({"kind": "select", "name": "theme", "label": "Appearance", "options": themes})
        self.controls = controls
        self.answers = {"policy": next(iter(self.policies)), "theme": self.session.theme}

    def on_answer(self, name: str, value: Any) -> None:
        """Another network or appearance was chosen."""
        if name == "theme":
            self.session.theme = value
        elif name == "policy":
            self.use(value)

    def use(self, name: str) -> None:
        """Explain another of the known networks."""
        if name not in self.policies:
            raise Choice("network", name, tuple(self.policies)).error()
        found = self.policies[name]
        policy = found() if callable(found) and not hasattr(found, "outputs") else found
        self.policies[name] = policy
        self.session.policy = policy
        self.sentence = ""

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A file of weights was given: load it, try it once, explain it."""
        assert name == "weights"
        assert self.loader is not None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(file).name
            path.write_bytes(content)
            policy = self.loader(path)
        decide(self.session.system, policy, self.session.state)
        self.policies[file] = policy
        options = [[known, known] for known in self.policies]
        self.controls = [{**self.controls[0], "options": options}, *self.controls[1:]]
        self.session.policy = policy
        self.set_answers(policy=file)
        note = getattr(policy, "note", "")
        self.sentence = f"Now explaining {file}." + (f" Adapted: {note}." if note else "")


class Dashboard(ipywidgets.Box):
    """State editor, decision, map, neurons and episodes of one system, joined by a session.

    In a notebook, one line shows it: ``Dashboard(make_system("deeprm"), policy)``.

    Args:
        system, policy, state: what to explain.
        title: of the page.
        policies: further networks to choose from, by name.
        loader: reads a file of weights; offers to bring your own network.
        presets: states to start from, by name.
        rules: names of the rules to compare with.
    """

    def __init__(
        self,
        system: System,
        policy: Policy,
        state: State | None = None,
        *,
        title: str = "",
        policies: Mapping[str, Policy | Callable[[], Policy]] | None = None,
        loader: Loader | None = None,
        presets: Mapping[str, Preset] | None = None,
        rules: Sequence[str] | None = None,
    ) -> None:
        if not hasattr(policy, "outputs"):
            msg = f"a Dashboard explains a policy, not a {type(policy).__name__}; wrap a torch module: TorchPolicy(module, system)"
            raise DnnExplainError(msg)
        self.session = session = Session(system, policy, state, rules=rules)
        self.masthead = Masthead(
            session=session, title=title or f"What moves {system.name}?", policies=policies, loader=loader
        )
        self.masthead.add_class("dx-top")
        self.editor = StateEditor(session=session, presets=presets)
        self.decision = DecisionPanel(session=session)
        self.saliency = SaliencyPanel(session=session)
        self.neurons = NeuronsPanel(session=session)
        for panel, place in ((self.decision, "second"), (self.saliency, "third"), (self.neurons, "fourth")):
            panel.add_class(f"dx-{place}")  # the order on a phone, where the two columns become one
        left, right = _column(self.editor, self.saliency), _column(self.decision, self.neurons)
        columns = ipywidgets.Box([left, right])
        columns.add_class("dx-columns")
        self.attribution, self.white_box = AttributionPanel(session=session), WhiteBoxPanel(session=session)
        rows: list[ipywidgets.Widget] = [self.masthead, columns, self.attribution, self.white_box]
        self.episode = EpisodePanel(session=session) if _replays(system) else None
        if self.episode is not None:
            rows.append(self.episode)
        super().__init__(rows)
        self.add_class("dx-page")

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in reading order."""
        own = (self.masthead, self.editor, self.decision, self.saliency, self.neurons, self.attribution, self.white_box)
        return own if self.episode is None else (*own, self.episode)


def _column(*panels: Panel) -> ipywidgets.Box:
    box = ipywidgets.Box(list(panels))
    box.add_class("dx-column-box")
    return box


def _replays(system: System) -> bool:
    return isinstance(system, Replayable) and system.output.kind is OutputKind.CHOICE
