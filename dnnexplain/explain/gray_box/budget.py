"""How long a search may take, what it has found so far, and how it is stopped."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["ENDLESS", "Budget", "Progress", "Run"]

ENDLESS = 1e6
"""CPU-seconds of a search that ends by its rounds."""

KEPT = 12
REPORT_EVERY = 0.1
FIRST_BLOCK = 4
"""Inputs of the first block of a search, when nothing is known of what one takes."""
STEP_SHARE = 0.04
"""Of the budget that one step of a search may take: what is tried together is cut down to it."""
DISTINCT = 1e-3


@dataclass(frozen=True, slots=True)
class Budget:
    """The end of a search and of certifying what it found: CPU-seconds of this process, or rounds, whichever comes first.

    A round is one step of the search (one batch of gradients, one candidate). Limits in rounds give the same
    answer on every machine; limits in seconds compare methods fairly.
    """

    cpu_seconds: float = 10.0
    rounds: int | None = None

    def __post_init__(self) -> None:
        if not self.cpu_seconds > 0 or (self.rounds is not None and self.rounds < 1):
            msg = f"a budget needs more than 0 CPU-seconds and at least 1 round; got {self.cpu_seconds}, {self.rounds}"
            raise DnnExplainError(msg)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a search stands: for a bar and a curve.

    Attributes:
        cpu_seconds: spent so far.
        fraction: of the budget, 0 to 1.
        best: the largest ratio found so far (0 before the first).
        trace: ``(CPU-seconds, best ratio)`` at every improvement.
    """

    cpu_seconds: float
    fraction: float
    best: float
    trace: tuple[tuple[float, float], ...]


class Run:
    """One search under way: its clock, its random numbers, and the best inputs found."""

    def __init__(
        self,
        problem: Problem,
        budget: Budget,
        seed: int = 0,
        cancel: Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.random = np.random.default_rng(seed)
        self.cancel = cancel
        self.progress = progress
        self.rounds = 0
        self.evaluations = 0
        self.trace: list[tuple[float, float]] = []
        self.kept: list[tuple[float, Array]] = []
        self.spent_before = 0.0
        self.notes: dict[str, float] = {}
        self.reserve = 0.0
        self.row_seconds = 0.0
        self._start = time.process_time()
        self._reported = self._kept_at = -1.0
        self.keep: Callable[[], object] = lambda: None

    @property
    def cpu_seconds(self) -> float:
        """CPU-seconds spent, with those of the runs that this one resumes."""
        return self.spent_before + time.process_time() - self._start

    @property
    def best(self) -> float:
        """The largest ratio found so far; 0 before the first."""
        return self.kept[0][0] if self.kept else 0.0

    @property
    def cancelled(self) -> bool:
        """Whether the caller asked to stop."""
        return self.cancel is not None and self.cancel.is_set()

    def fraction(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        share = self.own_seconds / (self.budget.cpu_seconds - self.reserve)
        if self.budget.rounds is not None:
            share = max(share, self.rounds / self.budget.rounds)
        return min(share, 1.0)

    @property
    def own_seconds(self) -> float:
        """CPU-seconds of this run alone."""
        return time.process_time() - self._start

    @property
    def ended_by(self) -> str:
        """Which limit ended the search, or would end it now; empty if none does."""
        if self.budget.rounds is not None and self.rounds >= self.budget.rounds:
            return "rounds"
        return "CPU-seconds" if self.own_seconds >= self.budget.cpu_seconds - self.reserve else ""

    def affordable(self, rows: int) -> int:
        """How many of ``rows`` inputs may be tried in one step, by what one took so far; at least 1."""
        if self.row_seconds <= 0:
            return rows
        return max(1, min(rows, int(STEP_SHARE * self.budget.cpu_seconds / self.row_seconds)))

    def timed(self, x: Array, ratio: Callable[[Array], Array]) -> Array:
        """``ratio`` of the first inputs ``[<= B]``, block by block until the budget ends; at least one block.

        What one input takes is noted for :meth:`affordable`.
        """
        kept: list[Array] = []
        began, done = time.process_time(), 0
        block = self.affordable(64) if self.row_seconds > 0 else FIRST_BLOCK
        while done < len(x) and (not kept or self.going()):
            kept.append(ratio(x[done : done + block]))
            done += len(kept[-1])
            self.row_seconds = (time.process_time() - began) / done
            block = self.affordable(64)
        return np.concatenate(kept)

    def going(self, until: float = 1.0) -> bool:
        """Whether there is budget left below the share ``until``, and nobody asked to stop."""
        return not self.cancelled and self.fraction() < until

    def offer(self, x: Array, ratio: Array) -> None:
        """Candidates ``[B, n]`` with their ratios ``[B]`` (sound lower bounds); counts one round."""
        self.rounds += 1
        self.evaluations += len(x)
        before = self.best
        worth = self.kept[-1][0] if len(self.kept) == KEPT else 0.0
        for row in np.argsort(-ratio, kind="stable")[:KEPT]:
            if not ratio[row] > worth:
                break
            self._keep(float(ratio[row]), np.array(x[row]))
        if self.best > before:
            self.trace.append((self.cpu_seconds, self.best))
        self._report()

    def copy(self) -> Run:
        """The run as it stands, for a result that leaves the search as it is."""
        twin = copy.copy(self)
        twin.trace, twin.kept, twin.notes = list(self.trace), list(self.kept), dict(self.notes)
        return twin

    def _keep(self, ratio: float, x: Array) -> None:
        """Into the list of the best, where it replaces near copies of itself."""
        width = np.maximum(self.problem.domain.width, 1e-300)
        close = [i for i, (_, other) in enumerate(self.kept) if np.max(np.abs(x - other) / width) < DISTINCT]
        if any(self.kept[i][0] >= ratio for i in close):
            return
        self.kept = [case for i, case in enumerate(self.kept) if i not in close]
        self.kept.append((ratio, x))
        self.kept.sort(key=lambda case: -case[0])
        del self.kept[KEPT:]

    def _report(self) -> None:
        now = self.cpu_seconds
        if self.kept and now - self._kept_at >= REPORT_EVERY:
            self._kept_at = now
            self.keep()
        if self.progress is not None and now - self._reported >= REPORT_EVERY:
            self._reported = now
            self.progress(Progress(now, self.fraction(), self.best, tuple(self.trace)))
