"""How does it stand the test? A board of scenarios; a click on one shows its worst case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dnnexplain.contract import Discrete, DnnExplainError, Policy, Replayable, Tabular
from dnnexplain.explain.stress.cases import battery, read_case_file
from dnnexplain.explain.stress.faults import FAULTS, FaultyInput
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.run import stress
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.failing import FailingPanel
from dnnexplain_widgets.panels.saved import OPEN_SAVED, same_system
from dnnexplain_widgets.panels.stress_findings import findings
from dnnexplain_widgets.panels.stress_words import board, case_words
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, pair_sentence, run_pair
from dnnexplain_widgets.uploads import text_of

__all__ = ["StressPanel"]


class StressPanel(WatchPanel):
    """How does it stand the test?

    Ordinary workloads, scenarios from the field, faults of the input, shifts, and likely inputs that are made to be
    bad: a verdict each, drawn as they come; below, between which shifts it stops winning, in which regions it fails, and
    what a guard helps. A click on a scenario runs its worst workload by the network and by the rule that is best there,
    one above the other, and any decision of it opens in the editor.

    Args:
        budget: workloads that the network is run on, at first.
        workers: processes; one per core by default, 1 works in the kernel itself.
    """

    QUESTION = "How does it stand the test?"
    PROMISE = "Press “Run”: each scenario of the field as a tile, blue where the network does better than every rule, grey where as well, amber where a rule does better, red where something went wrong that must not; about a minute for the runs given here."
    LATER = ("seed", "saved")
    PARTS = ({"part": "board"}, {"part": "findings"}, {"part": "timeline"})
    OPTIONS = ("budget", "workers")
    SETTINGS = ("budget", "seed")

    @property
    def system(self) -> Any:
        """The session's system; scenarios are run whether or not their episodes can be watched."""
        return self.session.system

    def setup(self) -> None:
        """Controls: budget, seed, run."""
        self.finding: StressTest | None = None
        self._part: Callable[[], StressTest] | None = None
        self._drawn: dict[str, Any] = {}
        self._shown: int | None = None
        self._words = ""
        self.answers = {
            "budget": int(self.options.get("budget", 600)), "seed": 0, "chosen": None, "decision": 0, "follow": False,
        }  # fmt: skip
        self.observe(self._show_part, "busy")
        self._show_controls()

    @property
    def result(self) -> StressTest | None:
        """The test, as far as it was run."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The test by itself."""
        return (
            "from dnnexplain.explain.stress import stress",
            "from dnnexplain.registry import spec_of",
            f"found = stress(system, spec_of(system), policy, budget={int(self.answers['budget'])}, seed={int(self.answers['seed'])})",
            "print(found.sentence())",
        )

    def run(self, resume: StressTest | None = None) -> None:
        """Run the battery, or its missing scenarios, beside the page."""
        system, policy = self.system, self.worker_policy()
        budget, seed = int(self.answers["budget"]), int(self.answers["seed"])
        self._part = None

        def note(made: Callable[[], StressTest]) -> None:
            self._part = made

        def work(task: Task) -> StressTest:
            return stress(
                system,
                spec_of(system),
                policy,
                budget=budget,
                seed=seed,
                jobs=self.options.get("workers"),
                resume=resume,
                keep=note,
                progress=lambda done, total: task.progress(0.9 * done / total, f"Scenario {done} of {total}"),
                cancel=task.enough,
            )

        self.start(work, self._take, "Running the scenarios", keeps=True)

    def show_case(self, place: int) -> None:
        """Tell a scenario, and watch its worst workload where episodes can be watched.

        Args:
            place: among the result's scenarios, from 0.

        Raises:
            DnnExplainError: nothing was run yet, or there is no such scenario.
        """
        finding = self.finding
        if finding is None or not 0 <= place < len(finding.scenarios):
            msg = (
                "run the test first"
                if finding is None
                else f"this test has scenarios 0 to {len(finding.scenarios) - 1}"
            )
            raise DnnExplainError(msg)
        scenario = finding.scenarios[place]
        self._shown = place
        self.set_answers(chosen=place)
        self.sentence = case_words(scenario, finding.cost_name)
        system = self.system
        if not isinstance(system, Replayable) or not isinstance(system.output, Discrete):
            return
        policy = self.worker_policy()
        rule: Policy = system.rules()[scenario.best_rule]
        count, seed = scenario.sets, int(scenario.worst.get("seed", 0))

        def work(task: Task) -> Pair:
            task.progress(0.0, "Drawing the workload")
            workload = self._workload(scenario, count, seed)
            ours, theirs = (_as_met(system, scenario, policy_asked) for policy_asked in (policy, rule))
            return run_pair(system, ours, theirs, workload, seed=seed, task=task)

        words = f"{case_words(scenario, finding.cost_name)} Below: its worst workload, number {int(scenario.worst.get('place', 0)) + 1} of {count}."
        self.start(work, lambda pair: self._show_pair(pair, words), "Running the episode", part=True)

    def on_press(self, name: str) -> None:
        """Run, go on, open a decision, go where a finding leads."""
        if name == "run":
            self.run()
        elif name == "map":
            self._show_map()
        elif name == "guard":
            self.session.show_panel("GuardPanel")
        elif name == "more":
            self.run(resume=self.finding)
        else:
            super().on_press(name)

    def on_answer(self, name: str, value: Any) -> None:
        """A scenario was clicked, or the scrubber moved."""
        if name == "chosen" and value is not None and int(value) != self._shown:
            self.show_case(int(value))
        elif name == "decision" and self.pair is not None:
            self.sentence = f"{self._words} {decision_words(self.system, self.pair, int(value))}"
            self.step_to(int(value))

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved test."""
        del name
        test = StressTest.from_json(text_of(file, content))
        same_system(self.system, test.question, file)
        self.set_answers(budget=test.question.settings["budget"], seed=test.question.seed or 0)
        self._take(test)
        self.answered_before(test.question)

    # --- inner workings ---

    def _workload(self, scenario: ScenarioResult, count: int, seed: int) -> Any:
        """A scenario's worst workload: from its file's content, or drawn again."""
        if isinstance(self.system, Tabular) and "records" in scenario.worst:
            return read_case_file(self.system, scenario.worst)
        case = next(case for case in battery(spec_of(self.system)) if case.name == scenario.name)
        return case.workloads(self.system, count, seed)[int(scenario.worst["place"])]

    def _show_map(self) -> None:
        """The regions in their own panel, which finds them again with the same workloads and draws what is lost there."""
        panel = self.session.show_panel("FailingPanel")
        if self.finding is not None and isinstance(panel, FailingPanel):
            family = spec_of(self.system).family().name
            panel.set_answers(
                of="workloads", family=family, seed=self.finding.question.seed or 0, sets=self.finding.regions["sets"]
            )
            panel.run()

    def _show_part(self, _change: object = None) -> None:
        if self._part is not None and self.busy:
            self.figure = {"board": board(self._part())}

    def _take(self, test: StressTest) -> None:
        self._part, self.finding, self.pair, self._shown = None, test, None, None
        self.set_answers(chosen=None)
        self._drawn = {"board": board(test), "findings": findings(test, spec_of(self.system), self.session.at_hand)}
        self.figure = self._drawn
        self.sentence = f"{test.sentence()}{' Not tested: ' + test.left_out[0] if test.left_out else ''}"
        self._show_controls()

    def _show_pair(self, pair: Pair, words: str) -> None:
        self._words = f"{words} {pair_sentence(pair, spec_of(self.system).metrics)}"
        self.figure = {**self._drawn, **self.watch(pair)}
        self.sentence = f"{self._words} {decision_words(self.system, pair, int(self.answers['decision']))}"
        self._show_controls()

    def _show_controls(self) -> None:
        unfinished = self.finding is not None and not self.finding.done
        self.controls = [
            {"kind": "number", "name": "budget", "label": "Runs in all", "low": 60, "high": 100000, "step": 20},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "run", "label": "Run", "strong": True},
            {"kind": "button", "name": "more", "label": "Go on", "disabled": not unfinished, "hint": "Run what is missing."},
            OPEN_SAVED,
            *self.watch_controls(),
        ]  # fmt: skip


def _as_met(system: Any, scenario: ScenarioResult, policy: Policy) -> Policy:
    """A policy with the scenario's fault of the input, as it was run in the test."""
    fault = FAULTS.get(scenario.name.removeprefix("input-")) if scenario.kind == "fault" else None
    return policy if fault is None else FaultyInput(policy, fault, system, int(scenario.worst.get("place", 0)))
