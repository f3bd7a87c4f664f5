"""States to start from, searched for in the network at hand: one job a little shorter, another decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import DnnExplainError, PresetTools, State, state_from_observation, state_from_values

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["figure_four", "flip_pair", "presets"]

_JOBS = (
    {"length": 5, "cpu": 2, "memory": 8},
    {"length": 3, "cpu": 7, "memory": 4},
    {"length": 11, "cpu": 8, "memory": 2},
)
_BUSY_STEPS = 4
_PAIR_SAMPLES = 10_000
_PAIR_SECONDS = 5.0


def presets(system: DeepRM, tools: PresetTools) -> tuple[State, dict[str, State | Callable[[], State]]]:
    """Where the editor starts, and the states that it offers by name."""
    start = _jobs(system)  # where no length makes a difference
    states: dict[str, State | Callable[[], State]] = {}
    pair = flip_pair(system, tools)
    if pair is not None:
        start = pair[0]  # one step of a drag from another decision
        states["A step of job 1 decides, long"], states["A step of job 1 decides, one shorter"] = pair
    worst = cache(partial(figure_four, tools))
    states["Figure 4, the right order"] = lambda: worst()[0]
    states["Figure 4, job 1 a step shorter: wrong"] = lambda: worst()[1]
    states["An empty cluster, one job"] = state_from_values(
        system, {"job 1 length": 3, "job 1 cpu": 6, "job 1 memory": 2}
    )
    rng = np.random.default_rng()
    pictures: Any = system.reachable
    states["A random state from episodes"] = lambda: state_from_observation(
        system, pictures[rng.integers(len(pictures))]
    )
    return start, states


def _jobs(system: DeepRM, **changes: float) -> State:
    values = {f"job {slot} {kind}": float(size) for slot, job in enumerate(_JOBS, 1) for kind, size in job.items()}
    busy = {
        f"{name} in use at step {row}": float(use)
        for name, use in (("cpu", 3), ("memory", 2))
        for row in range(_BUSY_STEPS)
    }
    known = {knob.name for knob in system.knobs}
    wanted = {**values, **busy, **{name.replace("_", " "): value for name, value in changes.items()}}
    return state_from_values(system, {name: value for name, value in wanted.items() if name in known})


def flip_pair(system: DeepRM, tools: PresetTools) -> tuple[State, State] | None:
    """Two states that differ in one step of the memory-heavy job's length, and get different decisions.

    The pair is searched for in this very network, by sweeping the length; whether either decision is
    right is not asked (:func:`figure_four` does).

    Returns:
        The state before and the state one step shorter, or ``None`` if no length makes a difference.
    """
    highest = next(knob.high for knob in system.knobs if knob.name == "job 1 length")
    for companion in range(len(_JOBS[1:]) + 1, 1, -1):
        emptied = {
            f"job_{slot}_{kind}": 0.0
            for slot in range(2, len(_JOBS) + 1)
            if slot > companion
            for kind in ("length", "cpu", "memory")
        }
        states = [_jobs(system, job_1_length=float(n), **emptied) for n in range(1, int(highest) + 1)]
        decisions = tools.decide(states)
        for (short, before), (long, after) in pairwise(zip(states, decisions, strict=True)):
            if before.action != after.action:
                return long, short
    return None


def figure_four(tools: PresetTools) -> tuple[State, State]:
    """Two states as in Figure 4 of "Demystifying Deep Learning in Networking" (APNet 2018).

    Two jobs that cannot run together. Shortening the memory-heavy job 1 by a step swaps their order in
    this very network, although by the oracle the order before is the best one before and after.

    Raises:
        DnnExplainError: no such pair was found.
    """
    pairs = tools.order_pairs(samples=_PAIR_SAMPLES, seconds=_PAIR_SECONDS)
    if not pairs.pairs:
        raise DnnExplainError(pairs.words)
    worst = pairs.pairs[0]
    before, after = worst.state, worst.after_state
    return before, after
