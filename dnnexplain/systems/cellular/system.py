"""The cell as a system: a continuous rate, a known day's optimum, generated and recorded days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    Box,
    DnnExplainError,
    Episodes,
    Knob,
    Limits,
    Painting,
    Played,
    Policy,
    Replay,
    State,
    Target,
    in_episodes,
)
from dnnexplain.counts import counted
from dnnexplain.systems.cellular import mutation, records
from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.day_files import read_days
from dnnexplain.systems.cellular.days import Day, DayStack, stack_days
from dnnexplain.systems.cellular.families import KINDS, generate
from dnnexplain.systems.cellular.futures import ASSUMED, gone_on
from dnnexplain.systems.cellular.layout import WINDOWS, Layout
from dnnexplain.systems.cellular.oracle import Oracle, Plan
from dnnexplain.systems.cellular.replays import replay_of
from dnnexplain.systems.cellular.rules import Rule, tune_rules
from dnnexplain.systems.cellular.runs import DayRun, metrics_of, play_rates, played, run_days
from dnnexplain.systems.cellular.sketch import painting
from dnnexplain.systems.cellular.states import (
    CellFeatures,
    describe_values,
    values_from_json,
    values_to_json,
    without_parts,
)
from dnnexplain.systems.cellular.targets import targets_of

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.tensors import TorchCell

__all__ = ["CellularSystem"]

Floats = NDArray[np.float64]

TUNING_DAYS = 60
TUNING_SEED = 20_180_202
"""Rules are tuned on these days of the default family; no day of another seed is among them."""


class CellularSystem:
    """Schedule delay-tolerant traffic in a simulated cell (``contract.EpisodeSystem``), after Chinchali et al. (AAAI 2018).

    Every minute a policy sees congestion, sessions and efficiency of the last minutes, its own added load, the time of
    day and a forecast, and sets the rate at which delay-tolerant traffic is let through in the next minute, from 0
    to 1. The cost of a day is its negative reward, in GB; formulas and constants are those of
    :class:`~dnnexplain.systems.cellular.cell.Cell`.

    Args:
        history: minutes seen.
        start: hour at which a day begins.
        minutes: that a day lasts.
        error: standard deviation of the forecast one minute ahead, a share of capacity; it grows with the square
            root of the minutes ahead (see :func:`~dnnexplain.systems.cellular.days.day_of`).
        points: of the grid of the optimum's dynamic program.
        **constants: of the cell.

    Attributes:
        cell, layout: the constants, and where each quantity stands in a state.
        oracle: the optimum of a known day.
    """

    name = "cellular"
    cost_name = "negative reward"

    def __init__(
        self,
        history: int = 5,
        start: float = 8.0,
        minutes: int = 720,
        error: float = 0.002,
        points: int = 300,
        **constants: Any,
    ) -> None:
        known = {field.name for field in fields(Cell)}
        if unknown := sorted(set(constants) - known):
            msg = f"a cell has no constant {unknown[0]!r}; there are: {', '.join(sorted(known))}"
            raise DnnExplainError(msg)
        if not 0 <= start < 24 or not 1 <= minutes <= 24 * 60 or not 0 <= error <= 1:
            msg = f"a day starts at 0 to 24 h, has 1 to 1,440 minutes and an error of 0 to 1, not {start}, {minutes}, {error}"
            raise DnnExplainError(msg)
        self.cell = Cell(**constants)
        self.layout = Layout(int(history), float(start), int(minutes), self.cell.fullest)
        self.error, self.points = float(error), points
        self.oracle = Oracle(self.cell, points)
        self.knobs = self.layout.knobs()
        self.groups, self.cell_group = self.layout.groups()
        self.observation_shape: tuple[int, ...] = (len(self.knobs),)
        self.output = Box(("rate",), low=0.0, high=1.0, tolerance=0.05)
        self._low = np.array([knob.low for knob in self.knobs])
        self._high = np.array([knob.high for knob in self.knobs])

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again: ``CellularSystem(**system.parameters)``."""
        layout = self.layout
        mine = {"history": layout.history, "start": layout.start, "minutes": layout.minutes, "error": self.error}
        constants = {field.name: getattr(self.cell, field.name) for field in fields(Cell)}
        return {**mine, "points": self.points, **constants}

    @property
    def tensors(self) -> TorchCell:
        """The cell in torch, with gradients."""
        from dnnexplain.systems.cellular.tensors import TorchCell  # noqa: PLC0415 - torch when first needed

        return TorchCell(self.cell)

    # --- states ---------------------------------------------------------------------------------

    def encode(self, values: Floats, background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Knob values ``[B, K]`` as observations ``[B, K]``, in the same units; knobs leave nothing open."""
        del background
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.knobs):
            msg = f"knob values must be [B, {len(self.knobs)}], one per knob, not {list(rows.shape)}"
            raise DnnExplainError(msg)
        return rows.astype(np.float32)

    def decode(self, observations: NDArray[Any]) -> Floats:
        """Observations as knob values ``[B, K]``."""
        rows = np.asarray(observations, dtype=np.float64)
        if rows.shape[1:] != self.observation_shape:
            msg = f"observations must be [B, {len(self.knobs)}], not {list(rows.shape)}"
            raise DnnExplainError(msg)
        return rows

    def repair(self, values: Floats) -> Floats:
        """Every knob within its bounds, rounded to what a float32 network sees ``[B, K]``; there are no rules among knobs."""
        rows = np.asarray(values, dtype=np.float64)
        if not np.isfinite(rows).all():
            msg = f"{self.knobs[int(np.argwhere(~np.isfinite(rows))[0][-1])].name} must be a finite number"
            raise DnnExplainError(msg)
        single = np.clip(rows, self._low, self._high).astype(np.float32)
        # Rounding may pass a bound that is no float32; the next one inside is taken.
        zero = np.float32(0)
        single = np.where(single > self._high, np.nextafter(single, zero), single)
        single = np.where(single < self._low, np.nextafter(single, np.float32(np.inf)), single)
        return single.astype(np.float64)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """All true ``[B, 1]``."""
        return np.ones((len(observations), 1), dtype=np.bool_)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """An ordinary state, 32 met by the best rule on generated days, and this one without some of its parts."""
        here = self.encode(state.values[None])
        usual = self.encode(self.repair(np.array([[knob.start for knob in self.knobs]])))
        return {"ordinary minute": usual, "typical minutes": self._typical, **without_parts(self.layout, here)}

    @cached_property
    def _typical(self) -> NDArray[np.float32]:
        days = self.workloads("mixed", 8, seed=0)
        seen, _ = self.visit(self.rules()["proportional"], days)
        return seen[:: max(1, len(seen) // 32)][:32]

    def targets(self, state: State) -> Mapping[str, Target]:
        """The rate, and throughput and reward that it would bring if the forecast came true."""
        del state
        return targets_of(self.layout, self.cell)

    def rules(self) -> Mapping[str, Policy]:
        """Never, always, and four rules tuned on training days of this cell's default family; made when first asked for."""
        return dict(_tuned(tuple(self.parameters.items())))

    def state_to_json(self, state: State) -> dict[str, Any]:
        """See :func:`~dnnexplain.systems.cellular.states.values_to_json`."""
        return values_to_json(self.layout, state.values)

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse; quantities that are not named have their defaults."""
        return State(self.repair(values_from_json(self.layout, data)[None])[0])

    @property
    def painting(self) -> Painting:
        """How knobs become what is seen, as data (``contract.Painted``)."""
        return painting(self.knobs)

    def describe(self, state: State) -> str:
        """The state in one sentence."""
        return describe_values(self.layout, state.values)

    @cached_property
    def features(self) -> CellFeatures:
        """What rules may speak of."""
        return CellFeatures(self.layout, self.cell)

    # --- workloads ------------------------------------------------------------------------------

    @property
    def workload_names(self) -> Mapping[str, str]:
        """What :meth:`workloads` knows, with a line each."""
        return KINDS

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[Day]:
        """``count`` generated days; see :func:`~dnnexplain.systems.cellular.families.generate`."""
        return generate(name, count, seed, error=self.error, **self._frame, **parameters)

    def read_workloads(self, path: Path, *, limit: int | None = None, **parameters: Any) -> tuple[Sequence[Day], str]:
        """Days of a cell's log, and what was done to read them; see :func:`~dnnexplain.systems.cellular.day_files.read_days`."""
        return read_days(path, error=self.error, limit=limit, **self._frame, **parameters)

    @property
    def _frame(self) -> dict[str, Any]:
        return {"history": self.layout.history, "start": self.layout.start, "minutes": self.layout.minutes}

    # --- workloads as tables; see dnnexplain.systems.cellular.records ---

    ordered = True

    @property
    def record_knobs(self) -> tuple[Knob, ...]:
        """Columns of a workload's table (``contract.Tabular``)."""
        return records.RECORD_KNOBS

    def to_records(self, workload: Day) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``."""
        return records.to_records(workload)

    def from_records(self, table: NDArray[np.float64], name: str = "") -> Day:
        """The inverse; any finite table of the right columns becomes a valid workload."""
        return records.from_records(table, self.layout, name)

    # --- changed days (``contract.Reshaping``); see dnnexplain.systems.cellular.mutation ---

    def mutate(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day near the given one."""
        return mutation.change(workload, rng, limits)

    def reshape(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day far from the given one."""
        return mutation.reshape(workload, rng, limits)

    def scramble(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day drawn anew within the limits."""
        return mutation.redraw(workload, rng, limits)

    def combine(self, day: Day, two: Day, rng: np.random.Generator) -> Day:
        """A day with a stretch of another one."""
        return mutation.cross(day, two, rng)

    def workload_to_json(self, workload: Day) -> dict[str, Any]:
        """A row per minute; see :func:`~dnnexplain.systems.cellular.mutation.to_json`."""
        return mutation.to_json(workload)

    def workload_from_json(self, data: Mapping[str, Any]) -> Day:
        """The inverse."""
        return mutation.from_json(data, self.layout)

    def stack(self, days: Sequence[Day]) -> DayStack:
        """Days as one struct of arrays, checked against this system.

        Raises:
            DnnExplainError: they have another history or forecast than this system shows.
        """
        stacked = stack_days(days)
        if stacked.history != self.layout.history:
            msg = f"these days have a history of {counted(stacked.history, 'minute')}, the system shows {self.layout.history}; make them with it"
            raise DnnExplainError(msg)
        return stacked

    def run(self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Run days to their end; ``seed`` and ``sample`` change nothing: a rate is set, not drawn."""
        del sample
        days = self.stack(workloads)
        return self._episodes(policy.name, days, self._played(policy, days), seed)

    def visit(
        self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """All that a policy sees: observations ``[N, K]``, day by day in order of time, and the day of each ``[N]``."""
        del seed
        run = self._played(policy, self.stack(workloads), keep=True)
        assert run.observations is not None
        count, minutes, width = run.observations.shape
        return run.observations.reshape(-1, width), np.repeat(np.arange(count), minutes)

    workload_knobs = (
        Knob("load", "of capacity", 0.0, 1.0, 0.05, default=0.45),
        Knob("swing", "of capacity", 0.0, 1.0, 0.02, default=0.22),
    )

    def replay(self, policy: Policy, workload: Day, *, seed: int = 0, sample: bool = False) -> Replay:
        """A day minute by minute (``contract.Replayable``); a rate is set, not drawn."""
        del sample
        days = self.stack([workload])
        return replay_of(self.cell, days, self._played(policy, days, keep=True), policy.name, self.cost_name, seed)

    def replay_optimum(self, workload: Day, *, seconds: float = 10.0) -> Replay:
        """The best plan that is known, minute by minute (``contract.WatchedOptimum``)."""
        del seconds
        days, rates = self.stack([workload]), iter(self.plan(workload).rates)
        run = run_days(self.cell, days, lambda _seen: np.array([next(rates)]), len(self.knobs), keep=True)
        return replay_of(self.cell, days, run, "optimum", self.cost_name, 0)

    def read_played(self, path: Path) -> tuple[Day, str]:
        """The first whole day of a log, and what was done to read it."""
        days, said = self.read_workloads(path, limit=1)
        return days[0], said

    def play(
        self,
        workload: Day,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
        **options: Any,
    ) -> Played:
        """A day with given rates ``[T]`` or ``[T, 1]``, or a policy's: see ``contract.Acting``.

        Arrays: ``rates``, ``load``, ``throughput``, ``reward`` and its parts, each ``[T]``.
        """
        del seed, options
        days = self.stack([workload])
        if actions is not None:
            run = play_rates(self.cell, days, self._rates(workload, actions)[None])
        elif policy is not None:
            run = self._played(policy, days)
        else:
            msg = "playing a day needs rates, or a policy that sets them"
            raise DnnExplainError(msg)
        return played(self.cell, days, run)

    def _rates(self, day: Day, actions: Sequence[Any]) -> Floats:
        """Rates as JSON holds them, checked ``[T]``."""
        try:
            rates = np.asarray(actions, dtype=np.float64)
        except (ValueError, TypeError):
            rates = np.empty(0)
        if rates.shape not in {(day.minutes,), (day.minutes, 1)} or not ((rates >= 0) & (rates <= 1)).all():
            msg = f"a day of {counted(day.minutes, 'minute')} needs as many rates from 0 to 1, one for each, not {list(rates.shape)}"
            raise DnnExplainError(msg)
        return rates.ravel()

    def _played(self, policy: Policy, days: DayStack, *, keep: bool = False) -> DayRun:
        course = in_episodes(policy, len(days.own))

        def decide(seen: NDArray[np.float32]) -> Floats:
            return self.output.decide(course.outputs(seen))[:, 0]

        return run_days(self.cell, days, decide, len(self.knobs), keep=keep)

    def _episodes(self, name: str, days: DayStack, run: DayRun, seed: int) -> Episodes:
        return Episodes(name, -run.reward, self.cost_name, metrics_of(self.cell, days, run), seed, detail=run)

    continuing = ASSUMED

    def continued(
        self, state: State, policy: Policy, action: Any, workloads: Sequence[Day], *, seed: int = 0
    ) -> Episodes:
        """What follows a rate in a state (``contract.Continuing``); see ``futures``. Nothing is drawn."""
        values = self.repair(state.values[None])[0]
        days, run = gone_on(self.cell, self.layout, self.output, values, policy, action, workloads)
        return self._episodes(policy.name, days, run, seed)

    # --- ground truth ---------------------------------------------------------------------------

    def bound(self, workload: Day, *, seconds: float = 10.0) -> Bound:
        """The least cost of a known day as an interval, in GB: a plan that was simulated, and a proved bound."""
        del seconds  # a day takes about a tenth of a second
        plan = self.plan(workload)
        return Bound(-plan.upper, -plan.lower, "optimal" if plan.gap <= 1e-9 else "feasible", plan)

    def plan(self, day: Day) -> Plan:
        """The optimum of a known day."""
        return self.oracle.plan(day.own[day.history :], day.efficiency[day.history :])

    optimum_prompt = True
    """A day takes about a tenth of a second (``contract.PromptOptimum``)."""

    def run_optimum(self, workloads: Sequence[Day], *, seconds: float = 10.0) -> Episodes:
        """The plans' days, simulated."""
        del seconds
        days = self.stack(workloads)
        rates = np.stack([self.plan(day).rates for day in workloads])
        return self._episodes("optimum", days, play_rates(self.cell, days, rates), 0)

    def losses(self, state: State, actions: NDArray[Any], *, seconds: float = 10.0) -> Floats:
        """What rates ``[n]`` or ``[n, 1]`` lose from this state on, GB ``[n]``, if its forecast comes true and radio conditions stay."""
        del seconds
        rates = self.output.decide(np.asarray(actions, dtype=np.float64).reshape(-1, 1))[:, 0]
        own, radio, load = self._future(state)
        return self.oracle.losses(self.oracle.plan(own, radio, load), own[0], radio[0], load, rates)

    def best_action(self, state: State, *, seconds: float = 10.0) -> Floats:
        """The rate that loses nothing, ``[1]``."""
        del seconds
        own, radio, load = self._future(state)
        plan = self.oracle.plan(own, radio, load)
        return np.array([self.oracle.best_rate(plan, own[0], radio[0], load)])

    def regrets(self, day: Day, rates: NDArray[Any]) -> Floats:
        """What each minute's rate of a run ``[T]`` lost against the best continuation of the known day, GB ``[T]``."""
        plan = self.plan(day)
        run = play_rates(self.cell, self.stack([day]), np.asarray(rates, dtype=np.float64).reshape(1, -1))
        before = np.concatenate([[0.0], run.load[0][:-1]])
        own, radio = day.own[day.history :], day.efficiency[day.history :]
        lost = [
            self.oracle.losses(plan, own[t], radio[t], before[t], run.rates[0, [t]], t)[0] for t in range(day.minutes)
        ]
        return np.array(lost)

    def _future(self, state: State) -> tuple[Floats, Floats, float]:
        """The next half hour as the state's forecast has it ``[30]``, ``[30]``, and the added load."""
        ahead = state.values[self.layout.forecast]
        own = np.repeat(ahead, [last - first + 1 for first, last in WINDOWS])
        radio = np.full(len(own), state.values[self.layout.efficiency.start])
        return own, radio, float(state.values[self.layout.load])


@lru_cache(maxsize=16)
def _tuned(parameters: tuple[tuple[str, Any], ...]) -> dict[str, Rule]:
    """The rules of all systems with these parameters: tuning them takes a second."""
    system = CellularSystem(**dict(parameters))
    return tune_rules(system.cell, system.layout, system.stack(system.workloads("mixed", TUNING_DAYS, TUNING_SEED)))
