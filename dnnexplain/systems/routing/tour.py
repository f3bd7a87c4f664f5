"""The three things to try on the router's dashboard: links that fill, shares that move, a neuron that switches."""

from __future__ import annotations

from dnnexplain.contract.tours import Step

__all__ = ["TOUR"]

TOUR = (
    Step(
        "Drag “Demand” up and watch which links become fuller, in the network's picture and in the optimum's.",
        "move",
        "A router is as good as its busiest link: the figure above both pictures compares the two.",
    ),
    Step(
        "Click two other nodes and drag the demand between them. Do the shares of its paths follow?",
        "decision",
        "The shares of all pairs answer to one matrix: a demand that grows here may move traffic elsewhere.",
    ),
    Step(
        "Drag “All demands” until a neuron switches on or off.",
        "neuron",
        "Between two switches the scores of all paths follow each demand in a straight line.",
    ),
)
