"""The best that could be done on a known day, as an interval: a plan that was simulated, and a proved bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.kernels import play_days
from dnnexplain.systems.cellular.oracle_kernels import action_values, bonuses_of, follow, solve

__all__ = ["Oracle", "Plan"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plan:
    """The optimum of one day: ``lower <= optimal reward <= upper``, in GB.

    Attributes:
        rates: a plan that reaches ``lower``, simulated exactly ``[T]``.
        lower, upper: reward of that plan, and the proved bound.
        value: what the rest of the day is worth at most, before each minute (and after the last), at each load of the
            grid ``[T + 1, M]``.
        step: width of the grid, a share of capacity.
    """

    rates: Floats
    lower: float
    upper: float
    value: Floats
    step: float

    @property
    def gap(self) -> float:
        """How far the bound is above the plan, as a share of the bound."""
        return (self.upper - self.lower) / abs(self.upper) if self.upper else 0.0


class Oracle:
    """Finite-horizon dynamic programming over the added load; the day is known from the start.

    Why the bound holds. Fix any plan. On the grid the load after each minute is replaced by a lottery of its two
    neighbours with the same mean, whose value is linear between grid points; as throughput is convex in the load,
    volume and users' loss can only gain by that. The penalty below the limit is convex but for a kink of slope
    ``s`` where throughput passes the limit, and a load that is spread with standard deviation ``d`` around its mean
    loses at most ``kappa a s d / 2`` there. One lottery on a cell of width ``h`` adds a variance of at most
    ``h^2 / 4``, of which ``keep^2`` is left a minute later. Paid that much per unit of rate, the grid's optimum is
    never below the true one. Rates are not rounded (see ``oracle_kernels``). The bound allows for rounding of
    floating-point numbers by a relative 1e-9.

    Args:
        cell: the constants.
        points: of the grid, from no added load to the most there can be.
    """

    def __init__(self, cell: Cell, points: int = 300) -> None:
        if points < 2:
            msg = f"the grid needs at least 2 loads, not {points}"
            raise DnnExplainError(msg)
        self.cell = cell
        self.points = points

    def plan(self, own: ArrayLike, efficiency: ArrayLike, load: float = 0.0) -> Plan:
        """The optimum from a minute on whose added load is given; series ``[T]`` of own congestion and efficiency."""
        c = self.cell.constants
        demand, radio = _series(own), _series(efficiency)
        step = self._step(len(demand), load)
        value = np.zeros((len(demand) + 1, self.points))
        bonuses = np.empty(len(demand))
        bonuses_of(c, demand, radio, step, self.points, int(load > 0), bonuses)
        solve(c, demand, radio, step, self.points, bonuses, value)
        rates = np.empty(len(demand))
        follow(c, demand, radio, step, value, load, rates)
        upper = float(np.interp(load, step * np.arange(self.points), value[0]))
        lower = self.reward(demand, radio, rates, load)
        return Plan(rates, lower, max(upper + 1e-9 * abs(upper), lower), value, step)

    def reward(self, own: Floats, efficiency: Floats, rates: ArrayLike, load: float = 0.0) -> float:
        """What rates ``[T]`` bring on a day, simulated, GB."""
        c = self.cell.constants
        actions = np.asarray(rates, dtype=np.float64)[None]
        loads, shared = np.empty_like(actions), np.empty_like(actions)
        parts = np.empty((*actions.shape, 3))
        play_days(c, own[None], efficiency[None], actions, np.array([load]), loads, parts, shared)
        return float((parts[..., 0] - parts[..., 1] - parts[..., 2]).sum())

    def losses(
        self, plan: Plan, own: float, efficiency: float, load: float, rates: ArrayLike, minute: int = 0
    ) -> Floats:
        """How much less the best continuation after each rate ``[n]`` brings than after the best rate, GB ``[n]``.

        Values are those of the grid, so that a loss is off by no more than the plan's gap; at least 0.

        Args:
            plan: of the day.
            own, efficiency: in this minute.
            load: added, before it.
            rates: that might be taken.
            minute: which, counted from the plan's first.
        """
        chosen = np.asarray(rates, dtype=np.float64).ravel()
        candidates = np.concatenate([chosen, [self.best_rate(plan, own, efficiency, load, minute)]])
        worth = np.empty(len(candidates))
        c = self.cell.constants
        action_values(c, own, efficiency, load, candidates, plan.value[minute + 1], plan.step, worth)
        return np.asarray(np.maximum(worth[-1] - worth[:-1], 0.0), dtype=np.float64)

    def best_rate(self, plan: Plan, own: float, efficiency: float, load: float, minute: int = 0) -> float:
        """The rate that the plan's values call best in a minute that begins with an added load."""
        rate = np.empty(1)
        rest = plan.value[minute : minute + 2]
        follow(self.cell.constants, np.array([own]), np.array([efficiency]), plan.step, rest, load, rate)
        return float(rate[0])

    def _step(self, minutes: int, load: float) -> float:
        most = max(self.cell.fullest, load)
        if math.isinf(most):
            most = load + self.cell.added * minutes
        return max(most, self.cell.added) / (self.points - 1)


def _series(values: ArrayLike) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        msg = f"a day's series is [T] with finite numbers, not {list(array.shape)}"
        raise DnnExplainError(msg)
    return array
