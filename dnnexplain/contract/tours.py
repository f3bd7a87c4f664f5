"""A short tour of a system's dashboard, as data: three things to try, each of which the page sees happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try.

    Args:
        say: what to do, one sentence.
        until: what must happen: ``"decision"``: the network decides otherwise than when the step began; ``"optimum"``:
            the optimum has judged the decision; ``"neuron"``: a neuron has switched on or off since the step began;
            ``"move"``: a knob was moved.
        learn: what it shows, one sentence, put behind what the page itself saw.
    """

    say: str
    until: Literal["decision", "optimum", "neuron", "move"]
    learn: str = ""
