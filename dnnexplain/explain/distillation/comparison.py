"""Policies on the same workloads: what each costs, beside the first one and the optimum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Bound, DnnExplainError, EpisodeSystem, Policy, cost_is_ratio
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import start
from dnnexplain.intervals import compared_interval, mean_interval
from dnnexplain.numbers import number
from dnnexplain.registry import cost_range
from dnnexplain.results import Question, Result, array_field

__all__ = ["RuleComparison", "compare"]

Three = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class RuleComparison(Result):
    """What policies cost on the same ``W`` workloads, run to their end.

    Attributes:
        question: the first policy, and the seed of the runs.
        names: of the policies ``P``, the one that others are compared with first.
        cost_name: what is minimised.
        cost: per policy and workload ``[P, W]``.
        ratio: whether the cost is a ratio scale, so that policies are compared in per cent.
        least: what the cost cannot be below.
        lower, upper: what holds the optimum of each workload ``[W]``; NaN where it was not asked for.
    """

    question: Question
    names: tuple[str, ...]
    cost_name: str
    cost: NDArray[np.float64] = array_field("policy", "workload")
    lower: NDArray[np.float64] = array_field("workload")
    upper: NDArray[np.float64] = array_field("workload")
    ratio: bool = True
    least: float = -math.inf

    def mean(self, name: str) -> Three:
        """A policy's mean cost with its 95% interval (:mod:`dnnexplain.intervals`)."""
        return mean_interval(self.cost[self._place(name)], within=(self.least, math.inf)).three

    def relative(self, name: str, to: str | None = None) -> Three:
        """By how much a policy costs more than another (the first one), with its 95% interval, workload by workload.

        With ``ratio`` the one cost over the other, minus 1, else their difference.
        """
        beside = self.cost[0 if to is None else self._place(to)]
        return compared_interval(self.cost[self._place(name)], beside, ratio=self.ratio).three

    @property
    def optimum(self) -> tuple[float, float] | None:
        """What holds the mean of the optima, or ``None`` if not every workload has its bound."""
        if not len(self.lower) or not np.isfinite(self.lower).all():
            return None
        return float(self.lower.mean()), float(self.upper.mean())

    def with_optimum(self, bounds: Sequence[Bound]) -> RuleComparison:
        """This comparison with the optimum of each workload, or what holds it."""
        if len(bounds) != self.cost.shape[1]:
            msg = f"give one bound per workload, {self.cost.shape[1]}, not {len(bounds)}"
            raise DnnExplainError(msg)
        lower, upper = np.array([b.lower for b in bounds]), np.array([b.upper for b in bounds])
        return replace(self, lower=lower, upper=upper)

    def without(self, name: str) -> RuleComparison:
        """This comparison without one of its policies; unchanged if it does not name it."""
        keep = [place for place, known in enumerate(self.names) if known != name]
        names = tuple(self.names[place] for place in keep)
        return replace(self, names=names, cost=self.cost[keep])

    def table(self) -> list[dict[str, Any]]:
        """One row per policy: mean cost, interval, share above the first."""
        rows = []
        for name in self.names:
            mean, relative = self.mean(name), self.relative(name)
            keys = ("mean", "low", "high", "relative", "relative low", "relative high")
            rows.append({"policy": name, **dict(zip(keys, (*mean, *relative), strict=True))})
        return rows

    def _place(self, name: str) -> int:
        return self.names.index(name)

    def sentence(self) -> str:
        """What each policy costs on average."""
        words = ", ".join(f"{name} {number(self.mean(name)[0])}" for name in self.names)
        return f"{start(self.cost_name)}, mean of {counted(self.cost.shape[1], 'workload')}: {words}."

    def picture(self) -> Chart:
        """Mean costs with their intervals, and the optimum where it is known."""
        means = np.array([self.mean(name) for name in self.names])
        levels = [("optimum", self.optimum[1])] if self.optimum else []
        ends = {"mean": (means[:, 1], means[:, 2])}
        return bars(
            self.names, {"mean": means[:, 0]}, Axis(self.cost_name), x=Axis("policy"), intervals=ends, levels=levels
        )


def compare(
    system: EpisodeSystem,
    policies: Mapping[str, Policy],
    workloads: Sequence[Any],
    *,
    seed: int = 0,
    known: RuleComparison | None = None,
) -> RuleComparison:
    """Run policies over the same workloads.

    Args:
        system: the world.
        policies: by the name that they have in the result; the first is what others are compared with.
        workloads: the work.
        seed: of the runs.
        known: an earlier comparison on the same workloads with the same seed; whom it names is not run
            again, and its optimum is kept.

    Raises:
        DnnExplainError: no policy, no workload, or an earlier comparison with another number of workloads.
    """
    if not policies or not len(workloads):
        msg = "give at least one policy and one workload to compare"
        raise DnnExplainError(msg)
    if known is not None and known.cost.shape[1] != len(workloads):
        msg = f"the earlier comparison has {known.cost.shape[1]} workloads, not {len(workloads)}"
        raise DnnExplainError(msg)
    done = {} if known is None else dict(zip(known.names, known.cost, strict=True))
    cost = [
        done[name] if name in done else system.run(policy, workloads, seed=seed).cost
        for name, policy in policies.items()
    ]
    unknown = np.full(len(workloads), np.nan)
    return RuleComparison(
        question=Question.about(system, next(iter(policies.values())), method="same workloads", seed=seed),
        names=tuple(policies),
        cost_name=system.cost_name,
        cost=np.stack(cost),
        lower=unknown if known is None else known.lower,
        upper=unknown if known is None else known.upper,
        ratio=cost_is_ratio(system),
        least=cost_range(system)[0],
    )
