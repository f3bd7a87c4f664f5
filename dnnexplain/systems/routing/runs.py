"""Workloads routed so many at a time that their split ratios take a bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dnnexplain.contract import Episodes
from dnnexplain.systems.routing.traffic import TrafficCase

__all__ = ["BLOCK_NUMBERS", "in_blocks"]

BLOCK_NUMBERS = 4_000_000
"""Split ratios that are held at once, 32 MB; there are 159,000 for each matrix at 200 nodes."""


def in_blocks(
    route: Callable[[Sequence[TrafficCase]], Episodes], workloads: Sequence[TrafficCase], paths: int
) -> Episodes:
    """The episodes of all workloads, made by ``route`` from a part of them at a time.

    Where one part is not enough, ``detail`` holds the utilisation of links alone, without the split ratios.
    """
    block = max(1, BLOCK_NUMBERS // max(1, paths))
    if len(workloads) <= block:
        return route(workloads)
    parts = []
    for first in range(0, len(workloads), block):
        part = route(workloads[first : first + block])
        del part.detail["splits"]
        parts.append(part)
    head, detail = parts[0], dict[str, Any]()
    detail["utilisation"] = np.concatenate([part.detail["utilisation"] for part in parts])
    metrics = {name: np.concatenate([part.metrics[name] for part in parts]) for name in head.metrics}
    cost = np.concatenate([part.cost for part in parts])
    return Episodes(head.policy, cost, head.cost_name, metrics, head.seed, detail=detail)
