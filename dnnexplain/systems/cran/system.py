"""Cloud RAN as a system: demands, places and channels are the knobs, radio heads the decision, watts the cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    Choice,
    DnnExplainError,
    Episodes,
    Judgement,
    Knob,
    Limits,
    LooseCell,
    Painting,
    Played,
    Policy,
    Relation,
    Replay,
    State,
    Target,
    in_episodes,
)
from dnnexplain.systems.cran import mutation, records, waves
from dnnexplain.systems.cran.actions import ACTIONS, action_space, after
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.days import DRAWN, FAMILIES, Day, draw_days
from dnnexplain.systems.cran.features import HeadFeatures
from dnnexplain.systems.cran.futures import ASSUMED, gone_on, gone_on_together
from dnnexplain.systems.cran.judge import HeadJudge
from dnnexplain.systems.cran.oracle import PlanOracle
from dnnexplain.systems.cran.played import played, read_day
from dnnexplain.systems.cran.references import baselines_of
from dnnexplain.systems.cran.replays import replay_of
from dnnexplain.systems.cran.rules import RULES, Rule
from dnnexplain.systems.cran.runner import Run, run_days
from dnnexplain.systems.cran.scene import Scene
from dnnexplain.systems.cran.sketch import painting
from dnnexplain.systems.cran.words import describe_state, state_to_words, words_to_state

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CloudRan"]

PROMPT_HEADS = 6
"""Up to so many heads the optimum of a day takes hundredths of a second."""


class CloudRan:
    """Switch radio heads so that all users are served at least power (``contract.EpisodeSystem``).

    In every slot a controller sees demands, channels and who is awake, then toggles one head or none
    (``action="toggle"``, as published) or sets all of them (``action="set"``); then beams are formed at least
    power for the heads that are awake. A day begins with all heads awake. After Iqbal, Tham and Chang (2021),
    as far as it is known; see :class:`~dnnexplain.systems.cran.scene.Scene` for what is assumed.

    Args:
        heads, users, antennas: of the scene.
        action: ``"toggle"`` or ``"set"``.
        **scene: further fields of :class:`Scene`.

    Attributes:
        scene: where, and what power means.
        codec: how states are painted.
        oracle: the least power of whole days.
    """

    name = "cran"
    cost_name = "mean power (W)"
    cost_is_ratio = True
    workload_knobs: tuple[Knob, ...] = (
        Knob("high", "Mb/s", 5.0, 50.0, 1.0, default=40.0),
        Knob("noise", "share", 0.0, 0.5, 0.05, default=0.2),
        Knob("fading", "correlation", 0.0, 1.0, 0.05, default=0.9),
    )

    def __init__(self, heads: int = 5, users: int = 2, antennas: int = 1, action: str = "toggle", **scene: Any) -> None:
        if action not in ACTIONS:
            raise Choice("action", action, ACTIONS).error()
        try:
            self.scene = Scene(heads=heads, users=users, antennas=antennas, **scene)
        except TypeError:
            unknown = sorted(set(scene) - set(Scene.__dataclass_fields__))
            raise Choice("parameter of the scene", unknown[0], tuple(Scene.__dataclass_fields__)).error() from None
        self.action = action
        self._extra = dict(scene)
        self.codec = Codec(self.scene)
        self.knobs: tuple[Knob, ...] = self.codec.knobs
        self.observation_shape: tuple[int, ...] = (self.codec.size,)
        self.groups, self.cell_group = self.codec.groups
        self.output = action_space(self.scene, action)
        self.oracle = PlanOracle(self.scene, toggles=action == "toggle")
        self.judging = HeadJudge(self.codec, self.output)

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again: ``CloudRan(**system.parameters)``."""
        sizes = {name: getattr(self.scene, name) for name in ("heads", "users", "antennas")}
        return {**sizes, "action": self.action, **self._extra}

    @property
    def networks(self) -> Mapping[str, Callable[..., nn.Module]]:
        """Architectures of this system's own, by the name that a checkpoint gives."""
        from dnnexplain.systems.cran.networks import NETWORKS  # noqa: PLC0415 - torch when first needed

        return NETWORKS

    # --- states ---------------------------------------------------------------------------------

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Knob values ``[B, K]`` as observations ``[B, K]``; see :class:`Codec`."""
        return self.codec.encode(values, background)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Observations ``[B, K]`` as knob values ``[B, K]``."""
        return self.codec.decode(observations)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest valid values ``[B, K]``."""
        return self.codec.repair(values)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """All true ``[B, A]``: every head may be switched at any time."""
        return np.ones((len(observations), len(self.output.names)), dtype=np.bool_)

    joint_knobs: Sequence[tuple[str, ...]] = ()
    """No knobs with steps paint together (``contract.ChoicesOfKnobs``); places and margins do, but have no steps."""
    relations: Sequence[Relation] = ()
    """Any values of the knobs make a state."""

    def sure_actions(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """All actions are valid everywhere ``[A]`` twice (``contract.ChoicesOfKnobs``)."""
        del low, high
        every = np.ones(len(self.output.names), dtype=np.bool_)
        return every, every

    def loose_cells(
        self, low: NDArray[np.float64], high: NDArray[np.float64], background: NDArray[Any] | None
    ) -> Sequence[LooseCell]:
        """Cells that knobs alone do not tell, and how far they can be off."""
        from dnnexplain.systems.cran.properties import loose_cells  # noqa: PLC0415 - proofs alone need it

        del background
        return loose_cells(self, low, high)

    @property
    def loose_words(self) -> str:
        """What a proof takes for anything within its bounds."""
        from dnnexplain.systems.cran.properties import LOOSE_WORDS  # noqa: PLC0415 - proofs alone need it

        return LOOSE_WORDS

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Typical slots, this state without demand, without one user, and with other heads awake."""
        return baselines_of(self, state)

    def targets(self, state: State) -> Mapping[str, Target]:
        """Each head on against off (sets), or toggled against left (toggles)."""
        del state
        from dnnexplain.systems.cran.targets import head_targets  # noqa: PLC0415 - torch when first needed

        return head_targets(self)

    def rules(self) -> Mapping[str, Policy]:
        """All on, nearest, greedy switch-off, hysteresis as it is and tuned, patient."""
        return {name: Rule(name, self.codec, self.output, wanted) for name, wanted in RULES.items()}

    def state_to_json(self, state: State) -> dict[str, Any]:
        """Time, users with demand and place, heads with who is awake, links with margin and phase."""
        return state_to_words(self.codec, state)

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse of :meth:`state_to_json`; what is not said stays at the knob's start."""
        return words_to_state(self.codec, data)

    @property
    def painting(self) -> Painting:
        """How knobs become what is seen, as data (``contract.Painted``)."""
        return painting(self.codec)

    def describe(self, state: State) -> str:
        """The state in one sentence."""
        return describe_state(self.codec, state)

    # --- workloads and ground truth -------------------------------------------------------------

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[Day]:
        """``count`` days of a family; see :func:`~dnnexplain.systems.cran.days.draw_days`.

        Raises:
            DnnExplainError: no such family, no such parameter, or a value that means nothing.
        """
        if unknown := sorted(set(parameters) - set(DRAWN)):
            raise Choice("parameter of a day", unknown[0], DRAWN).error()
        return draw_days(self.scene, name, count, seed, **parameters)

    # --- workloads as tables; see dnnexplain.systems.cran.records ---

    ordered = True

    @property
    def record_knobs(self) -> tuple[Knob, ...]:
        """Columns of a workload's table (``contract.Tabular``)."""
        return records.record_knobs(self.scene)

    def to_records(self, workload: Day) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``."""
        return records.to_records(workload)

    def from_records(self, table: NDArray[np.float64], name: str = "") -> Day:
        """The inverse; any finite table of the right columns becomes a valid workload."""
        del name
        return records.from_records(table, self.scene)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """What a generator writes (``contract.Coordinated``); see dnnexplain.systems.cran.waves."""
        return waves.coordinates(self.scene)

    def to_coordinates(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Records ``[R, C]`` as levels and waves of links ``[R, D]``."""
        return waves.to_coordinates(table, self.scene)

    def from_coordinates(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse."""
        return waves.from_coordinates(table, self.scene)

    # --- changed days (``contract.Reshaping``); see dnnexplain.systems.cran.mutation ---

    def mutate(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day near the given one."""
        return mutation.change(self.scene, workload, rng, limits)

    def reshape(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day far from the given one."""
        return mutation.reshape(self.scene, workload, rng, limits)

    def scramble(self, workload: Day, rng: np.random.Generator, limits: Limits) -> Day:
        """A day with demands, places and margins drawn anew within the limits."""
        return mutation.redraw(self.scene, workload, rng, limits)

    def combine(self, day: Day, two: Day, rng: np.random.Generator) -> Day:
        """A day with a stretch of another one."""
        return mutation.cross(day, two, rng)

    def workload_to_json(self, workload: Day) -> dict[str, Any]:
        """A row per slot; see :func:`~dnnexplain.systems.cran.mutation.to_json`."""
        return mutation.to_json(self.scene, workload)

    def workload_from_json(self, data: Mapping[str, Any]) -> Day:
        """The inverse."""
        return mutation.from_json(self.scene, data)

    def simulate(self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0, sample: bool = False) -> Run:
        """Run a policy over days of one length."""
        rng, course = np.random.default_rng(seed), in_episodes(policy, len(workloads))

        def decide(observations: NDArray[np.float32]) -> NDArray[Any]:
            outputs, valid = course.outputs(observations), self.valid_actions(observations)
            return self.output.draw(outputs, valid, rng) if sample else self.output.decide(outputs, valid)

        return run_days(self.codec, self.output, decide, workloads)

    def run(self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Run a policy over whole days; the cost is the mean power charged, W."""
        return self.episodes(policy.name, self.simulate(policy, workloads, seed=seed, sample=sample), workloads, seed)

    @property
    def optimum_prompt(self) -> bool:
        """Whether a day takes hundredths of a second: all sets of heads are tried (``contract.PromptOptimum``)."""
        return self.scene.heads <= PROMPT_HEADS

    def run_optimum(self, workloads: Sequence[Day], *, seconds: float = 10.0) -> Episodes:
        """The optimal plans, run slot by slot (``contract.Optimal``)."""
        del seconds  # the dynamic program always ends
        plans = np.stack([self.oracle.plan(day).sets for day in workloads])
        return self.episodes("optimum", self.follow(workloads, plans), workloads, 0)

    def follow(self, workloads: Sequence[Day], sets: NDArray[np.int64]) -> Run:
        """Run given sets of heads ``[W, T]``, as bits.

        Raises:
            DnnExplainError: a plan changes more heads at once than an action can.
        """
        slots = iter(range(sets.shape[1]))

        def decide(observations: NDArray[np.float32]) -> NDArray[Any]:
            wanted = sets[:, next(slots)]
            awake = observations[:, self.codec.awake] > 0.5
            return self.action_to(awake, wanted)

        return run_days(self.codec, self.output, decide, workloads)

    def action_to(self, awake: NDArray[np.bool_], wanted: NDArray[np.int64]) -> NDArray[Any]:
        """The actions ``[B]`` that lead from heads ``[B, R]`` to sets ``[B]``."""
        on = (wanted[:, None] >> np.arange(self.scene.heads)) & 1
        changed = on.astype(bool) ^ awake
        if self.action == "set":
            return on.astype(bool)
        if (changed.sum(axis=1) > 1).any():
            msg = "a plan of toggles changes one head per slot at most; use a system with action='set' for this one"
            raise DnnExplainError(msg)
        return np.where(changed.any(axis=1), 1 + changed.argmax(axis=1), 0)

    def episodes(self, name: str, run: Run, workloads: Sequence[Day], seed: int) -> Episodes:
        """A run as episodes with all metrics ``[W]``."""
        scene = self.scene
        every = np.full((1, run.sets.shape[1]), 2**scene.heads - 1)
        full = np.array([run_power(self, day, every[0]) for day in workloads])
        outage = np.where(run.served, 0.0, scene.outage_power)
        cost = run.power.mean(axis=1)
        metrics = {
            "watts": (run.power - outage).mean(axis=1),
            "saving": 100 * (1 - cost / full),
            "switches": run.changes.sum(axis=1).astype(np.float64),
            "heads awake": np.bitwise_count(run.sets).mean(axis=1),
            "unserved slots": (~run.served).sum(axis=1).astype(np.float64),
        }
        return Episodes(name, cost, self.cost_name, metrics, seed, detail=run)

    continuing = ASSUMED

    def continued(
        self, state: State, policy: Policy, action: Any, workloads: Sequence[Day], *, seed: int = 0
    ) -> Episodes:
        """What follows an action in a state (``contract.Continuing``); see ``futures``. Nothing is drawn."""
        seen = self.codec.encode(self.repair(state.values[None]), state.background)[0]
        days, run = gone_on(self.codec, self.output, seen, policy, action, workloads)
        return self.episodes(policy.name, run, days, seed)

    def continued_together(
        self,
        states: Sequence[State],
        which: NDArray[np.int64],
        actions: NDArray[np.int64],
        policy: Policy,
        workloads: Sequence[Day],
        *,
        seed: int = 0,
    ) -> NDArray[np.float64]:
        """The same for many states and actions at once (``contract.ContinuingTogether``); nothing is drawn."""
        del seed
        seen = np.stack([self.codec.encode(self.repair(state.values[None]), state.background)[0] for state in states])
        return gone_on_together(self.codec, self.output, seen, policy, which, actions, workloads)

    # --- what is watched and told -----------------------------------------------------------------

    @property
    def workload_names(self) -> Mapping[str, str]:
        """What days can be drawn."""
        return FAMILIES

    @cached_property
    def features(self) -> HeadFeatures:
        """What rules may speak of; it remembers what it worked out of each slot."""
        return HeadFeatures(self.codec, self.output)

    def visit(
        self, policy: Policy, workloads: Sequence[Day], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every state that a policy meets ``[W * T, K]``, and its day ``[W * T]``."""
        seen = self.simulate(policy, workloads, seed=seed).observations
        return seen.reshape(-1, self.codec.size), np.repeat(np.arange(len(seen)), seen.shape[1])

    def replay(self, policy: Policy, workload: Day, *, seed: int = 0, sample: bool = False) -> Replay:
        """One day, decision by decision (``contract.Replayable``)."""
        run = self.simulate(policy, [workload], seed=seed, sample=sample)
        return replay_of(self, policy.name, run, workload, seed)

    def replay_optimum(self, workload: Day, *, seconds: float = 10.0) -> Replay:
        """The optimal plan (``contract.WatchedOptimum``)."""
        del seconds
        return replay_of(self, "optimum", self.follow([workload], self.oracle.plan(workload).sets[None]), workload, 0)

    def read_played(self, path: Path) -> tuple[Day, str]:
        """The day in a JSON file (``contract.Acting``)."""
        return read_day(self, path)

    def play(
        self,
        workload: Day,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
        **options: Any,
    ) -> Played:
        """A day with given toggles ``[T]``, given switches ``[T, R]`` or a policy's (``contract.Acting``).

        Arrays: ``observations``, ``actions``, ``awake [T, R]``, ``radiated`` (W), ``power`` (W) and ``served``, each by the slot.
        """
        del options
        return played(self, workload, actions, policy, seed)

    # --- ground truth -----------------------------------------------------------------------------

    def bound(self, workload: Day, *, seconds: float = 10.0) -> Bound:
        """The least mean power of a day that is known beforehand: exact, by dynamic programming over all sets.

        Of the world as it is charged when it is run: a set for which no beams are found serves nobody.
        """
        del seconds
        plan = self.oracle.plan(workload)
        return Bound(plan.cost, plan.cost, "optimal", plan)

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """What each action costs at best if demands and channels stay as they are; see :class:`HeadJudge`."""
        del seconds
        return self.judging.judge(self.codec.encode(state.values[None], state.background))

    losses_exact = True
    """Each program is certified and every plan of the horizon is weighed (``contract.ExactLosses``)."""

    def losses(self, state: State, actions: NDArray[Any], *, seconds: float = 10.0) -> NDArray[np.float64]:
        """The same for given actions ``[n]`` (``contract.Costed``), W summed over the slots that are judged."""
        del seconds
        return self.judging.losses(self.codec.encode(state.values[None], state.background), actions)

    def best_action(self, state: State, *, seconds: float = 10.0) -> Any:
        """An action that loses nothing."""
        del seconds
        return self.judging.best(self.codec.encode(state.values[None], state.background))

    def next_heads(self, state: State, action: Any) -> NDArray[np.bool_]:
        """Which heads are awake ``[R]`` after an action."""
        awake = self.codec.awake_sets(self.codec.encode(state.values[None], state.background))
        there = after(self.output, awake, np.asarray(action)[None])[0]
        return np.asarray((there >> np.arange(self.scene.heads)) & 1, dtype=bool)


def run_power(system: CloudRan, day: Day, sets: NDArray[np.int64]) -> float:
    """Mean power of a day with given sets ``[T]`` from all heads awake, W."""
    from dnnexplain.systems.cran.power import powers_of_sets, slot_power  # noqa: PLC0415

    scene = system.scene
    radiated = powers_of_sets(scene, scene.channels(day.gain, day.phase), day.demand, sets[:, None])[:, 0]
    return float(slot_power(scene, np.bitwise_count(sets), radiated).mean())
