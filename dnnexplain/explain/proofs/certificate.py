"""Certificates: what "proved" rests on. This is the only place where one is issued.

A proof is about a model: weights on a sum, a table of decisions, a list of constraints. Whether it is a proof
about the network depends on whether the model is the network. So before a claim is called proved, its model is
compared with the network as it runs, on sampled valid states and on the witness (the state in which the claim
is attained), and the claim itself is held against all of these. Where they disagree there is no proof, and the
certificate says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.counts import counted
from dnnexplain.results import register

__all__ = ["TOLERANCE", "Certificate", "Claim", "Function", "Sense", "certify"]

TOLERANCE = 1e-4
"""Of the largest number compared (at least 1): a network computes in single precision."""

Values = NDArray[np.float64]
Function = Callable[[Values], NDArray[Any]]
"""From states' values ``[B, K]`` to numbers ``[B, ...]``."""


class Sense(StrEnum):
    """What a claim says of its quantity over all valid states."""

    AT_MOST = "at most"
    AT_LEAST = "at least"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be called proved.

    Attributes:
        text: in words: ``no valid state activates neuron 3 more``.
        value: the number that the quantity does not pass; ``None`` if the claim is that model and network agree.
        sense: in which direction.
    """

    text: str
    value: float | None = None
    sense: Sense = Sense.EQUAL


@register
@dataclass(frozen=True, slots=True)
class Certificate:
    """That a claim's model was checked against the network as it runs; or why there is no proof.

    Attributes:
        claim: in words.
        holds: whether the claim may be called proved.
        checked: the largest difference between model and network that was seen, in the unit of the quantity.
        tolerance: what was allowed, in the same unit.
        states: on how many states, the witness included.
        quantifies: over which states the proof speaks.
        reason: why it does not hold, in one sentence; empty if it does.
    """

    claim: str
    holds: bool
    checked: float
    tolerance: float
    states: int
    quantifies: str = ""
    reason: str = ""

    def sentence(self) -> str:
        """How the claim's model was checked, or why there is no proof."""
        if not self.holds:
            return self.reason
        return (
            f"Checked on the network as it runs: in {counted(self.states, 'valid state')} its numbers differ from those of the "
            f"proof by at most {self.checked:.2g} (allowed: {self.tolerance:.2g})."
        )


def certify(
    claim: Claim,
    model: Function,
    network: Function,
    states: Values,
    witness: Values | None = None,
    *,
    tolerance: float = TOLERANCE,
    quantifies: str = "",
) -> Certificate:
    """Check a claim's model against the network as it runs, and issue its certificate.

    Args:
        claim: what is to be called proved.
        model: what the proof reasons about, as a function of states' values ``[B, K]``.
        network: the same quantity as the network gives it: hooked, through the policy's own ``outputs``.
        states: valid states drawn at random ``[n, K]``.
        witness: the state in which the claim is attained ``[K]``; ``None`` if it needs none.
        tolerance: relative to the largest number that the network gives (at least 1).
        quantifies: over which states the proof speaks; repeated in the certificate.

    Returns:
        A certificate; where model and network differ, a state breaks the claim, or the witness does not
        attain it, one that does not hold and says why.
    """
    rows = np.asarray(states, dtype=np.float64)
    if witness is not None:
        rows = np.concatenate([np.asarray(witness, dtype=np.float64)[None], rows])
    expected, got = (np.asarray(item(rows), dtype=np.float64) for item in (model, network))
    reason, checked, allowed = "", float("nan"), tolerance
    if expected.shape != got.shape:
        reason = f"the proof's model gives numbers of shape {expected.shape}, the network {got.shape}"
    elif not np.isfinite(got).all():
        reason = "the network gives numbers that are not finite"
    else:
        allowed = tolerance * max(1.0, float(np.abs(got).max(initial=0.0)))
        gaps = np.abs(expected - got).reshape(len(rows), -1).max(axis=1, initial=0.0)
        checked = float(gaps.max(initial=0.0))
        reason = _disagreement(gaps, expected, got, allowed, attained=witness is not None)
        if not reason and claim.value is not None:
            reason = _broken(claim, claim.value, got, allowed, attained=witness is not None)
    words = f"No proof: {reason}." if reason else ""
    return Certificate(claim.text, not reason, checked, allowed, len(rows), quantifies, words)


def _disagreement(gaps: Values, expected: Values, got: Values, allowed: float, *, attained: bool) -> str:
    if not (~(gaps <= allowed)).any():
        return ""
    worst = int(np.argmax(np.nan_to_num(gaps, nan=np.inf)))
    at = np.unravel_index(int(np.abs(expected[worst] - got[worst]).argmax()), got[worst].shape)
    where = "the state in which the claim is attained" if attained and worst == 0 else "a valid state"
    return (
        f"in {where} the proof's model gives {float(expected[worst][at]):.6g} where the network as it runs gives "
        f"{float(got[worst][at]):.6g}, so the proof does not speak of this network"
    )


def _broken(claim: Claim, value: float, got: Values, allowed: float, *, attained: bool) -> str:
    over, under = float(got.max()) - value, value - float(got.min())
    beyond = {Sense.AT_MOST: over, Sense.AT_LEAST: under, Sense.EQUAL: max(over, under)}[claim.sense]
    if beyond > allowed:
        reached = got.max() if over == beyond else got.min()
        return f"a valid state gives {float(reached):.6g} where the claim is {claim.sense.value} {value:.6g}"
    if attained and abs(float(got[0].max()) - value) > allowed:
        return f"the state that should attain {value:.6g} gives {float(got[0].max()):.6g} on the network as it runs"
    return ""
