"""A decision with its question: what a policy did in a state, to be saved and compared later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Decision, DnnExplainError, Policy, System
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["DecisionRecord", "record"]


@dataclass(frozen=True, eq=False, kw_only=True)
class DecisionRecord(Result):
    """What a policy did in one state.

    Attributes:
        question: which policy, in which state.
        names: of the actions ``[A]``.
        action: the most probable valid one, by name.
        outputs, probabilities: raw, and after masking and softmax ``[A]``.
        valid: which actions were allowed ``[A]``.
    """

    question: Question
    names: tuple[str, ...]
    action: str
    outputs: NDArray[np.float64] = array_field("action", unit="logit")
    probabilities: NDArray[np.float64] = array_field("action")
    valid: NDArray[np.bool_] = array_field("action")

    def sentence(self) -> str:
        """What it did, and how surely."""
        place = self.names.index(self.action)
        return f"{self.question.policy} chooses {self.action}, with probability {number(self.probabilities[place])}."

    def table(self) -> list[dict[str, Any]]:
        """One row per action."""
        rows = zip(self.names, self.outputs.tolist(), self.probabilities.tolist(), self.valid.tolist(), strict=True)
        return [{"action": name, "output": out, "probability": p, "valid": bool(valid)} for name, out, p, valid in rows]

    def picture(self) -> Chart:
        """The actions' probabilities."""
        return bars(self.names, {"probability": self.probabilities}, Axis("probability"), x=Axis("action"))


def record(system: System, policy: Policy, decision: Decision) -> DecisionRecord:
    """A decision as a result of its own.

    Args:
        system, policy: who decided.
        decision: of a system that chooses an action.

    Raises:
        DnnExplainError: the output is no choice.
    """
    if decision.probabilities is None or decision.action is None:
        msg = f"{policy.name} gives numbers for {system.name}, it chooses no action: there is no decision to keep"
        raise DnnExplainError(msg)
    return DecisionRecord(
        question=Question.about(system, policy, decision.state),
        names=tuple(system.output.names),
        action=system.output.names[decision.action],
        outputs=decision.outputs,
        probabilities=decision.probabilities,
        valid=decision.valid,
    )
