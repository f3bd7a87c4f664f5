"""Search by gradient: painting is relaxed to be linear, and the network's own slope ranks all changes.

The slope of the margin (score of the wished action minus the present one's) at the observation says
how much each cell would move it. A change's predicted gain is the sum over the cells that it repaints
of slope times change. Predicted flips are verified cheapest first; then the slope is taken again at the
most promising state seen. What is found is real, for every candidate is decided and judged.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import Box, Discrete, DnnExplainError, MultiBinary, NetworkPolicy
from dnnexplain.explain.adversarial.levels import BATCH
from dnnexplain.explain.adversarial.methods import steps
from dnnexplain.explain.adversarial.moves import ROUNDING
from dnnexplain.explain.adversarial.run import Run
from dnnexplain.explain.networks.hooks import network_of, tensor

__all__ = ["gradient", "margin_slope"]

Floats = NDArray[np.float64]

BLOCK = 128
PAIRED = 256
"""Changes per object that are tried in pairs."""


def gradient(run: Run, rng: np.random.Generator) -> None:
    """Verify changes in the order that the network's slope suggests; see the module."""
    policy = run.witness.policy
    if not isinstance(policy, NetworkPolicy):
        msg = f"{policy.name} is a rule without a network inside, so it has no gradient; use method 'exhaustive' or 'local'"
        raise DnnExplainError(msg)
    values = run.moves.base.values
    seen: set[bytes] = set()
    while True:
        ranked = _ranked(run, values, rng)
        ranked = ranked[[row.tobytes() not in seen for row in ranked]]
        if not len(ranked):
            near = steps(run, values)
            values = near[rng.integers(len(near))] if len(near) else run.moves.base.values
            run.check("Following the gradient")
            run.count()  # where every state was seen, a limit in rounds must still end it
            continue
        best, promising = -np.inf, values
        for first in range(0, min(len(ranked), 8 * BLOCK), BLOCK):
            block = ranked[first : first + BLOCK]
            seen.update(row.tobytes() for row in block)
            feedback = run.consider(block, text="Following the gradient")
            # A flip that is not adversarial leads nowhere: go on from the best state that has not flipped.
            open_rows = np.where(feedback.margin < 0, feedback.margin, -np.inf)
            if open_rows.max() > best:
                best, promising = float(open_rows.max()), block[int(open_rows.argmax())]
        values = promising


def margin_slope(run: Run, values: Floats) -> tuple[float, Floats]:
    """The margin in a state ``[K]`` and its gradient by the observation ``[*observation_shape]``."""
    policy = run.witness.policy
    assert isinstance(policy, NetworkPolicy)
    answers = run.witness.ask(values[None])
    seen = run.witness.observe(values[None])
    outputs = np.asarray(policy.outputs(seen), dtype=np.float64)[0]
    wished = run.witness.target
    if not isinstance(run.witness.space, Discrete):
        return float(answers.margin[0]), _slope_of_others(run, seen, outputs)
    if wished is None:
        others = outputs.copy()
        others[run.witness.action] = -np.inf
        wished = int(others.argmax())
    inputs = tensor(seen).requires_grad_()
    scores = network_of(policy)(inputs)
    (slope,) = torch.autograd.grad(scores[0, wished] - scores[0, run.witness.action], inputs)
    return float(answers.margin[0]), slope[0].numpy().astype(np.float64)


def _slope_of_others(run: Run, seen: NDArray[np.float32], outputs: Floats) -> Floats:
    """The slope of the output that is nearest to another decision: of a switch towards the other way, of a number up."""
    policy, now = run.witness.policy, np.asarray(run.witness.action)
    assert isinstance(policy, NetworkPolicy)
    if isinstance(run.witness.space, MultiBinary):
        off = now if run.witness.target is None else ~np.asarray(run.witness.target)
        signs = np.where(off, -1.0, 1.0)
        place = int((signs * outputs).argmax())
    else:
        signs, place = np.ones(len(outputs)), int(np.abs(outputs - now).argmax())
    inputs = tensor(seen).requires_grad_()
    scores = network_of(policy)(inputs)
    (slope,) = torch.autograd.grad(float(signs[place]) * scores[0, place], inputs)
    return np.asarray(slope[0].numpy(), dtype=np.float64)


def _ranked(run: Run, values: Floats, rng: np.random.Generator) -> Floats:
    """Changes of the state, starting from another one, best first ``[n, K]``."""
    margin, slope = margin_slope(run, values)
    margin = margin if np.isfinite(margin) else 0.0
    seen = run.witness.observe(values[None])[0]
    states, gains = [], []
    for atom in run.moves.atoms:
        rows = np.repeat(values[None], len(atom.rows), axis=0)
        rows[:, list(atom.knobs)] = atom.rows
        keep = np.flatnonzero(run.moves.cost(rows) < run.limit() - ROUNDING)
        gain = [_gain(run, rows[part], seen, slope) for part in np.array_split(keep, max(1, -(-len(keep) // BATCH)))]
        states.append(rows[keep])
        gains.append(np.concatenate(gain))
    if run.most > 1:
        paired = _pairs(run, values, states, gains)
        states.append(paired[0])
        gains.append(paired[1])
    every, gain_of = np.concatenate(states), np.concatenate(gains)
    fine = run.allowed(every) & (run.moves.cost(every) < run.limit() - ROUNDING)
    every, gain_of = every[fine], gain_of[fine]
    cost = run.moves.cost(every)
    flips = margin + gain_of > 0
    jitter = rng.random(len(every)) * 1e-6  # ties in another order each time
    rank = np.where(flips, cost, 1e6 + -(margin + gain_of) / np.maximum(cost, 1e-9)) + jitter
    return np.asarray(every[np.argsort(rank, kind="stable")])


def _gain(run: Run, rows: Floats, seen: NDArray[np.float32], slope: Floats) -> Floats:
    if not len(rows):
        return np.zeros(0)
    moved = (run.witness.observe(rows) - seen).reshape(len(rows), -1)
    gain = np.asarray(moved @ slope.reshape(-1).astype(np.float32), dtype=np.float64)
    return np.abs(gain) if isinstance(run.witness.space, Box) else gain  # a number may move either way


def _pairs(run: Run, values: Floats, states: list[Floats], gains: list[Floats]) -> tuple[Floats, Floats]:
    """Pairs of changes of two objects, each among those of the highest gain per cost; gains add up."""
    rows, sums = [np.zeros((0, len(values)))], [np.zeros(0)]
    few = []
    for block, gain in zip(states, gains, strict=True):
        cost = np.maximum(run.moves.cost(block), 1e-9)
        few.append(np.argsort(-gain / cost, kind="stable")[: PAIRED // max(1, len(states))])
    for left, right in combinations(range(len(states)), 2):
        first, second = np.meshgrid(few[left], few[right], indexing="ij")
        block = states[left][first.ravel()].copy()
        places = list(run.moves.atoms[right].knobs)
        block[:, places] = states[right][second.ravel()][:, places]
        rows.append(block)
        sums.append(gains[left][first.ravel()] + gains[right][second.ravel()])
    return np.concatenate(rows), np.concatenate(sums)
