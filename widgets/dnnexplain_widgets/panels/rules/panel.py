"""The network as rules that can be read, changed and run: a tree in domain words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import traitlets as t

from dnnexplain.contract import Choice, DnnExplainError, state_from_observation
from dnnexplain.explain.distillation import (
    Disagreement,
    Distillable,
    Rulebook,
    RuleComparison,
    TreePolicy,
    disagree,
)
from dnnexplain.explain.distillation.certificate import checked_export
from dnnexplain.explain.verdict.kept import best_known_rule
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.live import best_actions
from dnnexplain_widgets.panels.rules import view as figures
from dnnexplain_widgets.panels.rules import work
from dnnexplain_widgets.panels.rules.model import Desk
from dnnexplain_widgets.panels.rules.question import AskedPanel
from dnnexplain_widgets.panels.rules.view import ENDINGS, RULES, controls_of, edited_words, state_words
from dnnexplain_widgets.uploads import text_of
from dnnexplain_widgets.words import label

__all__ = ["RulesPanel"]


class RulesPanel(AskedPanel):
    """Which rules is the network?

    Args:
        settings: arguments of ``explain.distillation.distil`` beside leaves and seed, such as
            ``{"sets": 40, "unseen": 200}``.
        compare_sets: workloads on which rules, network and optimum are compared.
        bound_seconds: time for the optimum of each of them; 0 leaves the optimum out.
    """

    QUESTION = "Which rules is the network?"
    PROMISE = "Press “Distil”: the network as a short list of rules, how often they decide as it does, and what they cost in its place; seconds, or minutes where a run is dear."
    LATER = ("seed", "saved")
    PARTS = ({"part": "sizes"}, {"part": "tree"}, {"part": "cells"})
    OPTIONS = ("settings", "compare_sets", "bound_seconds")

    WANTS = ("decision",)
    SETTINGS = ("work", "leaves", "seed", "knob ")

    lit = t.Dict(
        help="The nodes that the present state passes, what is asked about there, what rules and network do: {path, now, said, otherwise}."
    ).tag(sync=True)

    def setup(self) -> None:
        """Controls: the work, how many rules; the rest appears with the rules."""
        self.system = cast("Any", self.world())  # it names its workloads, too
        system = self.system
        if not isinstance(system, Distillable) or not hasattr(system, "workload_names"):
            msg = f"{system.name} gives no features and visited states, so its networks cannot be told as rules"
            raise DnnExplainError(msg)
        self.settings: dict[str, Any] = dict(self.options.get("settings") or {})
        self.sets = int(self.options.get("compare_sets", 40))
        self.bound_seconds = float(self.options.get("bound_seconds", 0.5))
        self.desk: Desk | None = None
        self._speech: figures.Speech | None = None
        knobs = {f"knob {knob.name}": knob.start for knob in self.system.workload_knobs}
        self.answers = {
            "work": next(iter(system.workload_names)), "leaves": 20, "seed": 1, "rule": best_known_rule(system, self.session.policy),
            "view": RULES, "which": "all", "format": "python", **knobs,
        }  # fmt: skip
        self.session.observe(self._light, "live")
        self.session.observe(self._forget, "policy")
        self._show_controls()

    # --- what can be asked ---

    @property
    def result(self) -> Rulebook | None:
        """The rules as they stand, where they come from, and what they cost."""
        return None if self.desk is None else self.desk.book

    def distil(self) -> None:
        """Distil the session's network beside the page."""
        system, policy, answers = self.system, self.worker_policy(), self.answers
        draw, seed, sets = work.drawer(system, answers), int(answers["seed"]), self.sets
        options = {**self.settings, "leaves": int(answers["leaves"]), "seed": seed}

        def learn(task: Task) -> Desk:
            distillation = work.learned(task, system, policy, draw, options)
            return Desk.of(distillation, work.ground(system, policy, draw, seed, sets))

        self.start(learn, self._show_desk, "Distilling")

    def resize(self, place: int) -> None:
        """Go to the distilled rules of another size, by its place in ``path_trees``."""
        desk = self._ready()
        if not 0 <= place < len(desk.finding.path_trees):
            msg = f"sizes have places 0 to {len(desk.finding.path_trees) - 1}, not {place}"
            raise DnnExplainError(msg)
        if place != desk.edits.now.size:
            desk.edits.resize(place, desk.finding.path_trees[place])
            self._show_version()

    def edit_threshold(self, node: int, threshold: float) -> None:
        """Change what a rule compares with, and run the changed rules at once."""
        edits = self._ready().edits
        edits.edit(edits.now.tree.with_threshold(node, threshold))
        self._show_version()

    def edit_action(self, leaf: int, action: int) -> None:
        """Change what a rule does, and run the changed rules at once."""
        edits = self._ready().edits
        edits.edit(edits.now.tree.with_action(leaf, action))
        self._show_version()

    def undo(self) -> None:
        """Back to the rules before the last change."""
        self._ready().edits.undo()
        self._show_version()

    def redo(self) -> None:
        """Forward again."""
        self._ready().edits.redo()
        self._show_version()

    def show(self, view: str) -> None:
        """Show the rules (``"rules"``), or where the network is not the rule of that name."""
        desk, known = self._ready(), (RULES, *self.system.rules())
        if view not in known:
            raise Choice("view", view, known).error()
        if view != RULES and view not in desk.apart:
            self.set_answers(view=desk.view)  # until the other tree is there
            self._compare_with(view)
            return
        desk.view, desk.opened = view, None
        self.set_answers(view=view)
        self.sentence = desk.finding.words if view == RULES else desk.apart[view].words
        self._draw()

    def open_state(self, leaf: int, place: int = 0) -> None:
        """Load one of the states that end in a rule into the session, round and round."""
        desk = self._ready()
        states = desk.states(leaf, differ=self.answers["which"] == "differ")
        desk.opened = (leaf, place % len(states))
        state = state_from_observation(self.system, desk.ground.observations[int(states[desk.opened[1]])])
        self.open_found(state, f"state {desk.opened[1] + 1} of {len(states)} that end in this rule")
        self.sentence = state_words(self.system, desk.ground, desk.speech(), leaf, desk.opened[1], states)
        self._show_controls()

    def export(self, kind: str) -> str:
        """The rules as they stand as ``text``, ``python``, ``c``, ``javascript`` or ``json``; its head says how it was checked."""
        book = self._ready().book
        return checked_export(book.export(kind), kind, book.tree).text

    def save(self, file: str) -> Path:
        """Write rules, changes and costs to a file, to be read with ``Rulebook.load`` or :meth:`load`."""
        return self._ready().book.save(file)

    def load(self, book: Rulebook) -> None:
        """Go on with rules that were saved."""
        system, policy, seed = self.system, self.worker_policy(), int(self.answers["seed"])
        draw = work.drawer(system, dict(self.answers))

        def visit(task: Task) -> Desk:
            task.progress(None, "Visiting the network's states")
            desk = Desk.of(book.distillation, work.ground(system, policy, draw, seed, self.sets), book)
            desk.check(system)
            return desk

        self.start(visit, self._show_desk, "Reading the rules")

    def code_lines(self) -> tuple[str, ...]:
        """The distillation by itself."""
        answers = self.answers
        knobs = "".join(f", {name}={value!r}" for name, value in work.settings_of(self.system, answers).items())
        rest = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        return (
            "from dnnexplain.explain.distillation import distil",
            f"draw = lambda count, seed: system.workloads({answers['work']!r}, count, seed{knobs})",
            f"found = distil(system, policy, draw, leaves={int(answers['leaves'])}, seed={int(answers['seed'])}{rest})",
            "print(found.words)",
            "print(found.text())",
        )

    # --- the page's side ---

    def on_press(self, name: str) -> None:
        """Distil, undo, redo, walk through a rule's states, export."""
        opened = None if self.desk is None else self.desk.opened
        if name in ("previous", "next") and opened is not None:
            self.open_state(opened[0], opened[1] + (1 if name == "next" else -1))
        elif name == "export":
            kind = str(self.answers["format"])
            self.offer(f"rules{ENDINGS[kind]}", self.export(kind))
        elif name in ("distil", "undo", "redo"):
            getattr(self, name)()

    def on_answer(self, name: str, value: Any) -> None:
        """The slider moved, a rule was changed or clicked, another view was chosen."""
        if self.desk is None:
            return
        if name == "size":
            self.resize(int(value))
        elif name == "threshold" and value:
            self.edit_threshold(int(value[0]), float(value[1]))
        elif name == "action" and value:
            self.edit_action(int(value[0]), int(value[1]))
        elif name == "leaf" and value:
            self.open_state(int(value[0]))
        elif name == "which" and self.desk.opened is not None:
            self.open_state(self.desk.opened[0])
        elif name == "rule":
            self._simulate()
        elif name == "view" and value != self.desk.view:
            self.show(str(value))

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """Rules that were saved before."""
        del name
        self.load(Rulebook.from_json(text_of(file, content, "holds no saved rules")))

    # --- what is drawn ---

    def _ready(self) -> Desk:
        if self.desk is None:
            msg = "distil first; there are no rules yet"
            raise DnnExplainError(msg)
        return self.desk

    def _show_desk(self, desk: Desk) -> None:
        self.desk, desk.absent = desk, getattr(self.system.features, "absent", {})
        desk.whole = getattr(self.system.features, "whole", ())
        self.badge = figures.badge(desk.finding)
        self.sentence = desk.finding.words
        self._show_version()

    def _show_version(self) -> None:
        """Draw the present rules, and run them."""
        desk = self._ready()
        desk.view, desk.opened = RULES, None
        self.set_answers(size=desk.edits.now.size, view=RULES)
        self._draw()
        self._simulate()

    def _draw(self) -> None:
        desk = self._ready()
        self._speech = desk.speech()
        self._light()
        self.figure = desk.figure(self._speech)
        self._show_controls()

    def _light(self, _change: object = None) -> None:
        """Light the rules that the session's state passes; part of each step of a drag, so it must be cheap."""
        if self._speech is not None:
            features = self.system.features(self.seen())[0]
            self.lit = figures.passed(self._speech, features) | self._present()

    def _present(self) -> dict[str, Any]:
        """What the rules that are shown do in the session's state beside the network."""
        desk, network, system = self._ready(), self.network_action(), self.system
        if network is None:
            return {}
        names = system.output.names
        if desk.view == RULES:
            who, policy = "the rules", TreePolicy(desk.edits.now.tree, system.features, len(names))
        else:
            who, policy = label(desk.view), system.rules()[desk.view]
        does = int(best_actions(system, policy, self.seen())[0])
        return {"said": figures.present_words(names, who, does, network, self.lit_part()), "otherwise": does != network}

    def network_action(self) -> int | None:
        """What the network does in the session's state, or ``None`` where nobody knows yet."""
        decision = self.session.live.decision
        return None if decision is None else decision.action

    def lit_part(self) -> str:
        """Which part of a decision is meant; none of a whole one."""
        return ""

    def _simulate(self) -> None:
        """Run the present rules beside network and rule."""
        desk, system, seed = self._ready(), self.system, int(self.answers["seed"])
        policies = work.policies_of(
            system, self.worker_policy(), desk.base, desk.edits.now.tree, str(self.answers["rule"])
        )
        on, known = desk.ground, desk.comparison
        self.start(
            lambda task: work.simulated(task, system, policies, on, seed, known),
            self._show_costs,
            "Running the rules",
            part=True,
        )

    def _show_costs(self, comparison: RuleComparison) -> None:
        """Costs have come: draw them; then bound the optimum, if that is still to do."""
        desk, system, seconds = self._ready(), self.system, self.bound_seconds
        desk.comparison = comparison
        self._draw()
        if desk.edits.now.edited:
            tree, rule = desk.edits.now.tree, label(str(self.answers["rule"]))
            self.sentence = edited_words(comparison, desk.ground, tree, rule)
        if seconds and comparison.optimum is None:
            self.start(
                lambda task: work.bounded(task, system, desk.ground, seconds, comparison),
                self._show_costs,
                "Bounding the optimum",
                part=True,
            )

    def _compare_with(self, rule: str) -> None:
        """Learn the tree of where the network is not a rule."""
        desk, system, seed = self._ready(), self.system, int(self.answers["seed"])
        policy = self.worker_policy()

        def compare(task: Task) -> Disagreement:
            task.progress(None, f"Comparing with {label(rule)}")
            return disagree(system, policy, system.rules()[rule], desk.ground.workloads, seed=seed)

        def shown(apart: Disagreement) -> None:
            desk.apart[rule] = apart
            self.show(rule)

        self.start(compare, shown, f"Comparing with {label(rule)}", part=True)

    def _forget(self, _change: Mapping[str, Any]) -> None:
        """Another network: its rules are others."""
        self.drop()
        self.desk = self._speech = None
        self.figure, self.lit, self.sentence, self.badge = {}, {}, "", {}
        self._show_controls()

    def _show_controls(self) -> None:
        self.controls = controls_of(self)
