"""How far an explanation can be trusted: up to four methods side by side, each with its badge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, NetworkPolicy
from dnnexplain.explain.attribution.methods import METHODS
from dnnexplain.explain.attribution.saved_attribution import ThenAndNow, compare_saved
from dnnexplain.explain.attribution.targets import menu
from dnnexplain.explain.faithfulness.compared import TrustedComparison, compare_trusted, usable
from dnnexplain.results import Result
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.live import nothing_inside
from dnnexplain_widgets.menus import menu_of, why_not
from dnnexplain_widgets.messages import scene
from dnnexplain_widgets.panels import attribution_cards as cards
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.uploads import text_of

__all__ = ["AttributionPanel"]

MOST = 4
"""Methods side by side."""
_FIRST = ("integrated-gradients", "shapley", "saliency", "feature-ablation")
_METHOD = "method "
_FULL = f"Untick another method first: {MOST} at most."


class AttributionPanel(Panel):
    """How far can this explanation be trusted?

    Nothing is computed before the button is pressed.

    Args:
        methods: names of one to four methods that are ticked at first.
        groups: how many knob groups each method shows by name; the others are shown as one sum.
    """

    QUESTION = "How far can this explanation be trusted?"
    PROMISE = "Press “Explain and check”: the map of each ticked method, beside one another, and how far each can be believed; a few seconds."
    LATER = ("method ", "depth")
    PARTS = ({"part": "trust"}, {"part": "cells"}, {"part": "misfits"})
    WANTS = ("decision",)
    OPTIONS = ("methods", "groups")
    COMPARES = True
    OPENS = "load"
    ABOUT = ("policy", "state")
    SETTINGS = ("target", "baseline", "depth", _METHOD)

    def setup(self) -> None:
        """Controls: target, baseline, methods that fit, how thorough; save and reload."""
        self.finding: TrustedComparison | None = None
        self.compared: ThenAndNow | None = None
        self.shown_groups = int(self.options.get("groups", 8))
        self.answers = {"target": "default", "baseline": "default", "depth": "light"}
        self._fit()
        wanted = self.options.get("methods")
        for name in wanted or ():
            if name not in METHODS:
                raise Choice("attribution method", name, tuple(METHODS)).error()
            if self.fits[name] is not None:
                raise DnnExplainError(self.fits[name])
        if wanted is not None and not 1 <= len(set(wanted)) <= MOST:
            msg = f"choose one to {MOST} different methods, not {len(set(wanted))}"
            raise DnnExplainError(msg)
        ticked = wanted or [name for name in _FIRST if self.fits[name] is None]
        self.set_answers(**{_METHOD + name: name in ticked for name in METHODS})
        self.session.observe(self._on_policy, "policy")
        self.session.observe(self._on_live, "live")
        self._show_controls()

    @property
    def result(self) -> TrustedComparison | None:
        """The maps, their agreement and their badges; ``None`` until the button was pressed."""
        return self.finding

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are ticked and fit the network, in the order of the table."""
        return tuple(name for name, why in self.fits.items() if why is None and self.answers.get(_METHOD + name))

    def code_lines(self) -> tuple[str, ...]:
        """The comparison by itself."""
        given = ", ".join(f"{name}={self.answers[name]!r}" for name in ("target", "baseline", "depth"))
        return (
            "from dnnexplain.explain import compare_trusted",
            f"found = compare_trusted(system, policy, state, {list(self.methods)!r}, {given})",
            "print(found.sentence())",
        )

    def check(self) -> None:
        """Explain the present state by the ticked methods and check each map, beside the page."""
        methods = self.methods
        if not methods:
            msg = "tick at least one method"
            raise DnnExplainError(msg)
        system, state, policy = self.session.system, self.session.state, self.worker_policy()
        options: dict[str, Any] = {name: str(self.answers[name]) for name in ("target", "baseline", "depth")}

        def work(task: Task) -> TrustedComparison:
            return compare_trusted(system, policy, state, methods, progress=task.progress, **options)

        self.start(work, self.show, "Making the maps")

    def show(self, trusted_comparison: TrustedComparison) -> None:
        """Draw a result, computed just now or saved before.

        Raises:
            DnnExplainError: it speaks of another system.
        """
        comparison, system = trusted_comparison.comparison, self.session.system
        if trusted_comparison.question.system != system.name or comparison.attributions[0].group_names != system.groups:
            msg = f"this result is about {trusted_comparison.question.system} with other knob groups than this {system.name} has"
            raise DnnExplainError(msg)
        self.finding, self.compared = trusted_comparison, None
        colours = {group["name"]: group["colour"] for group in scene(system)["groups"]}
        drawn = [cards.card(pair, badge, colours, self.shown_groups) for pair, badge in trusted_comparison.pairs]
        refused = [
            {"title": METHODS[name].title, "why": cards.sentence_of(why)} for name, why in comparison.refused.items()
        ]
        self.figure = {
            "trust": {"cards": drawn, "about": cards.about(trusted_comparison), "refused": refused},
            "cells": cards.agreement(comparison),
            "misfits": self._misfits(),
        }
        self.sentence = trusted_comparison.sentence()
        self._show_controls()

    def save(self, file: str) -> Path:
        """Write the result to a file, to be read with :meth:`load` or ``TrustedComparison.load``."""
        if self.finding is None:
            msg = "check the explanation first; there is nothing to save yet"
            raise DnnExplainError(msg)
        return self.finding.save(file)

    def load(self, file: str | Path) -> None:
        """Show a saved result."""
        self._show_saved(TrustedComparison.load(file))

    def compare_with(self, then: Result, file: str) -> None:
        """Put a saved result beside the present one.

        Raises:
            DnnExplainError: there is no present one yet, another kind, another system, no method in common.
        """
        if not isinstance(then, TrustedComparison):
            msg = f"{file} holds a saved {type(then).__name__}; choose a result that was saved in this panel"
            raise DnnExplainError(msg)
        if self.finding is None:
            msg = "explain the present state first, then compare a saved result with it"
            raise DnnExplainError(msg)
        self.compared = compare_saved(then, self.finding)
        colours = {group["name"]: group["colour"] for group in scene(self.session.system)["groups"]}
        changes = cards.then_and_now(self.compared, colours, self.shown_groups)
        self._then, self._shown_beside = (then, file), self.finding
        self.comparison = {"file": file, "sentence": self.compared.sentence(), "changes": changes}

    def on_press(self, name: str) -> None:
        """Check."""
        if name == "check":
            self.check()

    def on_answer(self, name: str, value: Any) -> None:
        """A method was ticked: four at most."""
        if name.startswith(_METHOD):
            if value and len(self.methods) > MOST:
                self.set_answers(**{name: False})
                msg = f"at most {MOST} methods fit side by side; untick one first"
                raise DnnExplainError(msg)
            self._show_controls()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was chosen, to be shown."""
        del name
        text = text_of(file, content)
        self._show_saved(TrustedComparison.from_json(text))

    def _show_saved(self, comparison: TrustedComparison) -> None:
        self.drop()
        self.show(comparison)
        self.answered_before(comparison.question)

    # --- what depends on the network and on the state ---

    def _fit(self) -> None:
        """Which methods fit the network, and why the others do not."""
        self.fits = usable(self.session.system, self.session.policy)
        self.figure = {**self.figure, "misfits": self._misfits()}

    def _misfits(self) -> list[dict[str, str]]:
        return [{"title": METHODS[name].title, "why": cards.sentence_of(why)} for name, why in self.fits.items() if why]

    def _on_policy(self, _change: object) -> None:
        self._fit()
        self._show_controls()

    def _on_live(self, _change: object = None) -> None:
        """The targets depend on the decision."""
        self._show_controls()

    def _show_controls(self) -> None:
        session, ticked = self.session, self.methods
        if session.live.decision is None or not isinstance(session.policy, NetworkPolicy):
            self.controls = []
            if not isinstance(session.policy, NetworkPolicy):
                self.sentence = nothing_inside(session.policy)
            return
        if self.finding is None:
            self.sentence = ""  # what was said of a rule before
        default, *others = menu(session.system, session.live.decision)
        first, *references = session.system.baselines(session.state)
        targets = [
            ["default", why_not(session.system, session.live.decision, default)],
            *([name, name] for name in others),
        ]
        baselines = menu_of("baseline", "counted from", references, [("default", f"{first} (default)")])
        full = len(ticked) >= MOST
        controls = [
            {"kind": "select", "name": "target", "label": "Explain", "options": cards.with_chosen(targets, self.answers["target"])},
            {**baselines, "options": cards.with_chosen(baselines["options"], self.answers["baseline"])},
            {"kind": "select", "name": "depth", "label": "Check", "options": [["light", "quickly"], ["full", "thoroughly"]]},
            *(
                {
                    "kind": "check", "name": _METHOD + name, "label": METHODS[name].title,
                    "disabled": full and name not in ticked, "hint": METHODS[name].about if name in ticked or not full else _FULL,
                }
                for name, why in self.fits.items()
                if why is None
            ),
            {"kind": "button", "name": "check", "label": "Explain and check", "strong": True, "disabled": not ticked},
        ]  # fmt: skip
        if controls != self.controls:
            self.controls = controls
