"""What a run trains on and is checked on: one family of workloads, or a mix of families and rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy
from dnnexplain.policies.training.recipe import Recipe
from dnnexplain.registry import spec_of

__all__ = ["HELD_OUT_SETS", "Cell", "Checks", "cells", "draw", "seed_of"]

HELD_OUT_SETS = 100
"""Held-out workloads of a run on one family."""

_SETS_PER_CELL = 8
"""Held-out workloads of each cell of a mix."""

_HELD_OUT = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One family at one rate, and how much of the training is drawn from it."""

    family: str
    settings: Mapping[str, Any]
    share: float


def cells(workload: Mapping[str, Any]) -> list[Cell]:
    """The cells of a recipe's ``workload``, the one at home first; shares sum to 1."""
    if workload["name"] != "mix":
        settings = {name: value for name, value in workload.items() if name != "name"}
        return [Cell(workload["name"], settings, 1.0)]
    steps, home = workload["steps"], workload["home"]
    grid = [(name, rate) for name in workload["families"] for rate in workload["rates"]]
    first = Cell(home["name"], {"rate": home["rate"], "steps": steps}, float(home["share"]))
    others = (1 - first.share) / len(grid)
    return [first, *(Cell(name, {"rate": rate, "steps": steps}, others) for name, rate in grid)]


def seed_of(seed: int, *path: int) -> int:
    """A seed for one purpose and position of a run."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0])


def draw(system: Any, workload: Mapping[str, Any], count: int, seed: int) -> list[Any]:
    """Workloads to train on: of a mix, as near to its shares as ``count`` allows, the rest by chance.

    Systematic sampling: one random offset, then every ``1 / count`` of the shares laid end to end.
    """
    parts = cells(workload)
    if len(parts) == 1:
        return list(system.workloads(parts[0].family, count, seed, **parts[0].settings))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(parts))
    edges = np.cumsum([parts[i].share for i in order])
    places = order[np.minimum(np.searchsorted(edges, (rng.random() + np.arange(count)) / count), len(parts) - 1)]
    drawn: list[Any] = []
    for place, number in zip(*np.unique(places, return_counts=True), strict=True):
        part = parts[place]
        drawn += system.workloads(part.family, int(number), seed_of(seed, int(place)), **part.settings)
    return drawn


class Checks:
    """Held-out workloads of the training distribution, never trained on: they pick the best weights.

    On one family the score is the mean cost. On a mix it is the mean over its cells of the cost as a
    multiple of the yardstick's, plus how far the worst cell lies above 1: a network that wins at home by
    giving up a corner of the grid does not pass for the best.

    Args:
        system: draws and runs workloads.
        recipe: names the workload, and with ``imitate`` the yardstick of a mix.
        seed: of the run.
        count: workloads; of a mix, per cell, ``None`` for the usual number.
    """

    def __init__(self, system: Any, recipe: Recipe, seed: int, count: int | None = None) -> None:
        self.system, self.seed = system, seed
        self.wrong = tuple(metric.name for metric in spec_of(system).metrics if metric.wrong and metric.total)
        parts = cells(recipe.workload)
        drawn = seed_of(seed, _HELD_OUT)
        self.mixed = len(parts) > 1
        each = count or (_SETS_PER_CELL if self.mixed else HELD_OUT_SETS)
        seeds = [seed_of(drawn, place) for place in range(len(parts))] if self.mixed else [drawn]
        groups = [system.workloads(part.family, each, s, **part.settings) for part, s in zip(parts, seeds, strict=True)]
        self.workloads = [item for group in groups for item in group]
        self.cell = np.repeat(np.arange(len(parts)), each)
        self.yardstick: NDArray[np.float64] | None = None
        if self.mixed:
            self.yardstick = self._by_cell(system.run(system.rules()[recipe.imitate], self.workloads).cost)

    def _by_cell(self, cost: Any) -> NDArray[np.float64]:
        return np.asarray(np.bincount(self.cell, np.asarray(cost)) / np.bincount(self.cell))

    def measure(self, policy: Policy) -> tuple[float, dict[str, float]]:
        """A score, the lower the better, and the figures of drawing actions and of taking the best."""
        scores, figures = [], dict[str, float]()
        for name, sample in (("sampled", True), ("greedy", False)):
            episodes = self.system.run(policy, self.workloads, seed=self.seed, sample=sample)
            figures[name] = float(episodes.cost.mean())
            figures |= {f"{name}_{wrong}": float(episodes.metrics[wrong].sum()) for wrong in self.wrong}
            scores.append(figures[name])
            if self.yardstick is not None:
                ratio = self._by_cell(episodes.cost) / self.yardstick
                figures |= {
                    f"{name}_home": float(ratio[0]),
                    f"{name}_mean": float(ratio.mean()),
                    f"{name}_worst": float(ratio.max()),
                }
                scores[-1] = float(ratio.mean() + max(0.0, ratio.max() - 1))
        return sum(scores) / 2, figures
