"""Properties as VNN-LIB, for others' verifiers: boxes of what a network sees, and what its outputs must not be.

A box of cells holds all that a set of states paints, and more (half a job counts as a job): where another verifier finds
no violation in it, the property holds; what it finds may be no valid state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, System
from dnnexplain.explain.proofs.groups import grouped
from dnnexplain.explain.proofs.inputs import loose_cells, summands
from dnnexplain.explain.proofs.relaxation import Relaxation

__all__ = ["cell_ranges", "vnnlib"]

Floats = NDArray[np.float64]


def cell_ranges(system: System, case: Case, background: Any = None) -> tuple[Floats, Floats]:
    """The least and the most that each cell shows in a set of states ``[cells]`` each."""
    ground, parts = summands(system, case.states, background)
    made = grouped(system, case.states, ground, parts, loose=loose_cells(system, case.states, background))
    forms = made.forms[0]
    return Relaxation(made).bounds(np.ascontiguousarray(forms[1:].T), forms[0])


def vnnlib(system: System, case: Case, background: Any = None) -> str:
    """A case as VNN-LIB: satisfiable if some observation of the box violates it.

    Raises:
        ValueError: the case speaks of two states.
    """
    if case.change is not None or case.then is not None:
        msg = "a case of two states has no single network to be asked about"
        raise ValueError(msg)
    low, high = cell_ranges(system, case, background)
    outputs = case.rows.shape[1]
    lines = [f"; {case.name}", "; the box of all that the states of the case paint; not each point of it is a state"]
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
