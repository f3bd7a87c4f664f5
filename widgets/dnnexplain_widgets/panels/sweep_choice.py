"""Which two knobs a map begins with, and which output it looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Discrete
from dnnexplain_widgets.session import Session

__all__ = ["first_pair"]

_MOST_TRIED = 4000


def first_pair(session: Session) -> tuple[str, str, str]:
    """Names of two knobs and of an output: the first two knobs, unless the network does not look at them here.

    Then the two that move an output most, each from its least to its largest value. The output is the one that they move
    most; empty where a map needs none.
    """
    system = session.system
    names = [knob.name for knob in system.knobs]
    pair = (0, min(1, len(names) - 1))
    if isinstance(system.output, Discrete):
        return names[pair[0]], names[pair[1]], ""
    moved = _moved_by(session, pair)
    if not moved.any() and len(names) <= _MOST_TRIED:
        every = _moved_by(session, range(len(names)))
        strongest = np.argsort(-every.max(axis=1), kind="stable")
        pair = (int(strongest[0]), int(strongest[pair[1]]))
        moved = every[list(pair)]
    output = str(system.output.names[int(moved.max(axis=0).argmax())]) if system.output.kind == "values" else ""
    return names[pair[0]], names[pair[1]], output


def _moved_by(session: Session, knobs: Sequence[int]) -> NDArray[np.float64]:
    """By how much each output differs when a knob goes from its least to its largest value, ``[knobs, outputs]``."""
    system, state = session.system, session.state
    values = np.tile(state.values, (2, len(knobs), 1))
    for place, at in enumerate(knobs):
        values[:, place, at] = system.knobs[at].low, system.knobs[at].high
    flat = system.repair(values.reshape(2 * len(knobs), -1))
    background = state.background
    behind = None if background is None else np.broadcast_to(background, (len(flat), *background.shape))
    outputs = np.asarray(session.policy.outputs(system.encode(flat, behind)), dtype=np.float64)
    pairs = outputs.reshape(2, len(knobs), -1)
    return np.asarray(np.abs(pairs[1] - pairs[0]))
