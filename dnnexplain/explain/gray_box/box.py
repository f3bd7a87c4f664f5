"""A box around a found case in which the gap persists.

After XPlain (Karimi et al., HotNets 2024): one bad input says little, a region of them says what kind of
input is bad. Here the region is an axis-aligned box, grown as long as sampled inputs inside keep their ratio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.problem import Problem
from dnnexplain.intervals import counted_interval
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result, array_field

__all__ = ["GapBox", "gap_box"]

ROUNDS = 8
"""The first moves sides by 1/256 of the domain's width, the last by half of it."""


@dataclass(frozen=True, eq=False)
class GapBox(Result):
    """The region around a worst case in which the policy stays bad.

    Attributes:
        question: what was asked; the seed is that of all samples.
        x: the case in the middle of it ``[n]``.
        low, high: the box ``[n]``, in ``unit``.
        ratio: at ``x``.
        threshold: the ratio that samples had to keep.
        samples: fresh inputs drawn uniformly from the finished box, not used to grow it.
        share: the share of those that keep ``threshold``; ``share_low`` is its one-sided 95% lower bound
            (Clopper and Pearson 1934).
        smallest, median: of the ratios of those samples.
        volume: mean over inputs of log10(width of the box / width of the domain); 0 is the whole domain.
        names, unit: of the inputs.
    """

    question: Question
    ratio: float
    threshold: float
    samples: int
    share: float
    share_low: float
    smallest: float
    median: float
    volume: float
    names: tuple[str, ...]
    unit: str
    x: NDArray[np.float64] = array_field("input")
    low: NDArray[np.float64] = array_field("input")
    high: NDArray[np.float64] = array_field("input")

    def table(self) -> list[dict[str, Any]]:
        """One row per input: its value in the case and the range that it may take."""
        names = self.names or tuple(f"input {i + 1}" for i in range(len(self.x)))
        rows = zip(names, self.x, self.low, self.high, strict=True)
        return [
            {"input": name, "value": float(x), "low": float(low), "high": float(high), "unit": self.unit}
            for name, x, low, high in rows
        ]

    def sentence(self) -> str:
        """The box in one sentence."""
        return (
            f"Of {counted(self.samples, 'input')} drawn from the box, {number(100 * self.share)}% keep a ratio of at least "
            f"{number(self.threshold)} (at least {number(100 * self.share_low)}% with 95% confidence); "
            f"the smallest is {number(self.smallest)}, the case itself has {number(self.ratio)}."
        )

    def picture(self) -> Chart:
        """The input, and how far each of its parts reaches within the box."""
        ends = {"input": (self.low, self.high)}
        return bars(self.names, {"input": self.x}, Axis("input", self.unit), x=Axis("part"), intervals=ends)


def gap_box(
    problem: Problem,
    x: Array,
    *,
    fraction: float = 0.8,
    samples: int = 64,
    checks: int = 256,
    moves: int = 320,
    seed: int = 0,
    question: Question | None = None,
    cancel: Event | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GapBox:
    """Grow a box around a case, coordinate by coordinate, while the gap persists in it.

    Every side starts at the case. A round tries to move all upper sides out together, and all lower ones, by a
    share of the domain's width that doubles from round to round (1/256, 1/128, ..., 1/2). Sides that fail together
    are tried in halves, down to one, alike inputs (whose gradients move the ratio alike) together; a side that
    fails alone stays. A move stands if all ``samples`` inputs drawn from the wider box keep ``fraction`` of the case's gap: a
    ratio of at least ``1 + fraction * (ratio - 1)``.

    Args:
        problem: as it was searched.
        x: the case ``[n]``.
        fraction: of the gap (ratio minus 1) that must persist, above 0 and below 1.
        samples: inputs drawn for each move.
        checks: fresh inputs drawn from the finished box for its figures.
        moves: the most moves tried, shared evenly among rounds.
        seed: of all samples.
        question: what is asked, for the result.
        cancel: stops the growing; the box so far is measured and returned.
        progress: called with (moves tried, moves in all).

    Raises:
        DnnExplainError: for a case with no gap, or a fraction outside (0, 1).
    """
    row = problem.domain.valid(np.asarray(x, dtype=np.float64)[None])[0]
    ratio = float(problem.ratio(row[None])[0])
    if not 0 < fraction < 1:
        msg = f"fraction is the share of the gap that must persist, above 0 and below 1, not {fraction}"
        raise DnnExplainError(msg)
    if not ratio > 1:
        msg = f"this input has a ratio of {ratio:.4g}: there is no gap to draw a box around; search for a case first"
        raise DnnExplainError(msg)
    growth = _Growth(problem, row, 1 + fraction * (ratio - 1), samples, np.random.default_rng(seed))
    growth.run(moves, cancel, progress)
    ratios = problem.ratio(growth.draw(checks))
    width = np.maximum(problem.domain.width, 1e-300)
    shares = np.clip((growth.high - growth.low) / width, 1e-12, 1.0)[problem.domain.width > 0]
    kept = int((ratios >= growth.threshold).sum())
    return GapBox(
        question=question or Question(system=problem.name, method="gap box", seed=seed),
        ratio=ratio,
        threshold=growth.threshold,
        samples=checks,
        share=kept / checks,
        share_low=counted_interval(kept, checks, level=0.9).low,  # the one-sided 95% bound
        smallest=float(ratios.min()),
        median=float(np.median(ratios)),
        volume=float(np.log10(shares).mean()),
        names=problem.domain.names,
        unit=problem.domain.unit,
        x=row,
        low=growth.low,
        high=growth.high,
    )


class _Growth:
    """A box that widens while samples from it keep the threshold."""

    def __init__(self, problem: Problem, x: Array, threshold: float, samples: int, random: np.random.Generator) -> None:
        self.problem, self.threshold, self.samples, self.random = problem, threshold, samples, random
        self.low, self.high = x.copy(), x.copy()
        self.width = problem.domain.width

    def draw(self, count: int) -> Array:
        """Inputs drawn uniformly from the box ``[count, n]``, made valid."""
        share = self.random.random((count, len(self.low)))
        return self.problem.domain.valid(self.low + (self.high - self.low) * share)

    def run(self, moves: int, cancel: Event | None, progress: Callable[[int, int], None] | None) -> None:
        """All rounds, from narrow moves to wide ones."""
        inputs = self._calm_first()
        groups = [(inputs, False), (inputs, True)]
        tried = 0
        for round_ in range(1, ROUNDS + 1):
            waiting, kept = deque(groups), []
            while waiting and tried < moves * round_ // ROUNDS:
                if cancel is not None and cancel.is_set():
                    return
                positions, up = waiting.popleft()
                if self._try(positions, 0.5 ** (ROUNDS + 1 - round_), up=up):
                    kept.append((positions, up))
                elif len(positions) > 1:
                    half = len(positions) // 2
                    waiting.extend([(positions[:half], up), (positions[half:], up)])
                tried += 1
                if progress is not None:
                    progress(tried, moves)
            groups = [*waiting, *kept]  # those that were not reached go first

    def _calm_first(self) -> NDArray[np.int64]:
        """The inputs that may vary, those first that move the ratio least: whole groups of them can widen at once."""
        _, _, rise = self.problem.pipeline.value_and_gradient(self.low[None])
        value, pull = self.problem.optimum.linearise(self.low[None])
        cost = self.problem.pipeline.value(self.low[None])
        slope = rise[0] / cost[0] - pull(np.ones_like(value))[0] / value[0, 0]
        inputs = self.random.permutation(np.flatnonzero(self.width > 0))
        return np.asarray(inputs[np.argsort(np.abs(slope * self.width)[inputs], kind="stable")])

    def _try(self, positions: NDArray[np.int64], share: float, *, up: bool) -> bool:
        """Move sides out; whether they may stay there."""
        side, limit = (self.high, self.problem.domain.high) if up else (self.low, self.problem.domain.low)
        before = side.copy()
        step = share * self.width[positions]
        side[positions] += np.clip(limit[positions] - before[positions], -step, step)
        if np.array_equal(before, side) or self._persists():
            return True
        side[:] = before
        return False

    def _persists(self) -> bool:
        """Whether all samples keep the threshold; a few first, for most moves fail at once."""
        few = min(8, self.samples)
        return bool(
            (self.problem.ratio(self.draw(few)) >= self.threshold).all()
            and (self.problem.ratio(self.draw(self.samples - few + 1)) >= self.threshold).all()
        )
