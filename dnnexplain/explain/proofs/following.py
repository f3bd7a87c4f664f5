"""Two steps in one program: the state that a decision leads to, painted by the same choices as the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, StateSet, System
from dnnexplain.contract.properties import Following
from dnnexplain.explain.proofs.inputs import Input, Summand, spread, summands
from dnnexplain.explain.proofs.program import Program

__all__ = ["painted_after", "summands_after"]

Floats = NDArray[np.float64]


class _After:
    """A system as seen one decision later: its observations are those of the states that follow."""

    def __init__(self, system: System, then: Following) -> None:
        self._system, self._then = system, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def encode(self, values: Floats, background: Any = None) -> NDArray[Any]:
        """The observation of the state that follows each of ``[B, K]``."""
        return self._system.encode(self._then(np.asarray(values, dtype=float)), background)


def summands_after(
    system: System, states: StateSet, then: Following, parts: Sequence[Summand], background: Any
) -> tuple[Floats, list[Summand]]:
    """The constant ``[cells]`` and the summands of the observations one decision later, choice by choice those of ``parts``.

    Raises:
        DnnExplainError: they are no sum over the same choices.
    """
    later: Any = _After(system, then)
    ground, after = summands(later, states, background)
    for first, second in zip(parts, after, strict=True):
        if (
            first.knobs != second.knobs
            or first.straight != second.straight
            or len(first.options) != len(second.options)
        ):
            names = " and ".join(system.knobs[place].name for place in first.knobs)
            msg = f"what {names} paints one decision later is not told by the same choices, so no program speaks of both steps"
            raise DnnExplainError(msg)
    return ground, after


def painted_after(
    program: Program, system: System, states: StateSet, first: Input, then: Following, background: Any
) -> Input:
    """The observation one decision later, over the values of the first."""
    ground, after = summands_after(system, states, then, [part for part, _ in first.parts], background)
    constant, columns = ground.copy(), dict[int, Floats]()
    placed = []
    for (_, numbers), part in zip(first.parts, after, strict=True):
        constant += spread(system, states, part, numbers, columns)
        placed.append((part, numbers))
    forms = np.zeros((1 + len(program), len(ground)))
    forms[0] = constant
    for number, added in columns.items():
        forms[1 + number] = added
    return Input(forms, first.knobs, tuple(placed))
