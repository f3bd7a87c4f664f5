"""A case and the network itself: its margins under masks, replayed witnesses, and certificates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, ChoicesOfKnobs, StateSet, System, valid_states
from dnnexplain.explain.proofs.certificate import Certificate, Claim, Sense, certify
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.models import pairs_hold, place_of
from dnnexplain.explain.proofs.program import Solved
from dnnexplain.explain.proofs.verdicts import CaseVerdict, ProofBudget

__all__ = [
    "LIMIT",
    "TOLERANCE",
    "ProofTask",
    "certify_case",
    "margins",
    "masks_of",
    "refuted",
    "replayed",
    "rival_of",
    "settled",
    "under_masks",
]

Floats = NDArray[np.float64]
TOLERANCE = 1e-5
LIMIT = "the limit was reached"


class HasOutputs(Protocol):
    """A model of the network in a proof."""

    def outputs(self, rows: Floats) -> Floats:
        """Of states ``[B, K]`` or pairs ``[B, 2K]``."""
        ...


@dataclass(frozen=True, eq=False)
class ProofTask:
    """What all cases share."""

    system: System
    policy: Any
    budget: ProofBudget
    until: float
    background: Any = None
    kept: Any = None
    decided: bool = False
    stop: Event = field(default_factory=Event)
    memo: dict[Any, Any] = field(default_factory=dict)

    def seen(self, states: StateSet, how: str, make: Callable[[], Floats | None]) -> tuple[Any, ...] | None:
        """States of a set with outputs and masks, computed once for all cases that share the set."""
        key = (id(states), how)
        if key not in self.memo:
            rows = make()
            if rows is None or not len(rows):
                self.memo[key] = None if rows is None else ()
            else:
                valid = self.system.valid_actions(self.system.encode(rows, self.background)) if self.masks else None
                self.memo[key] = (rows, self.network(rows), valid)
        return self.memo[key]  # type: ignore[no-any-return]

    @property
    def masks(self) -> bool:
        """Whether decisions are asked about, and invalid actions are left out of them."""
        return self.decided and bool(getattr(self.policy, "masked", False))

    def network(self, rows: Floats) -> Floats:
        """The outputs as the policy gives them ``[B, A]``, a part at a time."""
        parts = [rows[at : at + 2048] for at in range(0, max(len(rows), 1), 2048)]
        return np.concatenate(
            [np.asarray(self.policy.outputs(self.system.encode(part, self.background)), dtype=float) for part in parts]
        )

    def outputs(self, case: Case, rows: Floats, *, played: bool = False) -> Floats:
        """Of one state ``[B, A]``, or of both ``[B, 2A]`` from rows ``[B, 2K]``, or from ``[B, K]`` where one leads to the other.

        Args:
            case: which of these.
            rows: the states.
            played: whether the simulator itself takes the step from one state to the other.
        """
        if case.then is not None:
            later = case.then.played(rows) if played else case.then(rows)
            return np.hstack([self.network(rows), self.network(later)])
        if case.change is None:
            return self.network(rows)
        half = rows.shape[1] // 2
        return np.hstack([self.network(rows[:, :half]), self.network(rows[:, half:])])

    def left(self) -> float:
        """Seconds until the time is up."""
        return self.until - time.monotonic()

    def go_on(self) -> bool:
        """Whether there is time left, and nobody has asked to end it."""
        return self.left() > 0 and not self.stop.is_set()


def margins(task: ProofTask, case: Case, rows: Floats, *, played: bool = False) -> Floats:
    """The case's margin on the network itself ``[B]``; of a decision that must stay, under its masks."""
    valid = task.system.valid_actions(task.system.encode(rows, task.background)) if task.masks else None
    return under_masks(task, case, case.margin(task.outputs(case, rows, played=played)), valid)


def under_masks(task: ProofTask, case: Case, margins: Floats, valid: NDArray[np.bool_] | None) -> Floats:
    """Margins of a rival: none where it is not valid, and lost to it where the action that should stay is not."""
    if valid is None:
        return margins
    lost = ~valid[:, int(task.kept)]
    return np.where(valid[:, rival_of(case)], np.where(lost, np.maximum(margins, 1e-9), margins), -np.inf)


def rival_of(case: Case) -> int:
    """The action that a case about a decision speaks of."""
    return int(np.argmax(case.rows[0]))


def refuted(task: ProofTask, case: Case, row: Floats, best: float, how: str) -> CaseVerdict:
    """A case that a state (or pair) violates, its bound not yet known."""
    count = len(task.system.knobs)
    shaped = row if len(row) == count else row.reshape(2, count)
    return CaseVerdict(case.name, "fails", np.inf, best, shaped, how=how)


def replayed(task: ProofTask, case: Case, row: Floats) -> float:
    """The case's margin on the network itself in a solution's states, if they are valid and of the set; else -inf."""
    if case.change is None:
        inside = case.states.holds(task.system, row[None])[0]
    else:
        inside = pairs_hold(task.system, case, row[None])[0]
    return float(margins(task, case, row[None], played=True)[0]) if inside else -np.inf


def settled(case: Case, solved: Solved, certificate: Certificate, best: float, doubt: str) -> CaseVerdict:
    """What a bound says of a case, if its certificate holds."""
    if not certificate.holds:
        return CaseVerdict(case.name, "open", np.inf, best, certificate=certificate, reason=certificate.reason)
    if solved.bound < -certificate.checked and solved.bound < 0 and not doubt:
        return CaseVerdict(case.name, "holds", solved.bound, best, certificate=certificate)
    reason = doubt or (LIMIT if not solved.ended else "the margin is too thin to tell")
    return CaseVerdict(case.name, "open", solved.bound, best, certificate=certificate, reason=reason)


def masks_of(task: ProofTask, case: Case) -> tuple[bool, str]:
    """Whether the rival of a decision can be left out, and why its program can prove nothing, if so."""
    if not task.masks:
        return False, ""
    if not isinstance(task.system, ChoicesOfKnobs):
        return False, "the system does not say which actions are valid throughout a set"
    always, ever = task.system.sure_actions(case.states.low, case.states.high)
    if not ever[rival_of(case)]:
        return True, ""
    return False, "" if always[int(task.kept)] else "the action itself may become invalid"


def certify_case(
    task: ProofTask, case: Case, model: HasOutputs, bound: float, row: Floats | None, rng: np.random.Generator
) -> Certificate:
    """Compare program and network on drawn states and the solution, and the bound with all of them."""
    states = draw(task.system, case.states, task.budget.checked, rng)
    if case.change is not None:
        place = place_of(task.system, case.change.knob)
        moved = states.copy()
        moved[:, place] += rng.uniform(case.change.low, case.change.high, len(states))
        states = np.hstack([states, np.asarray(task.system.repair(moved), dtype=float)])
        states = states[pairs_hold(task.system, case, states)]
    if row is not None:
        states = np.concatenate([row[None], states])
    if not len(states):
        return Certificate("", holds=False, checked=np.nan, tolerance=np.nan, states=0,
                           reason="No proof: no valid state was found on which program and network could be compared.")  # fmt: skip

    seen = task.outputs(case, states, played=True)
    text, where = f"never: {case.name}", valid_states(task.system)

    def network(_: Floats) -> Floats:
        return seen

    agree = certify(Claim(text), model.outputs, network, states, tolerance=TOLERANCE, quantifies=where)
    if not agree.holds or not np.isfinite(bound):
        return agree

    def margin(_: Floats) -> Floats:
        return case.margin(seen)

    bounded = certify(Claim(text, bound, Sense.AT_MOST), margin, margin, states, tolerance=TOLERANCE)
    return agree if bounded.holds else bounded
