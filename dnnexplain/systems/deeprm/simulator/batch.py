"""Many DeepRM episodes at once: ``observe``, ``valid``, ``step`` on chosen rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.deeprm.observation import fact_kernels, feature_kernels
from dnnexplain.systems.deeprm.rules.kernels import HOLD, RULES, TETRIS_KNOB, rule_rows
from dnnexplain.systems.deeprm.simulator import kernels, view_kernels
from dnnexplain.systems.deeprm.simulator.arrays import FULL, copy_arrays, make_arrays, make_sizes
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params, pack_job_sets

__all__ = ["Simulator"]


class Simulator:
    """A batch of episodes, each running one job set; state is in ``arrays``, one row per episode.

    Args:
        params: the configuration.
        job_sets: the workloads; every job must fit the cluster.
        job_set: which workload each episode runs ``[B]``; default: one episode per workload.
        until_done: run until every job is done (default); else end when no new jobs may arrive.
        time_limit: with ``until_done``, cut an episode once its clock passes this step.
        stalls: end an episode where an action lets time pass in a picture that can no longer change: whoever decides
            alike in the same picture would do so for ever.
        seed: shuffles the colours, where the original's colours are asked for.
    """

    scale = 1.0 / FULL
    """An observation's bytes times this are the network's input, 0 to 1."""

    def __init__(
        self,
        params: Params,
        job_sets: Sequence[JobSet],
        job_set: NDArray[np.int32] | Sequence[int] | None = None,
        *,
        until_done: bool = True,
        time_limit: int = 1_000_000,
        stalls: bool = False,
        seed: int = 0,
    ) -> None:
        for jobs in job_sets:
            jobs.check_fits(params)
        self.params = params
        self.jobs, self.count, self.steps = pack_job_sets(job_sets)
        self.sizes = make_sizes(params, until_done=until_done, time_limit=time_limit, stalls=stalls)
        chosen = np.arange(len(job_sets), dtype=np.int32) if job_set is None else np.asarray(job_set, dtype=np.int32)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(job_sets)):
            msg = f"job_set must name one of {len(job_sets)} job sets (0 to {len(job_sets) - 1}), not {chosen.max()}"
            raise DnnExplainError(msg)
        self.arrays = make_arrays(params, chosen, self.jobs.shape[1], seed)
        self.rows = np.arange(len(chosen))
        self.reset()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which episodes have ended ``[B]``."""
        return self.arrays.done

    @property
    def time(self) -> NDArray[np.int32]:
        """The clock of each episode, steps ``[B]``."""
        return self.arrays.time

    def active(self) -> NDArray[np.int64]:
        """The rows of episodes that have not ended."""
        return np.flatnonzero(~self.arrays.done)

    def reset(self, rows: NDArray[np.int64] | None = None) -> None:
        """Start the given episodes (default: all) again from an empty cluster."""
        kernels.reset_rows(self._rows(rows), self.arrays, self.sizes, self.jobs, self.count)

    def observe(self, rows: NDArray[np.int64] | None = None, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """The pictures of the given episodes as bytes ``[rows, H, W]`` (40 stands for 1)."""
        rows = self._rows(rows)
        if out is None:
            out = np.empty((len(rows), *self.params.shape), dtype=np.uint8)
        view_kernels.observe_rows(rows, self.arrays, self.sizes, self.jobs, out)
        return out

    def valid(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Valid actions ``[rows, M + 1]``; see :func:`dnnexplain.systems.deeprm.simulator.view_kernels.valid_row`."""
        rows = self._rows(rows)
        out = np.empty((len(rows), self.params.slots + 1), dtype=np.bool_)
        view_kernels.valid_rows(rows, self.arrays, self.sizes, self.jobs, out)
        return out

    def step(self, actions: NDArray[Any], rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Take one action in each of the given episodes, in place; returns their rewards ``[rows]``.

        Raises:
            DnnExplainError: if an action is not one of 0 ... M (M waits).
        """
        rows, actions = self._checked(actions, rows)
        rewards = np.empty(len(rows))
        kernels.step_rows(rows, actions, self.arrays, self.sizes, self.jobs, self.count, self.steps, rewards)
        return rewards

    def step_and_observe(
        self, actions: NDArray[Any], out: NDArray[np.uint8], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """:meth:`step`, then :meth:`observe` into ``out`` [rows, H, W], in one pass over the episodes."""
        rows, actions = self._checked(actions, rows)
        rewards = np.empty(len(rows))
        view_kernels.step_and_observe_rows(
            rows, actions, self.arrays, self.sizes, self.jobs, self.count, self.steps, rewards, out
        )
        return rewards

    def _checked(
        self, actions: NDArray[Any], rows: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = self._rows(rows)
        actions = np.asarray(actions, dtype=np.int64)
        if actions.shape != rows.shape:
            msg = f"step needs one action per episode, {rows.shape}; it got {actions.shape}"
            raise DnnExplainError(msg)
        if actions.size and (actions.min() < 0 or actions.max() > self.params.slots):
            wrong = actions[(actions < 0) | (actions > self.params.slots)][0]
            msg = f"action {wrong} does not exist: 0 to {self.params.slots - 1} place a job, {self.params.slots} waits"
            raise DnnExplainError(msg)
        return rows, actions

    def rule_actions(
        self,
        rule: str,
        rows: NDArray[np.int64] | None = None,
        draws: NDArray[np.float64] | None = None,
        hold: tuple[int, int] = HOLD,
    ) -> NDArray[np.int64]:
        """What a rule does in each of the given episodes ``[rows]``.

        ``draws`` are numbers in [0, 1), one per row, for the rule ``random``; without them it takes its
        first action; ``hold`` is the rule's of this name: a length and a patience.
        """
        if rule not in RULES:
            raise Choice("rule", rule, RULES).error()
        rows = self._rows(rows)
        numbers = np.zeros(len(rows)) if draws is None else np.asarray(draws, dtype=np.float64)
        actions = np.empty(len(rows), dtype=np.int64)
        rule_rows(RULES.index(rule), rows, self.arrays, self.sizes, self.jobs, TETRIS_KNOB, hold, numbers, actions)
        return actions

    def describe(
        self, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Domain quantities ``[rows, F]``, what each move is ``[rows, R]``, valid actions ``[rows, M + 1]``.

        As ``DeepRMFeatures`` reads them from the picture, without painting it.
        """
        rows, params = self._rows(rows), self.params
        table = np.empty((len(rows), feature_kernels.feature_count(params.slots)))
        moves = np.empty((len(rows), params.slots + feature_kernels.NAMED_MOVES), dtype=np.int64)
        valid = np.empty((len(rows), params.slots + 1), dtype=np.bool_)
        feature_kernels.simulator_rows(
            rows,
            self.arrays,
            self.sizes,
            self.jobs,
            params.max_job_length,
            params.max_job_units,
            table,
            moves,
            valid,
        )
        return table, moves, valid

    def run_tree(self, nodes: tuple[NDArray[Any], ...], rows: NDArray[np.int64] | None = None) -> None:
        """Run the given episodes to their end by a tree over :meth:`describe`'s quantities, in place.

        Args:
            nodes: feature, threshold, left, right ``[N]`` and scores ``[N, R]`` of a tree.
            rows: default: all.
        """
        params = self.params
        width = feature_kernels.feature_count(params.slots)
        feature_kernels.run_tree_rows(
            self._rows(rows), self.arrays, self.sizes, self.jobs, self.count, self.steps,
            params.max_job_length, params.max_job_units, nodes, width,
        )  # fmt: skip

    def still(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Where jobs wait in a picture that can change by placing one alone ``[rows]``; see :func:`.kernels.still_row`."""
        rows = self._rows(rows)
        out = np.empty(len(rows), dtype=np.bool_)
        kernels.still_rows(rows, self.arrays, self.sizes, self.count, self.steps, out)
        return out

    def end(self, rows: NDArray[np.int64]) -> None:
        """End the given episodes as they are."""
        self.arrays.done[rows] = True

    def startable(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Which slots' jobs could start now ``[rows, M]``."""
        rows = self._rows(rows)
        out = np.empty((len(rows), self.params.slots), dtype=np.bool_)
        fact_kernels.startable_rows(rows, self.arrays, self.jobs, out)
        return out

    def use_after(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Use of the busiest resource after each action, 0 to 1 ``[rows, M + 1]``; see :mod:`.fact_kernels`."""
        rows = self._rows(rows)
        out = np.empty((len(rows), self.params.slots + 1))
        fact_kernels.use_after_rows(rows, self.arrays, self.sizes, self.jobs, out)
        return out

    def copy(self) -> Simulator:
        """An independent copy of the batch, to branch from."""
        twin = object.__new__(Simulator)
        twin.__dict__.update(self.__dict__)
        twin.arrays = copy_arrays(self.arrays)
        return twin

    def _rows(self, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return self.rows if rows is None else np.asarray(rows, dtype=np.int64)

    def replace_jobs(self, rows: NDArray[np.int64], job_sets: Sequence[JobSet]) -> None:
        """Give the given episodes other workloads, one each, and start them again.

        Only for a batch in which every episode has its own job set.
        """
        if len(self.count) != len(self.rows) or len(job_sets) != len(rows):
            msg = "replace_jobs needs a batch with one job set per episode, and one new job set per row"
            raise DnnExplainError(msg)
        for jobs in job_sets:
            jobs.check_fits(self.params)
        packed, count, steps = pack_job_sets(job_sets)
        short = packed.shape[1] - self.jobs.shape[1]
        if short > 0:
            self._widen(short)
        self.jobs[rows] = 0
        self.jobs[rows, : packed.shape[1]] = packed
        self.count[rows], self.steps[rows] = count, steps
        self.reset(rows)

    def _widen(self, more: int) -> None:
        """Room for more jobs per episode."""
        self.jobs = np.pad(self.jobs, ((0, 0), (0, more), (0, 0)))
        held = {name: getattr(self.arrays, name) for name in ("start", "finish", "placed_at", "turned_away", "running")}
        self.arrays = self.arrays._replace(**{name: np.pad(old, ((0, 0), (0, more))) for name, old in held.items()})
