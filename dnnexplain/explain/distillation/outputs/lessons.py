"""Decisions of numbers or switches to learn from: visited states, what the teacher sets there, how much it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, MultiBinary, Policy, Space
from dnnexplain.explain.distillation.decisions import LARGEST_GAP
from dnnexplain.explain.distillation.world import Distillable

__all__ = ["SWITCH_WEIGHTINGS", "Lessons", "lessons", "weighting_for"]

SWITCH_WEIGHTINGS = ("margin", "gap", "none")


@dataclass(frozen=True, eq=False)
class Lessons:
    """``N`` labelled states.

    Attributes:
        features: ``[N, F]``.
        valid: which outputs may be set ``[N, A]``.
        taken: what the teacher sets ``[N, A]``.
        weight: how much each output of each decision counts ``[N, A]``.
        episode: the workload that each state comes from ``[N]``.
        cost: what the visitor's episodes cost ``[W]``.
    """

    features: NDArray[np.float64]
    valid: NDArray[np.bool_]
    taken: NDArray[Any]
    weight: NDArray[np.float64]
    episode: NDArray[np.int64]
    cost: NDArray[np.float64]

    def __add__(self, other: Lessons) -> Lessons:
        """Both, the other's workloads numbered on."""
        on = int(self.episode.max(initial=-1)) + 1
        return Lessons(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.valid, other.valid]),
            np.concatenate([self.taken, other.taken]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.episode, other.episode + on]),
            np.concatenate([self.cost, other.cost]),
        )


def weighting_for(space: Space, weighting: str) -> str:
    """The weighting of decisions that a space has: numbers have no probabilities, so all of them count alike.

    Raises:
        DnnExplainError: one that the space does not have.
    """
    if isinstance(space, MultiBinary):
        if weighting not in SWITCH_WEIGHTINGS:
            raise Choice("weighting", weighting, SWITCH_WEIGHTINGS).error()
        return weighting
    if weighting not in ("margin", "none"):
        msg = f"numbers that are set have no probabilities to weigh decisions by; leave out the weighting {weighting!r}"
        raise DnnExplainError(msg)
    return "none"


def lessons(
    system: Distillable,
    teacher: Policy,
    visitor: Policy,
    workloads: Sequence[Any],
    weighting: str = "none",
    seed: int = 0,
) -> Lessons:
    """The states that ``visitor`` meets, labelled with what ``teacher`` would set there."""
    observations, episode = system.visit(visitor, workloads, seed=seed)
    valid = np.asarray(system.valid_actions(observations), dtype=bool)
    outputs = teacher.outputs(observations)
    shown = valid if getattr(teacher, "masked", True) else None
    return Lessons(
        features=np.asarray(system.features(observations), dtype=np.float64),
        valid=valid,
        taken=system.output.decide(outputs, shown),
        weight=_importance(system.output, outputs, valid, weighting),
        episode=episode,
        cost=system.run(visitor, workloads, seed=seed).cost,
    )


def _importance(
    space: Space, outputs: NDArray[np.float64], valid: NDArray[np.bool_], weighting: str
) -> NDArray[np.float64]:
    """How much each output counts ``[N, A]``; 0 for a switch that may not be set.

    ``margin`` is by how much a switch is likelier in its position than in the other; ``gap`` the log-odds, cut at 10.
    """
    likely = space.probabilities(outputs, valid) if weighting in ("margin", "gap") else None
    if likely is None:
        return np.where(valid, 1.0, 0.0)
    if weighting == "gap":
        return np.where(valid, np.minimum(np.abs(outputs), LARGEST_GAP), 0.0)
    return np.where(valid, np.abs(2 * likely - 1), 0.0)
