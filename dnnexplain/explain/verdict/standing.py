"""How a network stands: against the best rule, on shifted workloads, and what goes wrong; the figures of a page's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Episodes, EpisodeSystem, Metric, Policy, Shift, Spec
from dnnexplain.contract.specs import load_reference
from dnnexplain.counts import counted
from dnnexplain.intervals import Interval, compared_interval
from dnnexplain.numbers import as_told, gap, interval, number, span_as_told, went_wrong
from dnnexplain.registry import fair_rules, spec_of
from dnnexplain.results import Question, Result, plain_field, register
from dnnexplain.rule_names import rule_label

__all__ = ["SETS", "Compared", "Standing", "prove_all", "stand"]

SETS = 200
"""Ordinary workloads; shifted ones are a tenth of that for each shift."""

_LEAST = 20
_PROOF_SECONDS = 120.0  # for people; the budget is the nodes
Report = Callable[[float, str], None]


@register
@dataclass(frozen=True, slots=True)
class Compared:
    """A policy and the best rule on the same workloads.

    Attributes:
        label: which workloads, for people.
        family, parameters: what draws them.
        sets: how many.
        cost: the policy's mean cost.
        rule, rule_cost: the rule with the least mean cost, and that cost.
        gap, low, high: by how much the policy costs more, with its 95% interval: a share of the rule's cost where costs are
            a ratio scale, else a difference; NaN ends where there is no interval.
        lost: the share of workloads on which it costs more than that rule.
        worst, worst_gap: the workload on which it loses most, by its place, and by how much (in the cost's unit).
        wrong, rule_wrong: what must not happen: by name of the metric, a total or a mean as the metric says.
    """

    label: str
    family: str
    parameters: Mapping[str, Any] = plain_field()
    sets: int = 0
    cost: float = float("nan")
    rule: str = ""
    rule_cost: float = float("nan")
    gap: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    lost: float = float("nan")
    worst: int = -1
    worst_gap: float = float("nan")
    wrong: Mapping[str, float] = plain_field(default_factory=dict)
    rule_wrong: Mapping[str, float] = plain_field(default_factory=dict)

    @property
    def sure(self) -> int:
        """-1 if it is surely better than the best rule, 1 if surely worse, else 0."""
        return -1 if self.high < 0 else int(self.low > 0)


@dataclass(frozen=True, eq=False)
class Standing(Result):
    """How a policy stands.

    Attributes:
        question: system, policy, seed, how many workloads.
        ordinary: on the workloads of the system's first family.
        shifts: on the shifted ones of its first grid, with the worst gap first.
        cost: what is minimised.
        unit: of the cost.
        ratio: whether gaps are shares.
        proved: what became of the system's properties: by name ``"holds"``, ``"fails"`` or ``"open"``; empty where nobody
            tried.
        went_wrong: what must not happen and did, on the ordinary workloads, in words.
    """

    question: Question
    ordinary: Compared
    shifts: tuple[Compared, ...]
    cost: str
    unit: str
    ratio: bool
    proved: Mapping[str, str] = plain_field(default_factory=dict)
    went_wrong: str = ""

    def gap_words(self, row: Compared) -> str:
        """``-5.1% (-7.0% to -3.2%)``."""
        middle, low, high = (
            (row.gap, row.low, row.high) if self.ratio else span_as_told(self.cost, row.gap, row.low, row.high)
        )
        return f"{gap(middle, ratio=self.ratio, unit=self.unit)} ({interval(low, high, ratio=self.ratio)})"

    def sentence(self) -> str:
        """The comparison, what goes wrong, where it loses."""
        row = self.ordinary
        cost, (mine, best) = as_told(self.cost, row.cost, row.rule_cost)
        words = f"{cost[:1].upper()}{cost[1:]} is {number(mine)}, that of the best rule ({rule_label(row.rule)}) {number(best)}: {self.gap_words(row)} over {counted(row.sets, 'workload')}."
        words += f" What went wrong: {self.went_wrong}." if self.went_wrong else ""
        lost = [shift for shift in self.shifts if shift.sure > 0]
        if lost:
            words += f" It is surely worse on {len(lost)} of {counted(len(self.shifts), 'kind')} of workload, most on {lost[0].label} ({self.gap_words(lost[0])})."
        return words

    def table(self) -> list[dict[str, Any]]:
        """A row for each kind of workload."""
        return [
            {
                "workloads": item.label, "sets": item.sets, self.cost: item.cost, "best rule": item.rule, "its cost": item.rule_cost,
                "gap": item.gap, "low": item.low, "high": item.high, "share lost": item.lost, **item.wrong,
            }
            for item in (self.ordinary, *self.shifts)
        ]  # fmt: skip


def stand(
    system: EpisodeSystem,
    policy: Policy,
    *,
    sets: int = SETS,
    seed: int = 0,
    nodes: int = 0,
    report: Report = lambda _part, _text: None,
) -> Standing:
    """Run a policy and every rule on ordinary and on shifted workloads, the same for all.

    Args:
        system: a world with episodes.
        policy: a network.
        sets: ordinary workloads; each shift has a tenth of them, but at least 20 (or ``sets``, if that is less).
        seed: of the workloads.
        nodes: of the search tree for each case of each property that the system knows; 0: nothing is proved.
        report: called with the part done and what is being run; whatever it raises ends the work.

    Raises:
        DnnExplainError: the system has no families of workloads, or no rules.
    """
    spec = spec_of(system)
    rules = fair_rules(system)
    if not spec.families or not rules:
        msg = f"{spec.name} has no {'rules' if spec.families else 'families of workloads'}, so there is nothing to stand against"
        raise DnnExplainError(msg)
    ordinary = Shift("ordinary", spec.family().name)
    shifts = [*spec.grid().rows]
    few = min(sets, max(_LEAST, sets // 10))
    runs: list[Compared] = []
    for done, shift in enumerate((ordinary, *shifts)):
        report(done / (1 + len(shifts)), f"Running {shift.label} {spec.workloads}")
        count = few if done else sets
        runs.append(_compared(system, spec, policy, rules, shift, count, seed))
    question = Question.about(system, policy, method="standing", seed=seed, settings={"sets": sets})
    worst_first = sorted(runs[1:], key=lambda item: -np.nan_to_num(item.gap, nan=-np.inf))
    wrong = went_wrong(_wrong_metrics(spec), runs[0].wrong)
    proved = prove_all(system, policy, nodes=nodes, seed=seed) if nodes else {}
    return Standing(question, runs[0], tuple(worst_first), spec.cost.title, spec.cost.unit, spec.ratio, proved, wrong)


def prove_all(system: EpisodeSystem, policy: Policy, *, nodes: int, seed: int = 0) -> dict[str, str]:
    """What becomes of each property of a system, by name: ``"holds"``, ``"fails"`` or ``"open"``.

    A property whose proof is not at home in this network or in these parameters is left out.

    Args:
        system: a world whose spec names properties.
        policy: a network.
        nodes: of the search tree for each case of each property.
        seed: of the search for counterexamples.
    """
    spec = spec_of(system)
    if not spec.properties:
        return {}
    from dnnexplain.explain.proofs.prover import prove  # noqa: PLC0415 - slow to import
    from dnnexplain.explain.proofs.verdicts import ProofBudget  # noqa: PLC0415

    verdicts = {}
    for item in spec.properties:
        try:
            claim = load_reference(item.make)(system, **item.parameters)
            settled = prove(system, policy, claim, budget=ProofBudget(nodes=nodes, seconds=_PROOF_SECONDS), seed=seed)
        except DnnExplainError:
            continue
        verdicts[item.name] = settled.verdict
    return verdicts


def _compared(
    system: EpisodeSystem, spec: Spec, policy: Policy, rules: Mapping[str, Policy], shift: Shift, sets: int, seed: int
) -> Compared:
    family = shift.family or spec.family().name
    workloads = system.workloads(family, sets, seed, **shift.parameters)
    mine = system.run(policy, workloads, seed=seed)
    others = {name: system.run(rule, workloads, seed=seed) for name, rule in rules.items()}
    best = min(others, key=lambda name: float(np.mean(others[name].cost)))
    more: NDArray[np.float64] = np.asarray(mine.cost - others[best].cost)
    interval: Interval = compared_interval(mine.cost, others[best].cost, ratio=spec.ratio)
    worst = int(np.argmax(more))
    wrong, rule_wrong = (_wrong(spec, ran) for ran in (mine, others[best]))
    return Compared(
        shift.label, family, dict(shift.parameters), len(workloads), float(np.mean(mine.cost)), best, float(np.mean(others[best].cost)),
        *interval.three, float(np.mean(more > 0)), worst, float(more[worst]), wrong, rule_wrong,
    )  # fmt: skip


def _wrong_metrics(spec: Spec) -> Sequence[Metric]:
    return [metric for metric in spec.metrics if metric.wrong]


def _wrong(spec: Spec, ran: Episodes) -> dict[str, float]:
    wrong = {}
    for metric in _wrong_metrics(spec):
        if metric.name in ran.metrics:
            values = np.asarray(ran.metrics[metric.name], dtype=np.float64)
            values = values[np.isfinite(values)]
            wrong[metric.name] = float(values.sum() if metric.total else values.mean() if len(values) else np.nan)
    return wrong
