"""What regions are found in: states that a policy meets (and random valid ones) with what its decision loses, or workloads with their gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    ActionOracle,
    Costed,
    DecisionOracle,
    Discrete,
    DnnExplainError,
    Policy,
    Replayable,
    State,
    cost_is_ratio,
    need,
    state_from_observation,
)
from dnnexplain.explain.distillation.world import Distillable
from dnnexplain.explain.regions.where import quantities_of

__all__ = ["Evidence", "decisions", "gaps", "met_states", "random_states", "taken"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """``N`` states or workloads in the system's quantities, with what is lost in each.

    Attributes:
        names, units, absent, whole: of the quantities ``F``.
        values: ``[N, F]``.
        loss: of the decision in ``unit``, or of the workload against the best rule; at least 0 ``[N]``.
        unit: of the loss; ``""``: a share of the best rule's cost.
        inexact: of how many the loss is only a lower bound.
        actions: what was decided in each state ``[N]`` or ``[N, A]``; ``None`` of workloads.
    """

    names: tuple[str, ...]
    values: Floats
    loss: Floats
    unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, float] = field(default_factory=dict)
    inexact: int = 0
    actions: NDArray[Any] | None = None
    whole: Collection[str] = ()

    @classmethod
    def joined(cls, parts: Sequence[Evidence]) -> Evidence:
        """Of the same quantities, one after another; at least one."""
        values, loss = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "loss"))
        decided = [part.actions for part in parts if part.actions is not None]
        actions = np.concatenate(decided) if len(decided) == len(parts) else None
        return replace(parts[0], values=values, loss=loss, inexact=sum(part.inexact for part in parts), actions=actions)


# --- decisions ----------------------------------------------------------------------------------


def decisions(
    system: Any,
    policy: Policy,
    observations: NDArray[Any],
    *,
    seconds: float = 1.0,
    values: Floats | None = None,
    stop: Event | None = None,
) -> Evidence:
    """What a policy's decisions in given states lose by the oracle.

    Args:
        system: with an oracle (``DecisionOracle`` or ``Costed``).
        policy: whose decisions.
        observations: ``[N, *observation_shape]``.
        seconds: for each state, at most about this long; what is not solved then is a lower bound, and counted.
        values: knobs of the states ``[N, K]``, where they are known better than the observations show.
        stop: ends it with the states that were judged by then, one at least.

    Raises:
        DnnExplainError: the system cannot judge decisions.
    """
    if not isinstance(system, Costed):
        need(system, DecisionOracle, "finding where decisions fail")
    quantities = quantities_of(system)
    actions = taken(system, policy, observations)
    judging = isinstance(system.output, Discrete) and isinstance(system, DecisionOracle)
    loss, unit, inexact = np.full(len(observations), np.nan), "", 0
    for place, seen in enumerate(observations):
        if place and stop is not None and stop.is_set():
            break
        state = state_from_observation(system, seen) if values is None else State(values[place], seen)
        if judging:
            taken_here = int(actions[place])
            losses = (
                system.judge_action(state, taken_here, seconds=seconds)
                if isinstance(system, ActionOracle)
                else system.judge(state, seconds=seconds)
            )
            loss[place], unit = losses.loss[taken_here], losses.unit
            inexact += not losses.exact
        else:
            loss[place] = system.losses(state, actions[place : place + 1], seconds=seconds)[0]
    known = np.isfinite(loss)
    return Evidence(
        tuple(quantities.names),
        np.asarray(quantities(observations), dtype=np.float64)[known],
        np.maximum(loss[known], 0.0),
        unit,
        dict(quantities.units),
        dict(getattr(quantities, "absent", {})),
        inexact,
        np.asarray(actions)[known],
        tuple(getattr(quantities, "whole", ())),
    )


def taken(system: Any, policy: Policy, observations: NDArray[Any]) -> NDArray[Any]:
    """A policy's actions in given states, as it runs ``[N]`` or ``[N, A]``."""
    valid = system.valid_actions(observations) if getattr(policy, "masked", True) else None
    actions: NDArray[Any] = system.output.decide(policy.outputs(observations), valid)
    return actions


def met_states(system: Any, policy: Policy, workloads: Sequence[Any], most: int, seed: int = 0) -> NDArray[Any]:
    """States that a policy meets on workloads, at most so many, drawn evenly ``[N, *observation_shape]``.

    Raises:
        DnnExplainError: the system cannot show an episode decision by decision.
    """
    if isinstance(system, Distillable):
        seen: NDArray[Any] = system.visit(policy, workloads, seed=seed)[0]
    else:
        need(system, Replayable, "looking at the states that a policy meets")
        seen = np.concatenate([system.replay(policy, workload, seed=seed).observations for workload in workloads])
    if not len(seen):
        msg = f"{policy.name} meets no state on these workloads"
        raise DnnExplainError(msg)
    chosen = np.random.default_rng(seed).permutation(len(seen))[:most]
    return seen[np.sort(chosen)]


def random_states(system: Any, count: int, seed: int = 0) -> tuple[Floats, NDArray[Any]]:
    """Valid states: knobs drawn evenly within their bounds and repaired ``[n, K]``, and what they show."""
    rng = np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, side) for knob in system.knobs]) for side in ("low", "high"))
    values = system.repair(rng.uniform(low, high, size=(count, len(low))))
    return values, system.encode(values)


# --- workloads ----------------------------------------------------------------------------------


def gaps(
    system: Any, policy: Policy, workloads: Sequence[Any], rules: Mapping[str, Policy], *, stop: Event | None = None
) -> Evidence:
    """By how much a policy's cost on each workload is above the best rule's on the same workload.

    A workload's quantities are the means of those of the states that the policy meets there. ``stop`` ends it with the
    workloads that were looked at by then, one at least.
    """
    if not rules:
        msg = f"{system.name} has no rule to hold a policy against"
        raise DnnExplainError(msg)
    quantities = quantities_of(system)
    met: list[Floats] = []
    for workload in workloads:
        if met and stop is not None and stop.is_set():
            break
        met.append(quantities(met_states(system, policy, [workload], 10**6)).mean(axis=0))
    workloads, values = workloads[: len(met)], np.stack(met)
    own = np.asarray(system.run(policy, workloads).cost, dtype=np.float64)
    best = np.min([system.run(rule, workloads).cost for rule in rules.values()], axis=0)
    ratio = cost_is_ratio(system)
    loss = own / best - 1.0 if ratio else own - best
    known = np.isfinite(loss)
    means = {name: f"{name}, on average" for name in quantities.names}
    return Evidence(
        tuple(means.values()),
        values[known],
        np.maximum(loss[known], 0.0),
        "" if ratio else getattr(system, "cost_name", ""),
        {means[name]: unit for name, unit in quantities.units.items()},
    )
