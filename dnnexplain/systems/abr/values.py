"""What each bitrate leads to in every state that a policy meets, if another goes on from there over the same link."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Policy, in_episodes
from dnnexplain.systems.abr.arrays import Arrays, Params
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video

__all__ = ["visit_costs"]


def visit_costs(
    traces: Sequence[Trace], video: Video, params: Params, qoe: QoE, visitor: Policy, teacher: Policy
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Observations ``[N, 6, L]``, their links ``[N]``, and the cost to come of each bitrate ``[N, A]``; see ``contract.Valued``.

    Every chunk of every session is branched into all bitrates, each branch played to the video's end, all branches of
    a chunk side by side. Downloads have no noise here, whatever ``params`` say.
    """
    quiet = Params(**{**{name: getattr(params, name) for name in Params.__dataclass_fields__}, "noise": 0.0})
    simulator = Simulator(traces, video, quiet, qoe)
    rates = len(video.bitrates)
    seen, costs = [], []
    course = in_episodes(visitor, len(simulator))
    while not simulator.done.all():
        states = simulator.observe().astype(np.float32)
        seen.append(states)
        costs.append(-_branched(simulator, rates, teacher))
        simulator.step(sampling.choose(course.outputs(states)))
    links = np.tile(np.arange(len(traces)), len(seen))
    return np.concatenate(seen), links, np.concatenate(costs)


def _branched(simulator: Simulator, rates: int, teacher: Policy) -> NDArray[np.float64]:
    """QoE of the chunks to come after each bitrate ``[B, A]``."""
    count = len(simulator)
    copies = simulator.copy()
    which = np.repeat(np.arange(count), rates)
    copies.arrays = Arrays._make(values[which].copy() for values in simulator.arrays)
    copies.rows = np.arange(len(which))
    copies.first_reward = simulator.first_reward[which]
    actions = np.tile(np.arange(rates), count)
    total, course = copies.step(actions), in_episodes(teacher, len(copies))
    while not copies.done.all():
        total += copies.step(sampling.choose(course.outputs(copies.observe().astype(np.float32))))
    return total.reshape(count, rates)
