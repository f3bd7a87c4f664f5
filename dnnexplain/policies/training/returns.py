"""Returns to go, and the baseline: the mean at the same time step over episodes of one job set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.policies.training.rollout import Rollout

__all__ = ["returns_by_time", "time_advantages"]


def returns_by_time(rollout: Rollout) -> NDArray[np.float64]:
    """Undiscounted return from each time step on ``[B, T]``; 0 after an episode's end.

    Every action taken while the clock stood at ``t`` shares the return from ``t`` on.
    """
    horizon = int(rollout.time.max()) + 1
    rewards = np.zeros((rollout.episodes, horizon))
    np.add.at(rewards, (rollout.episode, rollout.time), rollout.rewards)
    return rewards[:, ::-1].cumsum(axis=1)[:, ::-1]


def time_advantages(rollout: Rollout, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Advantage of each decision ``[N]`` over its group's mean return at the same time step.

    Args:
        rollout: the decisions.
        group: the job set of each episode ``[B]``; episodes of one set share one baseline.
    """
    returns = returns_by_time(rollout)
    sums = np.zeros((int(group.max()) + 1, returns.shape[1]))
    np.add.at(sums, group, returns)
    baseline = sums / np.bincount(group)[:, None]
    return returns[rollout.episode, rollout.time] - baseline[group[rollout.episode], rollout.time]
