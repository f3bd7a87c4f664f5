"""What a real change of the state does: objects put back to the baseline, knobs moved by a step.

All changed states are made from knobs, so they are states that can occur; nothing is greyed out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State, System
from dnnexplain.results import register

MOST_OBJECTS, FEW_OBJECTS = 512, 128
"""So many are put back at most, one at a time; of more, a light badge puts back the second number."""

__all__ = [
    "FEW_OBJECTS",
    "MOST_OBJECTS",
    "Intervention",
    "mixtures",
    "neighbours",
    "objects",
    "physical_reference",
    "predicted",
    "without",
]


@register
@dataclass(frozen=True, slots=True)
class Intervention:
    """One object of the domain put back to the baseline, all others kept.

    Attributes:
        name: the object, a group of knobs: ``job 3``.
        gone: whether it is gone then (all its knobs at 0); else it is merely set as in the baseline.
        predicted: what the map gives to the cells that changed.
        actual: what the target really loses.
        probability_before, probability_after: of the chosen action; NaN for a vector output.
        action_after: what is decided then; ``None`` for a vector output.
    """

    name: str
    gone: bool
    predicted: float
    actual: float
    probability_before: float
    probability_after: float
    action_after: int | None


def objects(system: System) -> dict[str, NDArray[np.int64]]:
    """The positions of each object's knobs, by the knobs' group (a knob without one is its own)."""
    members: dict[str, list[int]] = {}
    for position, knob in enumerate(system.knobs):
        members.setdefault(knob.group or knob.name, []).append(position)
    return {name: np.array(positions, dtype=np.int64) for name, positions in members.items()}


def physical_reference(
    system: System, state: State, name: str, references: NDArray[np.float32]
) -> tuple[str, NDArray[np.float64]]:
    """A baseline that is a state, by name and knob values ``[K]``: the given one if it is, else the system's first.

    A mean of states, or a set of them, cannot be built from knobs.
    """
    own = system.baselines(state)  # perhaps thousands, each made when it is asked for
    for label, observations in chain([(name, references)], own.items()):
        values = system.repair(system.decode(observations[:1]))
        if len(observations) == 1 and np.allclose(system.encode(values), observations, atol=1e-6):
            return label, values[0]
    label, observations = next(iter(own.items()))
    return label, np.asarray(system.repair(system.decode(observations[:1]))[0])


def without(
    system: System, state: State, reference: NDArray[np.float64], seed: int = 0, *, drawn: int = MOST_OBJECTS
) -> tuple[list[str], NDArray[np.float64]]:
    """The state with each object in turn put back to ``reference [K]``: names and knob values ``[n, K]``.

    Objects that are as in the reference already are left out. Of more than :data:`MOST_OBJECTS`, ``drawn`` are taken
    at random: their states fill a matrix that grows with the square of their number.
    """
    known = list(objects(system).items())
    if len(known) > MOST_OBJECTS:
        places = np.random.default_rng(seed).permutation(len(known))[:drawn]
        known = [known[place] for place in np.sort(places)]
    rows = np.repeat(state.values[None], len(known), axis=0)
    for row, (_, positions) in zip(rows, known, strict=True):
        row[positions] = reference[positions]
    rows = np.asarray(system.repair(rows)) if len(rows) else rows
    moved = (rows != state.values).any(axis=1)
    return [name for (name, _), other in zip(known, moved, strict=True) if other], rows[moved]


def mixtures(
    system: System, state: State, reference: NDArray[np.float64], count: int, seed: int
) -> NDArray[np.float64]:
    """States in which each object is put back or kept by the toss of a coin ``[n, K]``, n <= ``count``."""
    draw = np.random.default_rng(seed)
    back = np.zeros((count, len(state.values)), dtype=bool)
    for positions in objects(system).values():
        back[:, positions] = draw.random((count, 1)) < 0.5
    values = system.repair(np.where(back, reference, state.values))
    return np.asarray(values[(values != state.values).any(axis=1)])


def neighbours(system: System, state: State, count: int, seed: int) -> NDArray[np.float64]:
    """Up to ``count`` states one step of one knob away ``[n, K]``; 2% of the range where a knob has no step."""
    order = np.random.default_rng(seed).permutation(2 * len(system.knobs))
    near: list[NDArray[np.float64]] = []
    for first in range(0, len(order), 4 * count):  # most moves are valid, and all at once would be K x K numbers
        moves = order[first : first + 4 * count]
        values = np.repeat(np.asarray(state.values, dtype=np.float64)[None], len(moves), axis=0)
        for row, move in zip(values, moves.tolist(), strict=True):
            knob = system.knobs[move // 2]
            row[move // 2] += (knob.step if knob.step is not None else 0.02 * (knob.high - knob.low)) * (
                2 * (move % 2) - 1
            )
        values = np.asarray(system.repair(values))
        near.extend(values[(values != state.values).sum(axis=1) == 1])
        if len(near) >= count:
            break
    return np.array(near[:count]).reshape(-1, len(state.values))


def predicted(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    reference: NDArray[np.float64],
    measure: str,
) -> NDArray[np.float64]:
    """The weight of each cell ``[n, ...]`` with which a map predicts ``F(before) - F(after)``.

    A slope predicts slope times change. A share predicts its part of the way back to the reference;
    a score is taken like a share of the cells that changed.
    """
    change: NDArray[np.float64] = before.astype(np.float64) - after
    if measure == "slope":
        return change
    moved: NDArray[np.float64] = (change != 0.0).astype(np.float64)
    if measure == "score":
        return moved
    way = np.broadcast_to(before - reference, change.shape)
    far = np.abs(way) > 1e-9
    part: NDArray[np.float64] = np.where(far, change / np.where(far, way, 1.0), 0.0)
    return part
