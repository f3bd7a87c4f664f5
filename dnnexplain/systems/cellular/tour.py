"""The three things to try on the cell's dashboard: a rate that follows, the optimum's word, a neuron that switches."""

from __future__ import annotations

from dnnexplain.contract.tours import Step

__all__ = ["TOUR"]

TOUR = (
    Step(
        "Drag the congestion of the last minute, and watch the rate of traffic that can wait.",
        "decision",
        "The rate is no switch: it follows the curve on the right, which has a threshold of its own.",
    ),
    Step(
        "Let go and wait a second. Does the optimum set this rate, too?",
        "optimum",
        "The optimum takes the forecast at its word; a day may turn out otherwise.",
    ),
    Step(
        "Drag the forecast until a neuron switches on or off.",
        "neuron",
        "Between two switches each input counts with a fixed weight.",
    ),
)
