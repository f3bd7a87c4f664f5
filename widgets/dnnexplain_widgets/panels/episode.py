"""Whole episodes: the network and a rule on the same work, side by side, decision by decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dnnexplain.contract import Box, DnnExplainError, LogReader, Replay, WatchedOptimum
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, pair_sentence, run_pair
from dnnexplain_widgets.uploads import brought
from dnnexplain_widgets.words import label, number

__all__ = ["EpisodePanel"]

OPTIMUM_SECONDS = 10.0

_LOG = "log file"


class EpisodePanel(WatchPanel):
    """How do whole episodes go, beside a rule?"""

    QUESTION = "How does it do over a whole episode, beside a rule?"
    PROMISE = "Press “Run both”: the same workload by the network and by a rule, to be played, step by step, with the decisions in which they part; seconds."
    LATER = ("seed", "sample")
    PARTS = ({"part": "timeline"},)
    SETTINGS = ("work", "seed", "rule", "sample", "window", "optimum", "knob ")

    def setup(self) -> None:
        """Controls for the work, the seed, the rule."""
        system = self.system
        self.windows: Sequence[Any] = ()
        self._log_words = ""
        first = next(iter(system.workload_names))
        knobs = {f"knob {knob.name}": knob.start for knob in system.workload_knobs}
        self.answers = {
            "work": first, "seed": 1, "rule": next(iter(system.rules())), "sample": False,
            "window": 1, "decision": 0, "follow": False, "optimum": spec_of(system).quick_optimum, **knobs,
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
        rule = system.rules()[answers["rule"]]
        seed, sample = int(answers["seed"]), bool(answers["sample"])
        best = answers["optimum"] and isinstance(system, WatchedOptimum)

        def work(task: Task) -> Pair:
            task.progress(0.0, "Drawing the work")
            chosen = self._work(answers)
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
        elif name == "open":
            self.open_decision()

    def on_answer(self, name: str, value: Any) -> None:
        """The scrubber moved, or another control."""
        if name == "decision" and self.pair is not None:
            self._say(int(value))
            self.step_to(int(value))
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
            {"kind": "select", "name": "rule", "label": "Beside", "options": [[n, label(n)] for n in system.rules()]},
            *self._ways(),
            {"kind": "button", "name": "run", "label": "Run both", "strong": True},
        ]  # fmt: skip
        self.controls = [*controls, *self.watch_controls()]

    def _ways(self) -> list[dict[str, Any]]:
        """Whether actions are drawn, where there is a chance to draw by; whether the optimum is shown, where it is known."""
        system = self.system
        found = []
        if not isinstance(system.output, Box):
            hint = "Draw the network's actions by their probabilities instead of taking the best."
            found.append({"kind": "check", "name": "sample", "label": "Draw actions", "hint": hint})
        if isinstance(system, WatchedOptimum):
            hint = "Draw the best plan that is known for this work below."
            found.append({"kind": "check", "name": "optimum", "label": "And the optimum", "hint": hint})
        return found

    @property
    def _others(self) -> tuple[Replay, ...]:
        pair = self.pair
        return () if pair is None or pair.optimum is None else (pair.optimum,)

    def _show(self, pair: Pair) -> None:
        self.pair = pair
        self.figure = self.watch(pair, *self._others)
        self._show_controls()
        self._say(int(self.answers["decision"]))

    def _say(self, decision: int) -> None:
        assert self.pair is not None
        metrics = spec_of(self.system).metrics
        best = f" The {one.policy}: {number(one.cost)}." if (one := self.pair.optimum) is not None else ""
        words = decision_words(self.system, self.pair, decision, *self._others)
        self.sentence = f"{pair_sentence(self.pair, metrics)}{best} {words}"
