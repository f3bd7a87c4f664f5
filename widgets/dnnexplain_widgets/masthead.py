"""The head of a page: its title, which network is explained, and light or dark."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, Policy
from dnnexplain.explain.decision import decide
from dnnexplain_widgets.panels.base import Panel

__all__ = ["Loader", "Masthead"]

Loader = Callable[[Path], Policy]


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
