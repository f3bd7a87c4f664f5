"""A neuron of a deeper layer at its largest over a box of knobs: slopes from many starts, then knob by knob.

From each start the search goes towards the corner of the box to which the slope points, as far as that helps
(for a network of straight pieces the step of Frank and Wolfe 1956). From the best
ends, every single knob is tried at either end of its range and on the way to it, and random changes of a few knobs
together. Nothing of this is a proof: the neuron's input has many hills.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnnexplain.contract import Policy, System
from dnnexplain.explain.networks.hooks import array, noted, private, tensor
from dnnexplain.explain.probing.block_search import BLOCK_LIMIT, Climb, wander
from dnnexplain.explain.probing.neurons import NeuronLayer, neuron_activations
from dnnexplain.explain.probing.straight_box import StraightBox

__all__ = ["climb_box"]

_FEW, _POINTS = 64, 13
"""Up to so many knobs each is tried at so many values; of more knobs at the ends and half way to them."""
_AGAIN = 4
_STEPS = 40
_ROUNDS = 40
_RISES = 8
"""Starts per restart asked for: to rise along slopes is cheap."""
_POLISHED = 3
"""Of the starts, the best so many are tried knob by knob, which takes most of the time."""
_SHARES = (1.0, 0.5, 0.2, 0.05)
_ENOUGH = 1e-6
"""A gain below this share of the score is none: the network computes in single precision."""


def climb_box(
    system: System,
    policy: Policy,
    layer: NeuronLayer,
    neuron: int,
    box: StraightBox,
    *,
    restarts: int,
    seed: int,
    cancel: Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> Climb:
    """Maximise a neuron over a box of knob values.

    Args:
        system: whose knobs, painting and ``repair`` are used.
        policy: with a torch network inside.
        layer, neuron: whose output is maximised.
        box: of the system's valid states.
        restarts: eight starts each: the knobs' defaults, then corners and points of the box by turns.
        seed: draws the starts.
        cancel: ends the search after the current step; the best so far is returned.
        progress: called with the fraction done.
    """
    search = _Search(system, policy, layer, neuron, box, cancel)
    rows, scores = search.rise(_starts(system, box, max(1, _RISES * restarts), seed))
    best, at_best, settled = -np.inf, rows[0], False
    polished = np.argsort(-scores, kind="stable")[:_POLISHED]
    for done, place in enumerate(polished):
        values, reached, ended = search.finish(rows[place], float(scores[place]), [seed, int(place)])
        if reached > best:
            best, at_best, settled = reached, values, ended
        if search.stopped:
            break
        if progress is not None:
            progress((done + 1) / len(polished))
    return Climb(at_best, float(best), len(rows), search.evaluated, search.stopped, settled and not search.stopped)


def _starts(system: System, box: StraightBox, count: int, seed: int) -> NDArray[np.float64]:
    """Starts ``[count, K]``; fewer of them are the first of more."""
    rows = [np.array([knob.start for knob in system.knobs])]
    for place in range(1, count):
        rng = np.random.default_rng([seed, place])
        drawn, share = rng.random(len(box.low)), rng.random()
        corner = np.where(drawn < share, box.high, box.low)
        rows.append(corner if place % 2 else box.low + drawn * (box.high - box.low))
    return np.asarray(system.repair(np.array(rows)), dtype=np.float64)


class _Search:
    """Scores and slopes of one neuron over knob values; counts states and minds the cancel flag."""

    def __init__(
        self, system: System, policy: Policy, layer: NeuronLayer, neuron: int, box: StraightBox, cancel: Event | None
    ) -> None:
        self.system, self.policy, self.layer, self.neuron = system, policy, layer, neuron
        self.box, self.cancel = box, cancel
        self.twin = private(policy)
        self.evaluated = 0

    @property
    def stopped(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The neuron at valid values ``[B, K]``."""
        self.evaluated += len(rows)
        pieces = np.array_split(rows, max(1, -(-len(rows) // BLOCK_LIMIT)))
        seen = [
            neuron_activations(self.policy, self.layer, self.system.encode(piece), [self.neuron]) for piece in pieces
        ]
        return np.concatenate(seen)[:, 0]

    def slopes(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """How the neuron moves with each knob ``[B, K]``."""
        inputs = tensor(self.system.encode(rows)).requires_grad_()
        seen: list[Tensor] = []
        with noted(self.twin, self.layer.name, self.layer.side, seen.append):
            self.twin(inputs)
        (slope,) = torch.autograd.grad(seen[0][:, self.neuron].sum(), inputs)
        return self.box.per_knob(array(slope).reshape(len(rows), -1))

    def rise(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Every start as far as its slopes lead."""
        scores, active = self.score(rows), np.ones(len(rows), dtype=bool)
        for _ in range(_STEPS):
            if self.stopped or not active.any():
                break
            at = rows[active]
            slopes = self.slopes(at)
            corner = np.where(slopes > 0, self.box.high, np.where(slopes < 0, self.box.low, at))
            tried = np.stack([at + share * (corner - at) for share in _SHARES], axis=1)
            tried = np.asarray(self.system.repair(tried.reshape(-1, at.shape[1])))
            reached = self.score(tried).reshape(len(at), -1)
            best, before = reached.argmax(axis=1), scores[active]
            gained = reached.max(axis=1) > before + _ENOUGH * np.maximum(1.0, np.abs(before))
            taken = tried.reshape(len(at), len(_SHARES), -1)[np.arange(len(at)), best]
            places = np.flatnonzero(active)
            rows[places[gained]], scores[places[gained]] = taken[gained], reached.max(axis=1)[gained]
            active[places[~gained]] = False
        return rows, scores

    def finish(
        self, values: NDArray[np.float64], reached: float, seed: list[int]
    ) -> tuple[NDArray[np.float64], float, bool]:
        """:meth:`polish`, and again wherever random changes of a few knobs together lead higher."""
        values, reached, ended = self.polish(values, reached)
        for again in range(_AGAIN):
            rng = np.random.default_rng([*seed, again])
            there, higher, _ = wander(self.system, self.score, values, reached, rng=rng, cancel=self.cancel)
            if self.stopped or higher <= reached:
                break
            values, reached, ended = self.polish(there, higher)
        return values, reached, ended

    def polish(self, values: NDArray[np.float64], reached: float) -> tuple[NDArray[np.float64], float, bool]:
        """Single knobs at their ends, the helpful ones together as far as that helps; whether none helps any more."""
        for _ in range(_ROUNDS):
            if self.stopped:
                return values, reached, False
            knobs, ends = self._single_moves(values)
            rows = np.repeat(values[None], len(knobs), axis=0)
            rows[np.arange(len(knobs)), knobs] = ends
            gains = self.score(rows) - reached
            helpful = np.flatnonzero(gains > _ENOUGH * max(1.0, abs(reached)))
            if not len(helpful):
                return values, reached, True
            order = helpful[np.argsort(-gains[helpful], kind="stable")]
            values, reached = self._together(values, knobs[order], ends[order])
            rows, scores = self.rise(values[None].copy())
            values, reached = rows[0], float(scores[0])
        return values, reached, False

    def _single_moves(self, values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Every knob that is seen at either end, and between: with few knobs on a grid, else half way to each end."""
        seen = np.flatnonzero(self.box.seen)
        low, high, now = self.box.low[seen], self.box.high[seen], values[seen]
        if len(seen) <= _FEW:
            rows = low + np.linspace(0.0, 1.0, _POINTS)[:, None] * (high - low)
        else:
            rows = np.stack([low, high, 0.5 * (now + low), 0.5 * (now + high)])
        knobs = np.tile(seen, len(rows))
        moves = np.array([self.system.knobs[k].snap(v) for k, v in zip(knobs, rows.ravel(), strict=True)])
        moved = values[knobs] != moves
        return knobs[moved], moves[moved]

    def _together(
        self, values: NDArray[np.float64], knobs: NDArray[np.int64], ends: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """The best of: the first move, the first two, the first four, ..., all of them."""
        counts = sorted({min(2**power, len(knobs)) for power in range(len(knobs).bit_length() + 1)})
        rows = np.repeat(values[None], len(counts), axis=0)
        for row, count in zip(rows, counts, strict=True):
            row[knobs[:count][::-1]] = ends[:count][::-1]  # of two moves of one knob the better one stays
        scores = self.score(rows)
        best = int(scores.argmax())
        return rows[best], float(scores[best])
