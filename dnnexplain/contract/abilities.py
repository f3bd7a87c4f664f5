"""What some systems can do beside what every system must: one small protocol for each ability.

A system that lacks an ability disables what needs it; :func:`lacking` says so in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.episodes import Episodes, EpisodeSystem, Replay
from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.contract.knobs import Knob, State
from dnnexplain.contract.systems import Policy, System

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "Acting",
    "Batched",
    "Continuing",
    "ContinuingTogether",
    "Costed",
    "Differentiable",
    "ExactLosses",
    "GradientTask",
    "KnowsNetworks",
    "Limits",
    "Mutable",
    "NamesWorkloads",
    "Optimal",
    "PartiallySeen",
    "Played",
    "PromptOptimum",
    "Reshaping",
    "Summarised",
    "Tabular",
    "ValidByKnobs",
    "WatchedOptimum",
    "WorkloadReader",
    "lacking",
    "need",
]


Limits = Mapping[str, tuple[int | float, int | float]]
"""Bounds of what a workload is made of, by name: ``{"length": (1, 15), "congestion": (0.2, 0.9)}``."""


@runtime_checkable
class PartiallySeen(System, Protocol):
    """A system whose states may hold more than one policy sees, so that policies of several kinds stand side by side.

    Attributes:
        whole: whether they do, in this one.
    """

    @property
    def whole(self) -> bool:
        """Whether a state holds more than a policy sees."""
        ...

    def part(self, **parameters: Any) -> System:
        """The smaller system that a policy was made for, from the parameters of its role."""
        ...

    def seen_by(self, policy: Policy) -> Policy:
        """A policy of such a part as a policy of this system."""
        ...


@runtime_checkable
class WorkloadReader(EpisodeSystem, Protocol):
    """A system that reads workloads from files or folders; its spec lists the formats."""

    def read_workloads(self, path: Path, *, limit: int | None = None, **parameters: Any) -> tuple[Sequence[Any], str]:
        """Workloads in the order of the file, at most ``limit``, and what was done to read them, in sentences.

        A workload may have a ``name`` (of its file, or its place in one).

        Raises:
            DnnExplainError: the file is of none of the formats, damaged, or too large.
        """
        ...


@runtime_checkable
class Optimal(EpisodeSystem, Protocol):
    """A system that can run the best plan it knows for a workload: the feasible end of ``bound``."""

    def run_optimum(self, workloads: Sequence[Any], *, seconds: float = 10.0) -> Episodes:
        """The plans' episodes, simulated; ``cost`` equals each workload's ``bound().upper``."""
        ...


@runtime_checkable
class PromptOptimum(Optimal, Protocol):
    """A system whose optimum takes at most a tenth of a second a workload, so that searches can hold every run against it.

    Attributes:
        optimum_prompt: whether it does, in this one.
    """

    optimum_prompt: bool


@runtime_checkable
class Summarised(EpisodeSystem, Protocol):
    """A system that has more to say of a run than the mean and interval of its cost and metrics."""

    def summarise(self, episodes: Episodes) -> Mapping[str, Any]:
        """Further figures for reports; under ``"metrics"`` those with ``mean``, ``low`` and ``high`` (they replace others)."""
        ...


@runtime_checkable
class WatchedOptimum(EpisodeSystem, Protocol):
    """A system that can show the best plan it knows, decision by decision."""

    def replay_optimum(self, workload: Any, *, seconds: float = 10.0) -> Replay:
        """The plan, to be drawn beside a policy's."""
        ...


class GradientTask(Protocol):
    """What a network is trained for by the gradient of its cost: batches of it, and the cost of its outputs.

    What is drawn is a pair: what the network sees ``[B, ...]`` (float32), and what its outputs are charged on ``[B, ...]``.
    """

    def network(self, seed: int) -> Any:
        """The untrained network, a torch module."""
        ...

    def draw(
        self, workload: Mapping[str, Any], count: int, seed: int | Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """``count`` samples; ``workload`` holds the family's ``name`` and its parameters."""
        ...

    def loss(self, outputs: Any, charged: Any) -> Any:
        """The scalar that training lowers, from the network's outputs and what was drawn, all torch tensors."""
        ...

    def scorer(self, charged: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """What judges outputs ``[B, ...]`` on these samples ``[B]``, lower is better: it picks the best weights."""
        ...


@runtime_checkable
class Differentiable(System, Protocol):
    """A system whose cost has a gradient in the network's outputs."""

    def gradient_task(self, network: str) -> GradientTask:
        """What one of its networks, by the recipe's name, is trained for.

        Raises:
            DnnExplainError: no such network, or one that sees something else than this system shows.
        """
        ...


@runtime_checkable
class Costed(System, Protocol):
    """A system whose oracle says what given actions lose in a state, whatever the space.

    For a ``Discrete`` this is ``judge(state).loss`` of all actions; a ``Box`` and a ``MultiBinary`` answer for
    the actions that they are asked about.
    """

    def losses(self, state: State, actions: NDArray[Any], *, seconds: float = 10.0) -> NDArray[np.float64]:
        """How much worse each action's best continuation is than the best action's ``[n]``, at least 0; NaN if not valid.

        Args:
            state: in which they are taken.
            actions: ``[n]`` or ``[n, A]``, in the space's form.
            seconds: at most about this long.
        """
        ...

    def best_action(self, state: State, *, seconds: float = 10.0) -> Any:
        """An action that loses nothing (or the best that is known), in the space's form."""
        ...


@runtime_checkable
class Mutable(EpisodeSystem, Protocol):
    """A system whose workloads can be changed a little, within limits, and written as plain JSON."""

    def mutate(self, workload: Any, rng: np.random.Generator, limits: Limits) -> Any:
        """A workload near the given one: some of its parts have other values within the limits."""
        ...

    def scramble(self, workload: Any, rng: np.random.Generator, limits: Limits) -> Any:
        """A workload of the same frame (arrivals) with every part drawn anew within the limits."""
        ...

    def combine(self, first: Any, second: Any, rng: np.random.Generator) -> Any:
        """A workload with some parts of one and the rest of another of the same frame."""
        ...

    def workload_to_json(self, workload: Any) -> dict[str, Any]:
        """A workload as plain JSON."""
        ...

    def workload_from_json(self, data: Mapping[str, Any]) -> Any:
        """The inverse."""
        ...


@runtime_checkable
class Reshaping(Mutable, Protocol):
    """A system that can also change a workload very much, to spread the first generation of a search."""

    def reshape(self, workload: Any, rng: np.random.Generator, limits: Limits) -> Any:
        """A workload of the same frame far from the given one, within the limits."""
        ...


@runtime_checkable
class NamesWorkloads(EpisodeSystem, Protocol):
    """A system that names its families of workloads, and their parameters as knobs.

    Attributes:
        workload_names: what ``workloads`` knows: name -> one line that says what it is.
        workload_knobs: the parameters that ``workloads`` takes by keyword.
    """

    workload_names: Mapping[str, str]
    workload_knobs: tuple[Knob, ...]


@runtime_checkable
class Batched(EpisodeSystem, Protocol):
    """A system whose episodes run in batches, as training by policy gradients needs them."""

    def environment(self, workloads: Sequence[Any], copies: int = 1) -> Any:
        """The workloads' episodes, ``copies`` of each side by side, at their beginnings."""
        ...


@runtime_checkable
class ValidByKnobs(System, Protocol):
    """A system that says from knob values alone what is allowed, faster than from observations."""

    def valid_values(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which actions are possible ``[B, A]`` in states ``[B, K]``."""
        ...


@dataclass(frozen=True, eq=False)
class Played:
    """What came of playing actions, or of letting a policy act, on one workload.

    Attributes:
        arrays: by name, as they are written to a file.
        summary: the main figures, for JSON.
        words: the same in a sentence.
    """

    arrays: Mapping[str, NDArray[Any]]
    summary: Mapping[str, Any]
    words: str


@runtime_checkable
class Acting(EpisodeSystem, Protocol):
    """A system that plays a list of actions, or a policy's, and records every step: ``dnnexplain replay``."""

    def read_played(self, path: Path) -> tuple[Any, str]:
        """The workload of a file as it stands there, and what was done to read it."""
        ...

    def play(
        self,
        workload: Any,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
        **options: Any,
    ) -> Played:
        """Play ``actions`` (as JSON holds them, checked here), or what ``policy`` decides; it stops where the episode ends.

        Args:
            workload: on which.
            actions: in order, or ``None`` where a policy acts.
            policy: who acts, where no actions are given.
            seed: of what is drawn.
            **options: of the spec's ``played``.

        Raises:
            DnnExplainError: an action that is none, or neither actions nor a policy.
        """
        ...


@runtime_checkable
class Tabular(EpisodeSystem, Protocol):
    """A system whose workloads are tables of records: jobs, samples of a link, matrices, minutes, slots.

    What searches and generators make of a table becomes a valid workload again, whatever finite numbers it holds.

    Attributes:
        record_knobs: the ``C`` columns with bounds, unit and grid.
        ordered: whether the order of records means something (a series in time), rather than their number alone.
    """

    record_knobs: tuple[Knob, ...]
    ordered: bool

    def to_records(self, workload: Any) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``; ``from_records`` gives the same workload back."""
        ...

    def from_records(self, records: NDArray[np.float64], name: str = "") -> Any:
        """The workload of records ``[R, C]``, its values moved into their bounds and onto their grids.

        Raises:
            DnnExplainError: not a table of finite numbers of this system's columns, or none of its lengths.
        """
        ...


@runtime_checkable
class Continuing(EpisodeSystem, Protocol):
    """A system whose episodes can go on from any state: what would follow an action.

    Attributes:
        continuing: how workloads are gone on with, in a sentence: what is assumed.
    """

    continuing: str

    def continued(
        self, state: State, policy: Policy, action: Any, workloads: Sequence[Any], *, seed: int = 0
    ) -> Episodes:
        """Take an action in a state, then let a policy take its best actions to the end; figures are of what follows.

        Chance depends on workload and seed alone, so that two actions meet the same future.
        """
        ...


@runtime_checkable
class ContinuingTogether(Continuing, Protocol):
    """A system that goes on from many states at once, for policies that look ahead in every decision."""

    def continued_together(
        self,
        states: Sequence[State],
        which: NDArray[np.int64],
        actions: NDArray[np.int64],
        policy: Policy,
        workloads: Sequence[Any],
        *,
        seed: int = 0,
    ) -> NDArray[np.float64]:
        """The cost that ``continued`` gives for each of ``N`` pairs of a state's place and an action ``[N, W]``."""
        ...


@runtime_checkable
class KnowsNetworks(System, Protocol):
    """A system that recognises published networks of its field, in files that say nothing of their architecture."""

    def known_network(self, path: Path, weights: Mapping[str, Tensor] | None) -> tuple[nn.Module, str] | None:
        """The network of a file with a note on what was assumed, or ``None`` if it is none that the system knows.

        Args:
            path: as it was given; it may be the common beginning of several files.
            weights: what the file holds by name, where it is a state dict; of a list of them the names begin with
                ``0.``, ``1.``, ...; ``None`` before anything was read.
        """
        ...


@runtime_checkable
class ExactLosses(Costed, Protocol):
    """A system that says whether its losses are the truth of the question it asks; without a word, they are estimates.

    Attributes:
        losses_exact: the losses come from a proved optimum, not from a grid or a bound that is not closed. Only
            then may a decision be called adversarial, or a change of it minimal.
    """

    losses_exact: bool


_WORDS = {
    "Continuing": "go on from a state",
    "ContinuingTogether": "go on from many states at once",
    "KnowsNetworks": "recognise networks published elsewhere",
    "EpisodeSystem": "run whole workloads",
    "Replayable": "show an episode decision by decision",
    "DecisionOracle": "judge a single decision by an optimum",
    "Costed": "judge a single decision by an optimum",
    "WorkloadReader": "read workloads from files",
    "Optimal": "run the optimum's plan",
    "WatchedOptimum": "show the optimum's plan",
    "Acting": "play a list of actions",
    "Tabular": "turn workloads into tables of records and back",
    "Attackable": "be searched for its worst case",
    "SearchBox": "give a box of inputs, the cost there and its optimum",
    "Shown": "show an input as a state of the system",
    "Distillable": "be told as rules: it names no features",
    "Mutable": "change workloads a little",
    "Valued": "tell what every action costs in the states that a policy meets",
    "Visiting": "tell the states that a policy meets",
    "Parted": "be told part by part",
    "NamesWorkloads": "name its families of workloads",
    "Batched": "run episodes in batches",
    "Painted": "say as data how it paints its knobs",
    "Flowing": "draw itself as a graph",
    "WritesWorkloads": "write a workload as a file",
}


def lacking(system: Any, ability: type) -> str:
    """Why what needs an ability cannot be had, in one sentence; empty if it can."""
    if isinstance(system, ability):
        return ""
    what = _WORDS.get(ability.__name__, f"do what {ability.__name__} asks")
    name = getattr(system, "name", type(system).__name__)
    return f"{name} cannot {what} (dnnexplain.contract.{ability.__name__})"


def need(system: Any, ability: type, what: str) -> None:
    """Refuse what a system lacks the ability for.

    Raises:
        DnnExplainError: ``what`` needs it, and the system has it not.
    """
    reason = lacking(system, ability)
    if reason:
        msg = f"{what} needs an ability that is missing: {reason}"
        raise DnnExplainError(msg)
