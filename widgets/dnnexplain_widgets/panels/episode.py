"""Whole episodes: the network and a rule on the same work, side by side, decision by decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dnnexplain.contract import (
    Box,
    Discrete,
    DnnExplainError,
    LogReader,
    NetworkPolicy,
    Policy,
    Replay,
    WatchedOptimum,
)
from dnnexplain.explain.attribution.one_state import attribute
from dnnexplain.explain.verdict.kept import best_known_rule
from dnnexplain.numbers import as_told
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.transfer_words import loader
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, pair_sentence, run_pair
from dnnexplain_widgets.uploads import brought
from dnnexplain_widgets.words import label, number

__all__ = ["EpisodePanel"]

OPTIMUM_SECONDS = 10.0

METHOD = "integrated-gradients"
"""What decides between two actions is told by parts that add up."""

_LOG = "log file"


class EpisodePanel(WatchPanel):
    """How do whole episodes go, beside a rule or another network?

    Args:
        policies: further networks by name, ready or as functions that load them, to be run beside.
    """

    QUESTION = "How does it do over a whole episode, beside a rule?"
    PROMISE = "Press “Run both”: the same workload by the network and by a rule, to be played, step by step, with the decisions in which they part; seconds."
    LATER = ("seed", "sample")
    PARTS = ({"part": "timeline"},)
    OPTIONS = ("policies",)
    SETTINGS = ("work", "seed", "rule", "sample", "window", "optimum", "knob ")

    def setup(self) -> None:
        """Controls for the work, the seed, the rule."""
        system = self.system
        self.windows: Sequence[Any] = ()
        self.policies: Mapping[str, Policy | Callable[[], Policy]] = self.options.get("policies") or {}
        self._why = ""
        self._log_words = ""
        first = next(iter(system.workload_names))
        knobs = {f"knob {knob.name}": knob.start for knob in system.workload_knobs}
        self.answers = {
            "work": first, "seed": 1, "rule": best_known_rule(system, self.session.policy), "sample": False,
            "window": 1, "decision": 0, "follow": False, "why": "", "optimum": spec_of(system).quick_optimum, **knobs,
        }  # fmt: skip
        self._show_controls()

    @property
    def result(self) -> Pair | None:
        """The two runs, once there are any."""
        return self.pair

    def run(self) -> None:
        """Run both on the chosen work, beside the page."""
        answers = dict(self.answers)
        system, policy = self.system, self.worker_policy()
        rules, beside = system.rules(), str(answers["rule"])
        seed, sample = int(answers["seed"]), bool(answers["sample"])
        best = answers["optimum"] and isinstance(system, WatchedOptimum)

        def work(task: Task) -> Pair:
            task.progress(0.0, "Drawing the work")
            chosen = self._work(answers)
            rule = rules[beside] if beside in rules else loader(self.policies[beside])()
            pair = run_pair(system, policy, rule, chosen, seed=seed, sample=sample, task=task)
            if not best or not isinstance(system, WatchedOptimum):
                return pair
            task.progress(0.95, f"Looking for the best plan, for {OPTIMUM_SECONDS:g} s at most")
            return replace(pair, optimum=system.replay_optimum(chosen, seconds=OPTIMUM_SECONDS))

        self.start(work, self._show, "Running the episode")

    def on_press(self, name: str) -> None:
        """Run, or take the present decision to the editor."""
        if name == "run":
            self.run()
        else:
            super().on_press(name)

    def on_answer(self, name: str, value: Any) -> None:
        """The scrubber moved, or another control."""
        if name == "decision" and self.pair is not None:
            self._why = ""
            if self.answers["why"]:
                self.set_answers(why="")
            self._say(int(value))
            self.step_to(int(value))
        elif name == "why" and value:
            self._explain(int(self.answers["decision"]), str(value))
            self._say(int(self.answers["decision"]))
        elif name == "work":
            self._show_controls()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A log was given: read its windows."""
        assert name == "log"
        system = self.session.system
        assert isinstance(system, LogReader)
        with brought(file, content) as path:
            self.windows, words = system.log_windows(path)
        self._log_words = words
        self.set_answers(window=1, work=_LOG)
        self._show_controls()
        self.sentence = words

    def _work(self, answers: dict[str, Any]) -> Any:
        if answers["work"] == _LOG:
            if not self.windows:
                msg = "choose a log file first"
                raise DnnExplainError(msg)
            at = int(answers["window"])
            if not 1 <= at <= len(self.windows):
                msg = f"the log has windows 1 to {len(self.windows)}, not {at}"
                raise DnnExplainError(msg)
            return self.windows[at - 1]
        settings = {}
        for knob in self.system.workload_knobs:
            value = knob.snap(float(answers[f"knob {knob.name}"]))
            settings[knob.name] = int(value) if knob.step is not None and float(knob.step).is_integer() else value
        return self.system.workloads(answers["work"], 1, int(answers["seed"]), **settings)[0]

    def _show_controls(self) -> None:
        system = self.system
        reads_logs = isinstance(system, LogReader)
        kinds = [[name, f"{name}: {about}"] for name, about in system.workload_names.items()]
        if reads_logs:
            kinds.append([_LOG, "a recorded log (file)"])
        from_log = self.answers.get("work") == _LOG
        controls: list[dict[str, Any]] = [{"kind": "select", "name": "work", "label": "Work", "options": kinds}]
        if from_log:
            suffixes = ",".join(system.log_suffixes) if isinstance(system, LogReader) else ""
            count = max(1, len(self.windows))
            controls.append({"kind": "file", "name": "log", "label": "Log file", "accept": suffixes})
            controls.append(
                {
                    "kind": "number",
                    "name": "window",
                    "label": f"Window, 1 to {count}",
                    "low": 1,
                    "high": count,
                    "step": 1,
                }
            )
        else:
            controls += [
                {
                    "kind": "number", "name": f"knob {knob.name}", "label": knob.name.capitalize(), "unit": knob.unit,
                    "low": knob.low, "high": knob.high, "step": knob.step,
                }
                for knob in system.workload_knobs
            ]  # fmt: skip
        controls += [
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "select", "name": "rule", "label": "Beside", "options": self._beside()},
            *self._ways(),
            {"kind": "button", "name": "run", "label": "Run both", "strong": True},
        ]  # fmt: skip
        self.controls = [*controls, *self.watch_controls(), *self._questions()]

    def _beside(self) -> list[list[str]]:
        """The rules, and the networks that are not the one that is explained."""
        system = self.system
        others = [name for name in self.policies if name not in {self.session.policy.name, *system.rules()}]
        return [*([name, label(name)] for name in system.rules()), *([name, name] for name in others)]

    def _questions(self) -> list[dict[str, Any]]:
        """Why this and not that, about the decision that is shown; asked of networks that choose."""
        names = self.session.system.output.names
        if (
            self.pair is None
            or not isinstance(self.session.system.output, Discrete)
            or not isinstance(self.session.policy, NetworkPolicy)
        ):
            return []
        hint = "What spoke for the network's decision at this moment, and against that one."
        return [
            {
                "kind": "select",
                "name": "why",
                "label": "Why not …?",
                "options": [["", "choose"], *([name, name] for name in names)],
                "hint": hint,
            }
        ]

    def _explain(self, decision: int, wanted: str) -> None:
        """Put into words what decided between the network's choice and another one, in this decision's state."""
        self._why = ""
        if not wanted or self.pair is None:
            return
        took = self.session.system.output.tell(self.pair.network.actions[decision])
        if took == wanted:
            self._why = f"Why not {wanted}? It is what the network did."
            return
        state = self.state_at(decision)
        attribution = attribute(
            self.session.system, self.worker_policy(), state, method=METHOD, target=f"{took} minus {wanted}"
        )
        self._why = f"Why not {wanted}? {attribution.sentence()}"

    def _ways(self) -> list[dict[str, Any]]:
        """Whether actions are drawn, where there is a chance to draw by; whether the optimum is shown, where it is known."""
        system = self.system
        ways = []
        if not isinstance(system.output, Box):
            hint = "Draw the network's actions by their probabilities instead of taking the best."
            ways.append({"kind": "check", "name": "sample", "label": "Draw actions", "hint": hint})
        if isinstance(system, WatchedOptimum):
            hint = "Draw the best plan that is known for this work below."
            ways.append({"kind": "check", "name": "optimum", "label": "And the optimum", "hint": hint})
        return ways

    @property
    def _others(self) -> tuple[Replay, ...]:
        pair = self.pair
        return () if pair is None or pair.optimum is None else (pair.optimum,)

    def _show(self, pair: Pair) -> None:
        self.pair, self._why = pair, ""
        self.set_answers(why="")
        self.figure = self.watch(pair, *self._others)
        self._show_controls()
        self._say(int(self.answers["decision"]))

    def _say(self, decision: int) -> None:
        assert self.pair is not None
        metrics = spec_of(self.system).metrics
        optimum = self.pair.optimum
        best = (
            ""
            if optimum is None
            else f" The {optimum.policy}: {number(as_told(optimum.cost_name, optimum.cost)[1][0])}."
        )
        words = decision_words(self.system, self.pair, decision, *self._others)
        self.sentence = f"{pair_sentence(self.pair, metrics)}{best} {words} {self._why}".strip()
