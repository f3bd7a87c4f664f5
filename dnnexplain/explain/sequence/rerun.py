"""Every reported number comes from the saved workload: written, read back, run again, and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dnnexplain.contract import Bound, DnnExplainError, Policy, cost_is_ratio, cost_unit
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.optima import certify_optimum
from dnnexplain.explain.sequence.gap import OPTIMUM, Gap
from dnnexplain.explain.sequence.result import Best, SequenceAttack
from dnnexplain.numbers import as_told, between, number
from dnnexplain.numbers import gap as size_of
from dnnexplain.results import Question
from dnnexplain.rule_names import rule_label

__all__ = ["finish", "verify"]


def finish(
    gap: Gap,
    question: Question,
    workloads: Sequence[Any],
    first: tuple[float, float, float],
    *,
    evaluated: int,
    seconds: float,
    trace: tuple[Best, ...],
    stopped: bool,
    oracle_seconds: float,
    refusal: str = "",
) -> SequenceAttack:
    """The result of a search: the best workload, re-run from what is saved, with the oracle's bounds.

    Args:
        gap: what was maximised.
        question: what was asked.
        workloads: the population, best first.
        first: gap, network's and rule's cost at the start.
        evaluated, seconds, trace, stopped: of the search.
        oracle_seconds: for the bounds.
        refusal: why nothing was searched, if so.
    """
    system: Any = gap.system
    saved = [system.workload_to_json(workload) for workload in workloads]
    again = system.workload_from_json(saved[0])
    network = float(system.run(gap.policy, [again]).cost[0])
    rule_name, rule = gap.best_rule(again)
    bound = system.bound(again, seconds=oracle_seconds)
    certificate = certify_optimum(system, again, bound, [network, rule], seconds=oracle_seconds)
    if bound.status == "optimal" and not certificate.holds:
        bound = replace(bound, status="feasible")
    upper = min(bound.upper, rule, network)
    other = upper if gap.against == OPTIMUM else rule
    size = float(gap.of(np.array([network]), np.array([other]))[0])
    return SequenceAttack(
        question=question,
        found=network > other,
        gap=size,
        start_gap=first[0],
        network=network,
        rule=rule,
        rule_name=rule_name,
        optimum_lower=float(bound.lower),
        optimum_upper=float(upper),
        proved_optimum=bool(bound.status == "optimal"),
        optimum_ended_by=bound.ended_by,
        cost_name=system.cost_name,
        workload=saved[0],
        start_network=first[1],
        start_rule=first[2],
        population=saved,
        evaluated=evaluated,
        seconds=seconds,
        trace=trace,
        stopped=stopped,
        certificate=certificate,
        words=f"{refusal} {_words(gap, network, rule_name, rule, bound, upper, first, evaluated)}".strip(),
    )


def verify(system: Any, policy: Policy, attack: SequenceAttack) -> dict[str, float]:
    """Run a saved result again: the network's and the rule's cost on its workload.

    Raises:
        DnnExplainError: a cost differs from the saved one; were policy and system the same?
    """
    workload = system.workload_from_json(attack.workload)
    costs = {
        "network": float(system.run(policy, [workload]).cost[0]),
        "rule": float(system.run(system.rules()[attack.rule_name], [workload]).cost[0]),
    }
    for name, cost in costs.items():
        saved = getattr(attack, name)
        if not np.isclose(cost, saved, rtol=1e-9):
            msg = f"run again, the {name}'s {attack.cost_name} is {cost:.6g}, saved is {saved:.6g}; is it the same network and system?"
            raise DnnExplainError(msg)
    return costs


def _words(
    gap: Gap,
    network: float,
    rule_name: str,
    rule: float,
    bound: Bound,
    upper: float,
    first: tuple[float, float, float],
    evaluated: int,
) -> str:
    cost, own = gap.system.cost_name, gap.policy.name
    name, (ours, others, *ends, begun, rule_begun) = as_told(cost, network, rule, bound.lower, upper, *first[1:])
    optimum = (
        f"the optimum is {number(ends[1])}"
        if bound.status == "optimal"
        else f"the optimum is {between(number(min(ends)), number(max(ends)))}, by its bounds"
    )
    verb = "loses to" if network > rule else "still beats"
    ratio = cost_is_ratio(gap.system) and rule > 0
    amount = abs(network / rule - 1) if ratio else abs(network - rule)
    change = size_of(amount, ratio=ratio, unit=cost_unit(cost)).removeprefix("+")
    return (
        f"On this workload {own} {verb} {rule_label(rule_name)}: {name} {number(ours)} against {number(others)} ({change} "
        f"{'more' if ours > others else 'less'}), and {optimum}. On the workload that the search started from it was "
        f"{number(begun)} against {number(rule_begun)}. {counted(evaluated, 'workload')} were run; that a worse one exists is not excluded."
    )
