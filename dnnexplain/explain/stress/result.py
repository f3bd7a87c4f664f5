"""What a stress test found: one object, with a verdict for every scenario."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dnnexplain.charts.chart import Axis, Chart, bars
from dnnexplain.counts import counted
from dnnexplain.explain.stress.verdicts import ALIKE, BETTER, UNSAFE, UNSURE, WITHIN, WORSE, worst_verdict
from dnnexplain.explain.transfer.result import Boundary
from dnnexplain.numbers import as_told, number, owned, percent
from dnnexplain.results import Question, Result, plain_field, register
from dnnexplain.rule_names import rule_label

__all__ = ["Generated", "ScenarioResult", "StressTest"]


LABELS = {
    "nominal": "ordinary work",
    "input-units-8": "input 8 times too large",
    "input-units-1000": "input 1,000 times too large",
    "input-nan": "input not a number",
}
"""What scenarios of the battery are called where their names, as words, would say too little."""


COUNTED = {
    BETTER: "better than the best rule",
    UNSURE: UNSURE,
    WITHIN: "within 5% of it",
    WORSE: "worse",
    UNSAFE: "unsafe",
}
"""Verdicts as a sentence counts them."""


@register
@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario.

    Attributes:
        name, kind, sentence: ``kind`` is ``"nominal"``, ``"shift"``, ``"field"``, ``"fault"`` or ``"log"``.
        verdict, why, sure: see :func:`~dnnexplain.explain.stress.verdicts.compare`.
        cost, low, high: the policy's mean cost and its 95% interval.
        best_rule, rule_cost: the best rule here.
        gap, gap_low, gap_high: by how much the policy costs more, a share; NaN ends where there is no interval.
        sets: workloads run.
        wrong: what must not happen: by name how often with the policy and with the best rule.
        family, parameters: what draws the workloads, where a family does.
        worst: the worst workload as a file's content (:func:`~dnnexplain.explain.stress.cases.case_file`), or what draws it.
        without: of a policy with a guard, what it does without: ``verdict``, ``why``, ``cost`` and ``gap``;
            with ``stepped_in`` and ``changed``, the shares of the decisions that the guard took, and took otherwise; else empty.
    """

    name: str
    kind: str
    sentence: str
    verdict: str
    why: str
    sure: bool
    cost: float
    low: float
    high: float
    best_rule: str
    rule_cost: float
    gap: float
    gap_low: float
    gap_high: float
    sets: int
    wrong: Mapping[str, Any] = plain_field(default_factory=dict)
    family: str = ""
    parameters: Mapping[str, Any] = plain_field(default_factory=dict)
    worst: Mapping[str, Any] = plain_field(default_factory=dict)
    without: Mapping[str, Any] = plain_field(default_factory=dict)

    @property
    def standing(self) -> str:
        """The verdict for people, to whom "-10.4%, within 5%" would contradict itself: there zero lies in the interval."""
        return UNSURE if self.verdict == WITHIN and self.gap < -ALIKE else self.verdict

    @property
    def label(self) -> str:
        """The name for people: ``input-stuck`` is "input stuck", ``families: stable`` among shifts "stable"."""
        bare = self.name.split(": ", 1)[-1] if self.kind == "shift" else LABELS.get(self.name, self.name)
        return bare.replace("-", " ") if re.fullmatch(r"[a-z0-9-]+", bare) else bare


@register
@dataclass(frozen=True, slots=True)
class Generated:
    """Likely inputs that were made to be bad, beside as many that were drawn.

    Attributes:
        regret, drawn_regret: mean over the ten worst likely ones, in the cost's unit: the policy's cost less that of
            ``reference`` on each.
        worst_regret: the worst of all.
        least: plausibility that each of them has at least.
        runs, proposed: how many were run (as many as were drawn), and proposed.
        plausibility: of the ten.
        cells: kinds of workload (of 36) among the ten.
        front: points of regret against plausibility, each with ``bound`` (an interval that holds the optimum's cost),
            ``cost`` and the workload's file content.
        reference: what the policy is held against, in words.
    """

    regret: float
    drawn_regret: float
    worst_regret: float
    least: float
    runs: int
    proposed: int
    plausibility: list[float] = plain_field(default_factory=list)
    cells: int = 0
    front: list[Any] = plain_field(default_factory=list)
    reference: str = "the best rule on each workload"


@dataclass(frozen=True, eq=False)
class StressTest(Result):
    """A policy under every scenario.

    Attributes:
        question: system, policy, seed, budget, what the workloads were like.
        scenarios: in the order in which they were run.
        generated: what the search for likely bad inputs found, or ``None``.
        left_out: what was not tested and why, a sentence each.
        cost_name: what is minimised.
        ratio: whether gaps are per cent of the best rule's cost.
        guard: what a guard did, in a sentence; empty without one.
        properties: of those that the system states, ``name``, ``verdict``, ``sentence``, ... (:func:`~dnnexplain.explain.stress.claims.settled`).
        done: whether everything was run.
        boundaries: between which shifts it stops, or starts, beating the best rule.
        regions: of ordinary workloads in which it fails (:func:`~dnnexplain.explain.stress.failing.failing_regions`);
            empty if they were not looked for.
    """

    question: Question
    scenarios: tuple[ScenarioResult, ...]
    generated: Generated | None
    left_out: tuple[str, ...]
    cost_name: str
    ratio: bool
    guard: str = ""
    properties: list[Any] = plain_field(default_factory=list)
    done: bool = True
    boundaries: tuple[Boundary, ...] = ()
    regions: Mapping[str, Any] = plain_field(default_factory=dict)

    @property
    def runs(self) -> int:
        """Workloads that the policy was run on: those of all scenarios, the generated ones with as many drawn ones, and those of regions."""
        made = 0 if self.generated is None else 2 * self.generated.runs
        return sum(scenario.sets for scenario in self.scenarios) + made + 2 * int(self.regions.get("sets", 0))

    @property
    def verdict(self) -> str:
        """The worst of all scenarios."""
        return worst_verdict([scenario.verdict for scenario in self.scenarios])

    def count(self, verdict: str) -> int:
        """Scenarios with a verdict."""
        return sum(scenario.verdict == verdict for scenario in self.scenarios)

    def table(self) -> list[dict[str, Any]]:
        """One row per scenario, in the order in which they were run; gaps with the ends of their intervals in per cent."""
        name, (sign,) = as_told(self.cost_name, 1.0)
        other = "its cost" if sign > 0 else owned(name)
        return [
            {
                "scenario": item.name, "verdict": item.standing if item.sure else f"{item.standing}, not sure",
                "gap, %": 100 * item.gap, "from": 100 * item.gap_low, "to": 100 * item.gap_high,
                name: sign * item.cost, "best rule": item.best_rule, other: sign * item.rule_cost,
            }
            for item in self.scenarios
        ]  # fmt: skip

    def picture(self) -> Chart:
        """By how much the policy costs more than the best rule in each scenario, a bar each."""
        gap, low, high = (
            [round(100 * getattr(scenario, name), 1) for scenario in self.scenarios]
            for name in ("gap", "gap_low", "gap_high")
        )
        return bars(
            [scenario.label for scenario in self.scenarios],
            {"more than the best rule": gap},
            Axis("cost above the best rule's", "%"),
            title="How does it stand the test?",
            intervals={"more than the best rule": (low, high)},
        )

    def sentence(self) -> str:
        """How it stands the test."""
        nominal = self.scenarios[0]
        bad = [scenario.label for scenario in self.scenarios if scenario.verdict == UNSAFE]
        standing = [scenario.standing for scenario in self.scenarios]
        counts = ", ".join(
            f"{words} in {standing.count(verdict) or 'none'}"
            for verdict, words in COUNTED.items()
            if verdict != UNSURE or UNSURE in standing
        )
        text = (
            f"{self.question.policy} is {self.verdict} in the worst of {counted(len(self.scenarios), 'scenario')}: {counts}"
            f"{' (' + ', '.join(bad[:4]) + (', ...' if len(bad) > 4 else '') + ')' if bad else ''}. "
            f"On ordinary workloads its {self._against(nominal)}."
        )
        if self.generated is None:
            return text
        return (
            f"{text} The ten worst likely inputs that were made cost it {number(self.generated.regret)} more than "
            f"{self.generated.reference}, those that were drawn {number(self.generated.drawn_regret)}."
        )

    def _against(self, scenario: ScenarioResult) -> str:
        """A cost beside the best rule's, or what is earned: ``"QoE is 46.2, 3% better than robust-mpc (...)"``."""
        rule, (name, (value,)) = rule_label(scenario.best_rule), as_told(self.cost_name, scenario.cost)
        if name == self.cost_name:
            return f"cost is {number(scenario.cost)}, {percent(scenario.gap, sign=True)} against {rule}"
        side = "better" if scenario.gap < 0 else "worse"
        scale = "" if self.ratio else " (of the distance from the best to the worst rule)"
        return f"{name.removeprefix('the ')} is {number(value)}, {percent(abs(scenario.gap))} {side} than {rule}{scale}"
