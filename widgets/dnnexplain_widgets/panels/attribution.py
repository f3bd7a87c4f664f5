"""How far an explanation can be trusted: up to four methods side by side, each with its badge."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, NetworkPolicy
from dnnexplain.explain.agreement import Comparison
from dnnexplain.explain.badge import TrustBadge
from dnnexplain.explain.maps import Attribution
from dnnexplain.explain.methods import METHODS
from dnnexplain.explain.targets import menu
from dnnexplain.explain.trusted import TrustedComparison, compare_trusted, usable
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.wire import scene
from dnnexplain_widgets.words import number, told

__all__ = ["AttributionPanel"]

MOST = 4
"""Methods side by side."""
_FIRST = ("integrated-gradients", "shapley", "saliency", "feature-ablation")
_METHOD = "method "
_FULL = f"Untick another method first: {MOST} at most."
_VERDICTS = {
    "green": "within all limits that apply",
    "amber": "read it with care",
    "red": "do not rely on it",
    "grey": "nothing could be measured here",
}


class AttributionPanel(Panel):
    """How far can this explanation be trusted?

    Nothing is computed before the button is pressed.

    Args:
        methods: names of one to four methods that are ticked at first.
        groups: how many knob groups each method shows by name; the others are shown as one sum.
    """

    QUESTION = "How far can this explanation be trusted?"
    PARTS = ({"part": "trust"}, {"part": "cells"}, {"part": "misfits"})
    WANTS = ("decision",)
    OPTIONS = ("methods", "groups")

    def setup(self) -> None:
        """Controls: target, baseline, methods that fit, how thorough; save and reload."""
        self.found: TrustedComparison | None = None
        self.shown_groups = int(self.options.get("groups", 8))
        self.answers = {"target": "default", "baseline": "default", "depth": "light", "file": "trust.json"}
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
        return self.found

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
        asked: dict[str, Any] = {name: str(self.answers[name]) for name in ("target", "baseline", "depth")}

        def work(task: Task) -> TrustedComparison:
            return compare_trusted(system, policy, state, methods, progress=task.progress, **asked)

        self.start(work, self.show, "Making the maps")

    def show(self, found: TrustedComparison) -> None:
        """Draw a result, computed just now or saved before.

        Raises:
            DnnExplainError: it speaks of another system.
        """
        comparison, system = found.comparison, self.session.system
        if found.question.system != system.name or comparison.attributions[0].group_names != system.groups:
            msg = f"this result is about {found.question.system} with other knob groups than this {system.name} has"
            raise DnnExplainError(msg)
        self.found = found
        colours = {group["name"]: group["colour"] for group in scene(system)["groups"]}
        cards = [_card(one, badge, colours, self.shown_groups) for one, badge in found.pairs]
        refused = [{"title": METHODS[name].title, "why": _sentence(why)} for name, why in comparison.refused.items()]
        self.figure = {
            "trust": {"cards": cards, "about": _about(found), "refused": refused},
            "cells": _agreement(comparison),
            "misfits": self._misfits(),
        }
        self.sentence = found.sentence()
        self._show_controls()
        self._on_live()

    def save(self, file: str) -> Path:
        """Write the result to a file, to be read with :meth:`load` or ``TrustedComparison.load``."""
        if self.found is None:
            msg = "check the explanation first; there is nothing to save yet"
            raise DnnExplainError(msg)
        return self.found.save(file)

    def load(self, file: str | Path) -> None:
        """Show a saved result."""
        self.cancel()
        self.show(TrustedComparison.load(file))

    def on_press(self, name: str) -> None:
        """Check or save."""
        if name == "check":
            self.check()
        elif name == "save":
            self.sentence = f"Saved to {self.save(str(self.answers['file'])).resolve()}."

    def on_answer(self, name: str, value: Any) -> None:
        """A method was ticked: four at most."""
        if name.startswith(_METHOD):
            if value and len(self.methods) > MOST:
                self.set_answers(**{name: False})
                msg = f"at most {MOST} methods fit side by side; untick one first"
                raise DnnExplainError(msg)
            self._show_controls()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was chosen."""
        assert name == "load"
        self.cancel()
        try:
            text = content.decode()
        except UnicodeDecodeError:
            msg = f"{file} is no saved result: it is not text"
            raise DnnExplainError(msg) from None
        self.show(TrustedComparison.from_json(text))

    # --- what depends on the network and on the state ---

    def _fit(self) -> None:
        """Which methods fit the network, and why the others do not."""
        self.fits = usable(self.session.system, self.session.policy)
        self.figure = {**self.figure, "misfits": self._misfits()}

    def _misfits(self) -> list[dict[str, str]]:
        return [{"title": METHODS[name].title, "why": _sentence(why)} for name, why in self.fits.items() if why]

    def _on_policy(self, _change: object) -> None:
        self._fit()
        self._show_controls()

    def _on_live(self, _change: object = None) -> None:
        """Say so when the picture is about another state or network than the page now shows."""
        self._show_controls()
        trust = self.figure.get("trust")
        if self.found is None or trust is None:
            return
        asked, session = self.found.question, self.session
        stale = ""
        if asked.checkpoint != getattr(session.policy, "checkpoint", ""):
            stale = f"This is about another network, {asked.policy}. Press the button for the present one."
        elif asked.state != session.system.state_to_json(session.state):
            stale = "The state has changed since. Press the button for the present one."
        if trust.get("stale", "") != stale:
            self.figure = {**self.figure, "trust": {**trust, "stale": stale}}

    def _show_controls(self) -> None:
        session, ticked = self.session, self.methods
        if session.live.decision is None or not isinstance(session.policy, NetworkPolicy):
            self.controls = []
            if not isinstance(session.policy, NetworkPolicy):
                self.sentence = f"{session.policy.name} is a rule without a network inside; choose a network."
            return
        default, *others = menu(session.system, session.live.decision)
        first, *references = session.system.baselines(session.state)
        targets = [["default", f"why this and not the next best ({default})"], *([name, name] for name in others)]
        baselines = [["default", f"{first} (default)"], *([name, name] for name in references)]
        full = len(ticked) >= MOST
        controls = [
            {"kind": "select", "name": "target", "label": "Explain", "options": _with(targets, self.answers["target"])},
            {"kind": "select", "name": "baseline", "label": "counted from", "options": _with(baselines, self.answers["baseline"])},
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
            {"kind": "text", "name": "file", "label": "File"},
            {"kind": "button", "name": "save", "label": "Save", "disabled": self.found is None},
            {"kind": "file", "name": "load", "label": "Load…", "accept": ".json", "hint": "A result that was saved here."},
        ]  # fmt: skip
        if controls != self.controls:
            self.controls = controls


def _with(options: list[list[str]], chosen: str) -> list[list[str]]:
    """A choice stays in the menu even where the present state does not offer it."""
    return options if any(chosen == name for name, _ in options) else [*options, [chosen, chosen]]


def _sentence(text: str) -> str:
    return told(DnnExplainError(text))


def _about(found: TrustedComparison) -> str:
    one = found.comparison.attributions[0]
    counted = [each for each in found.comparison.attributions if each.measure == "share"]
    size = f" The difference to be shared out is {number(counted[0].explained)}." if counted else ""
    return f"{one.target}, counted from “{one.baseline}”.{size}"


def _card(one: Attribution, badge: TrustBadge, colours: dict[str, int | None], most: int) -> dict[str, Any]:
    """One method for the page; the groups that are left out are one row, so that the bars keep their sum."""
    order = sorted(range(len(one.group_names)), key=lambda i: -(one.positive[i] - one.negative[i]))
    named, rest = order[:most], order[most:]
    rows: list[dict[str, Any]] = [
        {
            "name": one.group_names[i], "colour": colours.get(one.group_names[i]),
            "up": float(one.positive[i]), "down": float(one.negative[i]),
        }
        for i in named
    ]  # fmt: skip
    if rest:
        up, down = float(one.positive[rest].sum()), float(one.negative[rest].sum())
        rows.append({"name": f"{len(rest)} others", "colour": None, "up": up, "down": down})
    return {
        "title": METHODS[one.method].title,
        "about": METHODS[one.method].about,
        "measure": one.measure,
        "level": badge.overall,
        "verdict": _VERDICTS[badge.overall],
        "reason": badge.reason,
        "sentence": " ".join([one.sentence(), *(_sentence(note) for note in one.notes)]),
        "rows": rows,
        "figures": [
            {
                "title": figure.title, "value": number(figure.value) if math.isfinite(figure.value) else "not measured",
                "level": figure.level, "limits": figure.limits, "sentence": figure.sentence,
            }
            for figure in badge.figures
        ],
    }  # fmt: skip


def _agreement(comparison: Comparison) -> dict[str, Any]:
    """The rank correlations between methods as a heat map; one method has none."""
    titles = [METHODS[one.method].title for one in comparison.attributions]
    if len(titles) < 2:
        return {"columns": [], "rows": []}
    rows = []
    for i, title in enumerate(titles):
        cells: list[dict[str, Any]] = []
        for j in range(len(titles)):
            value, cells_value = float(comparison.by_group[i, j]), float(comparison.maps[i, j])
            if i == j:
                cells.append({"text": "–"})
            elif math.isfinite(value):
                cells.append({"text": number(value), "note": f"cells {number(cells_value)}"})
            else:
                cells.append({"text": "does not vary"})
        rows.append({"label": title, "cells": cells})
    return {
        "caption": "Rank correlation between the methods: of knob groups, and of single cells",
        "corner": "Rank correlation",
        "columns": titles,
        "rows": rows,
    }
