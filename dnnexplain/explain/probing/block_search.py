"""Climbing over knobs: from many starts, one knob and then one block of knobs at a time.

A search asks for the scores of a batch of candidates and waits for them. So one search may run alone, or many side by
side, whose candidates are made valid and scored together; either way each takes the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import System
from dnnexplain.explain.probing.knob_blocks import Blocks, block_values
from dnnexplain.explain.probing.neurons import random_values

__all__ = ["BLOCK_LIMIT", "Climb", "climb", "climb_together", "wander"]

BLOCK_LIMIT = 2048
"""Blocks with more values than this are changed one knob at a time; also the states scored at once."""

_CROWD, _ROUNDS, _QUIET, _TOGETHER = 64, 60, 6, 3
"""Of :func:`wander`: states a round, rounds at most, rounds without gain that end it, knobs moved together."""
_AGAIN = 8
"""How often a wander that helped is followed by another climb."""

Rows = NDArray[np.float64]
Score = Callable[[Rows], Rows]
ScoreEach = Callable[[Rows, NDArray[np.int64]], Rows]
"""Scores ``[B]`` of values ``[B, K]``, each of which belongs to one search ``[B]``."""


Asking = Generator[Rows, tuple[Rows, Rows], Any]
"""A search: gives candidates ``[B, K]``, is told the valid values that they became and their scores; returns its end."""


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

    values: Rows
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
    starts: Sequence[Rows] = (),
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

    def alone(rows: Rows, _owners: NDArray[np.int64]) -> Rows:
        return score(rows)

    climbed = climb_together(
        system, alone, blocks, restarts=restarts, seeds=(seed,), starts=(starts,), cancel=cancel, progress=progress
    )
    return climbed[0]


def climb_together(
    system: System,
    score: ScoreEach,
    blocks: Blocks,
    *,
    restarts: int,
    seeds: Sequence[int],
    starts: Sequence[Sequence[Rows]],
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Climb]:
    """Several climbs (see :func:`climb`), one per seed, whose candidates are repaired and scored together.

    Args:
        system, blocks, restarts, cancel, progress: see :func:`climb`; progress counts the starts of all.
        score: of values and the number of the climb that each belongs to.
        seeds: of each climb.
        starts: of each climb, valid values to start from.
    """
    tell = _Progress(len(seeds), progress)
    searches = [
        _climbing(system, blocks, restarts, seed, given, cancel, tell)
        for seed, given in zip(seeds, starts, strict=True)
    ]
    return _side_by_side(system, score, searches)


def wander(
    system: System,
    score: Score,
    values: Rows,
    reached: float,
    *,
    rng: np.random.Generator,
    cancel: Event | None = None,
) -> tuple[Rows, float, int]:
    """Plain hill climbing by random changes of one to three knobs: where it ends, its score, states looked at.

    Args:
        system: whose knobs and ``repair`` are used.
        score: what is maximised, ``[B, K] -> [B]``.
        values, reached: where it starts ``[K]``, and the score there.
        rng: draws the changes.
        cancel: ends it after the present round.
    """
    end: tuple[Rows, float, int] = _side_by_side(
        system, lambda rows, _owners: score(rows), [_wandering(system, values, reached, rng, cancel)]
    )[0]
    return end


def _side_by_side(system: System, score: ScoreEach, searches: Sequence[Asking]) -> list[Any]:
    """Run searches to their ends, their candidates in common batches."""
    ends: list[Any] = [None] * len(searches)
    waiting: dict[int, Rows] = {}

    def advance(place: int, answer: tuple[Rows, Rows] | None) -> None:
        try:
            waiting[place] = searches[place].send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            ends[place] = end.value

    for place in range(len(searches)):
        advance(place, None)
    while waiting:
        requests, waiting = waiting, {}
        for places in _batches(requests):
            rows = np.asarray(system.repair(np.concatenate([requests[place] for place in places])), dtype=np.float64)
            sizes = [len(requests[place]) for place in places]
            scores = _scored(score, rows, np.repeat(places, sizes))
            cuts = np.cumsum(sizes)[:-1]
            for place, *answer in zip(places, np.split(rows, cuts), np.split(scores, cuts), strict=True):
                advance(place, (answer[0], answer[1]))
    return ends


def _batches(requests: dict[int, Rows]) -> list[list[int]]:
    """The searches that ask, in groups of about :data:`BLOCK_LIMIT` candidates."""
    groups: list[list[int]] = [[]]
    rows = 0
    for place, candidates in requests.items():
        if groups[-1] and rows + len(candidates) > BLOCK_LIMIT:
            groups.append([])
            rows = 0
        groups[-1].append(place)
        rows += len(candidates)
    return groups


def _scored(score: ScoreEach, rows: Rows, owners: NDArray[np.int64]) -> Rows:
    pieces = max(1, -(-len(rows) // BLOCK_LIMIT))
    both = zip(np.array_split(rows, pieces), np.array_split(owners, pieces), strict=True)
    return np.concatenate([score(piece, whose) for piece, whose in both])


class _Progress:
    """The fraction of all climbs' starts that are done."""

    def __init__(self, climbs: int, tell: Callable[[float], None] | None) -> None:
        self.climbs, self.tell = climbs, tell
        self.made = 0.0

    def add(self, fraction: float) -> None:
        self.made += fraction
        if self.tell is not None:
            self.tell(min(1.0, self.made / self.climbs))


def _climbing(
    system: System,
    blocks: Blocks,
    restarts: int,
    seed: int,
    given: Sequence[Rows],
    cancel: Event | None,
    progress: _Progress,
) -> Asking:
    """One climb, as a search; returns a :class:`Climb`."""
    rng = np.random.default_rng(seed)
    drawn = max(restarts, 0 if given else 1)
    rows = [np.asarray(row, dtype=np.float64) for row in given]
    rows += list(random_values(system, drawn, rng)) if drawn else []
    moves = _Moves(system, cancel)
    best, at_best, made = -np.inf, rows[0], 0
    for row in rows:
        if moves.stopped and made:
            break
        values, reached = yield from _ascend(moves, row, blocks)
        made += 1
        if reached > best:
            best, at_best = reached, values
        progress.add(1 / len(rows))
    for again in range(_AGAIN):
        if moves.stopped:
            break
        draws = np.random.default_rng([seed, again])
        there, higher, seen = yield from _wandering(system, at_best, best, draws, cancel)
        moves.evaluated += seen
        if higher <= best:
            break
        at_best, best = yield from _ascend(moves, there, blocks)
    small = all(_count(system, block) <= BLOCK_LIMIT for block in blocks.knobs if len(block) > 1)
    discrete = all(knob.step is not None for knob in system.knobs)
    settled = small and discrete and not moves.stopped
    return Climb(at_best, float(best), made, moves.evaluated, moves.stopped, settled)


def _wandering(system: System, values: Rows, reached: float, rng: np.random.Generator, cancel: Event | None) -> Asking:
    """:func:`wander`, as a search."""
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
        rows, scores = yield rows
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
    """Asks for the best of a batch of candidates, counts them, and minds the cancel flag."""

    def __init__(self, system: System, cancel: Event | None) -> None:
        self.system, self.cancel = system, cancel
        self.evaluated = 0

    @property
    def stopped(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def best(self, candidates: Rows) -> Asking:
        rows, scores = yield candidates
        self.evaluated += len(rows)
        place = int(scores.argmax())
        return rows[place], float(scores[place])


def _ascend(moves: _Moves, start: Rows, blocks: Blocks) -> Asking:
    values, reached = yield from moves.best(start[None])
    singles = [(k,) for k in range(len(start))]
    wholes = [block for block in blocks.knobs if len(block) > 1]
    improved = True
    while improved and not moves.stopped:
        values, reached, _ = yield from _round(moves, values, reached, singles, until_quiet=True)
        values, reached, improved = yield from _round(moves, values, reached, wholes, until_quiet=False)
    return values, reached


def _round(
    moves: _Moves, values: Rows, reached: float, parts: Sequence[tuple[int, ...]], *, until_quiet: bool
) -> Asking:
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
            at, score = yield from moves.best(candidates)
            if score > reached + 1e-9 * max(1.0, abs(reached)):
                values, reached, helped = at, score, True
        ever |= helped
        if not (helped and until_quiet):
            return values, reached, ever


def _values_of(system: System, values: Rows, part: tuple[int, ...]) -> Rows | None:
    """All values of a part; a single knob also where ``repair`` would move others along with it."""
    if len(part) > 1:
        return block_values(system, values, part, BLOCK_LIMIT, points=21)
    grid = system.knobs[part[0]].grid()
    rows = np.repeat(values[None], len(grid), axis=0)
    rows[:, part[0]] = grid
    return rows
