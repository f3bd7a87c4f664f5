"""Decisions to learn from: visited states in features, what the teacher does there, how much it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Choice, Policy, need
from dnnexplain.explain.distillation.world import Described, Distillable, Valued

__all__ = ["WEIGHTINGS", "Decisions", "decisions", "importance", "labelled"]

WEIGHTINGS = ("gap", "margin", "none", "soft", "cost")
LARGEST_GAP = 10.0
SPREADS = 4.0
FAINT = 1e-6
"""Probabilities below this teach nothing."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """``N`` labelled states.

    Attributes:
        features: ``[N, F]``.
        valid: the allowed actions ``[N, A]``.
        action: the teacher's best valid action ``[N]``.
        moves: which action each move is ``[N, R]``.
        weight: see :func:`importance` ``[N]``.
        episode: the workload that each state comes from ``[N]``.
        cost: what the visitor's episodes cost ``[W]``; empty if the states were given.
        chances: the teacher's probabilities ``[N, A]``, where they are learned from; else empty.
        losses: what each move costs more than the best, if the teacher goes on ``[N, R]``, where that is learned from.
    """

    features: NDArray[np.float64]
    valid: NDArray[np.bool_]
    action: NDArray[np.int64]
    moves: NDArray[np.int64]
    weight: NDArray[np.float64]
    episode: NDArray[np.int64]
    cost: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    chances: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def free(self) -> NDArray[np.bool_]:
        """Where there is a choice: more than one valid action ``[N]``."""
        return np.asarray(self.valid.sum(axis=1) > 1)

    @property
    def move(self) -> NDArray[np.int64]:
        """A move that is the teacher's action ``[N]``.

        It is the move that tells most of the decisions by weight; for those that it does not tell, the
        move that tells most of what is left, and so on.
        """
        hit = self.moves == self.action[:, None]
        moves = np.full(len(hit), -1, dtype=np.int64)
        for _ in range(hit.shape[1]):
            left = moves < 0
            move = int((hit[left] * (self.weight[left, None] + 1e-9)).sum(axis=0).argmax())
            moves[left & hit[:, move]] = move
        return moves

    def lessons(
        self, weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """What a tree learns from: features ``[L, F]``, moves ``[L]`` and weights ``[L]``.

        One lesson per state of weight, what the teacher does; where its probabilities are learned from
        (``soft``), one per state and action, so that a leaf's scores are the teacher's mean probabilities.
        """
        used = weight > 0
        if not self.chances.size:
            return self.features[used], self.move[used], weight[used]
        moves, chances = self.moves[used], self.chances[used]
        total = [np.take_along_axis(chances, moves[:, [move]], axis=1).sum() for move in range(moves.shape[1])]
        order = np.argsort(total, kind="stable")[::-1]  # an action is told by the move that tells most
        rows, labels = [], []
        for action in range(chances.shape[1]):
            here = np.flatnonzero(chances[:, action] > FAINT)
            rows.append(here)
            labels.append(order[(moves[np.ix_(here, order)] == action).argmax(axis=1)])
        actions = np.repeat(np.arange(len(rows)), [len(here) for here in rows])
        row = np.concatenate(rows)
        return self.features[used][row], np.concatenate(labels), (weight[used][:, None] * chances)[row, actions]

    def follow(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """The action of the valid move with the highest score ``[N, R]``; ties to the first move."""
        allowed = np.take_along_axis(self.valid, self.moves, axis=1)
        best = sampling.choose(scores, allowed)
        return np.asarray(self.moves[np.arange(len(best)), best], dtype=np.int64)

    def __add__(self, other: Decisions) -> Decisions:
        """Both, the other's workloads numbered on."""
        on = int(self.episode.max(initial=-1)) + 1
        return Decisions(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.valid, other.valid]),
            np.concatenate([self.action, other.action]),
            np.concatenate([self.moves, other.moves]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.episode, other.episode + on]),
            np.concatenate([self.cost, other.cost]),
            np.concatenate([self.chances, other.chances]),
            np.concatenate([self.losses, other.losses]),
        )


def decisions(
    system: Distillable,
    teacher: Policy,
    visitor: Policy,
    workloads: Sequence[Any],
    weighting: str = "gap",
    seed: int = 0,
) -> Decisions:
    """The states that ``visitor`` meets, labelled with what ``teacher`` would do (its best valid action)."""
    if weighting == "cost":
        return _valued(system, teacher, visitor, workloads, seed)
    if isinstance(system, Described):
        features, moves, valid, outputs, episode, cost = system.visit_described(visitor, teacher, workloads, seed=seed)
        return _made(features, moves, valid, outputs, teacher, episode, weighting, cost)
    observations, episode = system.visit(visitor, workloads, seed=seed)
    labelled_states = labelled(system, teacher, observations, episode, weighting)
    return replace(labelled_states, cost=system.run(visitor, workloads, seed=seed).cost)


def _valued(system: Distillable, teacher: Policy, visitor: Policy, workloads: Sequence[Any], seed: int) -> Decisions:
    """Visited states with what each move costs there."""
    need(system, Valued, "weighting decisions by what they cost")
    assert isinstance(system, Valued)
    observations, episode, costs = system.visit_costs(visitor, teacher, workloads)
    decisions = labelled(system, teacher, observations, episode, "cost")
    allowed = np.where(decisions.valid, costs, np.inf)
    above = np.minimum(allowed - allowed.min(axis=1, keepdims=True), _most(allowed))
    losses = np.take_along_axis(above, decisions.moves, axis=1)
    return replace(decisions, losses=losses, cost=system.run(visitor, workloads, seed=seed).cost)


def _most(costs: NDArray[np.float64]) -> float:
    """The largest loss that counts: ``SPREADS`` times the usual one between the best and the worst action."""
    finite = np.where(np.isfinite(costs), costs, np.nan)
    usual = float(np.median(np.nanmax(finite, axis=1) - np.nanmin(finite, axis=1)))
    return max(SPREADS * usual, FAINT)


def labelled(
    system: Distillable,
    teacher: Policy,
    observations: NDArray[Any],
    episode: NDArray[np.int64],
    weighting: str = "gap",
) -> Decisions:
    """What ``teacher`` would do in given states ``[N, *observation_shape]``, visited in workloads ``[N]``."""
    valid, features = system.valid_actions(observations), system.features
    outputs = teacher.outputs(observations)
    moves = features.actions(observations)
    return _made(features(observations), moves, valid, outputs, teacher, episode, weighting, np.zeros(0))


def _made(
    features: NDArray[np.float64],
    moves: NDArray[np.int64],
    valid: NDArray[np.bool_],
    outputs: NDArray[np.float64],
    teacher: Policy,
    episode: NDArray[np.int64],
    weighting: str,
    cost: NDArray[np.float64],
) -> Decisions:
    shown = valid if getattr(teacher, "masked", True) else np.ones_like(valid)
    weight = importance(outputs, valid, weighting)
    chances = sampling.probabilities(outputs, valid) if weighting == "soft" else np.zeros((0, 0))
    return Decisions(features, valid, sampling.choose(outputs, shown), moves, weight, episode, cost, chances)


def importance(outputs: NDArray[np.float64], valid: NDArray[np.bool_], weighting: str = "gap") -> NDArray[np.float64]:
    """How much each decision matters ``[N]``; 0 where only one action is valid.

    VIPER (Bastani et al., NeurIPS 2018) weighs a state by ``max_a Q - min_a Q``. A policy network has no
    Q; its log-probabilities stand in for it, as in maximum-entropy policy gradients: ``gap`` is
    ``max log p - min log p`` over valid actions, cut at 10. It is a proxy: what the network is sure of,
    not what a mistake costs. ``margin`` is the probability of the best less that of the next; ``none``,
    ``soft`` and ``cost`` weigh all choices alike (``cost`` learns what each move costs, see ``cost_trees``).
    """
    if weighting not in WEIGHTINGS:
        raise Choice("weighting", weighting, WEIGHTINGS).error()
    free = valid.sum(axis=1) > 1
    if weighting in ("none", "soft", "cost") or not len(outputs):
        return np.asarray(free, dtype=np.float64)
    chances = sampling.probabilities(outputs, valid)
    if weighting == "margin":
        ordered = np.sort(chances, axis=1)
        return np.where(free, ordered[:, -1] - ordered[:, -2], 0.0)
    logs = np.log(np.maximum(chances, 1e-30))
    gap = logs.max(axis=1) - np.where(valid, logs, np.inf).min(axis=1)
    return np.where(free, np.minimum(gap, LARGEST_GAP), 0.0)
