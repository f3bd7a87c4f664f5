"""Climbing over knobs: from many starts, one knob and then one block of knobs at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System
from dnnexplain.explain.probing.knob_blocks import Blocks, block_values
from dnnexplain.explain.probing.neurons import random_values

__all__ = ["BLOCK_LIMIT", "Climb", "climb", "wander"]

BLOCK_LIMIT = 2048
"""Blocks with more values than this are changed one knob at a time; also the states scored at once."""

_CROWD, _ROUNDS, _QUIET, _TOGETHER = 64, 60, 6, 3
"""Of :func:`wander`: states a round, rounds at most, rounds without gain that end it, knobs moved together."""
_AGAIN = 8
"""How often a wander that helped is followed by another climb."""

Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Climb:
    """Where a search ended.

    Attributes:
        values: the best ones ``[K]``.
        score: of these.
        starts, evaluated: how many starts were climbed and states scored.
        stopped: whether it was cancelled.
        settled: whether no change of a single block, on its whole grid, improves ``values``.
    """

    values: NDArray[np.float64]
    score: float
    starts: int = 0
    evaluated: int = 0
    stopped: bool = False
    settled: bool = False


def climb(
    system: System,
    score: Score,
    blocks: Blocks,
    *,
    restarts: int,
    seed: int,
    starts: Sequence[NDArray[np.float64]] = (),
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Climb:
    """Maximise a score ``[B, K] -> [B]`` over valid knob values.

    Each start is climbed by single knobs until none helps, then by whole blocks; a block that helps
    starts the round anew. The end of a start is a state that no change of a single block improves
    (where the block has at most :data:`BLOCK_LIMIT` values). The best end is then left by random changes of up to
    three knobs together, and climbed anew as long as that helps.

    Args:
        system: whose knobs and ``repair`` are used.
        score: what is maximised.
        blocks: of its knobs.
        restarts: random starts, beside those given; at least one start is made.
        seed: draws the starts.
        starts: valid values to start from.
        cancel: ends the search after the current batch.
        progress: called with the fraction of starts done.
    """
    rng = np.random.default_rng(seed)
    given = [np.asarray(row, dtype=np.float64) for row in starts]
    drawn = max(restarts, 0 if given else 1)
    rows = [*given, *(random_values(system, drawn, rng) if drawn else [])]
    moves = _Moves(system, score, cancel)
    best, at_best, made = -np.inf, rows[0], 0
    for row in rows:
        if moves.stopped and made:
            break
        values, reached = _ascend(moves, row, blocks)
        made += 1
        if reached > best:
            best, at_best = reached, values
        if progress is not None:
            progress(made / len(rows))
    for again in range(_AGAIN):
        if moves.stopped:
            break
        there, higher, seen = wander(
            system, score, at_best, best, rng=np.random.default_rng([seed, again]), cancel=cancel
        )
        moves.evaluated += seen
        if higher <= best:
            break
        at_best, best = _ascend(moves, there, blocks)
    small = all(_count(system, block) <= BLOCK_LIMIT for block in blocks.knobs if len(block) > 1)
    discrete = all(knob.step is not None for knob in system.knobs)
    settled = small and discrete and not moves.stopped
    return Climb(at_best, float(best), made, moves.evaluated, moves.stopped, settled)


def wander(
    system: System,
    score: Score,
    values: NDArray[np.float64],
    reached: float,
    *,
    rng: np.random.Generator,
    cancel: Event | None = None,
) -> tuple[NDArray[np.float64], float, int]:
    """Plain hill climbing by random changes of one to three knobs: where it ends, its score, states looked at.

    Args:
        system: whose knobs and ``repair`` are used.
        score: what is maximised, ``[B, K] -> [B]``.
        values, reached: where it starts ``[K]``, and the score there.
        rng: draws the changes.
        cancel: ends it after the present round.
    """
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    evaluated = quiet = 0
    for _ in range(_ROUNDS):
        if quiet == _QUIET or (cancel is not None and cancel.is_set()):
            break
        rows = np.repeat(values[None], _CROWD, axis=0)
        for _ in range(_TOGETHER):  # the same knob may be drawn twice: then fewer move
            knobs = rng.integers(len(low), size=_CROWD)
            drawn = rng.uniform(low[knobs], high[knobs])
            ends = rng.integers(4, size=_CROWD)
            rows[np.arange(_CROWD), knobs] = np.where(ends == 0, low[knobs], np.where(ends == 1, high[knobs], drawn))
        rows = np.asarray(system.repair(rows), dtype=np.float64)
        scores = score(rows)
        evaluated += _CROWD
        best = int(scores.argmax())
        gained = scores[best] > reached + 1e-6 * max(1.0, abs(reached))
        quiet = 0 if gained else quiet + 1
        if gained:
            values, reached = rows[best], float(scores[best])
    return values, reached, evaluated


def _count(system: System, block: tuple[int, ...]) -> float:
    return float(np.prod([len(system.knobs[i].grid()) for i in block], dtype=np.float64))


class _Moves:
    """Scores candidates in batches, counts them, and minds the cancel flag."""

    def __init__(self, system: System, score: Score, cancel: Event | None) -> None:
        self.system, self.score, self.cancel = system, score, cancel
        self.evaluated = 0

    @property
    def stopped(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def best(self, candidates: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        rows = self.system.repair(candidates)
        pieces = np.array_split(rows, max(1, -(-len(rows) // BLOCK_LIMIT)))
        scores = np.concatenate([self.score(piece) for piece in pieces])
        self.evaluated += len(rows)
        place = int(scores.argmax())
        return rows[place], float(scores[place])


def _ascend(moves: _Moves, start: NDArray[np.float64], blocks: Blocks) -> tuple[NDArray[np.float64], float]:
    values, reached = moves.best(start[None])
    singles = [(k,) for k in range(len(start))]
    wholes = [block for block in blocks.knobs if len(block) > 1]
    improved = True
    while improved and not moves.stopped:
        values, reached, _ = _round(moves, values, reached, singles, until_quiet=True)
        values, reached, improved = _round(moves, values, reached, wholes, until_quiet=False)
    return values, reached


def _round(
    moves: _Moves, values: NDArray[np.float64], reached: float, parts: Sequence[tuple[int, ...]], *, until_quiet: bool
) -> tuple[NDArray[np.float64], float, bool]:
    """Try all values of each part in turn, keeping what helps; repeat until a round helps no more if asked."""
    ever = False
    while True:
        helped = False
        for part in parts:
            if moves.stopped:
                return values, reached, ever
            candidates = _values_of(moves.system, values, part)
            if candidates is None or not len(candidates):
                continue
            at, score = moves.best(candidates)
            if score > reached + 1e-9 * max(1.0, abs(reached)):
                values, reached, helped = at, score, True
        ever |= helped
        if not (helped and until_quiet):
            return values, reached, ever


def _values_of(system: System, values: NDArray[np.float64], part: tuple[int, ...]) -> NDArray[np.float64] | None:
    """All values of a part; a single knob also where ``repair`` would move others along with it."""
    if len(part) > 1:
        return block_values(system, values, part, BLOCK_LIMIT, points=21)
    grid = system.knobs[part[0]].grid()
    rows = np.repeat(values[None], len(grid), axis=0)
    rows[:, part[0]] = grid
    return rows
