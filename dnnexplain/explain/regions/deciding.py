"""What a policy decides where it fails, and whether it does so in every valid state of a region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, Policy
from dnnexplain.explain.proofs.throughout import taken_throughout
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.numbers import between, number, percent

if TYPE_CHECKING:
    from dnnexplain.explain.regions.evidence import Evidence

__all__ = ["decided", "usual_decision"]

ENDS = {"holds": "and in every valid state there", "fails": "but not in every valid state there"}


def usual_decision(space: Any, actions: NDArray[Any]) -> tuple[Any, str, float]:
    """What most of some actions ``[N]`` or ``[N, A]`` are, in words, and their share; of numbers the range of all.

    Raises:
        ValueError: no action.
    """
    if not len(actions):
        msg = "there is no action to speak of"
        raise ValueError(msg)
    if isinstance(space, Box):
        ends = np.stack([actions.min(axis=0), actions.max(axis=0)])
        unit = f" {space.unit}" if space.unit else ""
        parts = [
            f"{name} {between(number(low), number(high))}{unit}"
            for name, low, high in zip(space.names, *ends, strict=True)
        ]
        more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
        return ends, ", ".join(parts[:3]) + more, 1.0
    kinds, which, counts = np.unique(actions, axis=0, return_inverse=True, return_counts=True)
    most = int(counts.argmax())
    del which
    return kinds[most], space.tell(kinds[most]), float(counts[most] / len(actions))


def decided(system: Any, policy: Policy, region: Any, evidence: Evidence, *, floor: float, seed: int) -> Any:
    """A region (:class:`~dnnexplain.explain.regions.Region`) with what is decided in most of its failing states, and whether that is so throughout."""
    inside = region.where.holds(evidence.names, evidence.values) & (evidence.loss > floor)
    if evidence.actions is None or not inside.any():
        return region
    decision, text, share = usual_decision(system.output, evidence.actions[inside])
    taken = taken_throughout(system, policy, region.where, quantities_of(system), decision, seed=seed)
    often = "" if isinstance(system.output, Box) else f" in {percent(share)} of them"
    end = ENDS.get(taken.verdict, "whether in every valid state there is open")
    words = f"{region.words} Where something is lost there, it decides {text}{often}, {end}. {taken.words}"
    return replace(region, words=words, decision=text, decision_share=share, throughout=taken)
