"""How long looking ahead will take, from a few decisions of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Continuing, Discrete, Policy, Spec
from dnnexplain.counts import counted
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.room.look_ahead import LookAhead
from dnnexplain.parallel import worker_count

__all__ = ["Forecast", "forecast"]

TRIED = 5
"""Decisions that are looked ahead from, side by side as they are later."""
TRIES = 3
"""So often, from other decisions each time: how far these lie apart says how sure the figure is."""
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """What looking ahead is expected to take.

    Attributes:
        decisions: in which there will be something to look ahead from.
        seconds: of one processor, in all.
        processes: among which it is divided.
        least, most: ``seconds`` by the quickest and by the slowest of the tries; equal where there was one.
    """

    decisions: int
    seconds: float
    processes: int
    least: float = 0.0
    most: float = 0.0

    @property
    def words(self) -> str:
        """In three sentences."""
        wait = self.seconds / self.processes
        among = f", divided among {counted(self.processes, 'process', 'processes')}" if self.processes > 1 else ""
        ends = [_time(end / self.processes) for end in (self.least, self.most)]
        sure = (
            f" ({ends[0]} to {ends[1]} by the quickest and the slowest of {TRIES} such samples)"
            if self.most > self.least
            else ""
        )
        return (
            f"Looking ahead from about {counted(self.decisions, 'decision')} will take about {_time(wait)}, as {TRIED} of them "
            f"took{sure}{among}; what else runs on the machine is not in it. Fewer workloads (--sets) or --futures shorten it. Once the policy, the rules and the optimum "
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
    places = np.linspace(0, len(free) - 1, min(TRIES * TRIED, len(free))).astype(np.int64)
    each = np.array([_each(ahead, free[places[turn::TRIES]]) for turn in range(min(TRIES, len(places)))])
    decisions = len(free) * len(workloads) * (3 if spec.seen_whole else 2)
    seconds = decisions * each
    return Forecast(decisions, float(seconds.mean()), worker_count(jobs), float(seconds.min()), float(seconds.max()))


def _each(ahead: LookAhead, states: NDArray[Any]) -> float:
    """Seconds of the processor that looking ahead takes from one of some states."""
    begun = time.process_time()
    ahead.outputs(states)
    return (time.process_time() - begun) / len(states)


def _time(seconds: float) -> str:
    return counted(max(round(seconds), 1), "second") if seconds < 100 else counted(round(seconds / 60), "minute")
