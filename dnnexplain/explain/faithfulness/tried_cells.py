"""Single cells on trial: what a map gives to them against what the network does when they change.

A map is drawn cell by cell, so sums by group cannot vouch for it: cells that are shuffled inside their groups
keep every sum. Two trials look inside the groups. Both change many cells at once by a random vector of signs
``v`` and compare ``sum_i v_i m_i``, which the map ``m`` tells, with a difference of two real values of the target.

A *slope* is tried by small nudges of all cells (a central difference along ``v``)::

    (F(x + h v) - F(x - h v)) / 2h

whose mean square distance from what is told is the squared distance of the map from the gradient (Hutchinson
1990). A *share* is tried by halves: ``v`` is balanced in every knob group, so the group's sum cancels, and one half
of the cells is as in the state where the other is as in the baseline, then the other way round::

    F(middle + v * half way) - F(middle - v * half way)

For a network that is linear on the way both are exact. The cells that are mixed need not be a state that can occur:
the map speaks of cells, so cells are what is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.explain.networks.hooks import tensor

if TYPE_CHECKING:
    from dnnexplain.explain.faithfulness.tried_map import Case

__all__ = ["apart", "concordance", "cosine", "half_signs", "halves", "nudges"]

_NUDGE = 1e-3
"""Of the input's range: small against the distance to a bend, large against the rounding of float32."""

Trial = tuple[NDArray[np.float64], NDArray[np.float64]]
"""What the map tells and what the network does ``[k]``."""


def concordance(predicted: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """``2 told.real / (told.told + real.real)``: 1 if equal, 0 if unrelated, -1 if reversed; NaN if both are zero.

    Lin's coefficient (1989, Biometrics 45) about zero. Unlike a correlation it sees the scale: three times the
    right values give 0.6.
    """
    size = float(predicted @ predicted + real @ real)
    return float(2.0 * (predicted @ real)) / size if size > 1e-18 else float("nan")


def cosine(predicted: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """The same without the scale, for scores in units of their own; 0 where one of the two is zero."""
    size = float(np.sqrt((predicted @ predicted) * (real @ real)))
    if size > 1e-18:
        return float(predicted @ real) / size
    return 0.0 if predicted.any() or real.any() else float("nan")


def nudges(case: Case, count: int) -> Trial:
    """All cells nudged up or down at random, ``count`` times."""
    here = case.observation.astype(np.float64)
    span = float(np.ptp(np.concatenate([here.ravel(), case.attribution.references.ravel()]))) or 1.0
    size = _NUDGE * span
    signs = np.random.default_rng(case.seed).choice([-1.0, 1.0], size=(count, *here.shape))
    return _predicted(case, signs), (_values(case, here + size * signs) - _values(case, here - size * signs)) / (
        2.0 * size
    )


def halves(case: Case, count: int) -> Trial | None:
    """Half of each group's cells as in the state, half as in the baseline, ``count`` times; ``None`` without such cells."""
    signs = half_signs(case, count)
    return (_predicted(case, signs), apart(case, signs)) if signs.any() else None


def half_signs(case: Case, count: int) -> NDArray[np.float64]:
    """The signs of :func:`halves` ``[count, ...]``: +1 as in the state, -1 as in the baseline, 0 half-way."""
    here = case.observation
    there = case.attribution.references.mean(axis=0, dtype=np.float64)
    signs = _balanced(case.system.cell_group.ravel(), (here != there).ravel(), count, case.seed)
    return signs.reshape(count, *here.shape)


def apart(case: Case, signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """``F(middle + v * half way) - F(middle - v * half way)`` for signs ``v [count, ...]``: ``[count]``."""
    here = case.observation.astype(np.float64)
    there = case.attribution.references.mean(axis=0, dtype=np.float64)
    middle, way = (here + there) / 2.0, (here - there) / 2.0
    return _values(case, middle + signs * way) - _values(case, middle - signs * way)


def _balanced(groups: NDArray[np.int64], moved: NDArray[np.bool_], count: int, seed: int) -> NDArray[np.float64]:
    """Signs ``[count, cells]`` that sum to zero in every group; 0 for a cell that did not move, and for an odd one."""
    rng = np.random.default_rng(seed)
    signs = np.zeros((count, groups.size))
    for group in np.unique(groups[moved]):
        places = np.flatnonzero((groups == group) & moved)
        pairs = len(places) // 2
        row = np.concatenate([np.ones(pairs), -np.ones(pairs), np.zeros(len(places) % 2)])
        signs[:, places] = rng.permuted(np.tile(row, (count, 1)), axis=1)
    return signs


def _predicted(case: Case, signs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(signs.reshape(len(signs), -1) @ case.attribution.map.ravel())


def _values(case: Case, observations: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = tensor(observations.astype(np.float32))
    return np.asarray(case.question.problem.values(seen, torch.zeros(len(seen), dtype=torch.long)).numpy())
