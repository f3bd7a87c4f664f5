"""Branch and bound over what bends and over boxes of knobs, best bound first.

A part of the states is a box of knobs and a side for some neurons. Where its bound is above what is asked, the neuron
whose line is furthest from it is split at its bend (or a curve at its middle); where all are tight, the range of the knob
on which the choices of the last steps agree least is parted at their mean. Options with which no state comes above what is
asked are left out of a part. The choices that attain the bounds are run through the network on the way: they are the best counterexamples.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.proofs.dual_kernels import RELU, NetArrays, bounds_of_kept, descend
from dnnexplain.explain.proofs.groups import GroupedInput
from dnnexplain.explain.proofs.listing_kernels import settle
from dnnexplain.explain.proofs.option_kernels import allowed, span
from dnnexplain.explain.proofs.relaxation import RelaxedModel

__all__ = ["Branched", "branch_and_bound"]

Floats = NDArray[np.float64]
_FIRST, _LATER = 40, 14
"""Steps of descent of the whole and of a part."""
_LISTED, _FOUND = 20_000, 16
"""States of a part that are computed one by one in place of parting it, and of those above what is asked, at most."""
_FAR = 9.0
"""Options are left out of a part if no state with them comes so much further than what is asked: a bound is to be clear."""


@dataclass(frozen=True, eq=False)
class Branched:
    """The end of a search.

    Attributes:
        bound: the smallest row is not above it in any state.
        best: the largest smallest row that was seen, by the proof's model of the network.
        row: that state or pair, or ``None``.
        ended: whether the bound is under what was asked, or a state above it was found.
        nodes: parts that were bounded.
    """

    bound: float
    best: float
    row: Floats | None
    ended: bool
    nodes: int


@dataclass(frozen=True, eq=False)
class _Part:
    kept: NDArray[np.int64]
    ends: NDArray[np.int64]
    low: Floats
    high: Floats
    lo: Floats
    hi: Floats
    sides: NDArray[np.int64]
    alpha: Floats
    prices: Floats
    shares: Floats
    ties: Floats
    gaps: Floats
    knobs: Floats
    wander: Floats
    bound: float


def branch_and_bound(
    model: RelaxedModel,
    rows: Floats,
    offsets: Floats,
    *,
    below: float,
    enough: Callable[[Floats, float], bool],
    nodes: int,
    go_on: Callable[[], bool],
    masks: Callable[[Floats, Floats], str] | None = None,
    cover: Callable[[Floats, Floats], Sequence[tuple[Floats, Floats]]] | None = None,
) -> Branched:
    """Whether the smallest of some rows stays below a number in all states.

    Args:
        model: network and states.
        rows, offsets: over its outputs ``[r, A]``, ``[r]``.
        below: a bound under it ends the search.
        enough: whether a state or pair, with what the model gives for it, ends the search.
        nodes: at most so many parts.
        go_on: false when the time is up.
        masks: of a box of knobs ``"empty"`` where it holds nothing that counts (no state in which the action is
            valid), ``"lost"`` where a state may count whatever the outputs are, else ``""``.
        cover: boxes of knobs in a box that hold all its states that count: the first parts.
    """
    search = _Search(model, rows, offsets, below, enough, masks, cover)
    waiting = [(search.first(), _FIRST if go_on() else 1)]
    while True:
        for part, rounds in waiting:
            if search.bounded(part, rounds):
                return search.end(ended=True)
        if not search.heap:
            return search.end(ended=True)
        if search.nodes >= nodes or not go_on():
            return search.end(ended=False)
        halves = search.split()
        if halves is None:
            return search.end(ended=False)
        waiting = [(half, _LATER) for half in halves]


class _Search:
    """Parts that are still to be told, and the best choice that was seen."""

    def __init__(
        self,
        model: RelaxedModel,
        rows: Floats,
        offsets: Floats,
        below: float,
        enough: Callable[[Floats, float], bool],
        masks: Callable[[Floats, Floats], str] | None,
        cover: Callable[[Floats, Floats], Sequence[tuple[Floats, Floats]]] | None,
    ) -> None:
        self.model, self.inputs, self.net = model, model.inputs, model.net(rows, offsets)
        self.below, self.enough, self.masks, self.shares = below, enough, masks, len(rows)
        self.cover = cover
        self.leave = below - _FAR * abs(below)
        self.shallow = _shallow(self.net)
        self.flat = model.flat_arrays(self.net)
        self.heap: list[tuple[float, int, _Part]] = []
        self.nodes, self.under, self.top = 0, -np.inf, np.inf
        self.best: tuple[float, Floats | None] = (-np.inf, None)

    def first(self) -> _Part:
        """All states."""
        lo, hi = np.array(self.model.relaxation.low), np.array(self.model.relaxation.high)
        ties = len(self.inputs.arrays.most) + 1
        arrays = self.inputs.arrays
        kept, ends = np.arange(len(arrays.options)), arrays.start.copy()
        allowed(arrays, self.inputs.low, self.inputs.high, kept, ends)
        return _Part(
            kept[: ends[-1]], ends, self.inputs.low, self.inputs.high, lo, hi, np.zeros(len(lo), dtype=np.int64),
            np.asarray(hi > -lo, dtype=float), np.zeros((len(lo), 2)), np.full(self.shares, 1.0 / self.shares),
            np.zeros(ties), np.zeros(len(lo)), self.inputs.low.copy(), np.zeros((2, len(self.inputs.low))), np.inf,
        )  # fmt: skip

    def bounded(self, part: _Part, rounds: int) -> bool:
        """Bound a part and keep it if need be; whether a choice was met that ends the search."""
        self.nodes += 1
        counts = "" if self.masks is None else self.masks(part.low, part.high)
        if counts == "empty":
            return False
        made, tried, slopes = _bounded(
            self.net, self.inputs.arrays, part, rounds, self.below, -np.inf if counts == "lost" else self.leave
        )
        if counts == "lost":
            made = replace(made, bound=np.inf, gaps=np.zeros_like(made.gaps))
        if made.bound <= self.below:
            self.under = max(self.under, made.bound)
            return False
        if len(made.kept) < len(part.kept):
            self.under = max(self.under, self.leave)  # what was left out does not come above it
            if not _narrowed(self.net, self.inputs, made, self.shallow):
                return False
        if counts != "lost" and (listed := self._listed(made, slopes)) is not None:
            return listed
        heapq.heappush(self.heap, (-made.bound, self.nodes, made))
        choices = [tried[:-1]] if tried[-1] > self.below else []
        choices += [part.high[: len(tried) - 1], part.low[: len(tried) - 1]] if counts == "lost" else []
        return any(self._ends(knobs, float(tried[-1])) for knobs in choices)

    def _listed(self, part: _Part, slopes: Floats) -> bool | None:
        """Compute all states of a part that may count, where they are few; whether one ends the search; ``None`` if they are not."""
        if self.flat is None:
            return None
        above, values = np.empty((_FOUND, len(part.low))), np.empty(_FOUND)
        room, raw = slopes[-1] - self.leave, slopes[:-1]
        many = settle(
            self.flat, self.inputs.arrays, part.kept, part.ends, part.low, part.high, raw,
            room + 1e-9 * (1.0 + abs(slopes[-1])), self.leave, _LISTED, above, values,
        )  # fmt: skip
        if many < 0:
            return None
        self.under = max(self.under, self.leave)
        for at in np.argsort(-values[:many]):
            if self.masks is not None and self.masks(above[at], above[at]) == "empty":
                continue
            if values[at] > self.below and self._ends(above[at], float(values[at])):
                return True
            self.under = max(self.under, float(values[at]))
        return False

    def _ends(self, knobs: Floats, value: float) -> bool:
        row = self.inputs.rows(knobs[None])[0]
        if value > self.best[0]:
            self.best = value, row
        return self.enough(row, value)

    def split(self) -> list[_Part] | None:
        """Take the part with the largest bound apart."""
        self.top = min(self.top, -self.heap[0][0])
        part = heapq.heappop(self.heap)[2]
        boxes = self.cover(part.low, part.high) if self.cover is not None and self.nodes == 1 else None
        if boxes is not None and (len(boxes) != 1 or (boxes[0][1] < part.high).any()):
            self.under = max(self.under, self.leave)  # what the boxes leave does not count
            return _inside(self.net, self.inputs, part, boxes, self.shallow)
        halves = _split(self.net, self.inputs, part, self.shallow)
        if halves is None:
            heapq.heappush(self.heap, (-part.bound, -1, part))
        return halves

    def end(self, *, ended: bool) -> Branched:
        """What has been reached."""
        reached = max([self.under, *(-item[0] for item in self.heap)])
        return Branched(min(reached, self.top), *self.best, ended=ended, nodes=self.nodes)


def _bounded(
    net: NetArrays, arrays: Any, part: _Part, rounds: int, below: float, leave: float
) -> tuple[_Part, Floats, Floats]:
    """A part with its bound, the best choice that was tried, and the bound as a sum over inputs, its largest value last."""
    fresh = replace(
        part, kept=part.kept.copy(), ends=part.ends.copy(), low=part.low.copy(), high=part.high.copy(),
        lo=part.lo.copy(), hi=part.hi.copy(), alpha=part.alpha.copy(), prices=part.prices.copy(), shares=part.shares.copy(), ties=part.ties.copy(),
        gaps=np.zeros_like(part.gaps), knobs=part.knobs.copy(), wander=np.zeros_like(part.wander),
    )  # fmt: skip
    tried = np.full(len(part.low) + 1, -np.inf)
    slopes = np.zeros(int(net.inputs[0]) + 1)
    bound = descend(
        net, arrays, fresh.kept, fresh.ends, fresh.low, fresh.high, fresh.lo, fresh.hi, fresh.sides, fresh.alpha, fresh.prices, fresh.shares,
        fresh.ties, rounds, below, leave, fresh.gaps, fresh.knobs, tried, fresh.wander, slopes[:-1],
    )  # fmt: skip
    kept = fresh.kept[: fresh.ends[-1]].copy()
    slopes[-1] = bound
    return replace(fresh, kept=kept, bound=min(float(bound), part.bound)), tried, slopes


def _narrowed(net: NetArrays, inputs: GroupedInput, part: _Part, shallow: NDArray[np.int64]) -> bool:
    """Bring box and bounds of a part, in place, down to the options that it keeps; whether it holds a state."""
    span(inputs.arrays, part.kept, part.ends, part.low, part.high)
    return bool(
        bounds_of_kept(net, inputs.arrays, part.kept, part.ends, part.low, part.high, part.lo, part.hi, shallow)
    )


def _shallow(net: NetArrays) -> NDArray[np.int64]:
    """Bends that see inputs alone."""
    first = int(net.inputs[0])
    return np.array(
        [j for j in range(len(net.constants)) if (net.columns[net.start[j] : net.start[j + 1]] < first).all()],
        dtype=np.int64,
    )


def _split(net: NetArrays, inputs: GroupedInput, part: _Part, shallow: NDArray[np.int64]) -> list[_Part] | None:
    worst = int(np.argmax(part.gaps)) if len(part.gaps) else 0
    if len(part.gaps) and part.gaps[worst] > 1e-7 * max(1.0, abs(part.bound)):
        return _by_neuron(net, part, worst)
    return _by_knob(net, inputs, part, shallow)


def _by_neuron(net: NetArrays, part: _Part, neuron: int) -> list[_Part]:
    at = 0.0 if net.kinds[neuron] == RELU else 0.5 * (part.lo[neuron] + part.hi[neuron])
    by_neuron = []
    for ends, bit in ((part.lo, 1), (part.hi, 2)):
        moved, sides = ends.copy(), part.sides.copy()
        moved[neuron] = at
        sides[neuron] |= bit
        by_neuron.append(replace(part, lo=moved, sides=sides) if bit == 1 else replace(part, hi=moved, sides=sides))
    return by_neuron


def _by_knob(net: NetArrays, inputs: GroupedInput, part: _Part, shallow: NDArray[np.int64]) -> list[_Part] | None:
    ranges = np.maximum(inputs.high - inputs.low, 1e-12)
    widths = (part.high - part.low) / ranges
    for place in np.lexsort((-widths, -part.wander[1] / ranges)):
        ends = _halves(inputs, part, int(place)) if widths[place] > 1e-6 else None
        if ends is not None:
            break
    else:
        return None
    boxes = []
    for least, most in ends:
        low, high = part.low.copy(), part.high.copy()
        low[place], high[place] = least, most
        boxes.append((low, high))
    return _inside(net, inputs, part, boxes, shallow)


def _inside(
    net: NetArrays,
    inputs: GroupedInput,
    part: _Part,
    boxes: Sequence[tuple[Floats, Floats]],
    shallow: NDArray[np.int64],
) -> list[_Part]:
    """What some boxes of knobs hold of a part."""
    parts = []
    for low, high in boxes:
        lo, hi, kept, starts = part.lo.copy(), part.hi.copy(), part.kept.copy(), part.ends.copy()
        if allowed(inputs.arrays, low, high, kept, starts):
            kept = kept[: starts[-1]].copy()
            if bounds_of_kept(net, inputs.arrays, kept, starts, low, high, lo, hi, shallow):
                parts.append(replace(part, kept=kept, ends=starts, low=low, high=high, lo=lo, hi=hi))
    return parts


def _halves(inputs: GroupedInput, part: _Part, place: int) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Two ranges for a knob: halves of its values where these are listed, else of its range."""
    low, high = float(part.low[place]), float(part.high[place])
    where = np.argwhere(inputs.arrays.places == place)
    if not len(where):
        middle = 0.5 * (low + high)
        return (low, middle), (middle, high)
    group, column = where[0]
    values = np.unique(inputs.arrays.options[part.kept[part.ends[group] : part.ends[group + 1]], column])
    if len(values) < 2:
        return None
    half = len(values) // 2
    if part.wander[1, place] > 0:
        half = min(max(int(np.searchsorted(values, part.wander[0, place], side="right")), 1), len(values) - 1)
    return (float(values[0]), float(values[half - 1])), (float(values[half]), float(values[-1]))
