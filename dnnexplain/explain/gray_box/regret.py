"""The worst workload by difference of costs: for systems whose cost may be negative, or that state no gradients.

Workloads are rows of numbers in a box (``contract.WorkloadBox``); evolution (CMA-ES, Hansen and Ostermeier 2001)
raises the regret against the best rule, which is never above that against the optimum, so that no optimum is solved
while it searches. The best rows found are then held against the system's own bound.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, BoundedBox, DnnExplainError, Optimal, Policy, StatedBound, WorkloadBox
from dnnexplain.explain.gray_box.budget import ENDLESS, Budget
from dnnexplain.explain.proofs import Certificate
from dnnexplain.explain.proofs.optima import certify_optimum
from dnnexplain.numbers import as_told, number
from dnnexplain.registry import fair_rules
from dnnexplain.results import Question, Result, array_field
from dnnexplain.rule_names import rule_label

__all__ = ["WorstRegret", "worst_regret"]


Array = NDArray[np.float64]

BATCH, FINALISTS = 12, 3
SPREAD = 0.3
"""First standard deviation of the search, as a share of the box."""
MOST_KEPT = 0.5
"""Of the seconds, at most, that are kept back for the bounds at the end."""


@dataclass(frozen=True, eq=False)
class WorstRegret(Result):
    """The workload found on which a policy loses most against the optimum, with an interval of what it loses.

    Attributes:
        question: system, policy, seed, settings.
        method: of the search.
        regret: cost less the best optimum known, at ``x``; equals ``lower``.
        lower, upper: what is lost against the true optimum of this workload lies between them.
        cost, optimum: the policy's cost, and the upper end of the optimum's.
        rule, rule_regret: the best rule there, and what is lost against it.
        cost_name: in words.
        names, unit, x: the row ``[n]``.
        stopped: ``"budget"`` or ``"cancelled"``; ``ended_by`` says which limit: ``"rounds"`` or ``"CPU-seconds"``.
        rounds, evaluations, cpu_seconds: spent.
        certificate: that no rule, nor the policy, costs less on this workload than the optimum's lower end.
        trace: rounds and largest regret against the best rule at every improvement ``[T, 2]``.
        limits: bounds stated for all workloads of the box, and how far this one goes; empty where ``x`` shows them.
    """

    question: Question
    method: str
    regret: float
    lower: float
    upper: float
    cost: float
    optimum: float
    rule: str
    rule_regret: float
    cost_name: str
    names: tuple[str, ...]
    unit: str
    stopped: str
    ended_by: str
    rounds: int
    evaluations: int
    cpu_seconds: float = field(compare=False)
    x: Array = array_field("input")
    trace: Array = array_field("improvement", "round, regret")
    certificate: Certificate | None = None
    limits: tuple[StatedBound, ...] = ()

    def sentence(self) -> str:
        """The result in one sentence."""
        name, (cost,) = as_told(self.cost_name, self.cost)
        begins = f"On the worst workload found, {self.question.policy} has a {name} of {number(cost)}"
        void = self.certificate is not None and not self.certificate.holds and np.isfinite(self.upper)
        if self.certificate is not None and void:
            return f"{begins}. {self.certificate.reason}"
        against_rule = f"{number(self.rule_regret)} against {rule_label(self.rule)}, the best rule there"
        loses = f"{against_rule}; nothing is known of the optimum"
        if np.isfinite([self.lower, self.upper]).all():
            ends = number(self.lower), number(self.upper)
            loss = ends[0] if ends[0] == ends[1] else f"between {ends[0]} and {ends[1]}"
            loses = f"{loss} against the optimum ({against_rule})"
        return f"{begins}: it loses {loses}; {number(self.evaluations)} workloads were run, {self.ended_by or 'a stop'} ended the search."

    def table(self) -> list[dict[str, Any]]:
        """The row by name, in its order."""
        return [
            {"input": name, "value": float(value), "unit": self.unit}
            for name, value in zip(self.names, self.x, strict=True)
        ]


def worst_regret(
    system: Any,
    policy: Policy,
    box: WorkloadBox,
    *,
    budget: Budget,
    seed: int = 0,
    question: Question | None = None,
    seconds: float = 10.0,
    cancel: Event | None = None,
    progress: Callable[[float, float], None] | None = None,
    keep: Callable[[Callable[[], WorstRegret]], object] | None = None,
) -> WorstRegret:
    """Search a box of workloads for the one on which a policy loses most.

    Args:
        system: runs workloads, has rules, and a bound on the optimum of each workload.
        policy: a network or a rule.
        box: workloads as rows; a row whose workload cannot be made (``DnnExplainError``) is passed over.
        budget: rounds of 12 workloads, CPU-seconds, or both; the seconds hold for the bounds at the end too: what they take
            is measured on the first round's worst row, and kept back.
        seed: of the search.
        question: for the result.
        seconds: for the bound of each of the best three rows.
        cancel: once set, the search ends with what it has.
        progress: called with the share of the budget that is spent, and the largest regret so far.
        keep: called after each round that found a larger regret, with a function that makes the result so far; its
            bounds take at most a tenth of ``seconds``.

    Raises:
        DnnExplainError: the package cma is missing, or no row of the box makes a workload.
    """
    search = _Search(system, policy, box, budget)
    about = question or Question.about(system, policy, seed=seed)
    strategy = _strategy(len(box.low), seed)
    stopped, kept = "budget", 0
    while search.left():
        if cancel is not None and cancel.is_set():
            stopped = "cancelled"
            break
        rows = strategy.ask()
        regrets = search.run(box.low + (box.high - box.low) * np.clip(np.asarray(rows), 0, 1))
        if search.rounds == 1:
            search.keep_back(seconds)
        finite = regrets[np.isfinite(regrets)]
        worst = finite.min() - 1 if finite.size else 0.0
        strategy.tell(rows, [-float(regret) if np.isfinite(regret) else 1.0 - worst for regret in regrets])
        if progress is not None:
            progress(search.spent(), search.best[0][0] if search.best else 0.0)
        if keep is not None and len(search.trace) > kept:
            kept = len(search.trace)
            keep(lambda: search.result(about, "running", seconds / 10))
        if strategy.stop():
            strategy = _strategy(len(box.low), seed + search.rounds)
    if not search.best:
        none = "no workload of this box can be made, so nothing was searched"
        msg = "the search was ended before it had run a workload" if stopped == "cancelled" else none
        raise DnnExplainError(msg)
    return search.result(about, stopped, seconds)


def _strategy(size: int, seed: int) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cma warns that plotting needs matplotlib
            import cma  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        msg = "this search needs the package cma: pip install cma"
        raise DnnExplainError(msg) from None
    options = {"bounds": [0, 1], "popsize": BATCH, "seed": seed % 2**31 + 1, "verbose": -9}
    start = np.full(size, 0.5)
    if size == 1:  # cma needs two dimensions
        start, options["popsize"] = np.full(2, 0.5), BATCH
    return cma.CMAEvolutionStrategy(start, SPREAD, options)


class _Search:
    """Rows run so far: the best of them, and what was spent."""

    def __init__(self, system: Any, policy: Policy, box: WorkloadBox, budget: Budget) -> None:
        self.system, self.policy, self.box, self.budget = system, policy, box, budget
        self.rules = fair_rules(system)
        self.began = time.process_time()
        self.rounds = self.evaluations = 0
        self.best: list[tuple[float, Array]] = []
        self.trace: list[tuple[float, float]] = []
        self.bounds: dict[bytes, Bound] = {}
        self.bound_seconds = self.round_seconds = self.reserve = 0.0
        self.plans = int(isinstance(system, Optimal))  # the certificate solves once more, for the plan

    def keep_back(self, seconds: float) -> None:
        """Measure what the end takes, on the worst row so far, and keep so much of the seconds for it."""
        if self.budget.cpu_seconds >= ENDLESS or not self.best:
            return
        began = time.process_time()
        workload = self.box.workload(self.best[0][1])
        self.cost(self.policy, workload)
        own = time.process_time() - began
        self.bound(self.best[0][1], seconds)
        needed = (FINALISTS + self.plans) * self.bound_seconds + (FINALISTS + len(self.rules)) * own
        self.reserve = min(needed, MOST_KEPT * self.budget.cpu_seconds)

    def cost(self, policy: Policy, workload: Any) -> float:
        """Of a workload that is run alone."""
        return float(self.system.run(policy, [workload]).cost[0])

    def bound(self, row: Array, seconds: float) -> Bound:
        """Of the row's optimum, worked out once."""
        name = row.tobytes()
        if name not in self.bounds:
            began = time.process_time()
            left = max(self.budget.cpu_seconds - (began - self.began), self.bound_seconds)
            self.bounds[name] = self.system.bound(self.box.workload(row), seconds=min(seconds, left))
            self.bound_seconds = max(self.bound_seconds, time.process_time() - began)
        return self.bounds[name]

    def affordable(self) -> bool:
        """Whether the seconds left are enough for another bound and for the certificate."""
        left = self.budget.cpu_seconds - (time.process_time() - self.began)
        return left > (1 + self.plans) * self.bound_seconds

    def spent(self, more: float = 0.0) -> float:
        """Of the budget, 0 to 1, if so many seconds more are taken."""
        seconds = (time.process_time() - self.began + more) / (self.budget.cpu_seconds - self.reserve)
        rounds = 0.0 if self.budget.rounds is None else self.rounds / self.budget.rounds
        return min(1.0, max(seconds, rounds))

    def left(self) -> bool:
        """Whether another round may begin: the first always, then one whose larger half fits into the budget."""
        return not self.rounds or self.spent(self.round_seconds / 2) < 1

    def run(self, rows: Array) -> Array:
        """Regret against the best rule ``[B]``; minus infinity where a row makes no workload."""
        rows = (np.rint(rows) if self.box.whole else rows)[:, : len(self.box.low)]
        regrets = np.full(len(rows), -np.inf)
        made = {}
        for place, row in enumerate(rows):
            try:
                made[place] = self.box.workload(row)
            except DnnExplainError:
                continue
        began = time.process_time()
        self.rounds += 1
        if not made:
            return regrets
        workloads, places = list(made.values()), list(made)
        own = np.asarray(self.system.run(self.policy, workloads).cost)
        others = np.min([self.system.run(rule, workloads).cost for rule in self.rules.values()], axis=0)
        self.round_seconds = time.process_time() - began
        regrets[places] = own - others
        self.evaluations += len(workloads)
        before = self.best[0][0] if self.best else -np.inf
        kept = [(float(regrets[place]), rows[place]) for place in places]
        self.best = sorted([*self.best, *kept], key=lambda pair: -pair[0])[:FINALISTS]
        if self.best[0][0] > before:
            self.trace.append((float(self.rounds), self.best[0][0]))
        return regrets

    def result(self, question: Question, stopped: str, seconds: float) -> WorstRegret:
        """The finalist that surely loses most, of those for which there is time, held against the system's bound."""
        finals: list[Any] = []
        for _, row in self.best:
            if finals and not self.affordable():
                break
            workload = self.box.workload(row)
            cost = self.cost(self.policy, workload)
            bound = self.bound(row, seconds)
            finals.append((cost - bound.upper, cost, bound, row, workload))
        lower, cost, bound, row, workload = max(finals, key=lambda final: final[0])
        rules = {name: self.cost(rule, workload) for name, rule in self.rules.items()}
        rule = min(rules, key=lambda name: rules[name])
        by_rounds = self.budget.rounds is not None and self.rounds >= self.budget.rounds
        return WorstRegret(
            question, "cma-es", lower, lower, cost - bound.lower, cost, float(bound.upper), rule, cost - rules[rule],
            self.system.cost_name, tuple(self.box.names), self.box.unit, stopped,
            "" if stopped != "budget" else "rounds" if by_rounds else "CPU-seconds", self.rounds, self.evaluations,
            time.process_time() - self.began, x=row, trace=np.array(self.trace).reshape(-1, 2),
            certificate=certify_optimum(
                self.system, workload, bound, [cost, *rules.values()], seconds=seconds
            ),
            limits=self.box.limits(row) if isinstance(self.box, BoundedBox) else (),
        )  # fmt: skip
