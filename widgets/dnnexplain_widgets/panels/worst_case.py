"""How bad it can get: searches for the input at which a policy is furthest from the optimum, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from dnnexplain.contract import Attackable, Choice, DnnExplainError, Flowing, Policy, SearchBox, Shown, State, need
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.explain.decisions.flows import FlowComparison, comparison_of
from dnnexplain.explain.gray_box.assemble import problem_with
from dnnexplain.explain.gray_box.box import GapBox, gap_box
from dnnexplain.explain.gray_box.budget import Progress
from dnnexplain.explain.gray_box.comparison import SearchComparison, compare_searches
from dnnexplain.explain.gray_box.methods import METHODS
from dnnexplain.explain.gray_box.problem import Problem
from dnnexplain.explain.gray_box.result import WorstCase
from dnnexplain.results import Question
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.topology import picture_of
from dnnexplain_widgets.panels.worst_case_words import (
    TITLES,
    badge_of,
    box_rows,
    case_table,
    final_race,
    search_controls,
)
from dnnexplain_widgets.uploads import text_of
from dnnexplain_widgets.views import flow_graph
from dnnexplain_widgets.words import error_sentence, number

__all__ = ["WorstCasePanel"]

_METHOD = "method "


class WorstCasePanel(Panel):
    """How bad can it get? Gray-box search beside black-box ones, each with the same CPU time.

    Args:
        methods: names of the searches on offer, those ticked at first; see ``explain.gray_box.METHODS``.
    """

    QUESTION = "How bad can it get?"
    PROMISE = "Press “Search”: how much more than the optimum the network can be made to cost, each search with its curve; the CPU time of each is given above."
    LATER = ("method ", "seed", "load")
    OPTIONS = ("methods",)
    SETTINGS = (_METHOD, "chooses", "seed")

    def setup(self) -> None:
        """Controls: who searches, what the adversary may choose, CPU time, seed; open, box, load."""
        system = self.session.system
        if not isinstance(system, Attackable):
            msg = f"{system.name} does not say what an adversary may choose, so its worst case cannot be searched"
            raise DnnExplainError(msg)
        wanted = tuple(self.options.get("methods") or ("gray-box", "random", "simulated-annealing"))
        for name in wanted:
            if name not in METHODS:
                raise Choice("search method", name, tuple(METHODS)).error()
        self.finding: SearchComparison | None = None
        self.box: GapBox | None = None
        self.shown = ""
        self.under_way: dict[str, Progress] = {}
        parts: list[dict[str, Any]] = [{"part": "race"}, {"part": "cells"}]
        if isinstance(system, Flowing):
            parts.append({"part": "graph", "graph": flow_graph(system.graph), "edit": False, "mode": "marks"})
        self.parts = [*parts, {"part": "ranges"}]
        ticked = {_METHOD + name: name in wanted for name in {**TITLES, **dict.fromkeys(wanted)}}
        self.answers = {**ticked, "chooses": "all", "budget": 10, "seed": 0}
        self.observe(self._draw_under_way, "busy")
        self.session.observe(self._on_policy, "policy")
        self._on_policy()

    @property
    def about(self) -> tuple[str, ...]:
        """The network; and the state, where what it saw is given."""
        return ("policy", "state") if self.answers.get("chooses") == "seen" else ("policy",)

    def belongs(self, state: State) -> bool:
        """Whether a state is a case that was found."""
        if self.finding is None or self._other_network():
            return False
        adversary = self._drawn(self._routed_of(self.finding))
        return any(adversary.state(case.x) == state for case in self.finding.cases)

    @property
    def result(self) -> SearchComparison | None:
        """What the searches found; ``None`` until one ended."""
        return self.finding

    @property
    def methods(self) -> tuple[str, ...]:
        """The searches that are ticked."""
        return tuple(name for name in METHODS if self.answers.get(_METHOD + name))

    def code_lines(self) -> tuple[str, ...]:
        """The searches by themselves."""
        budget, seed = self.answers["budget"], self.answers["seed"]
        fixed = ", state.values[system.graph.knobs]" if self.answers["chooses"] == "seen" else ""
        return (
            "from dnnexplain.explain import compare_searches, gap_box, problem_of",
            f"problem = problem_of(system, policy{fixed})",
            f"found = compare_searches(problem, {list(self.methods)!r}, budget={budget!r}, seed={seed!r})",
            "print(found.sentence())",
            "print(gap_box(problem, found.best.x).sentence())",
        )

    def search(self, resume: SearchComparison | None = None) -> None:
        """Run the ticked searches one after another, beside the page; ``resume`` goes on from earlier ones.

        Raises:
            DnnExplainError: no search is ticked, or the policy leaves nothing to an adversary.
        """
        methods, budget, seed = self.methods, float(self.answers["budget"]), int(self.answers["seed"])
        if not methods:
            msg = "tick at least one search"
            raise DnnExplainError(msg)
        problem, question = self._problem(), self._question()
        self.under_way = {}
        if resume is None:
            self.finding, self.box, self.figure, self.badge, self.sentence = None, None, {}, {}, ""

        def work(task: Task) -> SearchComparison:
            def tell(name: str, state: Progress) -> None:
                self.under_way = {**self.under_way, name: state}
                part = (methods.index(name) + state.fraction) / len(methods)
                task.report(part, f"{TITLES.get(name, name)}: {number(state.best)} so far")

            return compare_searches(
                problem,
                methods,
                budget=budget,
                seed=seed,
                question=question,
                cancel=task.enough,
                progress=tell,
                resume=resume,
            )

        self.start(work, self.show, "Searching", keeps=True)

    def draw_box(self) -> None:
        """Grow the box around the case that is shown, in which the gap persists, beside the page."""
        case = self._case()
        problem, question, seed = self._problem(), self._question(), int(self.answers["seed"])

        def work(task: Task) -> GapBox:
            return gap_box(
                problem, case.x, seed=seed, question=question, cancel=task.enough,
                progress=lambda done, of: task.report(done / of, f"Growing the box: move {done} of {of}"),
            )  # fmt: skip

        self.start(work, self._show_box, "Growing the box", keeps=True, part=True)

    def open_case(self, method: str = "") -> None:
        """Show a method's case (the best if none is named) in the editor and all other panels."""
        case = self._case(method)
        self.shown = case.method
        assert self.finding is not None
        state = self._drawn(self._routed_of(self.finding)).state(case.x)
        self.session.open_in_editor(state, f"the worst case that {case.method} found")
        self._draw_case(case)

    def show(self, comparison: SearchComparison) -> None:
        """Draw a result, computed just now or loaded.

        Raises:
            DnnExplainError: it is about another system.
        """
        system = self.session.system
        if comparison.question.system != system.name:
            msg = f"this result is about {comparison.question.system}, not {system.name}"
            raise DnnExplainError(msg)
        if comparison.question.checkpoint == getattr(self.session.policy, "checkpoint", ""):
            size = len(self._adversary(self._routed_of(comparison)).low)
            if size != len(comparison.best.x):
                msg = f"the case has {counted(len(comparison.best.x), 'input')}, this {system.name} has {size}; was it made with other parameters?"
                raise DnnExplainError(msg)
        self.finding, self.box, self.shown = comparison, None, comparison.best.method
        self._draw_case(comparison.best)
        self._show_controls()

    def load(self, file: str | Path) -> None:
        """Show a saved result."""
        self._show_saved(SearchComparison.load(file))

    def on_press(self, name: str) -> None:
        """Search, go on, open a case, draw its box."""
        if name == "search":
            self.search()
        elif name == "more":
            self.search(resume=self.finding)
        elif name == "open":
            self.open_case(self.shown)
        elif name == "box":
            self.draw_box()

    def on_answer(self, name: str, value: Any) -> None:
        """A row was clicked: its case is shown."""
        if name == "chosen" and value and self.finding is not None:
            cases = {str(row): case.method for row, case in enumerate(self.finding.cases)}
            if str(value[0]) not in cases:
                raise Choice("case", str(value[0]), tuple(cases)).error()
            self.open_case(cases[str(value[0])])
        elif name.startswith(_METHOD):
            self._show_controls()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was chosen."""
        assert name == "load"
        text = text_of(file, content)
        self._show_saved(SearchComparison.from_json(text))

    def _show_saved(self, comparison: SearchComparison) -> None:
        self.show(comparison)
        self.answered_before(comparison.question)

    def _adversary(self, routed: Any = None, policy: Policy | None = None) -> SearchBox:
        return cast("Attackable", self.session.system).adversary(policy or self.session.policy, routed)

    def _drawn(self, routed: Any) -> Shown:
        """The same, to draw its inputs as states of the system."""
        adversary = self._adversary(routed)
        need(adversary, Shown, "the picture of a worst case")
        return cast("Shown", adversary)

    def _routed(self) -> Any:
        """The demands that are not the adversary's, if only what the network saw is."""
        system = self.session.system
        if self.answers["chooses"] != "seen" or not isinstance(system, Flowing):
            return None
        return self.session.state.values[system.graph.knobs]

    def _routed_of(self, comparison: SearchComparison) -> Any:
        given = comparison.question.settings.get("carried")
        return None if given is None else np.array(given)

    def _problem(self) -> Problem:
        system = cast("Attackable", self.session.system)
        routed = self._routed() if self.finding is None else self._routed_of(self.finding)
        policy = self.worker_policy()
        return problem_with(self._adversary(routed, policy), f"{policy.name} on {system.name}", system.cost_name)

    def _question(self) -> Question:
        system, routed = cast("Attackable", self.session.system), self._routed()
        settings = {} if routed is None else {"carried": np.asarray(routed).tolist()}
        target = f"{system.cost_name} over its optimum"
        return Question.about(system, self.session.policy, target=target, settings=settings)

    def _case(self, method: str = "") -> WorstCase:
        if self.finding is None:
            msg = "search first; there is no case yet"
            raise DnnExplainError(msg)
        if self._other_network():
            msg = (
                f"this case is about another network, {self.finding.question.policy}; choose that one, or search again"
            )
            raise DnnExplainError(msg)
        wanted = method or self.shown
        return self.finding.case(wanted) if wanted else self.finding.best

    def _other_network(self) -> bool:
        checkpoint = "" if self.finding is None else self.finding.question.checkpoint
        return checkpoint != getattr(self.session.policy, "checkpoint", "")

    def _draw_under_way(self, _change: object = None) -> None:
        if self.busy and self.under_way:
            race = final_race(self.finding, self.under_way, float(self.answers["budget"]))
            self.figure = {**self.figure, "race": race}

    def _draw_case(self, case: WorstCase) -> None:
        finding = self.finding
        assert finding is not None
        figure = {"race": final_race(finding, {}, float(self.answers["budget"])), "cells": case_table(finding)}
        if finding.question.checkpoint == getattr(self.session.policy, "checkpoint", ""):
            flows = self._flows(case)
            figure |= {"graph": picture_of(flows)} if flows is not None else {}
        if self.box is not None and np.array_equal(self.box.x, case.x):
            figure["ranges"] = box_rows(self.box, self._adversary(self._routed_of(finding)).high)
        self.figure = figure
        words = [case.sentence(TITLES.get(case.method, case.method))]  # the others are in the table
        words += [
            f"{TITLES.get(name, name)} failed: {error_sentence(DnnExplainError(why))}"
            for name, why in finding.failures.items()
        ]
        self.sentence = " ".join(words)
        self.badge = badge_of(case)

    def _flows(self, case: WorstCase) -> FlowComparison | None:
        """Loads of the case under the policy as the system runs it, and at the optimum."""
        system, policy, result = self.session.system, self.session.policy, self.finding
        if not isinstance(system, Flowing) or result is None:
            return None
        adversary = self._drawn(self._routed_of(result))
        state, carried = adversary.state(case.x), adversary.carried(case.x)
        ours, best = system.flows(state, decide(system, policy, state).outputs, carried)
        return comparison_of(system, result.question, carried, ours, best)

    def _show_box(self, box: GapBox) -> None:
        self.box = box
        assert self.finding is not None
        case = next(case for case in self.finding.cases if np.array_equal(case.x, box.x))
        self._draw_case(case)
        self.sentence = f"{case.sentence(TITLES.get(case.method, case.method))} {box.sentence()}"

    def _on_policy(self, _change: object = None) -> None:
        self._show_controls()

    def _show_controls(self) -> None:
        try:
            blind = bool(getattr(self._adversary(), "blind", False))
            self.error = ""
        except DnnExplainError as error:
            blind, self.error = False, error_sentence(error)
        names = [name[len(_METHOD) :] for name in self.answers if name.startswith(_METHOD)]
        controls = search_controls([name for name in METHODS if name in names], blind=blind, comparison=self.finding)
        if controls != self.controls:
            self.controls = controls
