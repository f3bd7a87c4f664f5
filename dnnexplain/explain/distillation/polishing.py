"""A tree made better by what its episodes cost: changed one question or leaf at a time, kept if the cost falls.

Learning from labels makes a tree that says what its teacher says; what matters is what its episodes cost. A tree of
few leaves that departs from its teacher does so better where it is cheap, which labels do not tell. The price: the more
a tree is tuned by its own cost, the less it says about the network it came from; ``Distillation.fidelity`` tells how
much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Distillable
from dnnexplain.explain.distillation.changing import changed
from dnnexplain.explain.distillation.cutting import cut_by_losses
from dnnexplain.explain.distillation.near_equal import cost_of, costs_of
from dnnexplain.explain.distillation.tree import Tree

__all__ = ["Race", "polish"]

Floats = NDArray[np.float64]
PARTS = (0.04, 0.12, 0.4)
"""Shares of the workloads after which a trial that is worse by more than :data:`SURE` standard errors, or that changed no
cost, is given up."""
SURE = 0.5
"""Fewer than usual: most trials are worse, and what they cost is what a search can try less of."""
PROPOSED = 0.4
"""Of trials, the share that known losses propose."""
ENOUGH = 30
"""Workloads below which no trial is given up early."""
TWICE = 0.3
"""Of drawn trials, the share with two changes at once."""
ROWS = 5_000
"""States from which thresholds are drawn, at most."""


def polish(
    system: Distillable,
    tree: Tree,
    features: Floats,
    workloads: Sequence[Any],
    *,
    trials: int,
    seed: int,
    leaves: int = 0,
    held: Sequence[Any] = (),
    losses: Floats | None = None,
    over: Callable[[], bool] = lambda: False,
) -> tuple[Tree, float]:
    """Hill climbing (first improvement) from a tree, ended by held-out workloads.

    A trial (:func:`changing.changed`) is kept if the mean cost of ``workloads`` falls, or if it stays and the tree gets
    shorter. Of all trees that were kept, the one that costs least on ``held`` is returned: what only fits the
    workloads by which it was tuned is undone.

    Args:
        system: in which costs are measured.
        tree: to begin with.
        features: of visited states, from which thresholds are drawn ``[N, F]``.
        workloads: on which; they must not be those of the figures.
        trials: how many.
        seed: of the trials, and of the runs.
        leaves: how many there may be; no more than there are if 0.
        held: other workloads; without any, ``workloads`` decide.
        losses: what each move loses in the states of ``features`` ``[N, R]``, where that is known: four trials in ten are
            then cuts that these propose (:func:`cutting.cut_by_losses`).
        over: asked before each trial; once true, the best tree so far is returned.

    Returns:
        The best tree and its mean cost on ``held``, or on ``workloads`` without any.
    """
    rng = np.random.default_rng(seed)
    if len(features) > ROWS:
        some = rng.choice(len(features), ROWS, replace=False)
        features, losses = features[some], None if losses is None else losses[some]
    race, most = Race(system, tree, workloads, seed, rng), max(leaves, tree.leaves)
    judges = held or workloads
    best, least = tree, cost_of(system, tree, judges, seed)
    for _ in range(trials):
        if over():
            break
        now = race.tree
        room = now.leaves < most
        if losses is not None and rng.random() < PROPOSED:
            trial = cut_by_losses(now, features, losses, rng, room=room)
        else:
            trial = changed(now, features, rng, room=room)
            if trial is not None and rng.random() < TWICE:
                trial = changed(trial, features, rng, room=trial.leaves < most)
        if trial is None or not race.won(trial):
            continue
        cost = cost_of(system, trial, judges, seed)
        if cost <= least:
            best, least = trial, cost
    return best, least


class Race:
    """A tree that gives way to one that costs less; both are run on the same workloads, in the same parts.

    Args:
        system: in which costs are measured.
        tree: the first holder.
        workloads: in any order.
        seed: of the runs.
        rng: shuffles the workloads once.
    """

    def __init__(
        self, system: Distillable, tree: Tree, workloads: Sequence[Any], seed: int, rng: np.random.Generator
    ) -> None:
        self.system, self.tree, self.seed = system, tree, seed
        order = rng.permutation(len(workloads))
        cuts = [round(share * len(order)) for share in PARTS]
        self.parts = [[workloads[place] for place in part] for part in np.split(order, cuts) if len(part)]
        self.costs = [costs_of(system, tree, part, seed) for part in self.parts]

    def won(self, trial: Tree) -> bool:
        """Whether a trial takes the tree's place; it is given up early where it is clearly worse."""
        own: list[Floats] = []
        for part in self.parts:
            own.append(costs_of(self.system, trial, part, self.seed))
            worse = np.concatenate(own) - np.concatenate(self.costs[: len(own)])
            shorter = trial.leaves < self.tree.leaves
            if len(own) < len(self.parts) and len(worse) >= ENOUGH and not _hopeful(worse, shorter):
                return False
        lost = worse.sum()
        if lost > 0 or (lost == 0 and not shorter):
            return False
        self.tree, self.costs = trial, own
        return True


def _hopeful(worse: Floats, shorter: bool) -> bool:
    """Whether a trial may still be kept, by what it costs more on some workloads ``[W]``."""
    if not worse.any():
        return shorter
    return bool(worse.mean() <= SURE * worse.std() / np.sqrt(len(worse)))
