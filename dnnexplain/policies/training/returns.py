"""Returns to go, and the baseline: the mean at the same time step over episodes of one job set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.policies.training.rollout import Rollout

__all__ = ["even_out", "index_advantages", "returns_by_time", "time_advantages"]


def returns_by_time(rollout: Rollout) -> NDArray[np.float64]:
    """Undiscounted return from each time step on ``[B, T]``; 0 after an episode's end.

    Every action taken while the clock stood at ``t`` shares the return from ``t`` on.
    """
    return _to_go(rollout, rollout.time)


def time_advantages(rollout: Rollout, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Advantage of each decision ``[N]`` over its group's mean return at the same time step.

    Args:
        rollout: the decisions.
        group: the job set of each episode ``[B]``; episodes of one set share one baseline.
    """
    return _above_group_mean(rollout, group, rollout.time)


def index_advantages(rollout: Rollout, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """The published code's baseline: the group's mean return at the same action index, zero-padded."""
    return _above_group_mean(rollout, group, rollout.index)


def _to_go(rollout: Rollout, position: NDArray[np.int64]) -> NDArray[np.float64]:
    rewards = np.zeros((rollout.episodes, int(position.max()) + 1))
    np.add.at(rewards, (rollout.episode, position), rollout.rewards)
    return rewards[:, ::-1].cumsum(axis=1)[:, ::-1]


def _above_group_mean(rollout: Rollout, group: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.float64]:
    returns = _to_go(rollout, position)
    sums = np.zeros((int(group.max()) + 1, returns.shape[1]))
    np.add.at(sums, group, returns)
    baseline = sums / np.bincount(group)[:, None]
    return returns[rollout.episode, position] - baseline[group[rollout.episode], position]


def even_out(advantages: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Advantages ``[N]`` divided by their standard deviation within each decision's group ``[N]``.

    Over a mix of workloads, the busiest would otherwise have nearly all the weight: its slowdowns are ten
    times those of a quiet one.
    """
    count = np.maximum(np.bincount(group), 1)
    mean = np.bincount(group, advantages) / count
    spread = np.sqrt(np.maximum(np.bincount(group, advantages**2) / count - mean**2, 0))
    return np.asarray(advantages / (spread[group] + 1e-6))
