"""The worst workload watched: network, rule and optimum side by side, and the decision where they part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Policy, Replay, Replayable, State, need, state_from_observation
from dnnexplain.explain.decisions.decision import valid_of
from dnnexplain.explain.sequence.result import SequenceAttack

__all__ = ["Parting", "first_parting", "replay_sequence"]


@dataclass(frozen=True, eq=False)
class Parting:
    """The first decision of the network's run in which the rule would have done something else.

    Attributes:
        decision: which, from 0; ``None`` if they never part.
        state: what the network saw.
        time: when, in the replay's unit.
        network, rule: the actions, by name.
    """

    decision: int | None
    state: State | None = None
    time: float = 0.0
    network: str = ""
    rule: str = ""


def replay_sequence(
    system: Replayable, policy: Policy, attack: SequenceAttack
) -> tuple[Replay, Replay, NDArray[np.float64] | None]:
    """The network's and the rule's run over the saved workload, and when each job starts at best ``[J]``.

    The last is the schedule of the oracle's upper bound, ``None`` where it gives none.

    Raises:
        DnnExplainError: the system's episodes cannot be watched.
    """
    need(system, Replayable, "showing what a workload does")
    world: Any = system
    workload = world.workload_from_json(attack.workload)
    best = system.bound(workload, seconds=2.0).detail
    runs = [system.replay(item, workload) for item in (policy, system.rules()[attack.rule_name])]
    return runs[0], runs[1], None if best is None else np.asarray(best, dtype=np.float64)


def first_parting(system: Replayable, rule: Policy, run: Replay) -> Parting:
    """Where a rule would first have left a recorded run."""
    outputs = rule.outputs(run.observations)
    advice = sampling.choose(outputs, valid_of(system, rule, run.observations))
    apart = np.flatnonzero(advice != run.actions)
    if not len(apart):
        return Parting(None)
    at = int(apart[0])
    names = system.output.names
    return Parting(
        at,
        state_from_observation(system, run.observations[at]),
        float(run.times[at]),
        names[int(run.actions[at])],
        names[int(advice[at])],
    )
