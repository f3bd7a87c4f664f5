"""What an explainer may ask of the world: knobs, states, decisions, episodes, policies, systems.

Nothing here is concrete and nothing here imports torch. ``B`` is a batch of states, ``K`` the number
of knobs, ``A`` the number of outputs (actions of a choice, or components of a vector), ``W`` a number
of workloads. Arrays carry their axes in the comment behind them, e.g. ``# [B, K]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "Bound",
    "Choice",
    "Decision",
    "DecisionOracle",
    "DnnExplainError",
    "Episodes",
    "EpisodeSystem",
    "Handle",
    "Judgement",
    "Knob",
    "LogReader",
    "NetworkPolicy",
    "Output",
    "OutputKind",
    "Pane",
    "Pictured",
    "Policy",
    "Replay",
    "Replayable",
    "State",
    "System",
    "Target",
    "TargetKind",
    "Track",
    "state_from_observation",
    "state_from_values",
]


class DnnExplainError(ValueError):
    """A mistake in what was asked: the message says what was expected, what came, and what to do."""


# --- knobs and states ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Knob:
    """One named, bounded quantity of the domain, e.g. ``job 2 length, 0-15 steps``.

    Args:
        name: unique within a system, in the words of the domain: ``"job 2 length"``.
        unit: ``"steps"``, ``"units"``, ``"Gb/s"``; an empty string for a pure number.
        low, high: the inclusive bounds, in the unit.
        step: the grid (1 for integers); ``None`` for a continuous quantity.
        group: knobs that belong together share it: ``"job 2"``.
        default: where an untouched editor puts it; ``low`` if not given.
    """

    name: str
    unit: str
    low: float
    high: float
    step: float | None = 1.0
    group: str = ""
    default: float | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            msg = f"knob {self.name!r}: low {self.low:g} is above high {self.high:g}"
            raise DnnExplainError(msg)
        if self.step is not None and self.step <= 0:
            msg = f"knob {self.name!r}: step must be positive or None, not {self.step:g}"
            raise DnnExplainError(msg)

    @property
    def start(self) -> float:
        """Where an untouched editor puts the knob."""
        return self.low if self.default is None else self.default

    def grid(self, points: int = 101) -> NDArray[np.float64]:
        """All values of a stepped knob, or ``points`` evenly spaced ones of a continuous knob."""
        if self.step is None:
            return np.linspace(self.low, self.high, points)
        count = int(np.floor((self.high - self.low) / self.step + 1e-9)) + 1
        return self.low + self.step * np.arange(count, dtype=np.float64)

    def snap(self, value: float) -> float:
        """The nearest allowed value."""
        if not np.isfinite(value):
            msg = f"{self.name} must be a finite number between {self.low:g} and {self.high:g} {self.unit}, not {value}"
            raise DnnExplainError(msg)
        inside = min(max(float(value), self.low), self.high)
        if self.step is None:
            return inside
        return min(self.low + self.step * round((inside - self.low) / self.step), self.high)


@dataclass(frozen=True, eq=False)
class State:
    """What a decision is made in: the value of every knob, and what the knobs leave open.

    Attributes:
        values: one value per knob of the system, in its order; float64 ``[K]``.
        background: the observation the values were read from, or ``None``. Where a knob still has the
            value that the background shows, ``System.encode`` keeps the background's cells, so that a
            state taken from an episode gives back its observation to the bit.
    """

    values: NDArray[np.float64]
    background: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        same_background = (self.background is None and other.background is None) or (
            self.background is not None
            and other.background is not None
            and np.array_equal(self.background, other.background)
        )
        return same_background and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]


# --- outputs and targets ------------------------------------------------------------------------


class OutputKind(StrEnum):
    """Whether the network picks one of ``A`` actions, or emits ``A`` numbers."""

    CHOICE = "choice"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Output:
    """What the network emits: the names of its actions, or of the components of its vector."""

    kind: OutputKind
    names: tuple[str, ...]
    unit: str = ""

    def index(self, name: str) -> int:
        """The position of an output by its name."""
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            msg = f"no output is called {name!r}; there are: {known}"
            raise DnnExplainError(msg) from None


class TargetKind(StrEnum):
    """Which scalar of the output is explained."""

    CONTRAST = "contrast"
    LOGIT = "logit"
    PROBABILITY = "probability"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Target:
    """A named scalar of the output: ``job 1 minus wait``, ``logit of job 1``, ``busiest link``.

    Attributes:
        name: what is explained, in words; every map and figure carries it.
        kind: contrast, logit, probability, or a value of the system's own.
        scalar: from the network's raw output ``[B, A]`` and its input ``[B, ...]`` (torch tensors) to
            ``[B]``, differentiable.
        index, against: the outputs it speaks of, or ``None``.
    """

    name: str
    kind: TargetKind
    scalar: Callable[[Tensor, Tensor], Tensor] = field(compare=False, repr=False)
    index: int | None = None
    against: int | None = None
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Decision:
    """What a policy does in one state.

    Attributes:
        outputs: the raw outputs (logits of a choice, numbers of a vector) ``[A]``.
        probabilities: after masking and softmax ``[A]``; for a vector output ``None``.
        valid: the actions that were allowed ``[A]``; all true where nothing is masked.
        action: the most probable valid action, or ``None`` for a vector output.
    """

    state: State
    outputs: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    valid: NDArray[np.bool_]
    action: int | None


# --- policies -----------------------------------------------------------------------------------


@runtime_checkable
class Policy(Protocol):
    """Anything that decides: a network, a rule, a distilled tree."""

    name: str

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]`` for observations ``[B, *observation_shape]``.

        A choice is scored: the highest valid score is the action. A rule gives 1 to its action and 0
        to all others.
        """
        ...


@runtime_checkable
class NetworkPolicy(Policy, Protocol):
    """A policy with a torch network inside, which gradients and hooks may enter.

    Attributes:
        module: maps a float32 tensor ``[B, *observation_shape]`` to raw outputs ``[B, A]``.
        checkpoint: the SHA-256 of its weights, so that a result can say which network it speaks of.
        masked: whether invalid actions are masked before the softmax.
    """

    module: nn.Module
    checkpoint: str
    masked: bool


# --- systems ------------------------------------------------------------------------------------


@runtime_checkable
class System(Protocol):
    """A world in which a policy decides, as far as one decision is concerned.

    Attributes:
        name: as in the registry: ``"deeprm"``.
        knobs: the ``K`` knobs, in the order of ``State.values``.
        observation_shape: the shape of the network's input without the batch axis.
        groups: names of the knob groups that an attribution is summed by: ``"job 1 cpu"``, ...
        cell_group: for each cell of the observation the index of its group; int ``[*observation_shape]``.
        output: what the network emits.
    """

    name: str
    knobs: tuple[Knob, ...]
    observation_shape: tuple[int, ...]
    groups: tuple[str, ...]
    cell_group: NDArray[np.int64]
    output: Output

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Paint knob values ``[B, K]`` into observations ``[B, *observation_shape]``, float32.

        ``background`` (``[*observation_shape]`` or ``[B, *observation_shape]``) supplies what the knobs
        leave open; see :class:`State`.
        """
        ...

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Read knob values ``[B, K]`` back from observations; the inverse of ``encode``."""
        ...

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest valid values ``[B, K]``: every knob on its grid and rules among knobs kept."""
        ...

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """Which outputs are allowed in each observation ``[B, A]``; all true for a vector output."""
        ...

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Named physical reference observations, each ``[n, *observation_shape]`` with n >= 1."""
        ...

    def targets(self, state: State) -> Mapping[str, Target]:
        """Scalars of the system's own that may be explained (beside contrast, logit, probability)."""
        ...

    def rules(self) -> Mapping[str, Policy]:
        """Hand-written rules by name, to compare a network with."""
        ...

    def state_to_json(self, state: State) -> dict[str, Any]:
        """A state in the words of the domain, for files and links."""
        ...

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse; raises :class:`DnnExplainError` that says which field is wrong."""
        ...

    def describe(self, state: State) -> str:
        """The state in one plain sentence."""
        ...


# --- pictures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handle:
    """A grip on a pane's edge: dragging it along an axis turns a knob, one grid cell per step.

    Attributes:
        knob: the name of the knob.
        axis: ``"down"`` (lower edge, rows) or ``"right"`` (right edge, columns).
        shape: ``"rectangle"``: the pane shows one rectangle from its top left corner.
    """

    knob: str
    axis: str
    shape: str = "rectangle"


@dataclass(frozen=True, slots=True)
class Pane:
    """A titled part of the picture: columns ``first`` to ``first + width - 1`` of the observation.

    ``row`` and ``column`` place the pane in the layout's grid of panes; ``colour`` is the index of the
    domain object (a job keeps its colour in every panel), or ``None``.
    """

    title: str
    first: int
    width: int
    row: int
    column: int
    handles: tuple[Handle, ...] = ()
    colour: int | None = None
    note: str = ""


@runtime_checkable
class Pictured(Protocol):
    """A system whose observation is a picture (rows x columns) made of panes."""

    panes: tuple[Pane, ...]


# --- episodes and ground truth ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of an optimum: ``lower <= optimum <= upper``; equal when proved optimal.

    ``status`` is ``"optimal"``, ``"feasible"`` or ``"unknown"``; ``detail`` is the schedule or flow
    that reaches ``upper``.
    """

    lower: float
    upper: float
    status: str
    detail: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Episodes:
    """A policy's run over ``W`` workloads to their end, unfinished work charged.

    Attributes:
        cost: what the system minimises, one value per workload ``[W]`` (mean slowdown, MLU).
        metrics: further figures by name, each ``[W]``; what went wrong (starved, turned away) is there.
        detail: what the system records beside (start and finish per job); its own type.
    """

    policy: str
    cost: NDArray[np.float64]
    cost_name: str
    metrics: Mapping[str, NDArray[np.float64]]
    seed: int
    detail: Any = None


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


@dataclass(frozen=True, slots=True)
class Track:
    """One resource of a schedule chart: ``Track("CPU", "units", 10)``."""

    name: str
    unit: str
    capacity: float


@dataclass(frozen=True, eq=False)
class Replay:
    """One policy's run over one workload, decision by decision, with the schedule that came of it.

    ``T`` decisions, ``J`` objects (jobs, chunks, demands), ``R`` bars of the schedule chart. An object
    may own several bars (one per resource; more where it is no rectangle) or none (never placed).

    Attributes:
        policy: the policy's name.
        observations: what each decision saw ``[T, *observation_shape]``; see ``state_from_observation``.
        actions: what was done ``[T]``, an index of ``Output.names``.
        times: when, in ``time_unit`` ``[T]``.
        chosen: the object that the action placed, or -1 ``[T]``.
        objects: a name per object ``[J]``: ``"job 17"``.
        arrival, start, finish: per object, NaN where it never happened ``[J]``.
        colours: per object the colour index that it had when it was first seen ``[J]``, or -1.
        tracks: the resources of the chart, from top to bottom.
        bar_object, bar_track: which object occupies which track ``[R]``.
        bars: from time, to time, from unit, to unit; each bar a rectangle ``[R, 4]``.
        cost: what the system minimises; ``metrics`` holds further figures by name (``"starved"``, ...).
    """

    policy: str
    observations: NDArray[Any]
    actions: NDArray[np.int64]
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
        """The workloads of a log, window after window in order of time, and one sentence that says
        how the log was mapped: what was clipped, what was skipped, and how many jobs remain."""
        ...


@dataclass(frozen=True, eq=False)
class Judgement:
    """The oracle's word on one state: what each action costs at best from here on.

    Attributes:
        best: actions whose best continuation is optimal, by index.
        loss: how much worse each action's best continuation is than the best one's ``[A]``; NaN for
            an invalid action.
        exact: whether every value is proved; else ``loss`` holds lower bounds and ``best`` candidates.
    """

    best: tuple[int, ...]
    loss: NDArray[np.float64]
    exact: bool
    unit: str = ""


@runtime_checkable
class DecisionOracle(Protocol):
    """A system that can say how good each action is in one state."""

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """Solve for the best continuation after each action."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A named choice among known values, for messages: ``Choice("rule", name, known)``."""

    what: str
    given: str
    known: tuple[str, ...]

    def error(self) -> DnnExplainError:
        """An error that lists what there is and guesses what was meant."""
        from difflib import get_close_matches  # noqa: PLC0415 - only on the failing path

        close = get_close_matches(self.given, self.known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return DnnExplainError(f"there is no {self.what} {self.given!r}; there are: {', '.join(self.known)}.{hint}")


def state_from_values(system: System, values: Mapping[str, float], base: State | None = None) -> State:
    """A state from knob values by name; knobs not named keep ``base``'s value, or their default."""
    names = [knob.name for knob in system.knobs]
    start = base.values if base is not None else np.array([knob.start for knob in system.knobs])
    row = np.array(start, dtype=np.float64)
    for name, value in values.items():
        if name not in names:
            raise Choice("knob", name, tuple(names)).error()
        position = names.index(name)
        row[position] = system.knobs[position].snap(value)
    background = None if base is None else base.background
    return State(system.repair(row[None])[0], background)


def state_from_observation(system: System, observation: NDArray[Any]) -> State:
    """The state that an episode's observation ``[*observation_shape]`` shows, kept to the bit."""
    return State(system.decode(observation[None])[0], observation)
