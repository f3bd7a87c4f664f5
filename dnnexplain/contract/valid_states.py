"""What a valid state is: one definition, which proofs, searches, files, links and uploads share.

A state is valid if its knobs paint it: every value is as the system's ``repair`` leaves it, and the observation
is the one that ``encode`` makes of the values alone. A state may also carry an observation of its own (a
``background``: met in an episode, read from a file) that shows what no knob can paint. Such a state can be
explained like any other, but it lies outside what a proof over all valid states speaks of, and says so.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from dnnexplain.contract.knobs import State
from dnnexplain.contract.systems import System

__all__ = ["DescribesValidStates", "outside_valid", "valid_states"]

_ANY = "every state that the knobs can paint"


@runtime_checkable
class DescribesValidStates(Protocol):
    """A system that says in its own words which states are valid.

    Attributes:
        valid_states: completes "over ...": ``"all states whose rows are filled from the left"``.
        unpainted: completes "this state ..." for one whose observation no knobs paint.
    """

    valid_states: str
    unpainted: str


def valid_states(system: System) -> str:
    """Over which states a proof speaks, in words."""
    return system.valid_states if isinstance(system, DescribesValidStates) else _ANY


def outside_valid(system: System, state: State) -> str:
    """Why a state lies outside the valid ones, in one sentence; empty if it is valid."""
    values = np.asarray(state.values, dtype=np.float64)[None]
    repaired = system.repair(values)
    if not np.allclose(repaired, values, rtol=1e-9, atol=1e-9):
        place = int(np.abs(repaired - values)[0].argmax())
        knob = system.knobs[place]
        return (
            f"This state lies outside the valid ones ({valid_states(system)}): {knob.name} is {values[0, place]:g} "
            f"where a valid state has {repaired[0, place]:g}."
        )
    if state.background is None:
        return ""
    if np.allclose(system.encode(values, state.background), system.encode(values), rtol=0.0, atol=1e-6):
        return ""
    what = system.unpainted if isinstance(system, DescribesValidStates) else "shows cells that no knob paints"
    return f"This state lies outside the valid ones ({valid_states(system)}), of which proofs speak: it {what}."
