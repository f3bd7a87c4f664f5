"""What a network can never do, and what it can: the properties that its system states, settled as far as there is time."""

from __future__ import annotations

import math
from typing import Any

from dnnexplain.contract import DnnExplainError, Policy, Spec, System
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import ROBUST, named_property, property_names
from dnnexplain.explain.proofs.verdicts import ProofBudget

__all__ = ["settled"]


def settled(
    system: System, spec: Spec, policy: Policy, *, seconds: float, seed: int = 0
) -> tuple[list[dict[str, Any]], list[str]]:
    """Each property that the system's spec states, settled or left open.

    Args:
        system: for which the network was made.
        spec: the system's.
        policy: the network alone; a guard around it is no part of what is asked.
        seconds: for each property.
        seed: of the states in which a witness is looked for.

    Returns:
        For each property ``name``, ``about``, ``verdict`` (``"holds"``, ``"fails"``, ``"open"``), ``sentence``, ``bound``
        (``None`` where none was reached), ``seconds`` and which limit ended it (``ended_by``); and a sentence for each that could not be asked.
    """
    words, left = [], []
    for name, about in property_names(spec).items():
        if name == ROBUST:
            continue  # it speaks of one decision
        try:
            claim = named_property(spec, system, policy, name, None, 1.0)
            verdict = prove(system, policy, claim, budget=ProofBudget(seconds=seconds), seed=seed)
        except DnnExplainError as error:
            left.append(f"Property {name}: {error}.")
            continue
        words.append(
            {
                "name": name,
                "about": about,
                "verdict": verdict.verdict,
                "sentence": verdict.sentence(),
                "bound": float(verdict.bound) if math.isfinite(verdict.bound) else None,
                "seconds": float(verdict.seconds),
                "ended_by": verdict.limit,
            }
        )
    return words, left
