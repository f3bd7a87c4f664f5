"""What can be proved of a rate scheduler: ready properties. The rate is its output, held between 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract.properties import Case, Change, Property, StateSet

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["monotone_congestion", "never_fast_when_congested"]

_FULL, _FAST = 0.9, 0.5
_ALONE = ("knobs move one by one, whether or not a cell could show them together",)


def monotone_congestion(system: CellularSystem) -> Property:
    """More congestion in the last minute never raises the rate, all else equal."""
    name = "congestion last minute"
    knob = next(one for one in system.knobs if one.name == name)
    reach, slack = knob.high - knob.low, float(system.output.tolerance or 0.0)
    # Above zero together: the second rate is above the first and above 0, and the first is below 1.
    rows, offset = np.array([[-1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]), np.array([-slack, 0.0, 1.0])
    case = Case(
        f"the rate is higher by more than {slack:g} once {name} is higher", StateSet.all_of(system), rows,
        offset, Change(name, reach / 100, reach),
    )  # fmt: skip
    text = f"More congestion in the last minute never raises the rate by more than {slack:g}, all else equal"
    return Property("monotone-congestion", text, (case,), _ALONE)


def never_fast_when_congested(system: CellularSystem) -> Property:
    """With every congestion of the last minutes at least 90% of its range, the rate is at most a half."""
    full = {
        knob.name: (knob.low + _FULL * (knob.high - knob.low), knob.high)
        for knob in system.knobs
        if knob.name.startswith("congestion")
    }
    case = Case(
        f"the rate is above {_FAST:g}",
        StateSet.all_of(system).where(system, **full),
        np.ones((1, 1)),
        np.array([-_FAST]),
    )
    text = (
        f"With congestion at least {_FULL:.0%} of its range in each of the last minutes, the rate is at most {_FAST:g}"
    )
    return Property("never-fast-when-congested", text, (case,))
