"""Given actions on given jobs, step by step, as the published environment plays them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Played, Policy, in_episodes
from dnnexplain.counts import counted
from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.model import JobSet

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.cluster import Cluster
    from dnnexplain.systems.deeprm.simulator.batch import Simulator

__all__ = ["play"]


def play(
    system: Cluster,
    jobs: JobSet,
    actions: Sequence[Any] | None,
    policy: Policy | None,
    *,
    until: str,
    limit: int,
    seed: int,
) -> Played:
    """Observations ``[T+1, rows, columns]``, rewards and dones ``[T]``, times ``[T+1]``, and per job start and finish.

    As in the original, a job that arrives in step 0 is never admitted.
    """
    given = None if actions is None else checked_actions(actions, system.params.slots)
    simulator = system.environment([jobs], until_done=until == "all-done", time_limit=limit, seed=seed)
    chosen = _listed(given) if given is not None else _decided(system, simulator, policy)
    seen, times = [simulator.observe()[0]], [0]
    rewards: list[float] = []
    dones: list[bool] = []
    taken: list[int] = []
    while not (dones and dones[-1]):
        action = chosen()
        if action is None:
            break
        taken.append(action)
        rewards.append(float(simulator.step(np.array([action]))[0]))
        seen.append(simulator.observe()[0])
        dones.append(bool(simulator.done[0]))
        times.append(int(simulator.time[0]))
    back, count, record = np.argsort(jobs.order), len(jobs), simulator.arrays
    arrays = {
        "observations": np.stack(seen) / FULL,
        "rewards": np.array(rewards),
        "dones": np.array(dones),
        "times": np.array(times),
        "start": record.start[0, :count].astype(np.int64)[back],
        "finish": record.finish[0, :count].astype(np.int64)[back],
        "turned_away": record.turned_away[0, :count].copy()[back],
    }
    if given is None:
        arrays["actions"] = np.array(taken, dtype=np.int64)
    return _as_played(arrays, None if given is None else len(given))


def checked_actions(actions: Sequence[Any], slots: int) -> NDArray[np.int64]:
    """A list of actions from a file, each a whole number from 0 to ``slots``."""
    for position, action in enumerate(actions):
        if isinstance(action, bool) or not isinstance(action, int) or not 0 <= action <= slots:
            msg = f"action {position} must be a whole number from 0 to {slots} ({slots} waits), not {action!r}"
            raise DnnExplainError(msg)
    return np.array(actions, dtype=np.int64)


def _listed(actions: NDArray[np.int64]) -> Callable[[], int | None]:
    rest = iter(actions.tolist())
    return lambda: next(rest, None)


def _decided(system: Cluster, simulator: Simulator, policy: Policy | None) -> Callable[[], int | None]:
    if policy is None:
        msg = "replay needs a list of actions or a policy"
        raise DnnExplainError(msg)

    course = in_episodes(policy, 1)

    def decide() -> int:
        seen = (simulator.observe() / FULL).astype(np.float32)
        valid = system.valid_actions(seen) if course.masked else None
        return int(system.output.decide(course.outputs(seen), valid)[0])

    return decide


def _as_played(arrays: dict[str, NDArray[Any]], given: int | None) -> Played:
    played = len(arrays["rewards"])
    summary = {
        "actions": played,
        "ended": bool(len(arrays["dones"]) and arrays["dones"][-1]),
        "time": int(arrays["times"][-1]),
        "reward": float(arrays["rewards"].sum()),
        "placed": int(np.sum(arrays["start"] >= 0)),
        "jobs": len(arrays["start"]),
    }
    left = 0 if given is None else given - played
    rest = f"; the episode ended, {left} actions were not played" if left else ""
    words = (
        f"{counted(played, 'action')}, {counted(int(summary['time']), 'step')}, reward {summary['reward']:.4g}, "
        f"{summary['placed']} of {counted(int(summary['jobs']), 'job')} placed{rest}."
    )
    return Played(arrays, summary, words)
