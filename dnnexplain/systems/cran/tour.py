"""The three things to try on the radio heads' dashboard: a head that is switched, the optimum's word, a neuron that switches."""

from __future__ import annotations

from dnnexplain.contract.tours import Step

__all__ = ["TOUR"]

TOUR = (
    Step(
        "Drag a user's circle away from the heads that are awake, or raise a demand, until a head is switched.",
        "decision",
        "A head is worth waking for a user whom the others would reach only at more power, or not at all.",
    ),
    Step(
        "Let go and wait a second. Does the optimum agree?",
        "optimum",
        "A head too many costs watts in every slot; a head too few leaves a user without service.",
    ),
    Step(
        "Drag on, until a neuron switches on or off.",
        "neuron",
        "Between two switches each channel and demand counts with a fixed weight.",
    ),
)
