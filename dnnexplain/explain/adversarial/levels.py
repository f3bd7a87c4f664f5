"""All changes of a state in order of cost, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.adversarial.moves import ROUNDING, Moves

__all__ = ["BATCH", "several", "single", "width"]

Floats = NDArray[np.float64]

BATCH = 4096
"""States that are decided at once: 40 MB of a picture of 2,480 cells."""

FIRST_BATCH = 256
"""The first batch is small: a close answer comes at once."""


def single(moves: Moves, above: float = 0.0) -> Iterator[tuple[Floats, float]]:
    """Changes of one atom that cost more than ``above``, cheapest first: batches ``[B, K]``.

    With each batch comes the cost up to which all have been given once it is done.
    """
    if not moves.atoms:
        return
    values = np.concatenate([moves.states(atom) for atom in moves.atoms])
    cost = np.round(np.concatenate([atom.cost for atom in moves.atoms]), 9)
    order = np.argsort(cost, kind="stable")
    order = order[cost[order] > above + ROUNDING]
    at, size = 0, FIRST_BATCH
    while at < len(order):
        chosen = order[at : at + size]
        at, size = at + size, min(4 * size, BATCH)
        complete = cost[order[at]] - ROUNDING if at < len(order) else np.inf
        before = cost[chosen[cost[chosen] < complete]]
        yield values[chosen], float(before.max(initial=above)) if at < len(order) else np.inf


def width(moves: Moves) -> float:
    """The smallest cost of a change: levels are this far apart."""
    return float(min(atom.cost[0] for atom in moves.atoms))


def several(moves: Moves, low: float, high: float, most: int, limit: Callable[[], float]) -> Iterator[Floats]:
    """Changes of two to ``most`` atoms that cost above ``low`` and at most ``high``, in batches ``[B, K]``.

    Args:
        moves: the atoms.
        low, high: costs.
        most: atoms that may change together.
        limit: asked between batches; what costs as much or more is left out.
    """
    waiting: list[Floats] = []
    count = 0
    for chosen in _choices(moves, low, min(high, limit()), most):
        for block in _products(moves, chosen):
            waiting.append(block)
            count += len(block)
            if count >= BATCH:
                yield np.concatenate(waiting)
                waiting, count = [], 0
                if low >= limit() - ROUNDING:
                    return
    if waiting:
        yield np.concatenate(waiting)


Chosen = list[tuple[int, slice]]


def _choices(moves: Moves, low: float, high: float, most: int) -> Iterator[Chosen]:
    """Which atoms change, and by which run of equally dear rows."""
    classes = [atom.classes() for atom in moves.atoms]
    left = np.r_[np.cumsum([runs[-1][0] for runs in reversed(classes)])[::-1], 0.0]

    def pick(at: int, chosen: Chosen, spent: float) -> Iterator[Chosen]:
        if spent + left[at] <= low + ROUNDING or len(chosen) > most:
            return
        if at == len(classes):
            if len(chosen) > 1:
                yield chosen
            return
        yield from pick(at + 1, chosen, spent)
        if len(chosen) < most:
            for cost, run in classes[at]:
                if spent + cost > high + ROUNDING:
                    break
                yield from pick(at + 1, [*chosen, (at, run)], spent + cost)

    yield from pick(0, [], 0.0)


def _products(moves: Moves, chosen: Chosen) -> Iterator[Floats]:
    """All combinations of the rows of the chosen runs, at most a batch at a time."""
    sizes = [run.stop - run.start for _, run in chosen]
    total = int(np.prod([float(size) for size in sizes]))
    for first in range(0, total, BATCH):
        places = np.unravel_index(np.arange(first, min(first + BATCH, total)), sizes)
        values = np.repeat(moves.base.values[None], len(places[0]), axis=0)
        for (at, run), place in zip(chosen, places, strict=True):
            values[:, list(moves.atoms[at].knobs)] = moves.atoms[at].rows[run.start + place]
        yield values
