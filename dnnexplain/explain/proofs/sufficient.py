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
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, Discrete, NetworkPolicy, State, StateSet, System, outside_valid, valid_states
from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.draws import climb, draw, listed
from dnnexplain.explain.proofs.prover import Asked, by_program
from dnnexplain.explain.proofs.ready import free_knobs, kept_decision
from dnnexplain.explain.proofs.verdicts import ProofBudget

__all__ = ["LIMITS", "SufficientReason", "sufficient_reason"]

Bools = NDArray[np.bool_]
LIMITS = ProofBudget(nodes=2000, seconds=30.0, samples=256, listed=1000, rounds=3, checked=32)
"""Each of many questions is small, and most have been refuted by an earlier one."""


@dataclass(frozen=True, eq=False)
class SufficientReason:
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
        named = ", ".join(f"{name} = {value:g}" for name, value in self.fixed.items())
        word = "smallest" if self.minimum else "minimal" if self.minimal else "not known to be minimal"
        if not self.fixed:
            return f"The decision is {self.decision} in every valid state (proved)." if self.proved else self.reason
        if not self.proved:
            return f"No set smaller than all knobs is proved to force {self.decision}: {self.reason}"
        return (
            f"{len(self.fixed)} of {counted(len(self.fixed) + len(self.free), 'knob')} force {self.decision}, whatever the others "
            f"are (proved; {word}): {named}."
        )


@dataclass(eq=False)
class _Hunt:
    """Sets of knobs that are asked about, with what has been learnt."""

    system: System
    policy: NetworkPolicy
    state: State
    kept: Any
    rivals: Sequence[tuple[str, NDArray[np.float64], float]]
    until: float
    budget: ProofBudget
    seed: int
    differences: list[Bools] = field(default_factory=list)
    flipped: list[NDArray[np.float64]] = field(default_factory=list)
    checked: float = 0.0
    queries: int = 0

    def __post_init__(self) -> None:
        self.whole = StateSet.all_of(self.system)

    def forced(self, free: Bools, share: float = 1.0) -> bool | None:
        """Whether the decision stays whatever the free knobs are; ``None`` if it could not be told.

        Args:
            free: the knobs ``[K]``.
            share: of the time that is left, for this question.
        """
        if any((free | ~apart).all() for apart in self.differences):
            return False
        self.queries += 1
        left = self.until - time.monotonic()
        if left <= 0:
            return None
        rng = np.random.default_rng([self.seed, self.queries])
        states = free_knobs(self.whole, self.state.values, free)
        rows = listed(self.system, states, self.budget.listed)
        if rows is not None:
            flips = self.flips(rows) if len(rows) else np.zeros(0, dtype=bool)
            if flips.any():
                self.note(rows[int(np.argmax(flips))])
            return not flips.any()
        reached = climb(self.system, states, self.margins, rng, samples=self.budget.samples, rounds=self.budget.rounds)
        if reached is not None and reached[1] > 0:
            self.note(reached[0])
            return False
        return self._proved(states, rng, time.monotonic() + share * left)

    def _proved(self, states: StateSet, rng: np.random.Generator, until: float) -> bool | None:
        """Ask the program, rival by rival."""
        discrete = isinstance(self.system.output, Discrete)
        asked = Asked(
            self.system, self.policy, self.budget, until, self.state.background,
            self.kept if discrete else None, discrete,
        )  # fmt: skip
        checked = 0.0
        for words, row, offset in self.rivals:
            found = by_program(asked, Case(words, states, row[None], np.array([offset])), -np.inf, rng)
            if found.witness is not None:
                self.note(found.witness)
                return False
            if found.verdict != "holds":
                return None
            checked = max(checked, 0.0 if found.certificate is None else found.certificate.checked)
        self.checked = max(self.checked, checked)
        return True

    def margins(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how much the best rival leads ``[B]``: above zero where the decision is another."""
        observed = self.system.encode(rows, self.state.background)
        outputs = np.asarray(self.policy.outputs(observed), dtype=float)
        leads = np.stack([outputs @ row + offset for _, row, offset in self.rivals], axis=1)
        if isinstance(self.system.output, Discrete) and self.policy.masked:
            valid = np.asarray(self.system.valid_actions(observed))
            leads = np.where(np.delete(valid, int(self.kept), axis=1), leads, -np.inf)
            lost = ~valid[:, int(self.kept)]
            leads[lost] = np.maximum(leads[lost], 1e-9)
        return np.asarray(leads.max(axis=1))

    def note(self, values: NDArray[np.float64]) -> None:
        """Keep a state in which the decision is another, brought as near to the given one as is easily done."""
        near = self._nearer(values)
        self.flipped.append(near)
        self.differences.append(~np.isclose(near, self.state.values))

    def _nearer(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move knobs back one by one, while the decision stays flipped."""
        near = values.copy()
        for place in np.flatnonzero(~np.isclose(near, self.state.values)):
            tried = near.copy()
            tried[place] = self.state.values[place]
            if self.system.knobs[place].group:
                valid = np.isclose(self.system.repair(tried[None])[0], tried).all()
                if not valid:
                    continue
            if self.flips(tried[None])[0]:
                near = tried
        return near

    def flips(self, rows: NDArray[np.float64]) -> Bools:
        """In which of some states the decision is another ``[B]``."""
        return np.asarray(self.margins(rows) > 0)


def sufficient_reason(
    system: System,
    policy: NetworkPolicy,
    state: State,
    *,
    minimum: bool = False,
    budget: ProofBudget | None = None,
    seed: int = 0,
) -> SufficientReason:
    """A smallest set of knobs that alone forces the decision in a state.

    Args:
        system, policy, state: whose decision.
        minimum: the smallest of all sets, not only one from which nothing can be left out.
        budget: limits; its seconds are for everything.
        seed: of draws.

    Raises:
        DnnExplainError: the state is not valid, or the policy no network that proofs know.
    """
    start = time.monotonic()
    limits = budget or LIMITS
    outside = "" if state.background is not None else outside_valid(system, state)
    if outside:
        raise DnnExplainError(outside)
    kept, rivals = kept_decision(system, policy, state)
    hunt = _Hunt(system, policy, state, kept, rivals, start + limits.seconds, limits, seed)
    free, unsure = _greedy(hunt, _prime(hunt, seed))
    least = False
    if minimum:
        smaller, least = _smallest(hunt, free)
        free, unsure = (smaller, False) if least else (free, unsure)
    return _answer(hunt, free, unsure=unsure, least=least, seconds=time.monotonic() - start)


def _prime(hunt: _Hunt, seed: int) -> NDArray[np.float64]:
    """Flips by one knob alone (all of its values), then by one group: they spare most programs.

    Returns:
        how far each knob alone was seen to move the margin ``[K]``.
    """
    values = hunt.state.values
    moved = np.zeros(len(values))
    for place, knob in enumerate(hunt.system.knobs):
        grid = knob.grid(33)
        rows = np.repeat(values[None], len(grid), axis=0)
        rows[:, place] = grid
        rows = rows[np.isclose(hunt.system.repair(rows), rows).all(axis=1)]
        if not len(rows):
            continue
        margins = hunt.margins(rows)
        moved[place] = np.ptp(margins) if np.isfinite(margins).all() else np.inf
        if (margins > 0).any():
            hunt.note(rows[int(np.argmax(margins > 0))])
    rng = np.random.default_rng(seed)
    for knobs in _groups(hunt.system):
        free = np.zeros(len(values), dtype=bool)
        free[knobs] = True
        rows = draw(hunt.system, free_knobs(hunt.whole, values, free), 64, rng)
        flips = hunt.flips(rows) if len(rows) else np.zeros(0, dtype=bool)
        if flips.any() and not any((free | ~apart).all() for apart in hunt.differences):
            hunt.note(rows[int(np.argmax(flips))])
    return moved


def _groups(system: System) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for place, knob in enumerate(system.knobs):
        found.setdefault(knob.group or knob.name, []).append(place)
    return list(found.values())


def _greedy(hunt: _Hunt, moved: NDArray[np.float64]) -> tuple[Bools, bool]:
    """Knobs set free, whole groups first and then by halves; whether some could not be told.

    First come, all at once, the knobs that moved nothing; then the groups that moved the margin least.

    Every question gets its share of the time, lest a hard one take all of it; what could not be told is asked once more.
    """
    free = np.zeros(len(hunt.system.knobs), dtype=bool)
    still = np.flatnonzero(moved == 0).tolist()
    waiting = [[knob for knob in knobs if moved[knob]] for knobs in _groups(hunt.system)]
    waiting.sort(
        key=lambda knobs: (sum(bool(one[knobs].any()) for one in hunt.differences), moved[knobs].max(initial=0))
    )
    waiting = [knobs for knobs in (still, *waiting) if knobs]
    open_ones: list[list[int]] = []
    while waiting:
        knobs = waiting.pop(0)
        told = hunt.forced(_with(free, knobs), 2.0 / (2.0 + sum(map(len, waiting))))
        if told:
            free = _with(free, knobs)
        elif len(knobs) > 1:
            half = len(knobs) // 2
            waiting = [knobs[:half], knobs[half:], *waiting]
        elif told is None:
            open_ones.append(knobs)
    unsure = False
    while open_ones:
        knobs = open_ones.pop(0)
        told = hunt.forced(_with(free, knobs), 1.0 / (1.0 + len(open_ones)))
        free = _with(free, knobs) if told else free
        unsure |= told is None
    return free, unsure


def _with(free: Bools, knobs: Sequence[int]) -> Bools:
    more = free.copy()
    more[list(knobs)] = True
    return more


def _smallest(hunt: _Hunt, known: Bools) -> tuple[Bools, bool]:
    """The most knobs set free: what must stay fixed hits every known difference; until such a set is proved."""
    while True:
        fixed = _hitting(hunt.differences, len(known))
        if fixed.sum() >= (~known).sum():
            return known, True
        told = hunt.forced(~fixed)
        if told:
            return ~fixed, True
        if told is None:
            return known, False


def _hitting(sets: Sequence[Bools], count: int) -> Bools:
    """A smallest set that has a member in each of some sets."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own form
    for _ in range(count):
        solver.addCol(1.0, 0.0, 1.0, 0, [], [])
    for place in range(count):
        solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
    for one in sets:
        places = np.flatnonzero(one).astype(np.int32)
        solver.addRow(1.0, highspy.kHighsInf, len(places), places, np.ones(len(places)))
    solver.run()
    return np.asarray(np.array(solver.getSolution().col_value) > 0.5)


def _answer(hunt: _Hunt, free: Bools, *, unsure: bool, least: bool, seconds: float) -> SufficientReason:
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
