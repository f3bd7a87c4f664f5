"""What a router does with the traffic of one state, beside the best that could be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Decision, DnnExplainError, Flowing, Flows, Policy, State, System
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["BOTH", "NEITHER", "OURS", "TARGET", "THEIRS", "USED", "FlowComparison", "compare_flows", "comparison_of"]

USED = 0.05
"""A link counts as used where it is at least this share as full as the busiest link of the same routing."""

TARGET = "utilisation of the busiest link over its optimum"

OURS, BOTH, THEIRS, NEITHER = 1, 0, -1, 2
"""Who uses a link: the policy only, both, the optimum only, nobody."""


@dataclass(frozen=True, eq=False)
class FlowComparison(Result):
    """A policy's routing of one state's traffic and the certified optimum.

    Attributes:
        question: system, policy and state.
        ratio: the utilisation of the policy's busiest link over the optimum's; 1 where there is no traffic.
        lower, upper: the true ratio lies between them; ``ratio`` equals ``lower``.
        cost, optimum: utilisation of the busiest link under the policy, and at the optimum (its certified
            upper end); 1 is full.
        links: names of the links; ``unit`` is that of loads and capacities.
        demand: of each pair ``[P]``.
        capacity, loads, best_loads: per link, the policy's load and the optimum's ``[E]``.
        used, best_used: load over capacity ``[E]``.
        marks: who uses each link, see ``OURS``, ``BOTH``, ``THEIRS``, ``NEITHER`` (after XPlain, Karimi et
            al., HotNets 2024) ``[E]``; a link is used from a share ``USED`` of the busiest one's utilisation.
        shares, best_shares: the share of its pair's demand on each path ``[F]``.
    """

    question: Question
    ratio: float
    lower: float
    upper: float
    cost: float
    optimum: float
    links: tuple[str, ...]
    unit: str
    demand: NDArray[np.float64] = array_field("pair")
    capacity: NDArray[np.float64] = array_field("link")
    loads: NDArray[np.float64] = array_field("link")
    best_loads: NDArray[np.float64] = array_field("link")
    used: NDArray[np.float64] = array_field("link")
    best_used: NDArray[np.float64] = array_field("link")
    marks: NDArray[np.int8] = array_field("link")
    shares: NDArray[np.float64] = array_field("path")
    best_shares: NDArray[np.float64] = array_field("path")

    def table(self) -> list[dict[str, Any]]:
        """One row per link, the fullest under the policy first."""
        return [
            {
                "link": self.links[i], "capacity": float(self.capacity[i]), "load": float(self.loads[i]),
                "utilisation": float(self.used[i]), "optimal load": float(self.best_loads[i]), "unit": self.unit,
            }
            for i in np.argsort(-self.used, kind="stable")
        ]  # fmt: skip

    def sentence(self) -> str:
        """The comparison in words."""
        if self.cost == 0:
            return "There is no traffic, so nothing is used."
        ours, best = (self.links[int(np.argmax(used))] for used in (self.used, self.best_used))
        same = "the same link" if ours == best else best
        times = "as low as possible" if self.ratio < 1.0005 else f"{number(self.ratio)} times the optimum"
        return (
            f"{self.question.policy} fills its busiest link, {ours}, to {_percent(self.cost)}: {times}. "
            f"At best the busiest link ({same}) is at {_percent(self.optimum)}."
        )

    def picture(self) -> Chart:
        """How full each link is, the fullest first, and at the optimum."""
        order = np.argsort(-self.used, kind="stable")
        shown = {self.question.policy or "policy": self.used[order], "optimum": self.best_used[order]}
        return bars([self.links[i] for i in order], shown, Axis("load over capacity"), x=Axis("link"))


def compare_flows(system: System, policy: Policy, state: State, decision: Decision | None = None) -> FlowComparison:
    """Loads of all links under a policy and at the optimum, for the traffic of one state.

    Args:
        system: one that sends demands over a graph (``contract.Flowing``).
        policy: the router.
        state: the traffic.
        decision: what the policy does there, if it is at hand.

    Raises:
        DnnExplainError: the system has no graph; demands, shares or the solver fail.
    """
    if not isinstance(system, Flowing):
        msg = f"{system.name} sends nothing over a graph, so there are no flows to compare"
        raise DnnExplainError(msg)
    made = decision if decision is not None else decide(system, policy, state)
    ours, best = system.flows(state, made.outputs)
    question = Question.about(system, policy, state, target=TARGET)
    return comparison_of(system, question, state.values[system.graph.knobs], ours, best)


def comparison_of(
    system: Flowing, question: Question, demand: NDArray[np.float64], ours: Flows, best: Flows
) -> FlowComparison:
    """The same from flows that are at hand; ``demand`` is what they carry ``[P]``."""
    some = best.cost > 0
    return FlowComparison(
        question,
        ratio=ours.cost / best.cost if some else 1.0,
        lower=ours.cost / best.cost if some else 1.0,
        upper=ours.cost / best.lower if some and best.lower > 0 else 1.0,
        cost=ours.cost,
        optimum=best.cost,
        links=system.graph.link_names,
        unit=system.graph.unit,
        demand=demand,
        capacity=system.graph.capacity,
        loads=ours.load,
        best_loads=best.load,
        used=ours.used,
        best_used=best.used,
        marks=marks_of(ours, best),
        shares=ours.shares,
        best_shares=best.shares,
    )


def marks_of(ours: Flows, best: Flows) -> NDArray[np.int8]:
    """Who uses each link ``[E]``: from a share :data:`USED` of the busiest link's utilisation on."""
    first, second = (flows.used >= max(USED * flows.used.max(), 1e-12) for flows in (ours, best))
    return np.where(first & second, BOTH, np.where(first, OURS, np.where(second, THEIRS, NEITHER))).astype(np.int8)


def _percent(share: float) -> str:
    return f"{number(100 * share)}%"
