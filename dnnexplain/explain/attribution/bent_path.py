"""Integrated gradients by Captum, on a path that is divided where the network bends.

The integral along a straight path is the sum of the integrals along its pieces. Between two bends a
ReLU network is linear and two steps are exact; a piece that holds a bend shows it, for its sum misses
``F(end) - F(begin)``. So only such pieces are divided further, and each division brings the error down
to a quarter, where more steps on the whole path would be spent on what is exact already.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from dnnexplain.explain.attribution.captum_question import CaptumQuestion, Raw

__all__ = ["COMPLETE_WITHIN", "integrated_gradients"]

COMPLETE_WITHIN = 0.01
"""The completeness error that integrated gradients and DeepLift may have, as a part of the difference."""

_PIECES, _STEPS, _DIVIDE, _ROUNDS = 16, 2, 4, 10
_MOST_BAD = 256
"""Pieces per path that may still be divided: beyond, it is rounding that fails them, or a network all bends."""
_SLAB_NUMBERS = 1 << 22
"""Input values of the pieces that are in memory at once: 16 MB of float32, and several times as much for their ends and maps."""
_MOST_PRODUCTS = 3 * 10**10
"""Multiplications of the forward passes for one state: beyond, what is left undivided is taken as it is, and the note says so."""


def integrated_gradients(p: CaptumQuestion) -> Raw:
    """The path integral of the gradient, within 1% of the difference, or with a note on how far from it.

    ``settings["steps"]`` fixes the number of steps on the undivided path instead.
    """
    difference = p.by_state(p.explained())
    if p.settings.get("steps"):
        steps = p.count("steps", _STEPS)
        attribution = _captum(p, steps)
    else:
        attribution, steps = _divided(p, difference)
    missed = (p.by_state(attribution).flatten(1).sum(1) - difference).abs()
    return Raw(attribution, steps, _incomplete(missed, difference))


def _captum(p: CaptumQuestion, steps: int) -> Tensor:
    return IntegratedGradients(p.forward).attribute(  # type: ignore[no-any-return]
        p.inputs,
        p.references,
        additional_forward_args=(p.rows,),
        n_steps=steps,
        method="riemann_middle",
        internal_batch_size=max(p.chunk, len(p.rows)),
    )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Pieces of paths: which pair each belongs to ``[n]``, where it begins and ends (0: reference, 1: input)."""

    pair: Tensor
    low: Tensor
    high: Tensor

    def of(self, p: CaptumQuestion) -> CaptumQuestion:
        """The problem on each piece."""
        shape = (-1, *([1] * (p.inputs.ndim - 1)))
        begin, way = p.references[self.pair], (p.inputs - p.references)[self.pair]
        return p.elsewhere(
            inputs=begin + self.high.reshape(shape) * way,
            references=begin + self.low.reshape(shape) * way,
            rows=p.rows[self.pair],
        )

    def where(self, which: Tensor) -> _Pieces:
        """Some of the pieces."""
        return _Pieces(self.pair[which], self.low[which], self.high[which])

    def slabs(self, p: CaptumQuestion) -> list[_Pieces]:
        """All pieces, in parts whose inputs fit into memory together."""
        size = max(1, min(_SLAB_NUMBERS // p.groups.numel(), p.chunk))
        parts = (torch.split(values, size) for values in (self.pair, self.low, self.high))
        return [_Pieces(*part) for part in zip(*parts, strict=True)]

    def divided(self, which: Tensor) -> _Pieces:
        """Some of the pieces, each cut into four."""
        low, width = self.low[which], (self.high - self.low)[which] / _DIVIDE
        cut = torch.arange(_DIVIDE)
        begin = (low[:, None] + cut * width[:, None]).flatten()
        return _Pieces(self.pair[which].repeat_interleave(_DIVIDE), begin, begin + width.repeat_interleave(_DIVIDE))


class _Budget:
    """Which pieces are good enough, so that all that is accepted misses at most 1% of a state's difference.

    Errors count without their sign, as a mean over the references. A round in which the rest fits into
    what is left accepts it all; else round k accepts pieces that would fit ``2**(k + 1)`` times over.
    """

    def __init__(self, p: CaptumQuestion, difference: Tensor) -> None:
        self.share = 1.0 / p.rows.bincount(minlength=p.state_count).double()
        self.noise = 1e-6 * (p.values(p.inputs, p.rows).abs() + p.values(p.references, p.rows).abs())
        self.left = COMPLETE_WITHIN * difference.abs()

    def bad(self, missed: Tensor, pieces: _Pieces, rows: Tensor, round_: int) -> Tensor:
        """The pieces to divide further ``[n]``, true or false; the others are charged."""
        lost = missed * self.share[rows]
        alive = rows.bincount(minlength=len(self.left))
        allowed = (self.left.clamp_min(0.0) / 2 ** (round_ + 1) / alive.clamp_min(1))[rows]
        bad: Tensor = (lost > allowed) & (missed > self.noise[pieces.pair])
        crowd = rows[bad].bincount(minlength=len(self.left)) * self.share
        rest = torch.zeros_like(self.left).index_add_(0, rows, lost)
        bad = bad & ((rest > self.left) & (crowd <= _MOST_BAD))[rows] & (round_ < _ROUNDS - 1)
        self.left.index_add_(0, rows, -lost * ~bad)
        return bad


def _divided(p: CaptumQuestion, difference: Tensor) -> tuple[Tensor, int]:
    """The maps ``[P, ...]`` and the largest number of steps that a path took."""
    whole = torch.zeros(p.inputs.shape, dtype=torch.float64)
    taken = torch.zeros(len(p.rows), dtype=torch.long)
    budget = _Budget(p, difference)
    count = max(2, _PIECES * p.state_count // len(p.rows))
    edges = torch.linspace(0.0, 1.0, count + 1)
    pairs = torch.arange(len(p.rows)).repeat_interleave(count)
    pieces = _Pieces(pairs, edges[:-1].repeat(len(p.rows)), edges[1:].repeat(len(p.rows)))
    allowed = _MOST_PRODUCTS * p.state_count // max(1, p.sizes.products)
    for round_ in range(_ROUNDS):
        kept, missed = _missed(p, pieces)
        bad = budget.bad(missed, pieces, p.rows[pieces.pair], round_)
        taken += _STEPS * pieces.pair.bincount(minlength=len(taken))
        if int(taken.sum()) + _STEPS * _DIVIDE * int(bad.sum()) > allowed:
            bad = torch.zeros_like(bad)
        _add(whole, p, pieces.where(~bad), None if kept is None else kept[~bad])
        if not bad.any():
            break
        pieces = pieces.divided(bad)
    return whole, int(taken.max())


def _missed(p: CaptumQuestion, pieces: _Pieces) -> tuple[Tensor | None, Tensor]:
    """The maps of pieces, if they are few enough to keep, and what the sum of each misses ``[n]``."""
    gradients, missed = [], []
    few = len(pieces.pair) * p.groups.numel() <= _SLAB_NUMBERS
    for slab in pieces.slabs(p):
        part = slab.of(p)
        gradient = _captum(part, _STEPS).double()
        missed.append((gradient.flatten(1).sum(1) - part.explained()).abs())
        if few:
            gradients.append(gradient)
    return (torch.cat(gradients) if few else None), torch.cat(missed)


def _add(whole: Tensor, p: CaptumQuestion, pieces: _Pieces, gradient: Tensor | None) -> None:
    """Add the maps of pieces to those of their pairs; those that were not kept are made again."""
    if gradient is not None:
        whole.index_add_(0, pieces.pair, gradient)
        return
    for slab in pieces.slabs(p):
        whole.index_add_(0, slab.pair, _captum(slab.of(p), _STEPS).double())


def _incomplete(missed: Tensor, difference: Tensor) -> tuple[str, ...]:
    wrong = missed > COMPLETE_WITHIN * difference.abs() + 1e-6
    if not wrong.any():
        return ()
    worst = int((missed / difference.abs().clamp_min(1e-12) * wrong).argmax())
    many = "" if len(missed) == 1 else f"in {int(wrong.sum())} of {len(missed)} states, at worst: "
    note = (
        f"{many}the map's sum still misses the difference by {float(missed[worst]):.3g} of "
        f"{float(difference[worst]):.3g} (goal: {COMPLETE_WITHIN:.0%})"
    )
    return (note,)
