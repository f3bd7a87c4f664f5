"""DeepRM as a system of the contract: decisions, episodes, pictures, workloads, oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    DnnExplainError,
    Episodes,
    Judgement,
    Knob,
    Painting,
    Played,
    Policy,
    Relation,
    Replay,
    State,
    Target,
    WorkloadBox,
)
from dnnexplain.systems.deeprm import properties
from dnnexplain.systems.deeprm.observation import states
from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.observation.features import DeepRMFeatures
from dnnexplain.systems.deeprm.observation.painting import deeprm_painting
from dnnexplain.systems.deeprm.rules.kernels import RULES
from dnnexplain.systems.deeprm.rules.policy import RulePolicy
from dnnexplain.systems.deeprm.simulator.arrays import as_input
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.simulator.runner import (
    Run,
    content,
    run_figures,
    run_measures,
    run_policy,
    visit_described,
)
from dnnexplain.systems.deeprm.simulator.view_kernels import valid_values_rows
from dnnexplain.systems.deeprm.workloads import mutation, records
from dnnexplain.systems.deeprm.workloads.job_box import JobBox

__all__ = ["DeepRM"]

_REACHABLE_SETS, _REACHABLE_STATES, _REACHABLE_SEED = 16, 64, 2016

_REMEMBERED = 64
"""Bounds of job sets, so that a plan that is run is the one whose bound was told."""


class DeepRM:
    """The job scheduler of Mao et al. (HotNets 2016) with everything an explainer may ask of it.

    Args:
        params: the cluster; or give single sizes by keyword: ``DeepRM(slots=10)``.
    """

    name = "deeprm"
    cost_name = "mean slowdown"
    cost_is_ratio = True
    byte_scale = Simulator.scale

    @property
    def other_forms(self) -> dict[int, str]:
        """Inputs of networks for this cluster in another form than its picture -> what that form is."""
        sizes = self.params
        compact = 3 * (sizes.horizon + sizes.slots) + 1
        return {
            compact: (
                "DeepRM's compact form, in which the cluster's free units and each job's length and demands are numbers "
                f"({compact} = (2 + 1) x ({sizes.horizon} + {sizes.slots}) + 1) instead of a picture; it is not offered, "
                "since what is explained here are the picture's cells: take the network that was trained on pictures"
            )
        }

    log_suffixes = (".swf", ".swf.gz", ".csv", ".txt", ".psv")
    valid_states = (
        "all states of whole jobs in the slots and a cluster whose rows are filled from the left, without gaps"
    )
    unpainted = "has rows of the cluster with gaps, which the knobs (units in use at a step) do not paint"

    def __init__(self, params: Params | None = None, **sizes: Any) -> None:
        if params is not None and sizes:
            msg = "give either params or single sizes, not both"
            raise DnnExplainError(msg)
        known = Params.__dataclass_fields__
        unknown = [name for name in sizes if name not in known]
        if unknown:
            msg = f"DeepRM has no parameter {unknown[0]!r}; it has {', '.join(known)}"
            raise DnnExplainError(msg)
        self.params = params if params is not None else Params(**sizes)
        self.codec = Codec(self.params)
        layout = self.codec.layout
        self.knobs = layout.knobs
        self.observation_shape: tuple[int, ...] = self.params.shape
        self.groups = layout.groups
        self.cell_group = layout.cell_group
        self.output = layout.output
        self.panes = layout.panes
        self._bounds: dict[tuple[bytes, float], Bound] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that make this system again: ``make_system("deeprm", **parameters)``."""
        return {name: getattr(self.params, name) for name in Params.__dataclass_fields__}

    # --- one decision ---

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """See :meth:`Codec.encode`."""
        return self.codec.encode(values, background)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """See :meth:`Codec.decode`."""
        return self.codec.decode(observations)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """See :meth:`Codec.repair`."""
        return self.codec.repair(values)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """A job that fits within the horizon; waiting, unless the cluster is idle and a job fits."""
        return self.valid_values(self.codec.decode(observations))

    def valid_values(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """:meth:`valid_actions` of knob values ``[B, K]``, without painting and reading pictures."""
        valid = np.empty((len(values), self.params.slots + 1), dtype=np.bool_)
        valid_values_rows(self.codec.jobs(values), self.codec.free(values), self.params.units, valid)
        return valid

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Empty cluster; this state without each of its jobs, or without running jobs; reachable states."""
        layout = self.codec.layout
        named: dict[str, NDArray[np.float32]] = {"empty": np.zeros((1, *self.params.shape), dtype=np.float32)}
        jobs = self.codec.jobs(state.values[None])[0]
        for slot in np.flatnonzero(jobs[:, 0]):
            values = state.values.copy()
            values[3 * slot : 3 * slot + 3] = 0
            named[f"without job {slot + 1}"] = self.codec.encode(values[None], state.background)
        values = state.values.copy()
        values[layout.use_first : layout.backlog_knob] = 0
        named["without running jobs"] = self.codec.encode(values[None], state.background)
        named["mean state"] = self.reachable.mean(axis=0, keepdims=True)
        named["reachable states"] = self.reachable
        return named

    @cached_property
    def reachable(self) -> NDArray[np.float32]:
        """Pictures from SJF's episodes on the training distribution, evenly spaced in time ``[64, H, W]``."""
        seen: list[NDArray[np.uint8]] = []

        def watch(simulator: Simulator, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
            del actions
            seen.append(simulator.observe(rows))

        workloads = self.workloads("deeprm", _REACHABLE_SETS, _REACHABLE_SEED)
        run_policy(self.params, workloads, self.rules()["sjf"], watch=watch)
        pictures = np.concatenate(seen)
        chosen = np.linspace(0, len(pictures) - 1, _REACHABLE_STATES).astype(int)
        return as_input(pictures[chosen])

    def targets(self, state: State) -> Mapping[str, Target]:
        """None beside contrast, logit and probability."""
        del state
        return {}

    def rules(self) -> Mapping[str, Policy]:
        """SJF, Packer, Tetris, FCFS, EASY, random, and hold: SJF that withholds long jobs."""
        return {name: RulePolicy(name, self.codec) for name in RULES}

    def state_to_json(self, state: State) -> dict[str, Any]:
        """See :mod:`dnnexplain.systems.deeprm.observation.states`."""
        return states.to_json(self.codec, state)

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """See :mod:`dnnexplain.systems.deeprm.observation.states`."""
        return states.from_json(self.codec, data)

    def describe(self, state: State) -> str:
        """Who waits, what runs, how long the queue is."""
        return states.describe(self.codec, state)

    @cached_property
    def painting(self) -> Painting:
        """How knobs become cells, as data."""
        return deeprm_painting(self.codec.layout)

    @cached_property
    def features(self) -> DeepRMFeatures:
        """Domain quantities that rules may speak of; see :class:`DeepRMFeatures`."""
        return DeepRMFeatures(self.codec)

    def visit(
        self, policy: Policy, workloads: Sequence[JobSet], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every picture ``[N, H, W]`` that a policy meets when it takes its best actions, and its job set ``[N]``."""
        seen: list[NDArray[np.uint8]] = []
        episode: list[NDArray[np.int64]] = []

        def watch(simulator: Simulator, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
            del actions
            seen.append(simulator.observe(rows))
            episode.append(rows)

        run_policy(self.params, workloads, policy, seed=seed, watch=watch)
        return as_input(np.concatenate(seen)), np.concatenate(episode)

    def visit_described(
        self, visitor: Policy, teacher: Policy, workloads: Sequence[JobSet], *, seed: int = 0
    ) -> tuple[NDArray[Any], ...]:
        """See ``explain.distillation.world.Described``: what rules speak of, without keeping pictures."""
        run, met = visit_described(self.params, workloads, visitor, teacher, seed)
        return (*met, run_figures(run, self.params)["all_jobs"])

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """What each action costs at best: the optimal order of the jobs present, no more arrivals."""
        from dnnexplain.systems.deeprm.oracle.judge import judge_state  # noqa: PLC0415 - loads the solver

        return judge_state(self.codec, state, seconds=seconds)

    # --- what proofs ask; see dnnexplain.systems.deeprm.properties ---

    @cached_property
    def joint_knobs(self) -> tuple[tuple[str, ...], ...]:
        """A job's rectangle in each pane: its length with its demand."""
        return properties.joint_knobs(self.params)

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """A job has a length and some demand, or it is not there."""
        return properties.job_relations(self.params)

    def sure_actions(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Actions valid in all states of a box, and in some; see :func:`.properties.sure_actions`."""
        return properties.sure_actions(self, low, high)

    def valid_within(
        self, action: int, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Where in a box an action is valid (``contract.ValidWithin``); see :func:`.properties.valid_within`."""
        return properties.valid_within(self, action, low, high)

    # --- whole episodes ---

    @property
    def workload_names(self) -> Mapping[str, str]:
        """The families of job sets, with one line on each."""
        from dnnexplain.systems.deeprm.workloads.families import FAMILIES  # noqa: PLC0415

        return {name: family.about for name, family in FAMILIES.items()}

    workload_knobs = (
        Knob("rate", "jobs per step", 0.05, 1.0, 0.05, default=0.7),
        Knob("steps", "steps", 10, 200, 10, default=50),
    )

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[JobSet]:
        """Job sets of a family; see :func:`dnnexplain.systems.deeprm.workloads.families.job_sets`."""
        from dnnexplain.systems.deeprm.workloads.families import job_sets  # noqa: PLC0415

        return job_sets(name, count, seed, params=self.params, **parameters)

    def environment(self, workloads: Sequence[JobSet], copies: int = 1, **options: Any) -> Simulator:
        """A batch of fresh episodes for training: ``copies`` of each workload, side by side."""
        return Simulator(self.params, workloads, np.repeat(np.arange(len(workloads)), copies), **options)

    def run(self, policy: Policy, workloads: Sequence[JobSet], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Run every job set to its end; ``cost`` is the mean slowdown over all its jobs."""
        run = run_policy(self.params, workloads, policy, seed=seed, sample=sample)
        metrics = run_figures(run, self.params)
        return Episodes(policy.name, metrics["all_jobs"], self.cost_name, metrics, seed, run)

    def replay(self, policy: Policy, workload: JobSet, *, seed: int = 0, sample: bool = False) -> Replay:
        """Run one job set and record every decision."""
        from dnnexplain.systems.deeprm.simulator.recorder import record  # noqa: PLC0415

        def figures(run: Run) -> tuple[float, dict[str, float]]:
            values = {name: float(value[0]) for name, value in run_figures(run, self.params).items()}
            return values["all_jobs"], values

        return record(self.params, workload, policy, figures, seed=seed, sample=sample)

    def replay_optimum(self, workload: JobSet, *, seconds: float = 10.0) -> Replay:
        """The schedule of the optimum, or the best one known, to be drawn beside a policy's."""
        from dnnexplain.systems.deeprm.oracle.optimal_replay import optimal_replay  # noqa: PLC0415

        return optimal_replay(self.params, workload, self.bound(workload, seconds=seconds))

    def run_optimum(self, workloads: Sequence[JobSet], *, seconds: float = 10.0) -> Episodes:
        """The best schedules known, of every job set, with the figures of a run (``contract.Optimal``)."""
        from dnnexplain.systems.deeprm.oracle.optimal_replay import optimal_run  # noqa: PLC0415

        run = optimal_run(workloads, [self.bound(jobs, seconds=seconds) for jobs in workloads])
        metrics = run_figures(run, self.params)
        return Episodes("optimum", metrics["all_jobs"], self.cost_name, metrics, 0, run)

    def workload_box(self, jobs: int = 12) -> WorkloadBox:
        """Sets of so many jobs as rows of numbers (``contract.Boxed``)."""
        return JobBox(self, jobs)

    def bound(self, workload: JobSet, *, seconds: float = 10.0) -> Bound:
        """The optimum of mean slowdown, or an interval that holds it (CP-SAT); the last few are remembered."""
        from dnnexplain.systems.deeprm.oracle.exact import optimum  # noqa: PLC0415

        key = content(workload), seconds
        if key not in self._bounds:
            self._bounds = dict(list(self._bounds.items())[1 - _REMEMBERED :])
            self._bounds[key] = optimum(workload, self.params, seconds=seconds)
        return self._bounds[key]

    @property
    def continuing(self) -> str:
        """What is assumed of what follows (``contract.Continuing``)."""
        from dnnexplain.systems.deeprm.simulator.futures import ASSUMED  # noqa: PLC0415

        return ASSUMED

    def continued(
        self, state: State, policy: Policy, action: int, workloads: Sequence[JobSet], *, seed: int = 0
    ) -> Episodes:
        """What follows an action in a state (``contract.Continuing``); see ``simulator.futures``."""
        from dnnexplain.systems.deeprm.simulator.futures import followed  # noqa: PLC0415

        run = followed(self.codec, [state], policy, np.zeros(1, int), np.array([action]), workloads, seed=seed)
        metrics = run_figures(run, self.params)
        return Episodes(policy.name, metrics["all_jobs"], self.cost_name, metrics, seed, run)

    def continued_together(
        self,
        states: Sequence[State],
        which: NDArray[np.int64],
        actions: NDArray[np.int64],
        policy: Policy,
        workloads: Sequence[JobSet],
        *,
        seed: int = 0,
    ) -> NDArray[np.float64]:
        """The same for many states and actions at once (``contract.ContinuingTogether``)."""
        from dnnexplain.systems.deeprm.simulator.futures import followed  # noqa: PLC0415

        run = followed(self.codec, states, policy, which, actions, workloads, seed=seed)
        return run_measures(run, self.params).all_jobs.reshape(len(which), len(workloads))

    # --- workloads as tables; see dnnexplain.systems.deeprm.workloads.records ---

    ordered = False

    @property
    def record_knobs(self) -> tuple[Knob, ...]:
        """Columns of a workload's table (``contract.Tabular``)."""
        return records.record_knobs(self.params)

    def to_records(self, workload: JobSet) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``."""
        return records.to_records(workload)

    def from_records(self, table: NDArray[np.float64], name: str = "") -> JobSet:
        """The inverse; any finite table of the right columns becomes a valid workload."""
        return records.from_records(table, self.params, name)

    # --- workloads as material of a search; see dnnexplain.systems.deeprm.workloads.mutation ---

    def mutate(self, workload: JobSet, rng: np.random.Generator, limits: Mapping[str, tuple[int, int]]) -> JobSet:
        """A job set in which a few jobs have another length or demand within the limits."""
        return mutation.change(workload, rng, self.params, limits)

    def reshape(self, workload: JobSet, rng: np.random.Generator, limits: Mapping[str, tuple[int, int]]) -> JobSet:
        """A job set far from the given one, in which many jobs are alike."""
        return mutation.reshape(workload, rng, self.params, limits)

    def scramble(self, workload: JobSet, rng: np.random.Generator, limits: Mapping[str, tuple[int, int]]) -> JobSet:
        """A job set with the same arrivals and every length and demand drawn anew."""
        return mutation.redraw(workload, rng, self.params, limits)

    def combine(self, job_set: JobSet, two: JobSet, rng: np.random.Generator) -> JobSet:
        """A job set with a stretch of jobs from another one."""
        return mutation.cross(job_set, two, rng)

    def workload_to_json(self, workload: JobSet) -> dict[str, Any]:
        """A job set as in job files."""
        return mutation.to_json(workload)

    def workload_from_json(self, data: Mapping[str, Any]) -> JobSet:
        """The inverse."""
        return mutation.from_json(data)

    def read_workloads(
        self, path: Path, *, limit: int | None = None, steps: int = 50, columns: str = "", **_parameters: Any
    ) -> tuple[Sequence[JobSet], str]:
        """Job sets of a file: a list of jobs (JSON, CSV), or a log (SWF, a scheduler's table) cut into windows."""
        from dnnexplain.systems.deeprm.workloads.jobfiles import (  # noqa: PLC0415
            is_job_list,
            read_job_file,
            shift_to_first_step,
        )
        from dnnexplain.systems.deeprm.workloads.swf import is_swf  # noqa: PLC0415

        if columns or is_swf(path) or not is_job_list(path):
            windows, said = self.log_windows(path, steps=steps, columns=columns)
            return list(windows)[:limit], said
        job_file = read_job_file(path, self.params)
        said = " ".join(f"{path}: {note}" for note in job_file.notes)
        return [shift_to_first_step(job_file.jobs)] if len(job_file.jobs) else [], said

    def read_played(self, path: Path) -> tuple[JobSet, str]:
        """The jobs of a file in the steps in which they stand there."""
        from dnnexplain.systems.deeprm.workloads.jobfiles import read_job_file  # noqa: PLC0415

        job_file = read_job_file(path, self.params)
        return job_file.jobs, " ".join(f"{path}: {note}" for note in job_file.notes)

    def play(
        self,
        workload: JobSet,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
        until: str = "all-done",
        max_steps: int = 200,
    ) -> Played:
        """Given actions, or a policy's, step by step; see :mod:`.played`."""
        from dnnexplain.systems.deeprm.simulator.played import play  # noqa: PLC0415 - for replays alone

        return play(self, workload, actions, policy, until=until, limit=max_steps, seed=seed)

    def summarise(self, episodes: Episodes) -> Mapping[str, Any]:
        """The published metric beside ours, jobs starved and turned away; see :mod:`.summary`."""
        from dnnexplain.systems.deeprm.summary import summarise  # noqa: PLC0415 - for reports alone

        return summarise(episodes.detail, self.params)

    def log_windows(self, path: str | Path, **mapping: Any) -> tuple[Sequence[JobSet], str]:
        """Job sets from a cluster log, and a sentence on how it was mapped."""
        from dnnexplain.systems.deeprm.workloads.swf_windows import windows  # noqa: PLC0415

        return windows(path, self.params, **mapping)
