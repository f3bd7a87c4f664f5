"""Sufficient reasons: knobs that alone force a decision, whatever all others are; and what can flip it.

A set of knobs is a sufficient reason if every valid state that shares their values gets the same decision
(Marques-Silva and Ignatiev, AAAI 2022; for networks Wu, Wu and Barrett's VeriX, NeurIPS 2023). Greedily, knobs are
set free as long as a program proves that the decision stays; a state in which it does not is kept, and refutes all
later sets that contain the knobs in which it differs. The smallest set of all hits each of these differences
(Ignatiev, Narodytska and Marques-Silva, AAAI 2019).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import NetworkPolicy, State, System, outside_valid, valid_states
from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.counts import counted, joined
from dnnexplain.explain.proofs.forced import ForcedSets, knob_groups
from dnnexplain.explain.proofs.ready import kept_decision
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.parallel import Progress
from dnnexplain.results import Shown

__all__ = ["LIMITS", "SufficientReason", "sufficient_reason"]

Bools = NDArray[np.bool_]
LIMITS = ProofBudget(nodes=2000, seconds=60.0, listed=1000, checked=32, parts=600)
"""Each of many questions is small, and most have been refuted by an earlier one."""
PATIENCE = 50
"""So many times as many parts are looked at for the few knobs that could not be told at first."""
NAMED = 9
"""Knobs that the sentence names; the table has them all."""


@dataclass(frozen=True, eq=False)
class SufficientReason(Shown):
    """What alone forces a decision.

    Attributes:
        decision: in words.
        fixed: knobs and values that force it, whatever the free ones are.
        free: names of the others.
        proved: whether that is proved (a certificate was checked).
        minimal: whether each fixed knob, set free with the free ones, is known to let the decision flip.
        minimum: whether no smaller set does it.
        flips: knobs whose change alone can flip the decision, the fewest that were found.
        flipped: the state in which it does, or ``None``.
        checked: the largest difference between program and network that was seen.
        seconds: it took.
        queries: sets that were asked about.
        quantifies: over which states.
        reason: why it is not proved, or not minimal; empty if both.
    """

    decision: str
    fixed: dict[str, float]
    free: tuple[str, ...]
    proved: bool
    minimal: bool
    minimum: bool
    flips: tuple[str, ...]
    flipped: State | None
    checked: float
    seconds: float
    queries: int
    quantifies: str
    reason: str = ""

    def sentence(self) -> str:
        """In words."""
        word = "smallest" if self.minimum else "minimal" if self.minimal else "not known to be minimal"
        if not self.fixed:
            return f"The decision is {self.decision} in every valid state (proved)." if self.proved else self.reason
        if not self.proved:
            return f"No set smaller than all knobs is proved to force {self.decision}: {self.reason}"
        named = [f"{name} = {value:g}" for name, value in self.fixed.items()]
        if len(named) > NAMED:  # first those that say something
            named = [f"{name} = {value:g}" for name, value in sorted(self.fixed.items(), key=lambda item: item[1] == 0)]
            named = [*named[: NAMED - 1], f"{len(named) - NAMED + 1} more"]
        return (
            f"{len(self.fixed)} of {counted(len(self.fixed) + len(self.free), 'knob')} force {self.decision}, whatever the others "
            f"are (proved; {word}): {joined(named)}."
        )

    def table(self) -> list[dict[str, Any]]:
        """A row for each knob: its value if it is kept, else that it is free."""
        kept = [{"knob": name, "value": value, "kept": True} for name, value in self.fixed.items()]
        return [*kept, *({"knob": name, "value": None, "kept": False} for name in self.free)]


def sufficient_reason(
    system: System,
    policy: NetworkPolicy,
    state: State,
    *,
    minimum: bool = False,
    budget: ProofBudget | None = None,
    seed: int = 0,
    cancel: Event | None = None,
    progress: Progress | None = None,
) -> SufficientReason:
    """A smallest set of knobs that alone forces the decision in a state.

    Args:
        system, policy, state: whose decision.
        minimum: the smallest of all sets, not only one from which nothing can be left out.
        budget: limits; its seconds are for everything.
        seed: of draws.
        cancel: ends the search with what is proved so far.
        progress: called with knobs that are settled and all knobs.

    Raises:
        DnnExplainError: the state is not valid, or the policy no network that proofs know.
    """
    start = time.monotonic()
    limits = budget or LIMITS
    outside = "" if state.background is not None else outside_valid(system, state)
    if outside:
        raise DnnExplainError(outside)
    kept, rivals = kept_decision(system, policy, state)
    hunt = ForcedSets(system, policy, state, kept, rivals, start + limits.seconds, limits, seed, cancel or Event())
    free, unsure = _greedy(hunt, progress or (lambda *_: None))
    least = False
    if minimum:
        smaller, least = _smallest(hunt, free)
        free, unsure = (smaller, False) if least else (free, unsure)
    return _answer(hunt, free, unsure=unsure, least=least, seconds=time.monotonic() - start)


def _greedy(hunt: ForcedSets, say: Progress) -> tuple[Bools, bool]:
    """Knobs set free, whole groups first and then by halves; whether some could not be told.

    Groups that move the decision least when a knob of them is changed alone are set free first.
    """
    free = np.zeros(len(hunt.system.knobs), dtype=bool)
    open_ones: list[list[int]] = []
    leads = hunt.by_one_knob()
    waiting = [sorted(knobs, key=lambda place: leads[place]) for knobs in knob_groups(hunt.system)]
    waiting.sort(key=lambda knobs: max(leads[place] for place in knobs))
    while waiting:
        say(len(free) - sum(map(len, waiting)), len(free))
        knobs = waiting.pop(0)
        forced = hunt.forced(_with(free, knobs), 2.0 / (2.0 + sum(map(len, waiting))))
        if forced:
            free = _with(free, knobs)
        elif len(knobs) > 1:
            half = len(knobs) // 2
            waiting = [knobs[:half], knobs[half:], *waiting]
        elif forced is None:
            open_ones.append(knobs)
    unsure = False
    while open_ones:
        knobs = open_ones.pop(0)
        forced = hunt.forced(_with(free, knobs), 1.0 / (1.0 + len(open_ones)), PATIENCE)
        free = _with(free, knobs) if forced else free
        unsure |= forced is None
    return free, unsure


def _with(free: Bools, knobs: Sequence[int]) -> Bools:
    tried = free.copy()
    tried[list(knobs)] = True
    return tried


def _smallest(hunt: ForcedSets, known: Bools) -> tuple[Bools, bool]:
    """The most knobs set free: what must stay fixed hits every known difference; until such a set is proved."""
    while True:
        fixed = _hitting(hunt.differences, len(known))
        if fixed.sum() >= (~known).sum():
            return known, True
        forced = hunt.forced(~fixed)
        if forced:
            return ~fixed, True
        if forced is None:
            return known, False


def _hitting(sets: Sequence[Bools], count: int) -> Bools:
    """A smallest set that has a member in each of some sets."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own form
    for _ in range(count):
        solver.addCol(1.0, 0.0, 1.0, 0, [], [])
    for place in range(count):
        solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
    for item in sets:
        places = np.flatnonzero(item).astype(np.int32)
        solver.addRow(1.0, highspy.kHighsInf, len(places), places, np.ones(len(places)))
    solver.run()
    return np.asarray(np.array(solver.getSolution().col_value) > 0.5)


def _answer(hunt: ForcedSets, free: Bools, *, unsure: bool, least: bool, seconds: float) -> SufficientReason:
    names = [knob.name for knob in hunt.system.knobs]
    fewest = min(range(len(hunt.differences)), key=lambda at: int(hunt.differences[at].sum()), default=None)
    proved = bool(free.any())
    reason = "" if proved else "a limit was reached first" if unsure else "each knob, set free alone, lets it flip"
    if proved and unsure:
        reason = "of some fixed knobs it could not be told within the limits whether they could be free"
    return SufficientReason(
        decision=hunt.system.output.tell(hunt.kept),
        fixed={
            name: float(value) for name, value, loose in zip(names, hunt.state.values, free, strict=True) if not loose
        },
        free=tuple(name for name, loose in zip(names, free, strict=True) if loose),
        proved=proved or not unsure,
        minimal=not unsure,
        minimum=least,
        flips=()
        if fewest is None
        else tuple(name for name, apart in zip(names, hunt.differences[fewest], strict=True) if apart),
        flipped=None if fewest is None else State(hunt.flipped[fewest], hunt.state.background),
        checked=hunt.checked,
        seconds=seconds,
        queries=hunt.queries,
        quantifies=valid_states(hunt.system),
        reason=reason,
    )
