"""One episode, decision by decision, with who ran when and where (``contract.Replay``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, Replay, Track
from dnnexplain.systems.deeprm.simulator.arrays import as_input
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.simulator.runner import Run, run_policy

__all__ = ["Recorder", "record"]


class Recorder:
    """Watches one episode: pictures, actions, times, and the cells that each placed job takes."""

    def __init__(self) -> None:
        self.pictures: list[NDArray[np.float32]] = []
        self.actions: list[int] = []
        self.times: list[int] = []
        self.chosen: list[int] = []
        self.first_slot: dict[int, int] = {}
        self.bars: list[tuple[int, int, float, float, float, float]] = []

    def watch(self, simulator: Simulator, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
        """Called before each step of a batch of one."""
        arrays, action = simulator.arrays, int(actions[0])
        self.pictures.append(as_input(simulator.observe(rows)[0]))
        self.actions.append(action)
        self.times.append(int(arrays.time[0]))
        for slot, job in enumerate(arrays.slot[0]):
            if job >= 0:
                self.first_slot.setdefault(int(job), slot)
        job = int(arrays.slot[0, action]) if action < simulator.params.slots else -1
        placed = self._bars_of(simulator, rows, action, job) if job >= 0 else False
        self.chosen.append(job if placed else -1)

    def _bars_of(self, simulator: Simulator, rows: NDArray[np.int64], action: int, job: int) -> bool:
        """Look one step ahead on a copy to see which cells the job takes."""
        ahead = simulator.copy()
        ahead.step(np.array([action]), rows)
        if ahead.arrays.start[0, job] < 0:
            return False
        changed = ahead.arrays.cells[0] != simulator.arrays.cells[0]
        taken = np.roll(changed, -int(simulator.arrays.head[0]), axis=1)  # the rows are a ring
        now = float(simulator.arrays.time[0])
        for track in range(2):
            self.bars.extend((job, track, *bar) for bar in _rectangles(taken[track], now))
        return True


def _rectangles(taken: NDArray[np.bool_], now: float) -> list[tuple[float, float, float, float]]:
    """Maximal rectangles of equal rows: from time, to time, from unit, to unit."""
    open_bars: dict[tuple[int, int], int] = {}
    bars: list[tuple[float, float, float, float]] = []
    for row in range(len(taken) + 1):
        filled = taken[row] if row < len(taken) else np.zeros(taken.shape[1], dtype=np.bool_)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], filled, [0]]).astype(int)))
        spans = {(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)}
        ended = [span for span in open_bars if span not in spans]
        bars.extend((now + open_bars.pop(span), now + row, float(span[0]), float(span[1])) for span in ended)
        for span in spans:
            open_bars.setdefault(span, row)
    return bars


def _starved(jobs: JobSet, run: Run) -> tuple[tuple[Track, ...], list[tuple[int, int, float, float, float, float]]]:
    """The lane of jobs that came and were never placed, with a bar for each from its arrival to the end; none, no lane."""
    count = len(jobs)
    left = np.flatnonzero((run.start[0, :count] < 0) & ~run.turned_away[0, :count])
    end = float(run.end[0])
    bars = [(int(job), 2, float(jobs.arrival[job]), end, float(row), row + 1.0) for row, job in enumerate(left)]
    return ((Track("starved", "jobs", float(len(left)), wrong=True),) if bars else ()), bars


def _or_nan(values: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.where(values < 0, np.nan, values)


def record(
    params: Params, jobs: JobSet, policy: Policy, metrics: Any, *, seed: int = 0, sample: bool = False
) -> Replay:
    """Run one job set and record every decision.

    Args:
        params: the cluster.
        jobs: the workload.
        policy: a rule or a network.
        seed: of drawn actions.
        sample: draw actions from the probabilities instead of taking the best.
        metrics: from a :class:`Run` to ``(cost, {name: value})``.
    """
    recorder = Recorder()
    run: Run = run_policy(params, [jobs], policy, seed=seed, sample=sample, watch=recorder.watch)
    cost, figures = metrics(run)
    count = len(jobs)
    lane, starving = _starved(jobs, run)
    made = [*recorder.bars, *starving]
    bars = np.array([bar[2:] for bar in made], dtype=np.float64).reshape(-1, 4)
    return Replay(
        policy=policy.name,
        observations=np.stack(recorder.pictures),
        actions=np.array(recorder.actions, dtype=np.int64),
        times=np.array(recorder.times, dtype=np.float64),
        chosen=np.array(recorder.chosen, dtype=np.int64),
        objects=tuple(f"job {job}" for job in range(1, count + 1)),
        arrival=jobs.arrival.astype(np.float64),
        start=_or_nan(run.start[0, :count]),
        finish=_or_nan(run.finish[0, :count]),
        colours=np.array([recorder.first_slot.get(job, -1) for job in range(count)], dtype=np.int64),
        tracks=(Track("CPU", "units", params.units), Track("memory", "units", params.units), *lane),
        bar_object=np.array([bar[0] for bar in made], dtype=np.int64),
        bar_track=np.array([bar[1] for bar in made], dtype=np.int64),
        bars=bars,
        cost=cost,
        cost_name="mean slowdown",
        metrics=figures,
        seed=seed,
    )
