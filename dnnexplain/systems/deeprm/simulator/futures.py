"""What follows a decision: clusters that go on from states, with jobs that arrive as in other job sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Policy, State
from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.simulator.model import JobSet
from dnnexplain.systems.deeprm.simulator.runner import Run, content, play_on

__all__ = ["ASSUMED", "followed", "one_later"]

Ints = NDArray[np.int64]
_UNSEEN = 3
ASSUMED = (
    "Jobs arrive from now on as in each job set, and the backlog's jobs, which a state does not show, are drawn from it; "
    "slowdown counts from now on, since what jobs waited before is the same after every action."
)


def followed(
    codec: Codec,
    states: Sequence[State],
    policy: Policy,
    which: Ints,
    actions: Ints,
    futures: Sequence[JobSet],
    *,
    seed: int = 0,
) -> Run:
    """Take actions in states, then let a policy take its best actions until all jobs are done.

    Args:
        codec: reads the states.
        states: ``S`` of them.
        policy: who goes on.
        which, actions: the state and the action of each of ``N`` pairs ``[N]``.
        futures: ``W`` job sets; each goes on from each state alike.
        seed: draws the backlog's jobs, with the future's content.

    Returns:
        A run with ``N * W`` episodes, those of a pair side by side.
    """
    values = codec.repair(np.stack([state.values for state in states]))
    waiting = np.rint(values[:, codec.layout.backlog_knob]).astype(np.int64)
    streams = sampling.own_streams(seed, [content(future) for future in futures])
    most = int(waiting.max())
    unseen = [stream.integers(0, max(len(future), 1), most) for future, stream in zip(futures, streams, strict=True)]
    jobs = codec.jobs(values)
    sets = [
        _joined(jobs[s], future, picked[: waiting[s]] if len(future) else picked[:0])
        for s in range(len(states))
        for future, picked in zip(futures, unseen, strict=True)
    ]
    place = (np.asarray(which)[:, None] * len(futures) + np.arange(len(futures))).ravel()
    simulator = Simulator(codec.params, sets, place, time_limit=np.iinfo(np.int32).max, stalls=True)
    _stand(simulator, codec, values, jobs, np.repeat(which, len(futures)))
    simulator.step(np.repeat(actions, len(futures)))
    return play_on(simulator, policy, [sets[item] for item in place])


def one_later(codec: Codec, values: NDArray[np.float64], actions: Ints) -> NDArray[np.float64]:
    """The knobs after one action in each state, played by the simulator without arrivals ``[B, K]``; the backlog is empty."""
    values = codec.repair(np.asarray(values, dtype=np.float64))
    jobs, none = codec.jobs(values), np.empty(0, dtype=np.int64)
    nothing = JobSet(none, none, none, none, 1, "")
    sets = [_joined(job, nothing, none) for job in jobs]
    simulator = Simulator(codec.params, sets, range(len(sets)), time_limit=np.iinfo(np.int32).max, stalls=True)
    _stand(simulator, codec, values, jobs, np.arange(len(sets)))
    simulator.step(np.asarray(actions))
    return codec.decode(simulator.observe() * np.float32(simulator.scale))


def _joined(shown: Ints, future: JobSet, unseen: Ints) -> JobSet:
    """The jobs of the slots and of the backlog, there since step 0, and those that will arrive."""
    seen = shown[shown[:, 0] > 0]
    shapes = np.stack([future.length, future.cpu, future.memory], axis=1).astype(np.int64)
    table = np.concatenate([seen, shapes[unseen], shapes])
    arrival = np.concatenate([np.zeros(len(seen) + len(unseen), dtype=np.int64), np.maximum(future.arrival, 1)])
    length, cpu, memory = table.T
    return JobSet(arrival, length, cpu, memory, future.steps, future.name)


def _stand(simulator: Simulator, codec: Codec, values: NDArray[np.float64], jobs: Ints, state: Ints) -> None:
    """Put each episode into its state: the jobs that are there come first in its job set, slots before backlog."""
    a = simulator.arrays
    free = codec.free(values)
    a.free[:] = free[state]
    used = codec.params.units - free
    cells = np.where(np.arange(codec.params.units) < used[..., None], np.uint8(FULL), np.uint8(0))
    a.cells[:] = cells[state]
    a.since[:] = np.rint(values[:, codec.layout.since_knob]).astype(np.int32)[state]
    there = jobs[:, :, 0] > 0
    numbered = np.where(there, np.cumsum(there, axis=1) - 1, -1)
    a.slot[:] = numbered[state]
    seated = there.sum(axis=1)
    lined = simulator.count[a.job_set] * 0 + a.next_job - seated[state]
    a.waiting_count[:] = lined
    line = np.arange(a.waiting.shape[1])
    a.waiting[:] = np.where(line < lined[:, None], seated[state][:, None] + line, 0)
