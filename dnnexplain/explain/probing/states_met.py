"""States that a policy really meets: what probes, embeddings and surveys are asked about.

Where a system cannot tell them, the best it has: episodes replayed one by one, its batch of reachable
states, or random valid states. ``source`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Choice,
    DnnExplainError,
    EpisodeSystem,
    Policy,
    Replayable,
    State,
    System,
    Visiting,
    state_from_values,
)
from dnnexplain.explain.decisions.decision import states_from_observations
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain.registry import spec_of

__all__ = ["Visited", "families", "visited"]

_WORKLOADS = 8
"""Workloads drawn at a time; more where they turn out to be of one state each."""
_ROUNDS = 16


@dataclass(frozen=True, eq=False)
class Visited:
    """Distinct states and where they come from.

    Attributes:
        observations: ``[S, *observation_shape]``, no two alike.
        source: in words: ``"states that deeprm-mlp-5 meets in its own episodes (deeprm)"``.
    """

    observations: NDArray[np.float32]
    source: str

    def states(self, system: System) -> list[State]:
        """The same as states of the system."""
        return states_from_observations(system, self.observations)


def families(system: System) -> dict[str, str]:
    """The families of workloads that a system draws, each with a line that says what it is; none if it draws none.

    By its own ``workload_names``, whether or not it has knobs for them; else by its spec.
    """
    if not isinstance(system, EpisodeSystem):
        return {}
    own = getattr(system, "workload_names", None)
    return dict(own) if own is not None else {family.name: family.about for family in spec_of(system).families}


def visited(system: System, policy: Policy, count: int = 1000, *, workload: str = "", seed: int = 0) -> Visited:
    """``count`` distinct states from a policy's episodes, or fewer where there are no more.

    Args:
        system: the world.
        policy: whose best actions are taken.
        count: at least 1.
        workload: a family's name; the first that the system knows if not given.
        seed: of the workloads, and of the draw among the states met.

    Raises:
        DnnExplainError: an unknown family, or a count below 1.
    """
    if count < 1:
        msg = f"at least one state must be asked for, not {count}"
        raise DnnExplainError(msg)
    known = tuple(families(system))
    if workload and workload not in known:
        raise Choice("workload", workload, known).error()
    if known and isinstance(system, Visiting | Replayable):
        name = workload or known[0]
        seen = _episodes(system, policy, name, count, seed)
        own = isinstance(system, Replayable)
        whose = f"that “{policy.name}” meets in its own episodes" if own else "of the system's workloads"
        return Visited(_some(seen, count, seed), f"states {whose} ({name})")
    batches = {name: rows for name, rows in system.baselines(state_from_values(system, {})).items() if len(rows) > 2}
    if batches:
        name = max(batches, key=lambda item: len(batches[item]))
        return Visited(_some(_distinct(batches[name]), count, seed), f"the system's own batch of states ({name})")
    drawn = system.encode(random_values(system, count, np.random.default_rng(seed)))
    return Visited(_distinct(drawn), "random valid states, which episodes need not reach")


def _episodes(system: Any, policy: Policy, name: str, count: int, seed: int) -> NDArray[np.float32]:
    distinct = np.empty((0, *system.observation_shape), np.float32)
    at_once = _WORKLOADS
    for turn in range(_ROUNDS):
        workloads = system.workloads(name, at_once, seed + turn)
        if isinstance(system, Visiting):
            seen = system.visit(policy, workloads, seed=seed)[0]
        else:
            seen = np.concatenate([system.replay(policy, workload, seed=seed).observations for workload in workloads])
        distinct = _distinct(np.concatenate([distinct, np.asarray(seen, np.float32)]))
        if len(distinct) >= count:
            break
        if len(seen) <= at_once:
            at_once = count
    return distinct


def _distinct(observations: NDArray[Any]) -> NDArray[np.float32]:
    """Without copies, in their order."""
    rows = np.asarray(observations, np.float32)
    _, first = np.unique(rows.reshape(len(rows), -1), axis=0, return_index=True)
    return rows[np.sort(first)]


def _some(observations: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    if len(observations) <= count:
        return observations
    chosen = np.sort(np.random.default_rng(seed).choice(len(observations), size=count, replace=False))
    return observations[chosen]
