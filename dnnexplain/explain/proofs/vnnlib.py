"""Properties as VNN-LIB, for others' verifiers: boxes of what a network sees, and what its outputs must not be.

A box of cells holds all that a set of states paints, and more (half a job counts as a job): where another verifier finds
no violation in it, the property holds; what it finds may be no valid state. A case of two states is asked of the network
twice in one: its inputs are what the first state shows and by how much the second one shows more, so that cells which the
moved knob does not paint stay the same in every point of the box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, System
from dnnexplain.explain.proofs.groups import grouped
from dnnexplain.explain.proofs.inputs import loose_cells, summands
from dnnexplain.explain.proofs.models import second_states
from dnnexplain.explain.proofs.relaxation import Relaxation

__all__ = ["cell_ranges", "vnnlib"]

Floats = NDArray[np.float64]


def cell_ranges(system: System, case: Case, background: Any = None) -> tuple[Floats, Floats]:
    """The least and the most that each cell shows in a set of states ``[cells]`` each; of two states then what it gains.

    Raises:
        EmptyGroups: the set holds no state.
    """
    ground, parts = summands(system, case.states, background)
    second = None
    if case.change is not None:
        later = second_states(system, case)
        second = later, *summands(system, later, background)
    loose = loose_cells(system, case.states, background)
    made = grouped(system, case.states, ground, parts, case, second, loose)
    first = made.forms[0]
    forms = first if second is None else np.hstack([first, made.forms[1] - first])
    low, high = Relaxation(made).bounds(np.ascontiguousarray(forms[1:].T), forms[0])
    for cell in loose if second is not None else ():  # what no knob tells may be something else in each state
        at, room = first.shape[1] + cell.cell, cell.most - cell.least
        low[at], high[at] = low[at] - room, high[at] + room
    return low, high


def vnnlib(system: System, case: Case, background: Any = None) -> str:
    """A case as VNN-LIB: satisfiable if some observation of the box violates it.

    Raises:
        ValueError: the case speaks of the state that a decision leads to.
        EmptyGroups: it holds no state.
    """
    if case.then is not None:
        msg = "which state a decision leads to is not written in VNN-LIB"
        raise ValueError(msg)
    low, high = cell_ranges(system, case, background)
    outputs = case.rows.shape[1]
    lines = [f"; {case.name}", "; the box of all that the states of the case paint; not each point of it is a state"]
    if case.change is not None:
        half = len(low) // 2
        lines.append(f"; X_0 to X_{half - 1}: the first state; from X_{half} on: what the second one shows more")
        lines.append(f"; Y_0 to Y_{outputs // 2 - 1}: of the first state; from Y_{outputs // 2} on: of the second one")
    lines += [f"(declare-const X_{at} Real)" for at in range(len(low))]
    lines += [f"(declare-const Y_{at} Real)" for at in range(outputs)]
    for at, (least, most) in enumerate(zip(low, high, strict=True)):
        lines += [f"(assert (<= X_{at} {_real(most)}))", f"(assert (>= X_{at} {_real(least)}))"]
    for row, offset in zip(case.rows, case.offset, strict=True):
        terms = [f"(* {_real(row[at])} Y_{at})" for at in np.flatnonzero(row)]
        total = terms[0] if len(terms) == 1 else f"(+ {' '.join(terms)})"
        lines.append(f"(assert (>= {total} {_real(-offset)}))")
    return "\n".join([*lines, ""])


def _real(value: float) -> str:
    """A number as the format has it: no exponents."""
    return np.format_float_positional(float(value) + 0.0, unique=True, trim="0")
