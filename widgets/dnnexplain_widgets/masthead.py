"""The head of a page: its title, which network is explained, light or dark, and the session as file and link."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from dnnexplain.contract import Choice, DnnExplainError, NetworkPolicy, Policy, outside_valid
from dnnexplain.explain.decisions.decision import decide
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.saved import check_system, link_of, moved, read_session, restore, session_to_json, unpack
from dnnexplain_widgets.uploads import brought
from dnnexplain_widgets.words import label

__all__ = ["Loader", "Masthead"]

Loader = Callable[[Path], Policy]


class Masthead(Panel):
    """The title, which network is explained, light or dark; save, load and link what is shown.

    Args:
        title: of the page.
        policies: networks by name, ready or as functions that load them.
        loader: reads a file of weights into a policy; the page then offers to bring your own.
        lead: what is controlled, what the network sees and how the picture is read, for newcomers.
    """

    OPTIONS = ("title", "policies", "loader", "lead")
    PARTS = ({"part": "page-link"},)
    COPYABLE = False
    WRITES = False

    def setup(self) -> None:
        """Controls for network, file and theme."""
        self.question = self.options.get("title", "")
        self.sentence = self.lead = str(self.options.get("lead", ""))
        known: Mapping[str, Policy | Callable[[], Policy]] | None = self.options.get("policies")
        self.policies = dict(known or {})
        shown = self._join_present()
        self.loader: Loader | None = self.options.get("loader")
        controls: list[dict[str, Any]] = [
            {"kind": "select", "name": "policy", "label": "Network", "options": self._offered()}
        ]
        if self.loader is not None:
            hint = "A safetensors file, a state dict, or the original's pickle of numpy arrays; nothing in it is run."
            controls.append(
                {"kind": "file", "name": "weights", "label": "Bring your own…", "accept": ".safetensors,.pt,.pth,.pkl", "hint": hint}
            )  # fmt: skip
        themes = [["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]]
        controls.append({"kind": "select", "name": "theme", "label": "Appearance", "options": themes, "more": True})
        hint = "State, network, questions, open section and appearance, as a JSON file."
        controls += [
            {"kind": "button", "name": "save", "label": "Save session", "hint": hint, "more": True},
            {"kind": "file", "name": "session", "label": "Load session…", "accept": ".json,application/json", "hint": "A file that “Save session” wrote.", "more": True},
        ]  # fmt: skip
        self.controls = controls
        self.answers = {"policy": shown, "theme": self.session.theme}
        self.figure = {"section": "", "restored": 0}
        self.session.keep_link(lambda: link_of(self.session))
        self.session.adopt = self.adopt
        self.session.observe(self._on_section, "section")
        self.session.observe(self._on_theme, "theme")

    def _join_present(self) -> str:
        """Find the session's policy among those to choose from, or put it first; its name there, which it then has."""
        present = self.session.policy
        same = [name for name, policy in self.policies.items() if policy is present]
        same += [name for name in self.policies if name == present.name]
        if not same and self.policies:
            first = next(iter(self.policies))
            checkpoint = getattr(self._policy(first), "checkpoint", "")
            same = [first] if checkpoint and checkpoint == getattr(present, "checkpoint", "") else []
        if not same:
            self.policies = {present.name: present, **self.policies}
            return str(present.name)
        self.policies[same[0]] = present
        named = self._policy(same[0])
        if named is not present:
            self.session.policy = named
        return same[0]

    def on_answer(self, name: str, value: Any) -> None:
        """Another network or appearance was chosen."""
        if name == "theme":
            self.session.theme = value
        elif name == "policy":
            self.use(value)
        elif name == "link" and value:
            self.follow(value)

    def on_press(self, name: str) -> None:
        """The session is to be saved."""
        assert name == "save"
        text = json.dumps(self.saved(), indent=1)
        self.offer(f"dnnexplain-{self.session.system.name}-session.json", text)

    def saved(self) -> dict[str, Any]:
        """What the page shows, as JSON data."""
        return session_to_json(self.session, choice=self._chosen())

    def load(self, data: Mapping[str, Any]) -> None:
        """Bring the page to a saved session; where its network is not at hand, the rest is restored and that is said.

        Raises:
            DnnExplainError: the data speaks of another system, or something in it is wrong; nothing changed.
        """
        check_system(self.session, data)
        policy = data.get("policy")
        wanted = policy if isinstance(policy, dict) else {}
        element = self._find(wanted)
        before = self._chosen()
        if element:
            self.use(element)
        try:
            restore(self.session, data)
        except Exception:
            if before:
                self.use(before)
            raise
        lead = self.lead if element else _missing(wanted, self.session.policy)
        self.sentence = f"{lead} {outside_valid(self.session.system, self.session.state)}".strip()

    def follow(self, link: str) -> None:
        """Bring the page to what a link says: ``section=failure&theme=dark&state=...&set=3:5``, or a URL that ends so.

        Raises:
            DnnExplainError: the link is damaged, or of another page.
        """
        given = {name: values[-1] for name, values in parse_qs(link.rpartition("#")[2], keep_blank_values=True).items()}
        try:
            if not {"theme", "state", "set", "section"} & set(given):
                msg = f"{link[:60]!r} is no link to a dashboard; copy one with the button 'Copy link', from https:// to its end"
                raise DnnExplainError(msg)
            if "theme" in given:
                self.session.theme = _one_of("appearance", given["theme"], ("auto", "light", "dark"))
            if "state" in given:
                self._open_state(given["state"])
            if "set" in given:
                moved(self.session, given["set"])
            if "section" in given:
                self.session.section = given["section"]
        finally:
            self.figure = {**self.figure, "restored": self.figure["restored"] + 1}

    def _open_state(self, text: str) -> None:
        """Show the state that a link has; of one that cannot be read it is said what is shown instead."""
        try:
            self.load(read_session(unpack(text)))
        except DnnExplainError as error:
            kept = "the state that it had" if self.figure["restored"] else "the state that it opens with"
            msg = f"the link's state cannot be shown: {error}. The page shows {kept}"
            raise DnnExplainError(msg) from error

    def _on_answers(self, change: Mapping[str, Any]) -> None:
        """The page takes a link back that was followed: that is no answer, so what was said of the link stays."""
        error, given = self.error, change["new"]
        super()._on_answers(change)
        if error and given == {**change["old"], "link": ""}:
            self.error = error

    def use(self, name: str) -> None:
        """Explain another of the known networks."""
        if name not in self.policies:
            raise Choice("network", name, tuple(self.policies)).error()
        self.session.policy = self._policy(name)
        if self.answers.get("policy") != name:
            self.set_answers(policy=name)
        self.sentence = ""

    def adopt(self, name: str, policy: Policy) -> None:
        """Offer a policy among the networks to choose from, and explain it."""
        self.policies[name] = policy
        self._show_policies()
        self.session.policy = self._policy(name)
        self.set_answers(policy=name)
        self.sentence = f"Now explaining {name}."

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A session was given, or a file of weights: load it, try it once, explain it."""
        if name == "session":
            self.load(read_session(content))
            self.sentence = self.sentence or f"Loaded {file}."
            return
        assert self.loader is not None
        with brought(file, content) as path:
            policy = self.loader(path)
        decide(self.session.system, policy, self.session.state)
        self.adopt(file, policy)
        note = getattr(policy, "note", "")
        self.sentence += f" Adapted: {note}." if note else ""

    def _show_policies(self) -> None:
        self.controls = [{**self.controls[0], "options": self._offered()}, *self.controls[1:]]

    def _offered(self) -> list[list[str]]:
        """Names and what they are called: a rule that has no title here as in every other menu."""
        rules = self.session.system.rules()
        return [[name, f"Rule {label(name)}" if name in rules else name] for name in self.policies]

    def _chosen(self) -> str:
        """The name under which the present policy is offered."""
        present = self.session.policy
        return next((name for name, policy in self.policies.items() if policy is present), "")

    def _find(self, wanted: Mapping[str, Any]) -> str:
        """The name of the policy that a session was about, by its weights; empty if it is not at hand."""
        choice, checkpoint = wanted.get("choice", ""), wanted.get("checkpoint", "")
        names = sorted(self.policies, key=lambda name: (name != self._chosen(), name != choice))
        for name in names:
            policy = self._policy(name)
            same = getattr(policy, "checkpoint", "") == checkpoint if checkpoint else policy.name == wanted.get("name")
            if same:
                return name
        return ""

    def _policy(self, name: str) -> Policy:
        policies = self.policies[name]
        policy = _named(
            cast("Policy", policies() if callable(policies) and not hasattr(policies, "outputs") else policies), name
        )
        self.policies[name] = policy
        return policy

    def _on_section(self, _change: object) -> None:
        self.figure = {**self.figure, "section": self.session.section}

    def _on_theme(self, _change: object) -> None:
        if self.answers.get("theme") != self.session.theme:
            self.set_answers(theme=self.session.theme)


def _named(policy: Policy, name: str) -> Policy:
    """A network under the menu's name, which all results then have; a rule keeps its own, which is how it is found."""
    if policy.name == name or not isinstance(policy, NetworkPolicy):
        return policy
    named: Any = copy.copy(policy)
    named.name = name
    return cast("Policy", named)


def _one_of(what: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise Choice(what, given, known).error()
    return given


def _missing(wanted: Mapping[str, Any], shown: Policy) -> str:
    checkpoint = str(wanted.get("checkpoint", ""))[:12]
    which = f" (weights {checkpoint}…)" if checkpoint else ""
    return (
        f"The session was about {wanted.get('name') or 'a network without a name'}{which}, which is not among this page's networks: "
        f"it is shown with {shown.name}. Bring that file with “Bring your own…”, and load the session again."
    )
