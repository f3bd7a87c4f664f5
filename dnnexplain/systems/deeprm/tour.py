"""The three things to try on the scheduler's dashboard: an order that flips, the optimum's word, a neuron that switches."""

from __future__ import annotations

from dnnexplain.contract.tours import Step

__all__ = ["TOUR"]

TOUR = (
    Step(
        "Make job 1 a step shorter: drag its lower edge up, until the network starts another job.",
        "decision",
        "One step of one job turns the order: the network has learnt a threshold, not a rule that one could name.",
    ),
    Step(
        "Let go and wait a second. Does the optimum agree with what the network does now?",
        "optimum",
        "The line above the picture says so for every state that you make.",
    ),
    Step(
        "Drag on, until a neuron switches on or off.",
        "neuron",
        "Between two switches every job counts with a fixed weight; at a switch the weights change.",
    ),
)
