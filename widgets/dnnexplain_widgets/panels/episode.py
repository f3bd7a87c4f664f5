"""Whole episodes: the network and a rule on the same work, side by side, decision by decision."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    DnnExplainError,
    LogReader,
    Policy,
    Replay,
    Replayable,
    State,
    System,
    state_from_observation,
)
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.live import best_actions
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.schedule import schedule_figure
from dnnexplain_widgets.words import joined, label, number, with_unit

__all__ = ["EpisodePanel", "Pair"]

_LOG = "log file"


@dataclass(frozen=True, eq=False)
class Pair:
    """The network's and a rule's run over the same work.

    Attributes:
        network, rule: the two runs.
        advice: what the rule would have done in each decision of the network's run ``[T]``.
    """

    network: Replay
    rule: Replay
    advice: NDArray[np.int64]

    @property
    def disagreements(self) -> NDArray[np.int64]:
        """The decisions of the network's run in which the rule would have done something else."""
        return np.flatnonzero(self.advice != self.network.actions)


def run_pair(
    system: Replayable, policy: Policy, rule: Policy, work: Any, *, seed: int, sample: bool, task: Task
) -> Pair:
    """Run the network and the rule, and ask the rule about each of the network's decisions."""
    task.progress(0.1, f"Running {policy.name}")
    network = system.replay(policy, work, seed=seed, sample=sample)
    task.progress(0.5, f"Running {label(rule.name)}")
    other = system.replay(rule, work, seed=seed)
    task.progress(0.9, "Comparing their decisions")
    return Pair(network, other, best_actions(system, rule, network.observations))


class EpisodePanel(Panel):
    """How do whole episodes go, beside a rule?"""

    QUESTION = "How does it do over a whole episode, beside a rule?"
    PARTS = ({"part": "schedule"},)

    def setup(self) -> None:
        """Controls for the work, the seed, the rule."""
        system = self.session.system
        if not isinstance(system, Replayable):
            msg = f"{system.name} cannot replay episodes: it has no replay(); see contract.Replayable"
            raise DnnExplainError(msg)
        self.pair: Pair | None = None
        self.windows: Sequence[Any] = ()
        self._log_words = ""
        first = next(iter(system.workload_names))
        knobs = {f"knob {knob.name}": knob.start for knob in system.workload_knobs}
        self.answers = {
            "work": first, "seed": 1, "rule": next(iter(system.rules())), "sample": False,
            "window": 1, "decision": 0, "follow": False, **knobs,
        }  # fmt: skip
        self._show_controls()

    @property
    def result(self) -> Pair | None:
        """The two runs, once there are any."""
        return self.pair

    @property
    def system(self) -> Replayable:
        """The session's system, which can replay."""
        system = self.session.system
        assert isinstance(system, Replayable)
        return system

    def state_at(self, decision: int) -> State:
        """The state of one decision of the network's run, to the bit.

        Raises:
            DnnExplainError: nothing was run yet, or there is no such decision.
        """
        if self.pair is None:
            msg = "run an episode first"
            raise DnnExplainError(msg)
        seen = self.pair.network.observations
        if not 0 <= decision < len(seen):
            msg = f"this episode has decisions 1 to {len(seen)}, not {decision + 1}"
            raise DnnExplainError(msg)
        return state_from_observation(self.system, seen[decision])

    def run(self) -> None:
        """Run both on the chosen work, beside the page."""
        answers = dict(self.answers)
        system, policy = self.system, self.worker_policy()
        rule = system.rules()[answers["rule"]]
        seed, sample = int(answers["seed"]), bool(answers["sample"])

        def work(task: Task) -> Pair:
            task.progress(0.0, "Drawing the work")
            chosen = self._work(answers)
            return run_pair(system, policy, rule, chosen, seed=seed, sample=sample, task=task)

        self.start(work, self._show, "Running the episode")

    def on_press(self, name: str) -> None:
        """Run, or take the present decision to the editor."""
        if name == "run":
            self.run()
        elif name == "open":
            self.session.state = self.state_at(int(self.answers["decision"]))

    def on_answer(self, name: str, value: Any) -> None:
        """The scrubber moved, or another control."""
        if name == "decision" and self.pair is not None:
            self._say(int(value))
            if self.answers.get("follow"):
                self.session.state = self.state_at(int(value))
        elif name == "work":
            self._show_controls()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A log was given: read its windows."""
        assert name == "log"
        system = self.session.system
        assert isinstance(system, LogReader)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(file).name
            path.write_bytes(content)
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
            {"kind": "check", "name": "sample", "label": "Draw actions", "hint": "Draw the network's actions by their probabilities instead of taking the best."},
            {"kind": "button", "name": "run", "label": "Run both", "strong": True},
        ]  # fmt: skip
        if self.pair is not None:
            controls += [
                {"kind": "button", "name": "open", "label": "Open in editor", "reveal": True},
                {"kind": "check", "name": "follow", "label": "Editor follows", "hint": "Load each decision into the editor as you step."},
            ]  # fmt: skip
        self.controls = controls

    def _show(self, pair: Pair) -> None:
        self.pair = pair
        self.figure = schedule_figure((pair.network, pair.rule), pair.disagreements)
        self.set_answers(decision=int(pair.disagreements[0]) if len(pair.disagreements) else 0)
        self._show_controls()
        self._say(int(self.answers["decision"]))

    def _say(self, decision: int) -> None:
        assert self.pair is not None
        self.sentence = f"{pair_sentence(self.pair)} {decision_words(self.system, self.pair, decision)}"


def pair_sentence(pair: Pair) -> str:
    """How the two did, in one sentence."""
    one, two = pair.network, pair.rule
    if two.cost > 0:
        change = (one.cost - two.cost) / two.cost
        beside = f", {number(abs(100 * change))}% {'below' if change < 0 else 'above'} {label(two.policy)}'s {number(two.cost)}"
    else:
        beside = f" against {label(two.policy)}'s {number(two.cost)}"
    parts = [f"{name} starved {number(run.metrics['starved'])}" for name, run in _starving(one, two)]
    starved = f" {joined(parts)[:1].upper()}{joined(parts)[1:]}." if parts else ""
    return f"{_capital(one.cost_name)} of {one.policy}: {number(one.cost)}{beside}.{starved}"


def _starving(one: Replay, two: Replay) -> list[tuple[str, Replay]]:
    pairs = [(one.policy, one), (label(two.policy), two)]
    return [(name, run) for name, run in pairs if run.metrics.get("starved", 0) > 0]


def decision_words(system: System, pair: Pair, decision: int) -> str:
    """One decision of the network's run, beside the rule's advice."""
    names, run = system.output.names, pair.network
    where = f"Decision {decision + 1}, at {with_unit(float(run.times[decision]), run.time_unit)}"
    took = names[int(run.actions[decision])]
    placed = f" ({run.objects[int(run.chosen[decision])]})" if run.chosen[decision] >= 0 else ""
    rule = label(pair.rule.policy)
    if run.actions[decision] == pair.advice[decision]:
        return f"{where}: both pick {took}{placed}."
    return f"{where}: the network picks {took}{placed}, {rule} would pick {names[int(pair.advice[decision])]}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
