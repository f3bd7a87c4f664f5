"""What an attack on one decision found: the change, the decision before and after, and what is proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from dnnexplain.charts import Axis, Chart, bars, lines
from dnnexplain.contract import State
from dnnexplain.explain.adversarial.verdicts import Verdict
from dnnexplain.explain.proofs import Certificate
from dnnexplain.numbers import from_to
from dnnexplain.results import Question, Result, register

__all__ = ["Adversarial", "Change", "Flip", "Improvement"]


@register
@dataclass(frozen=True, slots=True)
class Change:
    """One knob's move, in its unit, and what it costs."""

    knob: str
    unit: str
    before: float
    after: float
    cost: float

    def words(self) -> str:
        """``job 1 length from 3 to 2 steps``."""
        return f"{self.knob} {from_to(self.before, self.after)} {self.unit}".rstrip()


@register
@dataclass(frozen=True, slots=True, eq=False)
class Flip:
    """A change that flips the decision: which, at what cost, and what kind of flip it is.

    Attributes:
        kind: a value of :class:`~dnnexplain.explain.adversarial.verdicts.Kind`.
        distance: the cost.
        changes: knob by knob.
        after: decision and truth.
        state: the changed state.
    """

    kind: str
    distance: float
    changes: tuple[Change, ...]
    after: Verdict
    state: State


@register
@dataclass(frozen=True, slots=True)
class Improvement:
    """When the search first had a change of this cost."""

    distance: float
    evaluated: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Adversarial(Result):
    """The answer to "what is the smallest valid change that fools it?".

    Attributes:
        question: state, policy, method, what may move at which cost.
        found: whether there is an adversarial change.
        distance: its cost; ``None`` if none was found.
        proved_minimal: whether every cheaper change was looked at and is not adversarial.
        radius: no change that costs this much or less is adversarial; proved.
        single_radius: the same among changes of a single object.
        complete: whether every allowed change was looked at.
        changes: knob by knob; empty if none was found.
        before: the decision in the state as given.
        after: the decision in the changed state, or ``None``.
        state: the changed state, or ``None``.
        others: the cheapest flip of every other kind, such as a flip that follows the true best decision.
        likelihood: log-probability of each changed object before and after, by name, if it was asked for.
        counts: flips by kind that the oracle was asked about.
        evaluated: states decided by the policy; ``judged``: by the oracle.
        seconds: computing time spent, earlier runs included.
        trace: how the best cost fell.
        words: what was found and what is proved, in one or two sentences.
        ended_by: which limit ended the search: ``"seconds"`` or ``"rounds"``; empty if none did.
        rounds: batches of states decided in this run.
        certificate: that the policy, run one state at a time, decides as the search took it to; ``None`` where
            nothing is proved.
    """

    VERSION: ClassVar[int] = 1

    question: Question
    found: bool
    distance: float | None
    proved_minimal: bool
    radius: float
    single_radius: float
    complete: bool
    changes: tuple[Change, ...]
    before: Verdict
    after: Verdict | None
    state: State | None
    others: tuple[Flip, ...]
    likelihood: Mapping[str, tuple[float, float]]
    counts: Mapping[str, int]
    evaluated: int
    judged: int
    seconds: float
    trace: tuple[Improvement, ...]
    words: str
    ended_by: str = ""
    rounds: int = 0
    certificate: Certificate | None = None

    def sentence(self) -> str:
        """What was found, in words."""
        return self.words

    def table(self) -> list[dict[str, Any]]:
        """One row per change."""
        return [
            {"knob": c.knob, "unit": c.unit, "before": c.before, "after": c.after, "cost": c.cost} for c in self.changes
        ]

    def picture(self) -> Chart:
        """The changed knobs before and after; without a change, how the best cost fell."""
        if self.changes:
            names = [f"{c.knob} ({c.unit})" if c.unit else c.knob for c in self.changes]
            shown = {"before": [c.before for c in self.changes], "after": [c.after for c in self.changes]}
            return bars(names, shown, Axis("value"), x=Axis("knob"))
        fell = ([item.evaluated for item in self.trace], [item.distance for item in self.trace])
        return lines({"best": fell}, Axis("states decided"), Axis("cost of the change"), steps=True)
