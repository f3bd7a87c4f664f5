"""Violations between two states that differ in one knob, looked for along whole lines, for all cases of a property at once.

A state gives a line: the knob at many of its values. On it the best pair of places is found for each case, and states are
evolved (Rechenberg's evolution strategies, 1973) for the largest violation of any case. It proves nothing, and what it ends
at is judged by the network itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case
from dnnexplain.explain.proofs.case_network import ProofTask, refuted, replayed
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.models import place_of
from dnnexplain.explain.proofs.verdicts import CaseVerdict

__all__ = ["along_lines"]

Floats = NDArray[np.float64]
STATES, PARENTS, CHILDREN, POINTS = 240, 30, 200, 49
ROUNDS, IDLE = 5, 12
"""For each round of a search among single states, so many generations; without a better one for so many, it ends."""
PART = 0.25
"""Of the seconds, at most."""


def along_lines(
    task: ProofTask, cases: Sequence[Case], known: Sequence[CaseVerdict], rng: np.random.Generator
) -> list[CaseVerdict]:
    """The verdicts, with a violation along a line where one was found and none was known."""
    verdicts = list(known)
    knobs = {case.change.knob for case in cases if case.change is not None and case.then is None}
    if any(case.verdict == "fails" for case in known) or len(knobs) != 1 or not task.budget.rounds:
        return verdicts
    places = [at for at, case in enumerate(cases) if _parted(case)]
    lines = _Lines(task, [cases[at] for at in places], knobs.pop())
    best = lines.evolved(rng) if places else None
    if best is None:
        return verdicts
    which, pair = best
    case = cases[places[which]]
    value = replayed(task, case, pair)
    if value > 0:
        verdicts[places[which]] = refuted(task, case, pair, value, "found")
    return verdicts


def _parted(case: Case) -> bool:
    """Whether each row speaks of one of two states that differ in one knob."""
    if case.change is None or case.then is not None:
        return False
    half = case.rows.shape[1] // 2
    first, second = (case.rows[:, part].any(axis=1) for part in (slice(half), slice(half, None)))
    return bool((first ^ second).all() and first.any() and second.any())


@dataclass(eq=False)
class _Lines:
    """Lines of states along a knob, and how far each case is violated on them."""

    task: ProofTask
    cases: Sequence[Case]
    knob: str

    def __post_init__(self) -> None:
        self.place = place_of(self.task.system, self.knob)
        knob = self.task.system.knobs[self.place]
        values = (
            knob.low + (knob.high - knob.low) * np.linspace(0.0, 1.0, POINTS) ** 2
        )  # closer together where it is low
        self.values = values if knob.step is None else np.asarray(knob.grid(POINTS), dtype=float)

    def evolved(self, rng: np.random.Generator) -> tuple[int, Floats] | None:
        """The case and the pair ``[2K]`` of the largest violation that was found; ``None`` where there is none."""
        system, until = self.task.system, time.monotonic() + PART * self.task.budget.seconds
        rows = draw(system, self.cases[0].states, STATES, rng)
        if not len(rows):
            return None
        scores, cases, pairs = self.judged(rows)
        idle = 0
        for _ in range(ROUNDS * self.task.budget.rounds):
            best = scores.max()
            if best > 0 or np.isneginf(best) or idle >= IDLE or not self.task.go_on() or time.monotonic() > until:
                break
            order = np.argsort(-scores)[:PARENTS]
            fresh = self.judged(self._children(rows := rows[order], rng))
            scores = np.concatenate([scores[order], fresh[0]])
            cases = np.concatenate([cases[order], fresh[1]])
            pairs = np.concatenate([pairs[order], fresh[2]])
            rows = pairs[:, : rows.shape[1]]
            idle = 0 if scores.max() > best else idle + 1
        at = int(scores.argmax())
        return (int(cases[at]), pairs[at]) if scores[at] > 0 else None

    def judged(self, rows: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Of states ``[B, K]``: the largest violation on their lines ``[B]``, the case ``[B]`` and the pair ``[B, 2K]``."""
        line = np.repeat(rows, len(self.values), axis=0)
        line[:, self.place] = np.tile(self.values, len(rows))
        shape = len(rows), len(self.values), -1
        valid = np.isclose(np.asarray(self.task.system.repair(line), dtype=float), line).all(axis=1).reshape(shape[:2])
        outputs = self.task.network(line).reshape(shape)
        best, which, ends = np.full(len(rows), -np.inf), np.zeros(len(rows), dtype=np.int64), np.zeros((len(rows), 2))
        for at, case in enumerate(self.cases):
            value, first, second = self._on_lines(case, outputs, valid)
            better = value > best
            best, which = np.where(better, value, best), np.where(better, at, which)
            ends[better] = np.stack([self.values[first], self.values[second]], axis=1)[better]
        pairs = np.hstack([rows, rows])
        pairs[:, self.place], pairs[:, rows.shape[1] + self.place] = ends[:, 0], ends[:, 1]
        return best, which, pairs

    def _on_lines(
        self, case: Case, outputs: Floats, valid: NDArray[np.bool_]
    ) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        """Of each line the largest violation of a case, and at which two places."""
        assert case.change is not None
        half = case.rows.shape[1] // 2
        of_first = case.rows[:, :half].any(axis=1)
        first = (outputs @ case.rows[of_first, :half].T + case.offset[of_first]).min(axis=2)
        second = (outputs @ case.rows[~of_first, half:].T + case.offset[~of_first]).min(axis=2)
        away = self.values[None] - self.values[:, None]
        apart = (away >= case.change.low - 1e-9) & (away <= case.change.high + 1e-9)
        inside = (self.values >= case.states.low[self.place] - 1e-9) & (
            self.values <= case.states.high[self.place] + 1e-9
        )
        both = np.minimum(
            np.where(valid & inside, first, -np.inf)[:, :, None], np.where(valid, second, -np.inf)[:, None]
        )
        flat = np.where(apart, both, -np.inf).reshape(len(outputs), -1)
        at = flat.argmax(axis=1)
        return flat[np.arange(len(flat)), at], at // len(self.values), at % len(self.values)

    def _children(self, parents: Floats, rng: np.random.Generator) -> Floats:
        """States with some knobs drawn anew, of another parent, or moved a little."""
        states, own = self.cases[0].states, parents[rng.integers(len(parents), size=CHILDREN)]
        other = parents[rng.integers(len(parents), size=CHILDREN)]
        width = states.high - states.low
        drawn = rng.uniform(states.low, states.high, own.shape)
        children = np.where(rng.random(own.shape) < rng.choice([0.0, 0.05, 0.2], (CHILDREN, 1)), drawn, own)
        children = np.where(rng.random(own.shape) < rng.choice([0.0, 0.3], (CHILDREN, 1)), other, children)
        moves = rng.normal(size=own.shape) * width * rng.choice([0.0, 0.002, 0.02, 0.1], (CHILDREN, 1))
        children = children + np.where(rng.random(own.shape) < 0.3, moves, 0.0)
        return np.asarray(self.task.system.repair(np.clip(children, states.low, states.high)), dtype=float)
