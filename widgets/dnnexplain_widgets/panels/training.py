"""A rule as teacher: the network is trained on beside the page, with live curves, and explained at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, Policy
from dnnexplain.counts import counted
from dnnexplain.results import Question
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.training_runs import Lesson, Lessons, School
from dnnexplain_widgets.panels.training_words import chart_of, sentence_of

__all__ = ["TrainingPanel"]

_MOST_RUNS = 4
"""Curves that are shown at once; the oldest goes first."""


class TrainingPanel(Panel):
    """What does a rule as teacher buy?

    Args:
        school: trains networks in a process of its own, see :class:`School`; ``dnnexplain app`` gives one.
    """

    QUESTION = "What does a rule as teacher buy?"
    PROMISE = "Press “Train”: the network is trained on beside the page, with curves of cost and agreement as they grow; minutes, and it can be stopped at any time."
    LATER = ("strength", "weight", "decay", "seed", "tree")
    PARTS = ({"part": "lessons"},)
    OPTIONS = ("school",)

    def setup(self) -> None:
        """Controls: who teaches, how strongly, on what, for how long."""
        school: School | None = self.options.get("school")
        if school is None:
            msg = (
                "this panel needs to be given a school, which can train networks, as `dnnexplain app` does: "
                "from dnnexplain.app.training import School, then TrainingPanel(system, policy, school=School(system))"
            )
            raise DnnExplainError(msg)
        self.school = school
        self.runs: list[Lesson] = []
        self.current: Lesson | None = None
        self._tree = ""
        self._tree_name = ""
        self.answers = {
            "teacher": next(iter(school.teachers)), "strength": 3.0, "weight": 1.0, "decay": 0.95,
            "workload": next(iter(school.workloads)), "iterations": 40, "seed": 1, "file": "taught.safetensors",
        }  # fmt: skip
        self.observe(self._follow_curve, "busy")
        self._show_controls()

    @property
    def result(self) -> Lessons | None:
        """The runs, each with what was asked and its curve; the network itself comes from :meth:`taught`."""
        if not self.runs:
            return None
        question = Question.about(self.session.system, method="training", seed=int(self.runs[-1].options["seed"]))
        return Lessons(question, tuple(run.as_json() for run in self.runs), sentence_of(self.runs[-1]))

    def taught(self) -> Policy:
        """The newest network, as it stood at the last point of its curve."""
        return self._learned().course.policy()

    def train(self) -> None:
        """Begin a run from the network that is explained now."""
        if self.jobs.current is not None:
            msg = "a network is being trained; stop it first, or let it end"
            raise DnnExplainError(msg)
        options = self._options()
        course = self.school.course(self.worker_policy(), options)
        self.current = Lesson(_name_of(options, self._teachers()), self.session.policy.name, options, course)
        self.runs = [*self.runs, self.current][-_MOST_RUNS:]
        self.go_on()

    def go_on(self) -> None:
        """Start the newest run's process, or take it up where it was stopped."""
        lesson = self.current
        if lesson is None or lesson.ended:
            msg = "there is no run to go on with; start one"
            raise DnnExplainError(msg)
        if self.jobs.current is not None:
            return

        def work(task: Task) -> bool:
            def tell(said: Mapping[str, Any]) -> None:
                lesson.hear(said)
                share = lesson.iteration / lesson.total if lesson.total else None
                task.report(share, f"Training: iteration {lesson.iteration} of {lesson.total or '…'}")

            return lesson.course.follow(tell)

        def done(ended: bool) -> None:
            lesson.ended = ended
            self._show()

        self.start(work, done, "Starting a process to train in", keeps=True, part=True)
        self._show()

    def ending(self) -> None:
        """Stop the run; what it has learned stays, and it can go on."""
        if self.current is not None:
            self.current.course.stop()

    def explain(self) -> None:
        """Make the newest network the one that the whole page explains."""
        lesson = self._learned()
        policy = self.taught()
        name = f"{lesson.name}, {counted(lesson.points[-1]['iteration'], 'iteration')}"
        if self.session.adopt is not None:
            self.session.adopt(name, policy)
        else:
            self.session.policy = policy

    def save(self, file: str) -> Path:
        """Write the newest network to a file of weights."""
        return self._learned().course.save(file)

    def code_lines(self) -> tuple[str, ...]:
        """The training that the controls ask for, by itself."""
        return self.school.code(self._options())

    def copy_as_python(self) -> str:
        """A script that makes this panel, and trains as it does, on its own."""
        made = f"{type(self).__name__}(system, policy, state"
        return super().copy_as_python().replace(f"{made})", f"{made}, school=School(system))")

    def _options(self) -> dict[str, Any]:
        """The lesson, as the controls have it."""
        options = {key: self.answers[key] for key in ("teacher", "workload")}
        if options["teacher"] not in self._teachers():
            raise Choice("teacher", options["teacher"], tuple(self._teachers())).error()
        options |= {key: float(self.answers[key]) for key in ("strength", "weight", "decay")}
        options |= {key: int(self.answers[key]) for key in ("iterations", "seed")}
        if options["teacher"] == _TREE:
            options["tree"] = self._tree
        return options

    def _learned(self) -> Lesson:
        if self.current is None or len(self.current.points) < 2:
            msg = "no network was trained yet; start a run and let it come to its first point"
            raise DnnExplainError(msg)
        return self.current

    # --- what the page does ---

    def on_press(self, name: str) -> None:
        """Start, go on, explain, save, clear."""
        if name == "train":
            self.train()
        elif name == "more":
            self.go_on()
        elif name == "explain":
            self.explain()
        elif name == "save":
            self.sentence = f"Saved to {self.save(str(self.answers['file'])).resolve()}."
        elif name == "clear" and self.jobs.current is None:
            self.runs, self.current = [], None
            self._show()

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A tree of rules was given: it can be the teacher."""
        assert name == "tree"
        text = content.decode("utf-8", errors="replace")
        if '"nodes"' not in text:
            msg = f"{file} is no tree of rules; take one that “Which rules is the network?” saved as JSON, or dnnexplain distill"
            raise DnnExplainError(msg)
        self._tree, self._tree_name = text, file
        self._show_controls()
        self.set_answers(teacher=_TREE)

    def _teachers(self) -> dict[str, str]:
        own = {_TREE: f"the rules in {self._tree_name}"} if self._tree else {}
        return {**self.school.teachers, **own}

    def _follow_curve(self, _change: object = None) -> None:
        """With every report of the process: its newest point."""
        if self.current is not None and self.current.points and self.figure.get("points") != self._points():
            self._show()

    def _points(self) -> int:
        return sum(len(run.points) for run in self.runs)

    def _show(self) -> None:
        self.figure = {"lessons": chart_of(self.runs), "points": self._points()}
        self.sentence = sentence_of(self.current) if self.current is not None else ""
        self._show_controls()

    def _show_controls(self) -> None:
        going = self.jobs.current is not None
        lesson = self.current
        learned = lesson is not None and len(lesson.points) > 1
        stopped = lesson is not None and not lesson.ended and not going
        self.controls = [
            {"kind": "select", "name": "teacher", "label": "Teacher", "options": [[k, v] for k, v in self._teachers().items()]},
            {"kind": "number", "name": "strength", "label": "Strength of its rule", "low": 0, "high": 20, "step": 0.5, "hint": "The odds of an action that obeys rise by e to this power."},
            {"kind": "number", "name": "weight", "label": "Weight at first", "low": 0, "high": 1, "step": 0.1, "hint": "Of imitation beside reward. 0: rewards only, the rule is just watched."},
            {"kind": "number", "name": "decay", "label": "Decay per iteration", "low": 0.5, "high": 1, "step": 0.01, "hint": "What the weight is multiplied by in each iteration."},
            {"kind": "select", "name": "workload", "label": "Train on", "options": [[k, v] for k, v in self.school.workloads.items()]},
            {"kind": "number", "name": "iterations", "label": "Iterations", "low": 2, "high": 2000, "step": 2},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "train", "label": "Train", "strong": True, "disabled": going, "hint": "Begin with the network that the page explains now."},
            {"kind": "button", "name": "more", "label": "Go on", "disabled": not stopped},
            {"kind": "button", "name": "explain", "label": "Explain this network", "disabled": not learned, "hint": "All panels then explain the network as it stood at the last point."},
            {"kind": "file", "name": "tree", "label": "A tree as teacher…", "accept": ".json", "hint": "Rules that were distilled, or distilled and edited, as JSON."},
            {"kind": "text", "name": "file", "label": "File"},
            {"kind": "button", "name": "save", "label": "Save", "disabled": not learned},
            {"kind": "button", "name": "clear", "label": "Clear", "disabled": going or not self.runs},
        ]  # fmt: skip


_TREE = "tree"


def _name_of(options: Mapping[str, Any], teachers: Mapping[str, str]) -> str:
    """A run's name for its curve: ``never hold a job that fits, strength 3``, ``rewards only``."""
    where = " on the mix" if options["workload"] == "mix" else ""
    if not options["weight"]:
        return f"rewards only{where}"
    return f"{teachers[options['teacher']]}, strength {options['strength']:g}{where}"
