"""Whole workloads, ground truth, and what can be watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.knobs import Knob, State
from dnnexplain.contract.systems import Policy, System

__all__ = [
    "ActionOracle",
    "Bound",
    "Curve",
    "DecisionOracle",
    "EpisodeSystem",
    "Episodes",
    "Grips",
    "Judgement",
    "LogReader",
    "Measured",
    "RatioCost",
    "Replay",
    "Replayable",
    "Track",
    "cost_is_ratio",
    "cost_unit",
    "periods_on",
]


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of an optimum: ``lower <= optimum <= upper``; equal when proved optimal.

    ``status`` is ``"optimal"``, ``"feasible"`` or ``"unknown"``; ``detail`` is the schedule or flow
    that reaches ``upper``. ``ended_by`` is ``"seconds"`` where the time given ran out before a proof: another run
    may say other bounds then; empty where the answer is the same on every machine.
    """

    lower: float
    upper: float
    status: str
    detail: Any = field(default=None, compare=False, repr=False)
    ended_by: str = ""


@dataclass(frozen=True, eq=False)
class Episodes:
    """A policy's run over ``W`` workloads to their end, unfinished work charged.

    Attributes:
        cost: what the system minimises, one value per workload ``[W]`` (mean slowdown, MLU).
        metrics: further figures by name, each ``[W]``; what went wrong (starved, turned away) is there.
        detail: what the system records beside (start and finish per job); its own type.
        actions: how often each action was taken, or each switch was on ``[W, A]``; ``None`` where not counted.
    """

    policy: str
    cost: NDArray[np.float64]
    cost_name: str
    metrics: Mapping[str, NDArray[np.float64]]
    seed: int
    detail: Any = None
    actions: NDArray[np.int64] | None = None


@runtime_checkable
class EpisodeSystem(System, Protocol):
    """A system that can also run a whole workload to its end, and knows its optimum or a bound."""

    cost_name: str

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[Any]:
        """``count`` workloads of a named family, drawn from one seed."""
        ...

    def run(self, policy: Policy, workloads: Sequence[Any], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Run a policy over workloads to their end; ``sample`` draws actions instead of the best."""
        ...

    def bound(self, workload: Any, *, seconds: float = 10.0) -> Bound:
        """The optimum of ``cost`` for one workload, or an interval that holds it."""
        ...


@runtime_checkable
class RatioCost(EpisodeSystem, Protocol):
    """A system that says whether ratios of its cost mean something; without a word, they do not.

    Attributes:
        cost_is_ratio: the cost is never below zero, zero is nothing at all, and twice as much is twice as bad (mean
            slowdown, utilisation). Then policies are compared in per cent, else by differences in the cost's unit.
    """

    cost_is_ratio: bool


def cost_is_ratio(system: System) -> bool:
    """Whether policies may be compared by the ratio of their costs; see :class:`RatioCost`."""
    return bool(getattr(system, "cost_is_ratio", False))


def cost_unit(cost_name: str) -> str:
    """The unit that a cost's name ends in, ``"car steps"`` of ``"waiting, car steps"``; ``""`` if it names none."""
    return cost_name.rpartition(", ")[2] if ", " in cost_name else ""


@runtime_checkable
class Measured(EpisodeSystem, Protocol):
    """A system that tells how well something was done by another figure than its cost: by its share of the optimum.

    Attributes:
        outcome: of one decision, a name among ``targets``; lower is better.
        metric: of whole workloads, a name among ``Episodes.metrics``.
    """

    outcome: str
    metric: str


@dataclass(frozen=True, slots=True)
class Track:
    """One lane of a timeline, from 0 to its capacity: ``Track("CPU", "units", 10)``; a thin one for what is on or off.

    On a lane that is ``wrong``, what must not happen has its bars (work that starves, playback that stands still); they
    are drawn large where there are any.
    """

    name: str
    unit: str
    capacity: float
    thin: bool = False
    wrong: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over time on a lane of a timeline.

    Attributes:
        name: ``"throughput"``.
        track: the lane's index.
        times: not falling ``[n]``.
        values: in the lane's unit; NaN where there is none ``[n]``.
        steps: whether a value holds until the next time, rather than going there in a straight line.
        quiet: whether it is a background to others: a limit, what would have been.
    """

    name: str
    track: int
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    steps: bool = False
    quiet: bool = False


@dataclass(frozen=True, eq=False)
class Grips:
    """Knobs of a decision's state that stand on a lane of a timeline, where they can be dragged.

    Attributes:
        knobs: their names, the newest first: ``("throughput 1", "throughput 2")``, or one.
        track: the lane's index; the lane has the knobs' unit.
        times: decision ``d``'s knob ``i`` stands at ``times[d - i]``; it stands nowhere if that was before the first ``[T]``.
    """

    knobs: tuple[str, ...]
    track: int
    times: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Replay:
    """One policy's run over one workload, decision by decision, as a timeline of what came of it.

    ``T`` decisions, ``J`` objects (jobs, chunks, demands), ``R`` bars of the timeline. An object
    may own several bars (one per resource; more where it is no rectangle) or none (never placed).

    Attributes:
        policy: the policy's name.
        observations: what each decision saw ``[T, *observation_shape]``; see ``state_from_observation``.
        actions: what was done, in the form of the space: ``[T]`` of a choice, else ``[T, A]``.
        times: when, in ``time_unit`` ``[T]``.
        chosen: the object that the action placed, or -1 ``[T]``.
        objects: a name per object ``[J]``: ``"job 17"``.
        arrival, start, finish: per object, NaN where it never happened ``[J]``.
        colours: per object the colour index that it had when it was first seen ``[J]``, or -1.
        tracks: the lanes of the timeline, from top to bottom.
        bar_object, bar_track: which object occupies which track ``[R]``.
        bars: from time, to time, from unit, to unit; each bar a rectangle ``[R, 4]``.
        cost: what the system minimises; ``metrics`` holds further figures by name (``"starved"``, ...).
        curves: quantities over time, drawn over the bars of their lanes.
        grips: what of a decision's state can be dragged in the timeline.
    """

    policy: str
    observations: NDArray[Any]
    actions: NDArray[Any]
    times: NDArray[np.float64]
    chosen: NDArray[np.int64]
    objects: tuple[str, ...]
    arrival: NDArray[np.float64]
    start: NDArray[np.float64]
    finish: NDArray[np.float64]
    colours: NDArray[np.int64]
    tracks: tuple[Track, ...]
    bar_object: NDArray[np.int64]
    bar_track: NDArray[np.int64]
    bars: NDArray[np.float64]
    cost: float
    cost_name: str
    metrics: Mapping[str, float]
    time_unit: str = "steps"
    seed: int = 0
    curves: tuple[Curve, ...] = ()
    grips: tuple[Grips, ...] = ()


@runtime_checkable
class Replayable(EpisodeSystem, Protocol):
    """A system whose episodes can be watched decision by decision.

    Attributes:
        workload_names: what ``workloads`` knows: name -> one line that says what it is.
        workload_knobs: the parameters that ``workloads`` takes by keyword, each with bounds and unit:
            ``Knob("rate", "jobs per step", 0.1, 1.0, 0.05, default=0.7)``.
    """

    workload_names: Mapping[str, str]
    workload_knobs: tuple[Knob, ...]

    def replay(self, policy: Policy, workload: Any, *, seed: int = 0, sample: bool = False) -> Replay:
        """Run a policy over one workload to its end and record every decision."""
        ...


@runtime_checkable
class LogReader(Protocol):
    """A system that turns a recorded log into workloads."""

    log_suffixes: tuple[str, ...]

    def log_windows(self, path: Any, **mapping: Any) -> tuple[Sequence[Any], str]:
        """The workloads of a log, and one sentence that says how the log was mapped.

        Windows come in order of time; the sentence names what was clipped, what was skipped, and how
        many jobs remain.
        """
        ...


@dataclass(frozen=True, eq=False)
class Judgement:
    """The oracle's word on one state: what each action costs at best from here on.

    Attributes:
        best: actions whose best continuation is optimal, by index.
        loss: how much worse each action's best continuation is than the best one's ``[A]``; NaN for
            an invalid action.
        exact: whether every value is proved; else ``loss`` holds lower bounds and ``best`` candidates.
        final: whether more seconds would change nothing of it.
    """

    best: tuple[int, ...]
    loss: NDArray[np.float64]
    exact: bool
    unit: str = ""
    final: bool = False


@runtime_checkable
class DecisionOracle(Protocol):
    """A system that can say how good each action is in one state."""

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """Solve for the best continuation after each action."""
        ...


@runtime_checkable
class ActionOracle(DecisionOracle, Protocol):
    """An oracle that judges one action sooner than all of them: for hundreds of decisions."""

    def judge_action(self, state: State, action: int, *, seconds: float = 10.0) -> Judgement:
        """What one action loses; of the others ``loss`` is NaN, and ``best`` is empty."""
        ...


def periods_on(on: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Runs of true in each column of ``[T, R]``, in order of their beginning: column, first and last row.

    They are the objects of a :class:`Replay` whose tracks are switches.
    """
    edge = np.zeros((1, on.shape[1]), dtype=np.int8)
    change = np.diff(np.concatenate([edge, on.astype(np.int8), edge]), axis=0)
    column, first = np.nonzero(change.T == 1)
    _, last = np.nonzero(change.T == -1)
    order = np.lexsort((column, first))
    return column[order].astype(np.int64), first[order].astype(np.int64), (last[order] - 1).astype(np.int64)
