"""What can be proved of a rate scheduler: ready properties. The rate is its output, held between 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract.properties import Case, Change, Property, StateSet
from dnnexplain.contract.rules_agree import agreed_levels
from dnnexplain.rule_names import rule_label

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["monotone_congestion", "never_fast_when_congested", "rules_agree"]

_FULL, _FAST, _NEARLY = 0.9, 0.5, 0.25
_ALONE = ("knobs move one by one, whether or not a cell could show them together",)


def monotone_congestion(system: CellularSystem) -> Property:
    """More congestion in the last minute never raises the rate, all else equal."""
    name = "congestion last minute"
    knob = next(knob for knob in system.knobs if knob.name == name)
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


def rules_agree(system: CellularSystem) -> Property:
    """Where the threshold, the proportional and the headroom rule all stop, or all send at full rate, the network nearly does.

    The first two look at the congestion of the last minute alone, so a bound on it holds all these states.
    """
    name = "congestion last minute"
    rules: Any = system.rules()
    stop, level, gain = (
        rules["threshold"].parameters["congestion"],
        *(rules["proportional"].parameters[what] for what in ("congestion", "gain")),
    )

    def within(end: float) -> StateSet:
        bounds = (0.0, min(stop, level - 1.0 / gain)) if end > 0 else (max(stop, level), np.inf)
        return StateSet.all_of(system).where(system, **{name: bounds})

    return agreed_levels(system, ("threshold", "proportional", "headroom"), _NEARLY, within, called=rule_label)
