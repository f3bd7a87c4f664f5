"""Trees grown from labelled decisions: the student's of each round, and a seed's path of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation.cost_trees import grow_by_cost
from dnnexplain.explain.distillation.decisions import Decisions
from dnnexplain.explain.distillation.optimal import grow_optimal
from dnnexplain.explain.distillation.tree import Tree, grow, snapped
from dnnexplain.explain.distillation.world import Distillable, absent_of
from dnnexplain.parallel import child_seed

__all__ = ["Settings", "all_snapped", "grow_path", "student_tree"]

LARGEST = 200
SAMPLING = 3_000


@dataclass(frozen=True)
class Settings:
    """What :func:`distil` was asked for."""

    leaves: int
    rounds: int
    sets: int
    unseen: int
    seeds: int
    seed: int
    weighting: str
    optimal_depth: int
    polish: int = 0
    polish_sets: int = 0

    @property
    def plain(self) -> str:
        """The weighting where nothing is learned: what each move costs need not be known there."""
        return "none" if self.weighting == "cost" else self.weighting

    def check(self) -> None:
        """Refuse numbers that are out of range.

        Raises:
            DnnExplainError: one is.
        """
        least = {"leaves": 2, "sets": 2, "unseen": 2, "seeds": 1, "rounds": 0, "polish": 0, "polish_sets": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                msg = f"{name} must be at least {low}, not {getattr(self, name)}"
                raise DnnExplainError(msg)

    def child(self, place: int) -> int:
        """An independent seed for one purpose."""
        return int(child_seed(self.seed, place).generate_state(1)[0])


def student_tree(known: Decisions, count: int, settings: Settings, seed: int) -> Tree:
    """The tree whose states are visited next."""
    if known.losses.size:
        return grow_by_cost(known, known.weight, [settings.leaves], seed)[0]
    return _tree(known, known.weight, settings.leaves, count, seed)


def _tree(known: Decisions, weight: NDArray[np.float64], leaves: int, count: int, seed: int) -> Tree:
    features, moves, weights = known.lessons(weight)
    return grow(features, moves, weights, count=count, leaves=leaves, seed=seed % 2**32)


def grow_path(known: Decisions, sizes: NDArray[np.int64], count: int, settings: Settings, turn: int) -> list[Tree]:
    """Per size: the largest tree of one seed's pruning path with at most so many leaves."""
    seed = settings.child(SAMPLING + turn)
    drawn = _resampled(known.weight, seed)
    if known.losses.size:
        fitting = [int(size) for size in sizes if size <= settings.leaves]
        grown = grow_by_cost(known, drawn, fitting, seed)
        return [*grown, *grown[-1:] * (len(sizes) - len(fitting))]
    full = _tree(known, drawn, max(LARGEST, settings.leaves), count, seed)
    trees, depth = full.along(sizes.tolist()), settings.optimal_depth
    for place in np.flatnonzero(sizes <= 2**depth) if depth else ():
        tree = grow_optimal(*known.lessons(drawn), count=count, leaves=int(sizes[place]), depth=depth, seed=seed)
        trees[place] = tree.simplified()
    return trees


def _resampled(weight: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """How often each decision is drawn when as many as there are are drawn by their weight ``[N]``."""
    if not weight.sum():
        return weight
    drawn = np.random.default_rng(seed).choice(len(weight), len(weight), p=weight / weight.sum())
    return np.bincount(drawn, minlength=len(weight)).astype(np.float64)


def all_snapped(system: Distillable, trees: Sequence[Tree], known: Decisions) -> list[Tree]:
    """Trees whose questions for what is absent say so; a tree that comes several times stays one."""
    done = {id(tree): snapped(tree, known.features, system.features.names, absent_of(system)) for tree in trees}
    return [done[id(tree)] for tree in trees]
