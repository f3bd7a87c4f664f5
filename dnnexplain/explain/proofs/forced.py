"""Whether knobs force a decision, set by set, with all that was learnt from one set kept for the next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Case,
    ChoicesOfKnobs,
    Discrete,
    DnnExplainError,
    LooseCells,
    NetworkPolicy,
    State,
    StateSet,
    System,
)
from dnnexplain.explain.networks.hooks import network_of
from dnnexplain.explain.proofs.ascent import ascended
from dnnexplain.explain.proofs.by_bounds import by_bounds
from dnnexplain.explain.proofs.case_network import ProofTask
from dnnexplain.explain.proofs.draws import climb, draw, listed, valid_in
from dnnexplain.explain.proofs.prover import by_program
from dnnexplain.explain.proofs.ready import free_knobs
from dnnexplain.explain.proofs.relaxation import EmptyGroups, RelaxedModel, relaxed_model
from dnnexplain.explain.proofs.verdicts import ProofBudget

__all__ = ["ForcedSets", "knob_groups"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_DRAWN = 48
_QUICK = 150
"""Parts of the states that are looked at before a violation is climbed for."""
_STARTS, _ROUNDS = 4, 5
"""Starts of climbs group by group at a time, and how often at most."""
_CLIMBED = 48
"""Rounds of a patient climb."""


@dataclass(eq=False)
class ForcedSets:
    """Sets of knobs that are asked about.

    Attributes:
        system, policy, state, kept: whose decision in which state.
        rivals: what would be another: words, a row over the outputs, an offset.
        until: the time.
        budget, seed: limits and draws.
        cancel: what is not told then is left open.
        differences: knobs in which states with another decision differ from the given one.
        flipped: these states.
        checked: the largest difference between proof and network that was seen.
        queries: sets that were asked about.
    """

    system: System
    policy: NetworkPolicy
    state: State
    kept: Any
    rivals: Sequence[tuple[str, Floats, float]]
    until: float
    budget: ProofBudget
    seed: int
    cancel: Event = field(default_factory=Event)
    differences: list[Bools] = field(default_factory=list)
    flipped: list[Floats] = field(default_factory=list)
    checked: float = 0.0
    queries: int = 0

    def __post_init__(self) -> None:
        self.whole = StateSet.all_of(self.system)
        self._model: RelaxedModel | None = None
        self._tried = False

    def refuted(self, free: Bools) -> bool:
        """Whether a state with another decision is known that differs in free knobs alone."""
        return any((free | ~apart).all() for apart in self.differences)

    def forced(self, free: Bools, share: float = 1.0, patience: int = 1) -> bool | None:
        """Whether the decision stays whatever the free knobs are; ``None`` if it could not be told.

        Args:
            free: the knobs ``[K]``.
            share: of the time that is left, for this question.
            patience: so many times as many parts as usual are looked at.
        """
        if self.refuted(free):
            return False
        self.queries += 1
        now = time.monotonic()
        if self.until <= now or self.cancel.is_set():
            return None
        states = free_knobs(self.whole, self.state.values, free)
        rows = listed(self.system, states, self.budget.listed)
        if rows is not None:
            return not self._noted(rows)
        rng = np.random.default_rng([self.seed, self.queries])
        if self._noted(np.concatenate([self._corners(free), draw(self.system, states, _DRAWN, rng)])):
            return False
        until, parts = now + share * (self.until - now), self.budget.parts * patience
        quick = self._proved(states, rng, until, min(_QUICK, parts))
        if quick is not None or parts <= _QUICK:
            return quick
        # Bounds that few parts leave open are mostly not to be had: climbs to a violation cost as much as some forty parts.
        again = _ROUNDS * (1 + 3 * (patience > 1))
        if self._ascended(states, rng, 1) or self._climbed(states, rng, patience) or self._ascended(states, rng, again):
            return False
        return self._proved(states, rng, until, parts)

    def _ascended(self, states: StateSet, rng: np.random.Generator, rounds: int) -> bool:
        """Whether a climb group by group ends at another decision, for a network that such climbs know."""
        try:
            model = self._modelled(states)
        except EmptyGroups:
            return False
        if model is None:
            return False
        for _ in range(rounds):
            for _, row, offset in self.rivals:
                ends = ascended(model, row[None], np.array([offset]), rng, _STARTS, self._go_on)
                if len(ends) and self._noted(valid_in(self.system, states, model.inputs.rows(ends))):
                    return True
        return False

    def _noted(self, rows: Floats) -> bool:
        """Keep the state that is furthest on another decision's side, if there is one."""
        if not len(rows):
            return False
        leads = self.margins(rows)
        best = int(np.argmax(leads))
        if leads[best] > 0:
            self.note(rows[best])
        return bool(leads[best] > 0)

    def _climbed(self, states: StateSet, rng: np.random.Generator, patience: int) -> bool:
        """Whether a climb from drawn states ends at another decision."""
        rounds = _CLIMBED if patience > 1 else _CLIMBED // 4
        climbed = climb(self.system, states, self.margins, rng, samples=_DRAWN * 8, rounds=rounds)
        return climbed is not None and self._noted(climbed[0][None])

    def _corners(self, free: Bools) -> Floats:
        """All free knobs at their ends, and those of each group alone."""
        rows = []
        for knobs in [np.flatnonzero(free), *(np.array(group) for group in knob_groups(self.system))]:
            moved = knobs[free[knobs]]
            for end in (self.whole.low, self.whole.high):
                row = self.state.values.copy()
                row[moved] = end[moved]
                rows.append(row)
        corners = np.unique(np.array(rows), axis=0)
        valid = np.isclose(np.asarray(self.system.repair(corners)), corners).all(axis=1)
        return np.asarray(corners[valid])

    def _proved(self, states: StateSet, rng: np.random.Generator, until: float, parts: int) -> bool | None:
        """Bound what each rival can reach, within so many parts of the states; a program follows where they are not few."""
        discrete = isinstance(self.system.output, Discrete)
        budget = replace(self.budget, parts=parts, program=self.budget.program and parts > _QUICK)
        question = ProofTask(
            self.system, self.policy, budget, until, self.state.background,
            self.kept if discrete else None, discrete, self.cancel,
        )  # fmt: skip
        try:
            model = self._modelled(states)
        except EmptyGroups:
            return True
        checked = 0.0
        for words, row, offset in self.rivals:
            case = Case(words, states, row[None], np.array([offset]))
            verdict = by_bounds(question, case, -np.inf, rng, model)
            if verdict.verdict == "open" and budget.program and not isinstance(self.system, ChoicesOfKnobs):
                verdict = by_program(question, case, -np.inf, rng)
            if verdict.witness is not None:
                self.note(verdict.witness)
                return False
            if verdict.verdict != "holds":
                return None
            checked = max(checked, 0.0 if verdict.certificate is None else verdict.certificate.checked)
        self.checked = max(self.checked, checked)
        return True

    def _modelled(self, states: StateSet) -> RelaxedModel | None:
        """The network over the states: a part of the model of all states where that is as good."""
        if not self._tried:
            self._tried = True
            try:
                case = Case("", self.whole, np.zeros((1, 1)), np.zeros(1))
                given = self.system, self.policy, case, self.state.background
                made = relaxed_model(*given, self._go_on) if self._small() else None
            except DnnExplainError:
                made = None
            self._model = made if made is not None and made.flat else None
        return None if self._model is None else self._model.within(states)

    def _go_on(self) -> bool:
        return time.monotonic() < self.until and not self.cancel.is_set()

    def _small(self) -> bool:
        """Whether the network has one hidden layer, as far as its parameters tell: then one model serves all sets."""
        if isinstance(self.system, LooseCells):
            return False  # a part of the states leaves less room to these cells than all states do
        shapes = [tuple(parameter.shape) for parameter in network_of(self.policy).parameters()]
        return sum(len(shape) > 1 for shape in shapes) <= 2

    def margins(self, rows: Floats) -> Floats:
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

    def note(self, values: Floats) -> None:
        """Keep a state in which the decision is another, brought as near to the given one as is easily done."""
        near = self._nearer(values)
        self.flipped.append(near)
        self.differences.append(~np.isclose(near, self.state.values))

    def _nearer(self, values: Floats) -> Floats:
        """Move knobs back, all that can each be moved at once, then by halves, while the decision stays flipped."""
        near = values.copy()
        waiting = [np.flatnonzero(~np.isclose(near, self.state.values))]
        waiting = [item for whole in waiting for item in np.array_split(whole, 2) if len(item)]
        while waiting:
            places = waiting.pop()
            tried = near.copy()
            tried[places] = self.state.values[places]
            valid = np.isclose(np.asarray(self.system.repair(tried[None])), tried[None]).all()
            if valid and self.margins(tried[None])[0] > 0:
                near = tried
            elif len(places) > 1:
                waiting += np.array_split(places, 2)
        return near

    def by_one_knob(self) -> Floats:
        """The largest lead of another decision that each knob reaches alone ``[K]``; the flips are kept."""
        values, count = self.state.values, len(self.system.knobs)
        grids = [knob.grid(33) for knob in self.system.knobs]
        rows = np.repeat(values[None], sum(map(len, grids)), axis=0)
        owner = np.repeat(np.arange(count), [len(grid) for grid in grids])
        rows[np.arange(len(rows)), owner] = np.concatenate(grids)
        valid = np.isclose(np.asarray(self.system.repair(rows)), rows).all(axis=1)
        leads = np.full(len(rows), -np.inf)
        leads[valid] = self.margins(rows[valid])
        top = np.full(count, -np.inf)
        np.maximum.at(top, owner, leads)
        for place in np.flatnonzero(top > 0):
            mine = np.where(owner == place, leads, -np.inf)
            apart = np.zeros(count, dtype=bool)
            apart[place] = True
            self.flipped.append(rows[int(np.argmax(mine))])
            self.differences.append(apart)
        return top


def knob_groups(system: System) -> list[list[int]]:
    """Places of the knobs of each group."""
    groups: dict[str, list[int]] = {}
    for place, knob in enumerate(system.knobs):
        groups.setdefault(knob.group or knob.name, []).append(place)
    return list(groups.values())
