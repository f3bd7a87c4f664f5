"""One run of a search: what methods call to have states decided and judged, and what it remembers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State, System
from dnnexplain.explain.adversarial.moves import ROUNDING, Moves
from dnnexplain.explain.adversarial.result import Change, Flip, Improvement
from dnnexplain.explain.adversarial.verdicts import WORSE, Answers, Examiner, Kind, Verdict, classify

__all__ = ["Enough", "Feedback", "Progress", "Run"]

Floats = NDArray[np.float64]
Progress = Callable[[float | None, str], object]
"""Called with the fraction done (``None`` if unknown) and what is being done."""

EARLIER_UNDECIDED = np.inf


class Enough(Exception):  # noqa: N818 - it ends a search, it is no failure
    """Time is up, or the search was cancelled: what was found stands."""


@dataclass(frozen=True, eq=False)
class Feedback:
    """What came of a batch: margins towards a flip ``[B]``, and which states are known to be adversarial ``[B]``."""

    margin: Floats
    adversarial: NDArray[np.bool_]


class Run:
    """States asked about, the best change so far, and when to stop.

    Args:
        system: the world.
        witness: asks policy and oracle.
        moves: what may change.
        seconds: computing time, by ``clock``.
        clock: ``time.monotonic``, or ``time.process_time`` to compare methods on a busy machine.
        cancel: ends the run once it is set.
        progress: see :data:`Progress`.
        rounds: batches of states to decide at most; with it alone the answer is the same on every machine.
        most: objects that may change together.
        on_found: called with each flip that is the best of its kind so far.
    """

    def __init__(
        self,
        system: System,
        witness: Examiner,
        moves: Moves,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        cancel: Event | None = None,
        progress: Progress | None = None,
        rounds: int | None = None,
        most: int | None = None,
        on_found: Callable[[Flip], object] | None = None,
    ) -> None:
        self.system, self.witness, self.moves = system, witness, moves
        self.most = len(moves.atoms) if most is None else min(most, len(moves.atoms))
        self._clock, self._began, self._seconds = clock, clock(), seconds
        self._cancel, self._progress, self._on_found = cancel, progress, on_found
        self.best: Flip | None = None
        self.others: dict[str, Flip] = {}
        self.counts: Counter[str] = Counter()
        self.trace: list[Improvement] = []
        self.evaluated, self.earlier_seconds = 0, 0.0
        self.radius = self.single_radius = 0.0
        self.undecided = EARLIER_UNDECIDED  # the cost of the cheapest change that the oracle could not decide
        self.keep: Callable[[], object] = lambda: None
        self.stopped, self.ended_by = False, ""
        self.rounds, self._most_rounds = 0, rounds
        self._seen: set[bytes] = set()

    @property
    def spent(self) -> float:
        """Seconds of this run."""
        return self._clock() - self._began

    def limit(self) -> float:
        """The cost below which a change is still of interest."""
        return np.inf if self.best is None else self.best.distance

    def check(self, text: str = "") -> None:
        """Report; raise :class:`Enough` if time is up or the run was cancelled."""
        self.keep()
        if self._progress is not None:
            fraction = min(1.0, self.spent / self._seconds) if np.isfinite(self._seconds) else None
            if self._most_rounds is not None:
                fraction = max(fraction or 0.0, min(1.0, self.rounds / self._most_rounds))
            self._progress(fraction, text)
        cancelled = self._cancel is not None and self._cancel.is_set()
        if self._most_rounds is not None and self.rounds >= self._most_rounds:
            self.ended_by = "rounds"
        elif self.spent > self._seconds:
            self.ended_by = "seconds"
        if cancelled or self.ended_by:
            self.stopped = True
            raise Enough

    def count(self) -> None:
        """One more batch of states is decided."""
        self.rounds += 1

    def allowed(self, values: Floats) -> NDArray[np.bool_]:
        """Which states ``[B, K]`` are allowed changes of at most ``most`` objects ``[B]``."""
        fine = self.moves.allowed(self.system, values)
        if self.most < len(self.moves.atoms):
            moved = np.abs(values - self.moves.base.values) > ROUNDING
            touched = sum(moved[:, list(atom.knobs)].any(axis=1).astype(int) for atom in self.moves.atoms)
            fine &= np.asarray(touched) <= self.most
        return fine

    def consider(self, values: Floats, *, every: bool = False, text: str = "") -> Feedback:
        """Decide a batch of allowed states ``[B, K]`` and judge its flips, cheapest first.

        Flips that cost as much as the best change or more are judged only with ``every``.
        """
        self.check(text)
        self.count()
        if not len(values):
            return Feedback(np.zeros(0), np.zeros(0, dtype=np.bool_))
        answers = self.witness.ask(values)
        self.evaluated += len(values)
        cost = np.round(self.moves.cost(values), 9)
        adversarial = np.zeros(len(values), dtype=np.bool_)
        flips = np.flatnonzero(self.witness.flipped(answers))
        for row in flips[np.argsort(cost[flips], kind="stable")]:
            if cost[row] >= self.limit() - ROUNDING and not every:
                break
            if self._most_rounds is None:  # a limit in rounds ends between batches
                self.check(text)
            adversarial[row] = self._judge(values[row], float(cost[row]), answers, int(row)) in WORSE
        return Feedback(answers.margin, adversarial)

    def _judge(self, values: Floats, cost: float, answers: Answers, row: int) -> Kind:
        after = self.witness.verdict(values, answers, row)
        kind = classify(self.witness.before, after)
        key = values.tobytes()
        if key not in self._seen:
            self._seen.add(key)
            self.counts[kind.value] += 1
        if kind is Kind.UNDECIDED:
            self.undecided = min(self.undecided, cost)
        if kind in WORSE:
            if cost < self.limit() - ROUNDING:
                self.best = self._reported(self.flip(kind, values, cost, after))
                self.trace.append(Improvement(cost, self.evaluated, self.earlier_seconds + self.spent))
        elif kind.value not in self.others or cost < self.others[kind.value].distance - ROUNDING:
            self.others[kind.value] = self._reported(self.flip(kind, values, cost, after))
        return kind

    def _reported(self, flip: Flip) -> Flip:
        if self._on_found is not None:
            self._on_found(flip)
        return flip

    def flip(self, kind: Kind, values: Floats, cost: float, after: Verdict) -> Flip:
        """A flip with its changes knob by knob."""
        base, knobs = self.moves.base, self.system.knobs
        moved = np.flatnonzero(np.abs(values - base.values) > ROUNDING)
        changes = tuple(
            Change(
                knobs[i].name,
                knobs[i].unit,
                float(base.values[i]),
                float(values[i]),
                float(abs(values[i] - base.values[i]) * self.moves.weight[i]),
            )
            for i in moved
        )
        return Flip(kind.value, cost, changes, after, State(values, base.background))
