"""Run a policy over job sets to the end: who started when, who was left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Course, DnnExplainError, Policy, Remembering, in_episodes
from dnnexplain.gone import without
from dnnexplain.systems.deeprm.observation.feature_kernels import tree_rows
from dnnexplain.systems.deeprm.observation.features import DeepRMFeatures
from dnnexplain.systems.deeprm.rules.policy import RulePolicy
from dnnexplain.systems.deeprm.simulator.arrays import as_input
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.metrics import Measures, measure
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = [
    "Draws",
    "Run",
    "content",
    "play_on",
    "policy_actions",
    "run_figures",
    "run_measures",
    "run_policy",
    "visit_described",
]

_BLOCK = 256
_BATCH = 4096


@dataclass(frozen=True, eq=False)
class Run:
    """What happened to every job; ``S`` job sets, ``J`` jobs of the largest (padding: -1, False).

    Attributes:
        job_sets: the workloads.
        start, finish: steps, -1 if never placed ``[S, J]``.
        placed_at: index of the action that placed the job, -1 ``[S, J]``.
        turned_away: found the backlog full ``[S, J]``.
        end: the clock when the episode ended ``[S]``; ``actions``: how many were taken ``[S]``.
    """

    job_sets: tuple[JobSet, ...]
    start: NDArray[np.int32]
    finish: NDArray[np.int32]
    placed_at: NDArray[np.int32]
    turned_away: NDArray[np.bool_]
    end: NDArray[np.int32]
    actions: NDArray[np.int32]


class Draws:
    """Uniform numbers for each episode from a stream of its job set's own; see :func:`dnnexplain.sampling.own_streams`."""

    def __init__(self, seed: int, job_sets: Sequence[JobSet]) -> None:
        self._streams = sampling.own_streams(seed, [content(jobs) for jobs in job_sets])
        self._block = np.empty((len(job_sets), 0))
        self._used = np.zeros(len(job_sets), dtype=np.int64)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The next number of each of the given episodes."""
        position = self._used[rows]
        while position.size and position.max() >= self._block.shape[1]:
            more = np.stack([stream.random(_BLOCK) for stream in self._streams])
            self._block = np.concatenate([self._block, more], axis=1)
        self._used[rows] += 1
        return self._block[rows, position]


@dataclass(eq=False)
class Stood:
    """How many decisions on end each episode's picture has stood still, so that a policy with a memory has its say first.

    Args:
        episodes: how many.
        settles: of a :class:`~dnnexplain.contract.Course`; 0 of a policy without a memory.
    """

    episodes: int
    settles: int

    def __post_init__(self) -> None:
        self._times = np.zeros(self.episodes, dtype=np.int64)

    def long(self, rows: NDArray[np.int64], still: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Take in whether each of the given pictures stood still ``[rows]``; where it has for long enough."""
        self._times[rows] = np.where(still, self._times[rows] + 1, 0)
        return self._times[rows] > self.settles


def _begun(policy: Policy, episodes: int) -> tuple[Any, int]:
    """A policy as it is asked in so many episodes, and after how many decisions on a still picture it has settled."""
    if not isinstance(policy, Remembering):
        return policy, 0
    course = in_episodes(policy, episodes)
    return course, course.settles


def _step(
    simulator: Simulator, rows: NDArray[np.int64], actions: NDArray[np.int64], stood: Stood, *, ends: bool
) -> None:
    """One decision in each of the given episodes; of a policy with a memory, those end that stand still for good."""
    over = np.zeros(len(rows), dtype=bool)
    if ends and stood.settles:
        over = stood.long(rows, ~_places(simulator, rows, actions) & simulator.still(rows))
    simulator.step(actions[~over], rows[~over])
    simulator.end(rows[over])


def _places(simulator: Simulator, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each action places a job ``[rows]``: who waits, or names a slot whose job cannot start, lets time pass."""
    can = np.pad(simulator.startable(rows), ((0, 0), (0, 1)))
    return np.asarray(can[np.arange(len(rows)), actions])


def content(jobs: JobSet) -> bytes:
    """What makes a job set, whatever its name."""
    columns = (jobs.arrival, jobs.length, jobs.cpu, jobs.memory, [jobs.steps])
    return b"".join(np.asarray(column, dtype=np.int64).tobytes() for column in columns)


def serial_time(jobs: JobSet, params: Params) -> int:
    """Steps in which any schedule that never idles has ended: arrivals, all work one after another, the horizon."""
    return int(jobs.steps + jobs.length.sum() + params.horizon)


def policy_actions(
    policy: Policy, simulator: Simulator, rows: NDArray[np.int64], draws: Draws | None
) -> NDArray[np.int64]:
    """What a policy does in each of the given episodes; with ``draws`` its action is drawn."""
    if draws is not None and not isinstance(policy, RulePolicy):
        cumulative = np.cumsum(action_chances(policy, simulator, rows), axis=1)
        drawn = draws.take(rows) * cumulative[:, -1]
        return np.asarray((cumulative > drawn[:, None]).argmax(axis=1))
    if isinstance(policy, RulePolicy):
        numbers = draws.take(rows) if draws is not None and policy.name == "random" else None
        return simulator.rule_actions(policy.name, rows, numbers, policy.hold)
    nodes = tree_nodes(policy, simulator.params)
    if nodes is not None:
        return tree_actions(nodes, *simulator.describe(rows))
    outputs = _outputs_at(policy, simulator, rows, keep=True)
    return sampling.choose(outputs, _shown(policy, simulator, rows))


def action_chances(
    policy: Policy, simulator: Simulator, rows: NDArray[np.int64], *, keep: bool = True
) -> NDArray[np.float64]:
    """The probability of each action where actions are drawn ``[rows, M + 1]``; ``keep``: whether a policy's memory has it."""
    if isinstance(policy, RulePolicy):
        width = simulator.params.slots + 1
        if policy.name == "random":
            return np.full((len(rows), width), 1.0 / width)
        return np.eye(width)[simulator.rule_actions(policy.name, rows, None, policy.hold)]
    outputs = _outputs_at(policy, simulator, rows, keep=keep)
    return sampling.probabilities(outputs, _shown(policy, simulator, rows))


def _shown(policy: Policy, simulator: Simulator, rows: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    return simulator.valid(rows) if getattr(policy, "masked", True) else None


def end_hopeless(policy: Policy, simulator: Simulator, job_sets: Sequence[JobSet], stood: Stood) -> None:
    """End the episodes that a policy whose actions are drawn would not end, as far as its chances tell.

    Where the picture can change by placing a job alone, the chance of that is the same in every step; if the steps
    that this takes on average are more than :func:`serial_time`, the jobs that wait are starved.
    """
    rows = simulator.active()
    rows = rows[stood.long(rows, simulator.still(rows))]
    if not len(rows):
        return
    waiting = simulator.arrays.slot[rows] >= 0
    chance = np.sum(action_chances(policy, simulator, rows, keep=False)[:, :-1] * waiting, axis=1)
    time = np.array([serial_time(job_sets[row], simulator.params) for row in rows])
    simulator.end(rows[chance * time < 1.0])


def tree_actions(
    nodes: tuple[NDArray[Any], ...], features: NDArray[np.float64], moves: NDArray[np.int64], valid: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """What a tree does in described states; see :meth:`Simulator.describe`."""
    actions = np.empty(len(features), dtype=np.int64)
    tree_rows(nodes, features, moves, valid, actions)
    return actions


def tree_nodes(policy: Policy, params: Params) -> tuple[NDArray[Any], ...] | None:
    """The nodes of a tree over this cluster's quantities, which needs no picture to decide; ``None`` of others.

    Raises:
        DnnExplainError: the tree asks about quantities, or names moves, that the cluster does not have.
    """
    features, nodes = getattr(policy, "features", None), getattr(policy, "nodes", None)
    if nodes is None or not isinstance(features, DeepRMFeatures) or features.codec.params != params:
        return None
    arrays: tuple[NDArray[Any], ...] = nodes
    if arrays[0].max() >= len(features.names) or arrays[4].shape[1] != len(features.moves):
        msg = f"{policy.name} was made for other quantities than a cluster with {params.slots} slots has"
        raise DnnExplainError(msg)
    return arrays


def _outputs_at(policy: Policy, simulator: Simulator, rows: NDArray[np.int64], *, keep: bool) -> NDArray[np.float64]:
    pictures = simulator.observe(rows)
    if isinstance(policy, Course):
        fast: Any = getattr(policy, "outputs_of_bytes", None)
        if fast is not None:
            return np.asarray(fast(pictures, simulator.scale, rows, keep=keep))
        return policy.outputs(as_input(pictures), rows, keep=keep)
    return _outputs(policy, pictures, simulator.scale)


def _outputs(policy: Policy, pictures: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
    """The policy's outputs, from bytes where it can read them."""
    fast = getattr(policy, "outputs_of_bytes", None)
    if fast is not None:
        from_bytes: NDArray[np.float64] = fast(pictures, scale)
        return from_bytes
    return policy.outputs(as_input(pictures))


@without(time_limit="no clock ends an episode; it ends when its jobs are done, or those that are left are starved")
def run_policy(
    params: Params,
    job_sets: Sequence[JobSet],
    policy: Policy,
    *,
    seed: int = 0,
    sample: bool = False,
    watch: Callable[[Simulator, NDArray[np.int64], NDArray[np.int64]], Any] | None = None,
) -> Run:
    """Run one episode per job set until all its jobs are done, or those that are left are starved.

    No clock ends an episode. A policy that takes its best action does the same in the same picture: once nothing
    runs, nobody will arrive and the picture no longer changes, letting time pass once means for ever, and the jobs
    that wait are starved. Where actions are drawn, see :func:`end_hopeless`. What a starved job is charged:
    :func:`~dnnexplain.systems.deeprm.simulator.metrics.measure`.

    Args:
        params: the cluster.
        job_sets: the workloads.
        policy: a rule (compiled) or anything with ``outputs``; masked unless its ``masked`` is false.
        seed: draws actions, with ``sample`` or for the random rule; with the job set's content, whatever lies beside it.
        sample: draw actions from the probabilities instead of taking the best.
        watch: called before each step with the simulator, the rows and their actions.
    """
    drawn = sample or policy.name == "random"
    policy, settles = _begun(policy, len(job_sets))
    simulator = _simulator(params, job_sets, seed, stalls=not (drawn or settles))
    draws = Draws(seed, job_sets) if drawn else None
    stood = Stood(len(job_sets), settles)
    nodes = tree_nodes(policy, params)
    if nodes is not None and watch is None and not sample:
        simulator.run_tree(nodes)
    while len(rows := simulator.active()):
        if drawn:
            end_hopeless(policy, simulator, job_sets, stood)
            rows = simulator.active()
        if not len(rows):
            break
        actions = policy_actions(policy, simulator, rows, draws)
        if watch is not None:
            watch(simulator, rows, actions)
        _step(simulator, rows, actions, stood, ends=not drawn)
    return _run_of(simulator, job_sets)


def play_on(simulator: Simulator, policy: Policy, job_sets: Sequence[JobSet]) -> Run:
    """Let a policy take its best actions in episodes as they stand, until they have ended.

    Args:
        simulator: the episodes; it ends those that would never end.
        policy: a rule (compiled) or anything with ``outputs``.
        job_sets: the workload of each episode.
    """
    nodes = tree_nodes(policy, simulator.params)
    if nodes is not None:
        simulator.run_tree(nodes)
    policy, settles = _begun(policy, len(simulator))
    if settles:
        simulator.sizes = simulator.sizes._replace(stalls=False)
    stood = Stood(len(simulator), settles)
    while len(rows := simulator.active()):
        _step(simulator, rows, policy_actions(policy, simulator, rows, None), stood, ends=True)
    return _run_of(simulator, job_sets)


def _simulator(params: Params, job_sets: Sequence[JobSet], seed: int, *, stalls: bool) -> Simulator:
    """A batch that no clock ends; colours, where the original's are asked for, are each job set's own."""
    simulator = Simulator(params, job_sets, time_limit=np.iinfo(np.int32).max, stalls=stalls)
    if simulator.sizes.colours:
        streams = sampling.own_streams(seed, [content(jobs) for jobs in job_sets])
        order = simulator.arrays.colour_order
        order[:] = [stream.permutation(row) for stream, row in zip(streams, order, strict=True)]
    return simulator


def visit_described(
    params: Params, job_sets: Sequence[JobSet], visitor: Policy, teacher: Policy, seed: int
) -> tuple[Run, tuple[NDArray[Any], ...]]:
    """Run ``visitor``, and tell of every state that it meets what rules speak of and what ``teacher`` says.

    Returns:
        The run, and quantities ``[N, F]``, moves ``[N, R]``, valid actions ``[N, M + 1]``, the teacher's
        outputs ``[N, M + 1]`` and the job set ``[N]``.
    """
    drawn = visitor.name == "random"
    nodes = tree_nodes(visitor, params)
    own = visitor is teacher and not isinstance(visitor, RulePolicy | Remembering)
    visitor, settles = _begun(visitor, len(job_sets))
    simulator = _simulator(params, job_sets, seed, stalls=not (drawn or settles))
    draws = Draws(seed, job_sets) if drawn else None
    stood = Stood(len(job_sets), settles)
    met: list[tuple[NDArray[Any], ...]] = []
    answers = _Answers(teacher, simulator.scale)
    while len(rows := simulator.active()):
        described = simulator.describe(rows)
        answers.add(simulator.observe(rows), now=own)
        if own:
            actions = sampling.choose(answers.said[-1], described[2] if getattr(teacher, "masked", True) else None)
        elif nodes is not None:
            actions = tree_actions(nodes, *described)
        else:
            actions = policy_actions(visitor, simulator, rows, draws)
        met.append((*described, rows))
        _step(simulator, rows, actions, stood, ends=not drawn)
    features, moves, valid, job_set = (np.concatenate(parts) for parts in zip(*met, strict=True))
    return _run_of(simulator, job_sets), (features, moves, valid, answers.outputs(), job_set)


class _Answers:
    """A teacher's outputs for pictures that come a few at a time: asked in large batches unless needed at once."""

    def __init__(self, teacher: Policy, scale: float) -> None:
        self.teacher, self.scale = teacher, scale
        self.said: list[NDArray[np.float64]] = []
        self._waiting: list[NDArray[np.uint8]] = []
        self._count = 0

    def add(self, pictures: NDArray[np.uint8], *, now: bool) -> None:
        """Further pictures ``[rows, H, W]``, in order."""
        self._waiting.append(pictures)
        self._count += len(pictures)
        if now or self._count >= _BATCH:
            self._ask()

    def outputs(self) -> NDArray[np.float64]:
        """What the teacher says of all of them ``[N, M + 1]``."""
        self._ask()
        return np.concatenate(self.said)

    def _ask(self) -> None:
        if self._count:
            self.said.append(_outputs(self.teacher, np.concatenate(self._waiting), self.scale))
            self._waiting, self._count = [], 0


def _run_of(simulator: Simulator, job_sets: Sequence[JobSet]) -> Run:
    a = simulator.arrays
    return Run(tuple(job_sets), a.start, a.finish, a.placed_at, a.turned_away, a.time, a.actions)


def run_measures(run: Run, params: Params) -> Measures:
    """The figures of a run, job by job; see :mod:`dnnexplain.systems.deeprm.simulator.metrics`."""
    return measure(
        run.job_sets,
        start=run.start,
        finish=run.finish,
        turned_away=run.turned_away,
        placed_at=run.placed_at,
        end=run.end,
        params=params,
    )


def run_figures(run: Run, params: Params) -> dict[str, NDArray[np.float64]]:
    """The figures of a run by name, each ``[S]``: slowdown in both counts, what was left out, utilisation."""
    measures = run_measures(run, params)
    return {
        "all_jobs": measures.all_jobs,
        "original": measures.original,
        "completion": measures.completion,
        "makespan": measures.makespan.astype(np.float64),
        "slowdown_short": measures.short,
        "slowdown_long": measures.long,
        "starved": measures.starved.astype(np.float64),
        "turned_away": measures.turned_away.astype(np.float64),
        "jobs": measures.count.astype(np.float64),
        "cpu_utilisation": measures.utilisation[:, 0],
        "memory_utilisation": measures.utilisation[:, 1],
    }
