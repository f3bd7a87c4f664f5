"""Several kinds of workloads at once: ``--workload gravity=3 --workload bursts``, or with commas between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnexplain.contract import DnnExplainError

__all__ = ["MIXTURE_HELP", "Part", "mixture", "shared_out"]

MIXTURE_HELP = (
    "Family of the workloads, the first if not given; or a file or folder, of which half is kept for the figures. Several "
    "times, or with commas, for a mixture; NAME=2 for twice as many of these."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of workloads and how many of the mixture are of it, as a weight beside the others'."""

    source: str
    weight: float = 1.0


def mixture(given: Sequence[str]) -> list[Part]:
    """What ``--workload`` was given, every time; a file whose own name has a comma or an equals sign is itself.

    Raises:
        DnnExplainError: a weight of 0, or a name that is left empty beside others.
    """
    whole = [[entry] if Path(entry).exists() else entry.split(",") for entry in given]
    parts = [_part(entry.strip()) for entries in whole for entry in entries] or [Part("")]
    if len(parts) > 1 and not all(part.source for part in parts):
        msg = "--workload names an empty kind of workloads in a mixture; write --workload NAME --workload OTHER"
        raise DnnExplainError(msg)
    return parts


def _part(entry: str) -> Part:
    weighed = None if Path(entry).exists() else re.fullmatch(r"(.+)=(\d+(?:\.\d+)?|\.\d+)", entry)
    if weighed is None:
        return Part(entry)
    if float(weighed[2]) == 0:
        msg = f"--workload {entry} is none of it; leave it out"
        raise DnnExplainError(msg)
    return Part(weighed[1], float(weighed[2]))


def shared_out(count: int, weights: Sequence[float]) -> list[int]:
    """``count`` by weight, rounded; the largest has what rounding leaves."""
    total = sum(weights)
    shares = [round(count * weight / total) for weight in weights]
    largest = max(range(len(weights)), key=lambda place: weights[place])
    shares[largest] = max(0, count - sum(shares) + shares[largest])
    return shares
