"""How long looking ahead will take, from a few decisions of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnnexplain.contract import Continuing, Discrete, Policy, Spec
from dnnexplain.counts import counted
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.room.look_ahead import LookAhead
from dnnexplain.parallel import worker_count

__all__ = ["Forecast", "forecast"]

TRIED = 5
"""Decisions that are looked ahead from, side by side as they are later."""
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """What looking ahead is expected to take.

    Attributes:
        decisions: in which there will be something to look ahead from.
        seconds: of one processor, in all.
        processes: among which it is divided.
    """

    decisions: int
    seconds: float
    processes: int

    @property
    def words(self) -> str:
        """In three sentences."""
        wait = self.seconds / self.processes
        among = f", divided among {counted(self.processes, 'process', 'processes')}" if self.processes > 1 else ""
        return (
            f"Looking ahead from about {counted(self.decisions, 'decision')} will take about {_time(wait)}, as {TRIED} of them "
            f"took{among}. Fewer workloads (--sets) or --futures shorten it. Once the policy, the rules and the optimum "
            "were run, Ctrl-C leaves the gap told as a whole."
        )


def forecast(
    system: Any,
    spec: Spec,
    policy: Policy,
    workloads: Sequence[Any],
    futures: Sequence[Any],
    *,
    seed: int = 0,
    jobs: int | None = None,
) -> Forecast | None:
    """Look ahead from a few decisions of the first workload, and reckon what all will take; ``None`` where nobody looks ahead.

    A policy and the best rule look ahead, and the rule once more where all can be seen: each is taken to last as long.
    """
    if not isinstance(system, Continuing) or not isinstance(system.output, Discrete) or not len(futures):
        return None
    seen = met_states(system, policy, workloads[:1], MOST, seed)
    free = seen[system.valid_actions(seen).sum(axis=1) > 1]
    if not len(free):
        return None
    ahead = LookAhead(system, policy, futures, seed=seed)
    ahead.outputs(free[:1])  # what is compiled or loaded first is not counted
    tried = free[np.linspace(0, len(free) - 1, min(TRIED, len(free))).astype(np.int64)]
    begun = time.process_time()
    ahead.outputs(tried)
    each = (time.process_time() - begun) / len(tried)
    decisions = len(free) * len(workloads) * (3 if spec.seen_whole else 2)
    return Forecast(decisions, decisions * each, worker_count(jobs))


def _time(seconds: float) -> str:
    return counted(max(round(seconds), 1), "second") if seconds < 100 else counted(round(seconds / 60), "minute")
