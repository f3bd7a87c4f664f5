"""Faults of a controller's input, as it would meet them in operation: a wrapper around the policy.

The world itself goes on as it is, and so does the mask of what is valid: only what the policy sees is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Course, Policy, Remembering, System, in_episodes

__all__ = ["FAULTS", "Fault", "FaultyInput"]

Seen = NDArray[Any]
Spoil = Callable[[Seen, Seen, Seen, "NDArray[np.bool_]"], Seen]
"""From now, the decision before, the first decision and the cells ``[*shape]`` to what is seen instead."""

Ask = Callable[[Seen, "NDArray[np.int64]"], Seen]
"""From inputs and their places in the batch to what a policy answers."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the input.

    Attributes:
        name, sentence: for tables and reports.
        spoil: makes the faulty input.
        whole: whether it concerns the whole input, not one quantity.
        late: whether it shows only from a second decision on.
    """

    name: str
    sentence: str
    spoil: Spoil
    whole: bool = False
    late: bool = False


def _filled(value: float) -> Spoil:
    return lambda now, _before, _first, cells: np.where(cells, np.asarray(value, dtype=now.dtype), now)


def _times(factor: float) -> Spoil:
    return lambda now, _before, _first, cells: np.where(cells, now * np.asarray(factor, dtype=now.dtype), now)


_ALL = (
    Fault("stuck", "One quantity keeps the value that it had first.", lambda now, _b, first, cells: np.where(cells, first, now), late=True),
    Fault("lost", "One quantity is read as 0.", _filled(0.0)),
    Fault("stale", "All that is seen is one decision old.", lambda _n, before, _f, _c: before, whole=True, late=True),
    Fault("units-8", "One quantity is 8 times what it should be: bytes for bits.", _times(8.0)),
    Fault("units-1000", "One quantity is 1,000 times what it should be: kilo for mega.", _times(1000.0)),
    Fault("nan", "One quantity is not a number.", _filled(float("nan"))),
    Fault("out-of-range", "One quantity is read as minus 1,000,000.", _filled(-1e6)),
)  # fmt: skip
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}
"""By name."""


class FaultyInput:
    """A policy whose input has a fault: a fresh one for each run, and where the fault is late, a workload at a time.

    A fault that is not late depends on what is seen now alone, so many workloads may be run together. A policy with a
    memory keeps it: its faulty input has one for each episode, too.

    Args:
        policy: as deployed.
        fault: what goes wrong.
        system: whose quantities (groups of inputs) are spoiled.
        group: which quantity, by index, modulo their number.

    Attributes:
        decisions: asked for so far.
        invalid: decisions in which an output was no finite number, or none came at all; they count as all outputs
            alike, so that the run goes on.
    """

    def __init__(self, policy: Policy, fault: Fault, system: System, group: int) -> None:
        self.policy, self.fault = policy, fault
        self.name = f"{policy.name}, input {fault.name}"
        self.masked = bool(getattr(policy, "masked", True))
        groups = np.asarray(system.cell_group)
        known = np.unique(groups[groups >= 0])
        self._cells = groups == known[group % len(known)]
        self._low = np.asarray(getattr(system.output, "low", 0.0), dtype=np.float64)
        self._size = len(system.output.names)
        self._first: Seen | None = None
        self._before: Seen | None = None
        self.decisions = self.invalid = 0
        if isinstance(policy, Remembering):
            self.begin = self._begin

    def outputs(self, observations: Seen) -> NDArray[np.float64]:
        """What the policy gives for the faulty inputs ``[B, *shape]``."""
        now = np.asarray(observations)
        same = self._before is not None and self._before.shape == now.shape
        before = self._before if same else now
        first = self._first if same else now
        assert before is not None
        assert first is not None
        self._first, self._before = first.copy(), now.copy()
        return self._answered(now, self._spoiled(now, before, first), lambda seen, _: self.policy.outputs(seen))

    def _begin(self, episodes: int) -> _FaultyCourse:
        return _FaultyCourse(self, episodes)

    def _spoiled(self, now: Seen, before: Seen, first: Seen) -> Seen:
        with np.errstate(all="ignore"):
            return self.fault.spoil(now, before, first, self._cells)

    def _answered(self, now: Seen, spoiled: Seen, ask: Ask, *, counts: bool = True) -> NDArray[np.float64]:
        """The policy's outputs, where it gives none all alike; those are counted."""
        answers = self._answers(spoiled, np.arange(len(now)), ask)
        bad = ~np.isfinite(answers).all(axis=-1)
        if counts:
            self.decisions += len(now)
            self.invalid += int(bad.sum())
        answers[bad] = 0.0 + np.broadcast_to(self._low, answers.shape[1:])
        return answers

    def _answers(self, spoiled: Seen, places: NDArray[np.int64], ask: Ask) -> NDArray[np.float64]:
        """Outputs ``[B, A]``, not a number where there are none; of many, an input that the policy dies of is no other's fault."""
        try:
            with np.errstate(all="ignore"):
                return np.array(ask(spoiled[places], places), dtype=np.float64)
        except Exception:  # noqa: BLE001 - whatever a controller dies of, it gave no output
            if len(places) == 1:
                return np.full((1, self._size), np.nan)
            return np.concatenate([self._answers(spoiled, place[None], ask) for place in places])


class _FaultyCourse(Course):
    """A policy with a memory whose input has a fault, in the course of episodes: each has its own first and last input.

    Args:
        faulty: the policy with its fault, which counts.
        episodes: how many.
    """

    def __init__(self, faulty: FaultyInput, episodes: int) -> None:
        self.faulty, self.inner = faulty, in_episodes(faulty.policy, episodes)
        self.name, self.masked = faulty.name, faulty.masked
        self.settles = self.inner.settles + int(faulty.fault.late)
        self._begun = np.zeros(episodes, dtype=bool)
        self._first: Seen | None = None
        self._before: Seen | None = None

    def outputs(
        self, observations: Seen, rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        """What the policy gives for the faulty inputs ``[B, *shape]`` of the episodes ``rows``."""
        now = np.asarray(observations)
        at = np.arange(len(now)) if rows is None else np.asarray(rows)
        if self._first is None or self._before is None:
            self._first, self._before = (np.zeros((len(self._begun), *now.shape[1:]), now.dtype) for _ in range(2))
        begun = self._begun[at].reshape(-1, *[1] * (now.ndim - 1))
        first, before = np.where(begun, self._first[at], now), np.where(begun, self._before[at], now)
        if keep:
            self._first[at], self._before[at], self._begun[at] = first, now, True
        return self.faulty._answered(  # noqa: SLF001 - its own course
            now,
            self.faulty._spoiled(now, before, first),  # noqa: SLF001
            lambda seen, places: self.inner.outputs(seen, at[places], keep=keep),
            counts=keep,
        )
