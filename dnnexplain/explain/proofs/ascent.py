"""States climbed to group by group: each group of knobs takes the joint value that is best while the others stay.

Of a network whose bends see inputs alone, what every joint value of a group adds to each of them is known beforehand. So
one step looks at *all* values of a group, some thousand of them, at the price of one small product: coordinate ascent over
blocks (Tseng, 2001), from many starts. It proves nothing, and finds most violations that there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.proofs.network import Bend
from dnnexplain.explain.proofs.relaxation import RelaxedModel

__all__ = ["ascended"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
POINTS = 9
"""Values of a knob along a straight line that are tried."""
SWEEPS = 12
"""Times that every group is gone through, at most; mostly nothing changes after three or four."""


@dataclass(frozen=True, eq=False)
class _Block:
    """A group: its joint values ``[n, k]`` of the knobs ``places``, and what each adds to bends and rows ``[n, N + r]``."""

    places: Ints
    options: Floats
    adds: Floats


@dataclass(frozen=True, eq=False)
class _Sum:
    """Bends of sums over blocks, and rows of these: all that is asked about."""

    blocks: list[_Block]
    constant: Floats
    gains: Floats
    count: int

    def value(self, sums: Floats) -> Floats:
        """The smallest row ``[n]`` for sums ``[n, N + r]``."""
        bent = np.maximum(sums[:, : self.count], 0.0)
        return np.asarray((sums[:, self.count :] + bent @ self.gains).min(axis=1))


def ascended(
    model: RelaxedModel, rows: Floats, offsets: Floats, rng: np.random.Generator, starts: int, go_on: Callable[[], bool]
) -> Floats:
    """The ends of climbs at which the smallest of some rows is largest, the best first ``[n, E]``; none where it knows no way.

    Args:
        model: the network over the states, its bends (ReLU alone) seeing inputs only.
        rows, offsets: over its outputs ``[r, A]``, ``[r]``.
        rng: where to start, and in which order to go.
        starts: so many.
        go_on: false when the time is up.
    """
    sums = _laid(model, rows, offsets)
    if sums is None:
        return np.empty((0, len(model.inputs.low)))
    ends: list[tuple[float, Floats]] = []
    for _ in range(starts):
        if not go_on():
            break
        if (end := _climb(model, sums, rng)) is not None:
            ends.append(end)
    ends.sort(key=lambda end: -end[0])
    return np.array([knobs for _, knobs in ends]).reshape(len(ends), len(model.inputs.low))


def _laid(model: RelaxedModel, rows: Floats, offsets: Floats) -> _Sum | None:
    if (
        not model.flat
        or not all(isinstance(bend, Bend) for bend in model.bends)
        or np.isfinite(model.inputs.arrays.budget[0])
    ):
        return None
    relaxation, inputs = model.relaxation, model.inputs
    bends = [np.asarray(form.toarray())[:, : inputs.count] for form in relaxation.forms]
    into = np.vstack([*bends, (rows @ model.forms.T)[:, 1 : 1 + inputs.count]])
    weights = (rows @ model.forms.T)[:, 1 + inputs.count :]
    count = len(into) - len(rows)
    constant = np.concatenate([*relaxation.constants, (rows @ model.forms.T)[:, 0] + offsets])
    blocks = _blocks(model, np.hstack([into, np.zeros((len(into), 1))]))
    return None if blocks is None else _Sum(blocks, constant, weights.T, count)


def _blocks(model: RelaxedModel, into: Floats) -> list[_Block] | None:
    """Groups with the values that the box leaves them; ``None`` where one is left without any."""
    inputs, arrays = model.inputs, model.inputs.arrays
    blocks = []
    for at, all_places in enumerate(arrays.places):
        here = slice(arrays.start[at], arrays.start[at + 1])
        places, options = all_places[all_places >= 0], arrays.options[here][:, all_places >= 0]
        inside = ((options >= inputs.low[places] - 1e-9) & (options <= inputs.high[places] + 1e-9)).all(axis=1)
        if not inside.any():
            return None
        adds = into[:, arrays.numbers[here][inside]].sum(axis=2).T
        blocks.append(_Block(places, options[inside], adds))
    for place, number in zip(arrays.line_place, arrays.line_number, strict=True):
        along = np.linspace(inputs.low[place], inputs.high[place], POINTS)
        blocks.append(_Block(np.array([place]), along[:, None], along[:, None] * into[:, number]))
    return blocks


def _climb(model: RelaxedModel, sums: _Sum, rng: np.random.Generator) -> tuple[float, Floats] | None:
    """One climb from a drawn state: its end, or ``None`` where relations across groups were never met."""
    arrays, knobs = model.inputs.arrays, model.inputs.low.copy()
    taken = [int(rng.integers(len(block.options))) for block in sums.blocks]
    for block, at in zip(sums.blocks, taken, strict=True):
        knobs[block.places] = block.options[at]
    total = sums.constant + np.sum([block.adds[at] for block, at in zip(sums.blocks, taken, strict=True)], axis=0)
    best, kept = -np.inf, False
    for _ in range(SWEEPS):
        moved = False
        for place in rng.permutation(len(sums.blocks)):
            block = sums.blocks[place]
            others = total - block.adds[taken[place]]
            values = sums.value(others + block.adds)
            over = _over(arrays.weights, arrays.most, knobs, block)
            # First the relations across groups are met as nearly as can be, then the value counts.
            values = np.where(over <= over.min() + 1e-9, values, -np.inf)
            at = int(values.argmax())
            kept = bool(over[at] <= 1e-9)
            if at != taken[place] and (values[at] > best + 1e-9 or over[taken[place]] > over[at] + 1e-9):
                taken[place], total, moved = at, others + block.adds[at], True
                knobs[block.places] = block.options[at]
            best = float(sums.value(total[None])[0])
        if not moved:
            break
    return (best, knobs) if kept else None


def _over(weights: Floats, most: Floats, knobs: Floats, block: _Block) -> Floats:
    """By how much each value of a group breaks relations across groups, in all ``[n]``."""
    if not len(most):
        return np.zeros(len(block.options))
    rest = weights @ knobs - weights[:, block.places] @ knobs[block.places]
    used = block.options @ weights[:, block.places].T + rest
    return np.asarray(np.maximum(used - most, 0.0).sum(axis=1))
