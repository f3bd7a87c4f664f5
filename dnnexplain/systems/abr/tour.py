"""The three things to try on the player's dashboard: a bitrate that changes, the optimum's word, a neuron that switches."""

from __future__ import annotations

from dnnexplain.contract.tours import Step

__all__ = ["TOUR"]

TOUR = (
    Step(
        "Drag the buffer's bar up or down until the network asks for another bitrate.",
        "decision",
        "A buffer is time to take risks with: the same link gets another picture quality when it is fuller or emptier.",
    ),
    Step(
        "Let go and wait a second. Does the optimum agree with this bitrate?",
        "optimum",
        "What is best depends on what the link does next, which the network cannot know.",
    ),
    Step(
        "Drag the throughput of the last chunk until a neuron switches on or off.",
        "neuron",
        "Between two switches each input counts with a fixed weight.",
    ),
)
