"""Whether a decision is taken in *every* valid state in which some bounds hold: proved, refuted by a state, or open.

Bounds on knobs are the set that a program is asked about. A bound on another quantity is left out of it: what holds in
more states holds in these, and a state counts against the claim only where all bounds hold in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, Case, Discrete, DnnExplainError, MultiBinary, Property, State, StateSet, System
from dnnexplain.contract.properties import Change, chosen_over
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.draws import draw, listed
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.results import register

__all__ = ["BRIEF", "UNASKED", "Everywhere", "follows_throughout", "ignores_throughout", "taken_throughout"]

BRIEF = ProofBudget(seconds=20.0, samples=1024, rounds=4, checked=64, parts=200, program=False)
"""For one of many claims: what this leaves open, ``dnnexplain prove`` may settle."""
MOST_OUTPUTS = 32
LISTED = 4096


class Bounds(Protocol):
    """Some bounds on quantities; see :class:`dnnexplain.explain.regions.Where`."""

    @property
    def spans(self) -> Sequence[Any]:
        """Each with ``feature``, ``low``, ``high``."""
        ...

    def holds(self, names: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """In which rows all hold."""
        ...


@register
@dataclass(frozen=True, slots=True)
class Everywhere:
    """What is known of a claim about every valid state of a set.

    Attributes:
        verdict: ``"holds"`` (proved, or every state was looked at), ``"fails"`` (a valid state shows it), ``"open"``.
        words: why, in a sentence.
        witness: of what fails, the state as JSON.
    """

    verdict: str
    words: str
    witness: Any = None


UNASKED = Everywhere("", "")
"""Nobody has asked."""


def states_of(system: Any, where: Bounds, quantities: Any) -> StateSet:
    """The valid states in which bounds hold: those on knobs as a box, the others as a condition on witnesses.

    Raises:
        DnnExplainError: no value of a knob is left.
    """
    knobs = {knob.name for knob in system.knobs}
    box = {span.feature: (span.low, span.high) for span in where.spans if span.feature in knobs}
    states = StateSet.all_of(system).where(system, **box)
    if not where.spans:
        return states

    def only(values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return where.holds(quantities.names, np.asarray(quantities(system.encode(values)), dtype=np.float64))

    return replace(states, only=only)


def taken_throughout(
    system: System, policy: Any, where: Bounds, quantities: Any, decision: Any, *, budget: ProofBudget = BRIEF,
    seed: int = 0,
) -> Everywhere:  # fmt: skip
    """Whether a network takes a decision in every valid state in which bounds hold.

    Args:
        system, policy: the world and the network.
        where: bounds on quantities.
        quantities: of states; see :func:`dnnexplain.explain.regions.where.quantities_of`.
        decision: an action's place; of switches which are on; of numbers the least and the most of each ``[2, A]``.
        budget: limits.
        seed: of the search for witnesses.
    """
    try:
        states = states_of(system, where, quantities)
        cases = _against(system, states, decision)
    except DnnExplainError as error:
        return Everywhere("open", f"Not asked: {error}.")
    discrete = isinstance(system.output, Discrete)
    claim = Property(
        "throughout", "It does so throughout", cases, decided=discrete, kept=decision if discrete else None
    )
    return _settled(system, policy, claim, where, budget, seed)


def ignores_throughout(
    system: System, policy: Any, group: str, *, budget: ProofBudget = BRIEF, seed: int = 0
) -> Everywhere:
    """Whether no change of one knob alone changes a choice, in any two valid states; of several knobs it is not asked."""
    knobs = [knob for knob in system.knobs if (knob.group or knob.name) == group]
    if len(knobs) != 1 or not isinstance(system.output, Discrete):
        return Everywhere("open", "Not asked: proofs change one knob at a time, of one choice among several.")
    knob, count, names = knobs[0], len(system.output.names), system.output.names
    reach = knob.high - knob.low
    change = Change(knob.name, float(knob.step or reach / 100), float(reach))
    nothing, states = np.zeros((count - 1, count)), StateSet.all_of(system)
    cases = []
    for kept in range(count):
        for other in range(count):
            if other != kept:
                rows = np.vstack([
                    np.hstack([chosen_over(count, kept), nothing]),
                    np.hstack([nothing, chosen_over(count, other)]),
                ])  # fmt: skip
                name = f"{names[kept]!r} becomes {names[other]!r} once {knob.name} is larger"
                cases.append(Case(name, states, rows, np.zeros(len(rows)), change))
    return _settled(system, policy, Property("ignores", f"It ignores {group}", tuple(cases)), None, budget, seed)


def follows_throughout(
    system: Any, policy: Any, where: Bounds, quantities: Any, said: Any, *, samples: int = 2048, seed: int = 0
) -> Everywhere:
    """Whether a policy decides as a rule in every valid state in which bounds hold: listed where they are few.

    Args:
        system, policy, where, quantities: as in :func:`taken_throughout`.
        said: what the rule decides, of observations ``[B, ...]``.
        samples: states that are drawn where there are too many to be listed.
        seed: draws them.
    """
    try:
        states = states_of(system, where, quantities)
    except DnnExplainError as error:
        return Everywhere("open", f"Not asked: {error}.")
    every = listed(system, states, LISTED)
    rows = draw(system, states, samples, np.random.default_rng(seed)) if every is None else every
    if not len(rows):
        return Everywhere("open", "No valid state was found in which it speaks.")
    seen = system.encode(rows)
    own = system.output.decide(policy.outputs(seen), system.valid_actions(seen) if _masked(policy) else None)
    wrong = np.flatnonzero(~system.output.same(own, said(seen)))
    if len(wrong):
        return _shown(system, rows[wrong[0]])
    if every is not None:
        return Everywhere("holds", f"Looked at: {counted(len(rows), 'valid state')}, all of which it speaks.")
    return Everywhere("open", f"It is so in {counted(len(rows), 'valid state')} drawn; no program speaks of a rule.")


def _masked(policy: Any) -> bool:
    return bool(getattr(policy, "masked", True))


def _against(system: System, states: StateSet, decision: Any) -> tuple[Case, ...]:
    """What would be another decision, a case each."""
    space = system.output
    names, count = space.names, len(space.names)
    if isinstance(space, Discrete):
        kept = int(decision)
        return tuple(
            Case(names[at], states, chosen_over(count, at, [kept]), np.zeros(1)) for at in range(count) if at != kept
        )
    if count > MOST_OUTPUTS:
        msg = f"{counted(count, 'output')} are too many for one claim"
        raise DnnExplainError(msg)
    unit = np.eye(count)
    if isinstance(space, MultiBinary):
        signs = np.where(np.asarray(decision, dtype=bool), -1.0, 1.0)
        return tuple(Case(f"{names[at]} switched", states, signs[at] * unit[[at]], np.zeros(1)) for at in range(count))
    assert isinstance(space, Box)
    ends = np.asarray(decision, dtype=np.float64)
    bounds = np.broadcast_to(space.low, count), np.broadcast_to(space.high, count)
    against = []
    for at in range(count):
        for sign, end, last, side in ((-1.0, ends[0], bounds[0], "below"), (1.0, ends[1], bounds[1], "above")):
            if sign * (last[at] - end[at]) > 0:  # beyond an end of the space all outputs are one decision
                offset = np.array([-sign * end[at] - space.another])
                against.append(Case(f"{names[at]} {side} {end[at]:.3g}", states, sign * unit[[at]], offset))
    return tuple(against)


def _settled(
    system: System, policy: Any, claim: Property, where: Bounds | None, budget: ProofBudget, seed: int
) -> Everywhere:
    try:
        result = prove(system, policy, claim, budget=budget, seed=seed)
    except DnnExplainError as error:
        return Everywhere("open", f"Not asked: {error}.")
    if result.verdict == "holds":
        bounded = [case for case in result.cases if case.certificate is not None]
        how = (
            f"by a bound whose numbers differ from the network's by at most {result.checked:.2g}"
            if bounded
            else "state by state"
        )
        return Everywhere("holds", f"Proved {how}, in {result.quantifies}.")
    if result.witness is not None:
        changed = "" if where is not None else ", where a change of it alone changes the decision"
        return _shown(system, result.witness.reshape(-1, len(system.knobs))[0], changed)
    reason = next(
        (case.reason for case in result.cases if case.verdict == "open" and case.reason), "the limit was reached"
    )
    knobs = {knob.name for knob in system.knobs}
    loose = [] if where is None else [span.feature for span in where.spans if span.feature not in knobs]
    words = (
        f"; {' and '.join(loose)} {'is' if len(loose) == 1 else 'are'} no knob, so a bound speaks of more states"
        if loose
        else ""
    )
    return Everywhere("open", f"Neither proved nor refuted: {reason.rstrip('.')}{words}.")


def _shown(system: Any, row: NDArray[np.float64], changed: str = "") -> Everywhere:
    state = State(row)
    words = f"Not in this valid state{changed}: {system.describe(state)}"
    return Everywhere("fails", words, system.state_to_json(state))
