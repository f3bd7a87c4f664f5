"""Valid states of a set: drawn at random, listed where they are few, and climbed among for a witness."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, StateSet, System
from dnnexplain.contract.properties import steps_of

__all__ = ["climb", "draw", "listed", "valid_in"]

Floats = NDArray[np.float64]
_TRIES = 30


def valid_in(system: System, states: StateSet, rows: Floats) -> Floats:
    """Those of the rows ``[B, K]``, repaired, that lie in the set."""
    fixed = np.asarray(system.repair(rows), dtype=float)
    return fixed[states.holds(system, fixed)]


def _always() -> bool:
    return True


def draw(
    system: System, states: StateSet, count: int, rng: np.random.Generator, go_on: Callable[[], bool] = _always
) -> Floats:
    """At most ``count`` valid states ``[n, K]`` of a set; fewer where relations are hard to meet by chance.

    ``go_on`` is asked after each try, of which there is always one.
    """
    drawn: list[Floats] = []
    have = 0
    for _ in range(_TRIES):
        rows = _drawn(system, states, count, rng)
        kept = valid_in(system, states, rows)
        drawn.append(kept)
        have += len(kept)
        if have >= count or not go_on():
            break
    return np.concatenate(drawn)[:count]


def _drawn(system: System, states: StateSet, count: int, rng: np.random.Generator) -> Floats:
    sizes = steps_of(system)
    if states.centre is not None and np.isfinite(states.within):
        rows = np.repeat(states.centre[None], count, axis=0)
        free = np.flatnonzero(states.high > states.low)
        if len(free):
            moves = rng.integers(0, int(states.within) + 1, size=count)
            for step in range(int(states.within)):
                moved = free[rng.integers(len(free), size=count)]
                size = sizes[moved] * rng.choice([-1.0, 1.0], size=count) * (step < moves)
                rows[np.arange(count), moved] += size
        return np.clip(rows, states.low, states.high)
    columns = []
    # A share of the rows is drawn near the ends of the ranges, where linear parts have their extremes.
    ends = rng.random((count, len(sizes))) < rng.choice([0.0, 0.5], size=(count, 1))
    for place, knob in enumerate(system.knobs):
        low, high = states.low[place], states.high[place]
        if knob.step is None:
            columns.append(rng.uniform(low, high, count))
        else:
            grid = knob.grid()
            grid = grid[(grid >= low - 1e-9) & (grid <= high + 1e-9)]
            columns.append(grid[rng.integers(len(grid), size=count)])
    rows = np.stack(columns, axis=1)
    extreme = np.where(rng.random(rows.shape) < 0.5, states.low, states.high)
    return np.where(ends, extreme, rows)


def listed(system: System, states: StateSet, most: int) -> Floats | None:
    """All valid states of a set ``[n, K]``, or ``None`` where there may be more than ``most``."""
    free = np.flatnonzero(states.high > states.low)
    if any(system.knobs[place].step is None for place in free):
        return None
    grids = []
    for place in free:
        grid = system.knobs[place].grid()
        grids.append(grid[(grid >= states.low[place] - 1e-9) & (grid <= states.high[place] + 1e-9)])
    base = (states.low if states.centre is None else states.centre).copy()
    base[states.high <= states.low] = states.low[states.high <= states.low]
    if states.centre is None or not np.isfinite(states.within):
        if float(np.prod([float(len(grid)) for grid in grids])) > most:
            return None
        options = np.array(list(itertools.product(*grids)), dtype=float).reshape(-1, len(free))
    else:
        costs = [np.abs(grid - base[place]) / steps_of(system)[place] for grid, place in zip(grids, free, strict=True)]
        picked = list(itertools.islice(_within(grids, costs, states.within), most + 1))
        if len(picked) > most:
            return None
        options = np.array(picked, dtype=float).reshape(-1, len(free))
    rows = np.repeat(base[None], len(options), axis=0)
    rows[:, free] = options
    fixed = np.asarray(system.repair(rows), dtype=float)
    valid = np.isclose(fixed, rows).all(axis=1) & states.holds(system, rows)
    return np.asarray(rows[valid])


def _within(grids: list[Floats], costs: list[Floats], left: float) -> Iterator[tuple[float, ...]]:
    if not grids:
        yield ()
        return
    for value, cost in zip(grids[0], costs[0], strict=True):
        if cost <= left + 1e-9:
            for rest in _within(grids[1:], costs[1:], left - cost):
                yield (float(value), *rest)


def climb(
    system: System,
    states: StateSet,
    score: Callable[[Floats], Floats],
    rng: np.random.Generator,
    *,
    samples: int = 2048,
    rounds: int = 12,
    start: Floats | None = None,
    go_on: Callable[[], bool] = _always,
) -> tuple[Floats, float] | None:
    """The best valid state that a short search finds, and its score; ``None`` where none could be drawn.

    Args:
        system, states: where.
        score: of states ``[B, K]``, larger is better ``[B]``.
        rng: draws.
        samples: states drawn at first.
        rounds: of redrawing some knobs of the best ones.
        start: states ``[B, K]`` of the set to begin from, in place of drawn ones.
        go_on: asked after each round and each try to draw; the best by then is taken.
    """
    rows = draw(system, states, samples, rng, go_on) if start is None else start
    if not len(rows):
        return None
    scores = score(rows)
    for _ in range(rounds):
        order = np.argsort(-scores)[:16]
        rows, scores = rows[order], scores[order]
        if scores[0] > 0 or not go_on():
            break
        parents = np.repeat(rows, 32, axis=0)
        fresh = _drawn(system, states, len(parents), rng)
        share = rng.choice([0.05, 0.15, 0.4], size=(len(parents), 1))
        children = valid_in(system, states, np.where(rng.random(parents.shape) < share, fresh, parents))
        if len(children):
            rows, scores = np.concatenate([rows, children]), np.concatenate([scores, score(children)])
    best = int(np.argmax(scores))
    return rows[best], float(scores[best])


def need_states(rows: Floats, what: str) -> None:
    """Refuse a set in which no state was found."""
    if not len(rows):
        msg = f"no valid state was found in which {what} could be asked: the set is empty, or its relations leave too little"
        raise DnnExplainError(msg)
