"""The smallest change that fools one decision: results as they come, loaded into the editor with a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dnnexplain.contract import Discrete, DnnExplainError, State
from dnnexplain.explain.adversarial.compare import MethodTable, compare_methods
from dnnexplain.explain.adversarial.pairs import OrderPairs, order_pairs
from dnnexplain.explain.adversarial.result import Adversarial, Flip
from dnnexplain.explain.adversarial.search import attack
from dnnexplain.explain.decisions.limits import numbers_of, parts_of, spans_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.adversarial_controls import controls_of
from dnnexplain_widgets.panels.adversarial_words import (
    asked_again,
    badge_of,
    flips_table,
    methods_table,
    pairs_table,
    plausibility,
)
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.saved import same_system
from dnnexplain_widgets.python_code import literal
from dnnexplain_widgets.uploads import text_of
from dnnexplain_widgets.words import number

__all__ = ["AdversarialPanel"]

PAIRS = 12
"""Pairs of states that are listed."""


class AdversarialPanel(Panel):
    """What is the smallest change that fools it?

    Args:
        likelihood: from a state to the log-probability of each object under the training workload; shown
            beside the result (see ``explain.adversarial.attack``).
    """

    QUESTION = "What is the smallest change that fools it?"
    PROMISE = "Press “Search”: the smallest change of the state that turns the decision into a worse one; it takes the time that “At most” says."
    LATER = ("method", "objects", "costs", "bounds", "compare", "pairs", "saved")
    PARTS = ({"part": "cells"},)
    OPTIONS = ("likelihood",)
    COMPARES = True
    ABOUT = ("policy", "state")
    SETTINGS = ("method", "target", "change", "objects", "costs", "bounds")

    def setup(self) -> None:
        """Controls: how to search, what may change, towards which action, for how long."""
        system = self.session.system
        if not isinstance(system.output, Discrete) or not hasattr(system, "judge"):
            msg = (
                f"{system.name} has no oracle for single decisions (judge), so nothing in it can be called adversarial"
            )
            raise DnnExplainError(msg)
        self.likelihood: Callable[[State], Mapping[str, float]] | None = self.options.get("likelihood")
        self.finding: Adversarial | None = None
        self.start_state: State | None = None
        self.flips: list[Flip] = []
        self.pairs: OrderPairs | None = None
        self.methods: MethodTable | None = None
        self._shown: tuple[State, State] | None = None
        self.answers = {
            "method": "exhaustive", "target": "", "change": "", "objects": "", "seconds": 20, "costs": "", "bounds": "",
        }  # fmt: skip
        self.observe(self._show_flips, "busy")
        self._show_controls()

    def belongs(self, state: State) -> bool:
        """Whether a state is one of the table's; a list of pairs is about no state."""
        return self.pairs is not None or any(state in pair for pair in self._states())

    @property
    def result(self) -> Adversarial | OrderPairs | MethodTable | None:
        """What the last search found, or the comparison of methods."""
        return self.finding or self.pairs or self.methods

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``attack`` as the controls have them."""
        answers = self.answers
        return {
            "method": answers["method"],
            "target": answers["target"] or None,
            "knobs": [answers["change"]] if answers["change"] else None,
            "objects": int(answers["objects"]) if answers["objects"] else None,
            "costs": numbers_of(parts_of(answers["costs"]), "Cost per unit") or None,
            "bounds": spans_of(parts_of(answers["bounds"]), "Bounds") or None,
            "seconds": float(answers["seconds"]),
        }

    def code_lines(self) -> tuple[str, ...]:
        """The search by itself."""
        start = [f"state = system.state_from_json({literal(self.finding.question.state)})"] if self.finding else []
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items() if value is not None)
        return (
            "from dnnexplain.explain.adversarial import attack",
            *start,
            f"found = attack(system, policy, state, {arguments})",
            "print(found.words)",
        )

    def search(self, resume: Adversarial | None = None) -> None:
        """Search from the session's state, or go on from an earlier result, beside the page."""
        system, policy, options = self.session.system, self.worker_policy(), self.arguments
        state = self.session.state if resume is None or self.start_state is None else self.start_state
        self._begin(state)

        def work(task: Task) -> Adversarial:
            return attack(
                system,
                policy,
                state,
                **options,
                likelihood=self.likelihood,
                resume=resume,
                cancel=task.enough,
                progress=task.progress,
                on_found=lambda flip: self._note(flip, task),
            )

        self.start(work, self._show, "Searching", keeps=True)

    def search_pairs(self) -> None:
        """List pairs of states like the paper's Figure 4: two jobs, one step shorter, another order."""
        system, policy, seconds = self.session.system, self.worker_policy(), float(self.answers["seconds"])
        self._begin(None)

        def work(task: Task) -> OrderPairs:
            return order_pairs(system, policy, seconds=seconds, cancel=task.enough, progress=task.progress)

        self.start(work, self._show_pairs, "Searching pairs of two jobs", keeps=True)

    def compare(self) -> None:
        """Give every method the same computing time on the session's state."""
        system, policy, state, options = self.session.system, self.worker_policy(), self.session.state, self.arguments
        del options["method"]
        self._begin(state)

        def work(task: Task) -> MethodTable:
            return compare_methods(
                system,
                policy,
                state,
                **options,
                cancel=task.enough,
                progress=lambda done, total: task.progress(done / total, f"Method {done} of {total}"),
            )

        self.start(work, self._show_methods, "Comparing methods", keeps=True)

    def show(self, row: int) -> None:
        """Load a row of the table into the session: of a search, 0 is the state as given; of pairs, the changed state."""
        states = self._states()
        if not 0 <= row < len(states):
            msg = f"there are results 0 to {len(states) - 1}, not {row}"
            raise DnnExplainError(msg)
        self._shown = states[row]
        self.session.open_in_editor(states[row][1], self._name_of(row))

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was given: show it, ready to be gone on with."""
        assert name == "saved"
        adversarial = Adversarial.from_json(text_of(file, content))
        same_system(self.session.system, adversarial.question, file)
        self.start_state = self.session.system.state_from_json(adversarial.question.state or {})
        self.set_answers(**asked_again(self.session.system, adversarial.question))
        self.pairs, self.methods, self.figure = None, None, {}
        self._show(adversarial)
        self.answered_before(adversarial.question)

    def on_press(self, name: str) -> None:
        """Search, go on, replay the change, save."""
        if name == "search":
            self.search()
        elif name == "more":
            self.search(resume=self.finding)
        elif name == "pairs":
            self.search_pairs()
        elif name == "compare":
            self.compare()
        elif name == "replay":
            self._replay()

    def on_answer(self, name: str, value: Any) -> None:
        """A row was clicked."""
        if name == "chosen" and value:
            self.show(int(value[0]))

    # --- what is drawn ---

    def _begin(self, state: State | None) -> None:
        """Forget the last question; nothing is shown until there is something new."""
        self.start_state, self.finding, self.flips, self.pairs, self.methods = state, None, [], None, None
        self.figure, self.sentence, self.badge = {}, "", {}

    def _note(self, flip: Flip, task: Task) -> None:
        """From the worker: a flip was found; the table is drawn on the page's side with the next report."""
        same = [item for item in self.flips if item.kind == flip.kind]
        if flip.kind == "adversarial" or not same:
            self.flips = [*self.flips, flip]
        task.report(None, f"Found a change of cost {number(flip.distance)}")

    def _states(self) -> list[tuple[State, State]]:
        """Per row the state before and after."""
        start = self.start_state
        if self.methods is not None and start is not None:
            return [(start, answer.state or start) for answer in self.methods.answers.values()]
        if self.pairs is not None:
            return [(pair.state, pair.after_state) for pair in self.pairs.pairs]
        return [] if start is None else [(start, start), *((start, flip.state) for flip in self._ordered())]

    def _name_of(self, row: int) -> str:
        """What a row's state is."""
        if self.methods is not None:
            return f"what {list(self.methods.answers)[row]} found"
        if self.pairs is not None:
            return f"pair {row + 1}, after its change"
        return f"the state after change {row}" if row else "the state as it was given"

    def _ordered(self) -> list[Flip]:
        """The adversarial ones first, cheapest first."""
        return sorted(self.flips, key=lambda flip: (flip.kind != "adversarial", flip.distance))

    def _show_flips(self, _change: object = None) -> None:
        if not self.flips:
            return
        before, flips = None if self.finding is None else self.finding.before, self._ordered()
        table = flips_table(before, flips, plausibility(self.session.system, self.likelihood, self.start_state, flips))
        if table != self.figure.get("cells"):
            self.figure = {"cells": table}

    def _show(self, adversarial: Adversarial) -> None:
        self.finding, self._shown = adversarial, None
        if adversarial.state is not None and adversarial.distance is not None and adversarial.after is not None:
            last = Flip("adversarial", adversarial.distance, adversarial.changes, adversarial.after, adversarial.state)
            self.flips = [flip for flip in self.flips if flip.kind == "adversarial" and flip.distance > last.distance]
            self.flips += [last, *adversarial.others]
        else:
            self.flips = list(adversarial.others)
        self._show_flips()
        self.sentence = adversarial.words
        self.badge = badge_of(adversarial)
        self._show_controls()

    def _show_pairs(self, pairs: OrderPairs) -> None:
        self.pairs = pairs
        self.figure = {"cells": pairs_table(self.session.system, pairs.pairs[:PAIRS])}
        self.sentence = pairs.words
        self._shown = None
        self._show_controls()

    def _show_methods(self, methods: MethodTable) -> None:
        self.methods, self._shown = methods, None
        self.figure = {"cells": methods_table(methods)}
        self.sentence = methods.words
        self._show_controls()

    def _replay(self) -> None:
        """The state before the change, or after it: whichever is not shown now."""
        shown = self._shown
        if (
            shown is None
            and self.finding is not None
            and self.finding.state is not None
            and self.start_state is not None
        ):
            shown = (self.start_state, self.finding.state)
        if shown is None:
            msg = "choose a change in the table first"
            raise DnnExplainError(msg)
        before, after = shown
        now = after if self.session.state == before else before
        self.session.open_in_editor(
            now, "the state after the change" if now is after else "the state before the change"
        )

    def _show_controls(self) -> None:
        finding = self.finding
        open_end = finding is not None and not finding.proved_minimal and not finding.complete
        fooled = (finding is not None and finding.found) or (self.pairs is not None and bool(self.pairs.pairs))
        self.controls = controls_of(self.session.system, open_end=open_end, fooled=fooled)
