"""Training runs as a panel knows them: what it needs of whoever trains, and what it heard from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dnnexplain.contract import Policy
from dnnexplain.results import Question, Result, plain_field

__all__ = ["Course", "Lesson", "Lessons", "School"]


class Course(Protocol):
    """One training run in a process of its own."""

    def follow(self, tell: Callable[[Mapping[str, Any]], None]) -> bool:
        """Start, or go on, and report until it ends or is stopped; returns whether the end was reached."""
        ...

    def stop(self) -> None:
        """End the process; :meth:`follow` goes on from there."""
        ...

    def policy(self) -> Policy:
        """The network as it stood at the last point."""
        ...

    def save(self, file: str) -> Path:
        """Write the network to a file."""
        ...


class School(Protocol):
    """Where networks are taught: what the panel needs and may not import.

    Attributes:
        teachers: rules by name, each with a line for people.
        workloads: what can be trained on, likewise.
    """

    teachers: Mapping[str, str]
    workloads: Mapping[str, str]

    def course(self, policy: Policy, lesson: Mapping[str, Any]) -> Course:
        """A training run of a policy's network; nothing is started yet."""
        ...

    def code(self, lesson: Mapping[str, Any]) -> tuple[str, ...]:
        """A lesson as Python, given ``system`` and ``policy``."""
        ...


@dataclass(eq=False)
class Lesson:
    """A run and what is known of it.

    Attributes:
        name: for its curve.
        start: the name of the network that it began from.
        options: teacher, strength, weight, decay, workload, iterations, seed.
        course: the run itself.
        points: its curve: iteration, ``greedy`` (the cost), ``agreement``, ...
        yardsticks: cost of rules on the same held-out workloads.
        beside: the rule whose cost the figures of single cells are multiples of.
        sets: how many workloads those are.
        cost: what is measured, ``"mean slowdown"``.
        iteration, total: how far it is.
        ended: whether it reached its end.
    """

    name: str
    start: str
    options: Mapping[str, Any]
    course: Course
    points: list[dict[str, Any]] = field(default_factory=list)
    yardsticks: dict[str, float] = field(default_factory=dict)
    beside: str = ""
    sets: int = 0
    cost: str = ""
    iteration: int = 0
    total: int = 0
    ended: bool = False

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take in what the process said."""
        if said["kind"] == "begin":
            self.points, self.yardsticks = list(said["points"]), dict(said["yardsticks"])
            self.sets, self.cost, self.beside = int(said["sets"]), str(said["cost"]), str(said.get("beside", ""))
        elif said["kind"] == "point":
            self.points.append(dict(said["point"]))
        elif said["kind"] == "step":
            self.iteration, self.total = int(said["iteration"]), int(said["total"])

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        names = ("name", "start", "points", "yardsticks", "beside", "sets", "cost", "iteration", "total", "ended")
        return {**{name: getattr(self, name) for name in names}, "asked": dict(self.options)}


@dataclass(frozen=True, eq=False)
class Lessons(Result):
    """Training runs with their curves.

    Attributes:
        question: the system, and the seed of the newest run.
        runs: each with ``name``, ``start``, ``options``, ``points`` (iteration, ``greedy``: cost,
            ``agreement``, ...), ``yardsticks``: cost of rules, ``sets``: held-out workloads.
        words: a sentence on the newest.
    """

    question: Question
    runs: tuple[Mapping[str, Any], ...] = plain_field(default=())
    words: str = ""

    def sentence(self) -> str:
        """How the newest run stands."""
        return self.words
