"""A tree's questions chosen anew, one at a time, each for what the rest of the tree makes of it.

A tree is grown from the root down, each question as though leaves followed; once they are known, a better question can
often be found. Tree alternating optimisation (Carreira-Perpinan and Tavallali, NeurIPS 2018) goes from the leaves up:
a state matters to a question only where one side decides it as the teacher does and the other does not; the
question that sends most of these, by weight, to their right side replaces the old one. Agreement on the states it is
fitted to never falls, and the tree's shape stays.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.distillation.decisions import Decisions
from dnnexplain.explain.distillation.tree import LEAF, Tree

__all__ = ["Refiner", "refining_weight"]

BINS = 256
"""Thresholds that are tried for a feature, at most."""
SWEEPS = 8
"""From the leaves to the root, at most so often."""
BETTER = 1e-9
STUDENTS = 1.0 / 3.0
"""What a state that only a student met counts beside one of the teacher's."""


class Refiner:
    """Refines trees for the same decisions.

    Args:
        known: what to agree with; from labels, not from chances or losses.
        weight: of each decision ``[N]``; those of none are left out.
    """

    def __init__(self, known: Decisions, weight: NDArray[np.float64]) -> None:
        self.known = known if (weight > 0).all() else _only(known, weight > 0)
        self.weight = weight[weight > 0]
        self.move = self.known.move
        self._allowed = np.take_along_axis(self.known.valid, self.known.moves, axis=1)
        self._hit = self.known.moves == self.known.action[:, None]
        self._right: dict[tuple[int, ...], NDArray[np.bool_]] = {}
        coded = [_coded(column) for column in self.known.features.T]
        self.cuts = [cuts for cuts, _ in coded]
        self.codes = [codes for _, codes in coded]

    def refined(self, tree: Tree) -> Tree:
        """The tree after the last sweep that raised agreement."""
        best, most = tree, self.agreement(tree)
        for _ in range(SWEEPS):
            swept = self._swept(best)
            now = self.agreement(swept)
            if now <= most + BETTER:
                break
            best, most = swept, now
        return tree if best is tree else self._settled(best)

    def _settled(self, tree: Tree) -> Tree:
        """Without questions that all states answer alike; scores and weights of all nodes as they are now."""
        while True:
            reached = _reached(tree, self.known.features)
            idle = [
                (node, len(reached[tree.left[node]]) > 0)
                for node in np.flatnonzero(tree.feature != LEAF).tolist()
                if len(reached[tree.left[node]]) == 0 or len(reached[tree.right[node]]) == 0
            ]
            if not idle:
                break
            tree = tree.without(idle[0][0], left=idle[0][1])
        scores = [
            tree.scores[node] if tree.feature[node] == LEAF else self._scores(rows, tree.scores[node])
            for node, rows in enumerate(reached)
        ]
        weight = np.array([self.weight[rows].sum() for rows in reached]) / self.weight.sum()
        return dataclasses.replace(tree, scores=np.array(scores), weight=weight)

    def agreement(self, tree: Tree) -> float:
        """By weight, the share of the decisions that the tree takes as the teacher does."""
        if not len(self.weight):
            return 1.0
        took = self.known.follow(tree.scores[tree.apply(self.known.features)])
        return float(self.weight @ (took == self.known.action) / self.weight.sum())

    def _swept(self, tree: Tree) -> Tree:
        feature, threshold, scores = tree.feature.copy(), tree.threshold.copy(), tree.scores.copy()
        reached = _reached(tree, self.known.features)
        right: dict[int, NDArray[np.bool_]] = {}  # whether all states would be decided rightly, were they at this node
        for node in range(len(feature) - 1, -1, -1):
            here = reached[node]
            if feature[node] == LEAF:
                scores[node], right[node] = self._leaf(here, scores[node])
                continue
            below, above = right.pop(int(tree.left[node])), right.pop(int(tree.right[node]))
            matters = here[below[here] != above[here]]
            pull = np.where(below[matters], self.weight[matters], -self.weight[matters])
            question = int(feature[node]), float(threshold[node])
            feature[node], threshold[node] = self._question(matters, pull, question)
            left = self.known.features[:, feature[node]] <= threshold[node]
            right[node] = np.where(left, below, above)
        return dataclasses.replace(tree, feature=feature, threshold=threshold, scores=scores)

    def _leaf(
        self, here: NDArray[np.int64], before: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """What a leaf prefers, as before or as the states in it have it, and where that is right ``[N]``."""
        both = []
        for scores in (before, self._scores(here, before)):
            right = self._right_of(tuple(np.argsort(-scores, kind="stable").tolist()))
            both.append((float(self.weight[here] @ right[here]), scores, right))
        _, scores, right = max(both, key=lambda item: item[0])
        return scores, right

    def _right_of(self, order: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where the first allowed move of an order is the teacher's ``[N]``."""
        if order not in self._right:
            first = np.array(order)[self._allowed[:, order].argmax(axis=1)]
            self._right[order] = self._hit[np.arange(len(first)), first]
        return self._right[order]

    def _scores(self, here: NDArray[np.int64], before: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = np.bincount(self.move[here], weights=self.weight[here], minlength=len(before))
        return weights / weights.sum() if weights.sum() > 0 else before

    def _question(
        self, rows: NDArray[np.int64], pull: NDArray[np.float64], now: tuple[int, float]
    ) -> tuple[int, float]:
        """The question that sends left what is pulled there (above zero) and right the rest; ``now`` if none is better."""
        best, most = now, float(pull[self.known.features[rows, now[0]] <= now[1]].sum()) + BETTER
        for place, cuts in enumerate(self.cuts):
            if not len(cuts):
                continue
            sums = np.bincount(self.codes[place][rows], weights=pull, minlength=len(cuts) + 1).cumsum()[:-1]
            at = int(sums.argmax())
            if sums[at] > most:
                best, most = (place, float(cuts[at])), float(sums[at])
        return best


def refining_weight(known: Decisions, first: int) -> NDArray[np.float64]:
    """How much each decision counts for a tree's questions ``[N]``: by its weight, and less where a student led.

    Args:
        known: the decisions.
        first: in so many workloads, the first ones, the teacher led.
    """
    return np.where(known.episode < first, 1.0, STUDENTS) * known.weight


def _coded(column: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Thresholds of a feature, ascending, and in how many of them each value lies above ``[N]``."""
    values = np.unique(column)
    cuts = 0.5 * (values[1:] + values[:-1])
    if len(values) > BINS:
        cuts = np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]))
    return cuts, np.searchsorted(cuts, column, side="left")


def _reached(tree: Tree, features: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """The rows that come to each node."""
    reached = [np.arange(len(features))] + [np.zeros(0, dtype=np.int64)] * (len(tree.feature) - 1)
    for node in np.flatnonzero(tree.feature != LEAF):
        rows = reached[node]
        left = features[rows, tree.feature[node]] <= tree.threshold[node]
        reached[tree.left[node]], reached[tree.right[node]] = rows[left], rows[~left]
    return reached


def _only(known: Decisions, rows: NDArray[np.bool_]) -> Decisions:
    """Some of the decisions, their labels alone."""
    parts = ("features", "valid", "action", "moves", "weight", "episode")
    return Decisions(*(getattr(known, part)[rows] for part in parts))
