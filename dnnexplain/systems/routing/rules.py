"""Hand-written ways to split traffic: the yardsticks that a learned router must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.routing.hedged import hedged_splits
from dnnexplain.systems.routing.oblivious import best_oblivious_splits, can_be_solved, too_large
from dnnexplain.systems.routing.oracle import RoutingOracle
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.utilisation import normalise_splits

__all__ = [
    "FixedSplits",
    "LastOptimum",
    "ecmp_splits",
    "even_splits",
    "lacking_rules",
    "routing_rules",
    "shortest_path_splits",
]

_SOLVED = {"oblivious": "best oblivious splits", "hedged": "hedged splits"}
"""Rules that are linear programs of the size of links times paths."""


def shortest_path_splits(paths: PathSet) -> NDArray[np.float64]:
    """Everything on each pair's first path ``[F]``."""
    return np.asarray(paths.rank == 0, dtype=np.float64)


def ecmp_splits(paths: PathSet) -> NDArray[np.float64]:
    """Equal shares for those of a pair's paths that have the fewest links ``[F]`` (per path, not per hop)."""
    fewest = np.minimum.reduceat(paths.hops, paths.first_path)[paths.pair_of_path]
    return normalise_splits(paths, (paths.hops == fewest).astype(np.float64))


def even_splits(paths: PathSet) -> NDArray[np.float64]:
    """Equal shares for all paths of a pair ``[F]``."""
    return normalise_splits(paths, np.ones(paths.count))


class FixedSplits:
    """A policy that splits every traffic matrix in the same way.

    Args:
        name: for tables.
        splits: split ratios ``[F]``, or a function that computes them when first needed.
    """

    def __init__(self, name: str, splits: NDArray[np.float64] | Callable[[], NDArray[np.float64]]) -> None:
        self.name = name
        self._splits = splits

    @property
    def splits(self) -> NDArray[np.float64]:
        """The split ratios ``[F]``."""
        if callable(self._splits):
            self._splits = self._splits()
        return self._splits

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Split ratios ``[B, F]`` for any observations ``[B, ...]``."""
        return np.tile(self.splits, (len(observations), 1))


class LastOptimum:
    """Routes as would have been optimal for the newest matrix that it sees.

    Where the policy sees the matrix that must be routed, that is the optimum itself.

    Args:
        name: for tables.
        oracle: solves for the optimum.
    """

    def __init__(self, name: str, oracle: RoutingOracle) -> None:
        self.name = name
        self.oracle = oracle

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Optimal splits ``[B, F]`` of observations ``[B, P]``, or of the last of ``[B, H, P]``."""
        rows = np.asarray(observations, dtype=np.float64)
        newest = rows[:, -1] if rows.ndim == 3 else rows
        if not len(newest):
            return np.empty((0, self.oracle.paths.count))
        # What splits of an earlier matrix cost on the present one depends on which of the optimal ones they are.
        return np.array([self.oracle.solve(row).splits for row in newest])


def routing_rules(paths: PathSet, oracle: RoutingOracle, *, history: bool) -> Mapping[str, Any]:
    """The rules by name; ``optimum`` is called ``last-optimum`` where only earlier matrices are seen.

    ``oblivious`` splits minimise the worst-case ratio over all demands (Applegate and Cohen, SIGCOMM
    2003); ``hedged`` ones are best on usual traffic among those whose worst cases are bounded (see
    :mod:`~dnnexplain.systems.routing.hedged`). Both are computed when first used, and no rules of a
    topology for which that is too much.
    """
    rules: list[FixedSplits | LastOptimum] = [
        FixedSplits("shortest-path", shortest_path_splits(paths)),
        FixedSplits("ecmp", ecmp_splits(paths)),
        FixedSplits("even", even_splits(paths)),
        LastOptimum("last-optimum" if history else "optimum", oracle),
    ]
    if can_be_solved(paths):
        rules += [FixedSplits("oblivious", _Oblivious(paths)), FixedSplits("hedged", _Hedged(paths))]
    return {rule.name: rule for rule in rules}


def lacking_rules(paths: PathSet) -> Mapping[str, str]:
    """By name, the rules that a topology has not, and why."""
    if can_be_solved(paths):
        return {}
    return {name: too_large(paths, what) for name, what in _SOLVED.items()}


class _Oblivious:
    """Computes the best oblivious splits; a class so that a rule can be sent to other processes."""

    def __init__(self, paths: PathSet) -> None:
        self.paths = paths

    def __call__(self) -> NDArray[np.float64]:
        return best_oblivious_splits(self.paths)[0]


class _Hedged:
    """Finds the hedged splits; a class for the same reason."""

    def __init__(self, paths: PathSet) -> None:
        self.paths = paths

    def __call__(self) -> NDArray[np.float64]:
        return hedged_splits(self.paths, ecmp_splits(self.paths))
