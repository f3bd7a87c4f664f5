"""What an attack on whole workloads found, with every number re-run from the saved workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dnnexplain.charts import Axis, Chart, lines
from dnnexplain.explain.proofs.certificate import Certificate
from dnnexplain.results import Question, Result, plain_field, register

__all__ = ["Best", "SequenceAttack"]


@register
@dataclass(frozen=True, slots=True)
class Best:
    """When the search first had a gap of this size."""

    gap: float
    evaluated: int
    seconds: float


@dataclass(frozen=True, eq=False)
class SequenceAttack(Result):
    """The worst workload found for a policy.

    Attributes:
        question: policy, rule, measure, limits, method, seed.
        found: whether the policy does worse there than what it is held against.
        gap: network against rule (the upper bound of the optimum, if held against it), by the measure.
        start_gap: the same on the workload (of those given) where it was largest before the search.
        network, rule: costs, re-run from ``workload``.
        rule_name: which rule.
        optimum_lower, optimum_upper: proved interval of the optimum's cost.
        proved_optimum: whether both are equal, and no run contradicts them.
        certificate: that no run costs less than the optimum's lower end, and that its plan costs what is said.
        cost_name: what the costs are: ``"mean slowdown"``.
        workload: the worst workload, plain JSON.
        start_network, start_rule: costs on the start workload with the largest gap.
        population: the workloads that the search would go on with, plain JSON.
        evaluated: workloads run; ``seconds``: computing time; ``trace``: how the gap grew.
        stopped: whether the search was cancelled.
        words: a sentence.
        ended_by: which limit ended the search: ``"seconds"`` or ``"rounds"``; empty if none did.
        optimum_ended_by: ``"seconds"`` where the time for the optimum ran out before a proof; else empty.
    """

    question: Question
    found: bool
    gap: float
    start_gap: float
    network: float
    rule: float
    rule_name: str
    optimum_lower: float
    optimum_upper: float
    proved_optimum: bool
    cost_name: str
    start_network: float
    start_rule: float
    evaluated: int
    seconds: float
    trace: tuple[Best, ...]
    stopped: bool
    words: str
    workload: Mapping[str, Any] = plain_field(default_factory=dict)
    population: list[Any] = plain_field(default_factory=list)
    ended_by: str = ""
    certificate: Certificate | None = None
    optimum_ended_by: str = ""

    def sentence(self) -> str:
        """What was found."""
        limit = "The limit in seconds ended it; a limit in rounds ends it alike on every machine."
        return f"{self.words} {limit}" if self.ended_by == "seconds" else self.words

    def table(self) -> list[dict[str, Any]]:
        """What each costs on the workload that was found, and on the one with which the search began."""
        best = "optimum" if self.proved_optimum else "optimum, at least"
        return [
            {"who": "policy", self.cost_name: self.network, "at the start": self.start_network},
            {"who": self.rule_name, self.cost_name: self.rule, "at the start": self.start_rule},
            {"who": best, self.cost_name: self.optimum_lower, "at the start": None},
            *(
                []
                if self.proved_optimum
                else [{"who": "optimum, at most", self.cost_name: self.optimum_upper, "at the start": None}]
            ),
        ]

    def picture(self) -> Chart:
        """How the gap grew."""
        shown = {"gap": ([item.evaluated for item in self.trace], [item.gap for item in self.trace])}
        begun = [("start", self.start_gap)]
        return lines(shown, Axis("workloads run"), Axis(f"gap in {self.cost_name}"), levels=begun, steps=True)
