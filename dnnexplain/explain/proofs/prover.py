"""Whether a property holds in all its states: by listing them where they are few, else by a mixed-integer program.

A case ends in one of three ways. *Holds*: no state of it makes its rows positive; the bound is below zero by more
than the difference between program and network. *Fails*: a valid state does, run through the network itself.
*Open*: a limit was reached, or the margin is too thin to tell; the bound that was reached is reported.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, DnnExplainError, LooseCells, Property, System, valid_states
from dnnexplain.explain.networks.hooks import network_of, private
from dnnexplain.explain.proofs.along import along_lines
from dnnexplain.explain.proofs.by_bounds import bound_of, by_bounds
from dnnexplain.explain.proofs.case_network import (
    LIMIT,
    TOLERANCE,
    ProofTask,
    certify_case,
    margins,
    masks_of,
    refuted,
    replayed,
    settled,
    under_masks,
)
from dnnexplain.explain.proofs.draws import climb, draw, listed
from dnnexplain.explain.proofs.models import EmptySet, Model, model_of, pairs_hold, place_of
from dnnexplain.explain.proofs.steepest import steepest
from dnnexplain.explain.proofs.tracing import traced
from dnnexplain.explain.proofs.verdicts import CaseVerdict, ProofBudget, Verdict
from dnnexplain.parallel import Progress, seeded_map

__all__ = ["CaseVerdict", "ProofBudget", "Verdict", "prove"]

Floats = NDArray[np.float64]
NOT_ASKED = "not asked, for another case is refuted"
TIME_UP, ENDED = "the time was up", "the search was ended"
SHARE = 0.1
"""Of the seconds, at most, that go into how large a violation can be, once one is there: the verdict needs no more."""
LEFT_OPEN = f"how large a violation can be was not known after {SHARE:.0%} of the seconds, the share that goes into it"


def prove(
    system: System,
    policy: Any,
    claim: Property,
    *,
    background: Any = None,
    budget: ProofBudget | None = None,
    seed: int = 0,
    cancel: Event | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Whether a property holds for a network, in all its states.

    Args:
        system, policy: the world and the network.
        claim: what must never happen.
        background: the observation around which states are painted.
        budget: limits.
        seed: of the search for witnesses and of the states on which program and network are compared.
        cancel: leaves the cases that are not done open.
        progress: called with cases done and in all.

    Raises:
        DnnExplainError: the policy is no network, holds operations that proofs do not know, or sees an observation
            that is no sum over knobs; or a property without any case, which nothing could violate.
    """
    if not claim.cases:
        msg = f"the property {claim.name!r} has no case in {system.name} as it is set, so there is nothing to prove"
        raise DnnExplainError(msg)
    start = time.monotonic()
    limits = budget or ProofBudget()
    question = ProofTask(
        system, policy, limits, start + limits.seconds, background, claim.kept, claim.decided, cancel or Event()
    )

    quick = seeded_map(partial(_quick, question), claim.cases, seed=seed, jobs=1, backend="inline")
    quick = along_lines(question, claim.cases, quick, np.random.default_rng([seed, len(quick)]))
    failed = [case for case in quick if case.verdict == "fails"]
    worst = max((case.best for case in failed), default=np.inf)
    slow = partial(_slow, question, worst if failed and not limits.every else -np.inf, _unknown(policy))
    verdicts = seeded_map(
        slow,
        [(place, case, quick[place]) for place, case in enumerate(claim.cases)],
        seed=seed,
        jobs=limits.jobs,
        backend="threading",
        progress=progress,
    )
    return _joined(question, claim, _until_refuted(question, verdicts), time.monotonic() - start)


def _until_refuted(task: ProofTask, verdicts: Sequence[CaseVerdict]) -> list[CaseVerdict]:
    """Without what other threads had begun when a case before it was refuted: the same however many there are."""
    first = task.memo.get("refuted", len(verdicts))
    return [
        replace(case, verdict="open", bound=np.inf, witness=None, certificate=None, how="program", reason=NOT_ASKED)
        if place > first and case.how != "found"
        else case
        for place, case in enumerate(verdicts)
    ]


def _joined(task: ProofTask, claim: Property, verdicts: Sequence[CaseVerdict], seconds: float) -> Verdict:
    kinds = {case.verdict for case in verdicts}
    verdict = "fails" if "fails" in kinds else "open" if "open" in kinds or not verdicts else "holds"
    failed = max((case for case in verdicts if case.verdict == "fails"), key=lambda case: case.best, default=None)
    asked_about = verdicts if failed is None else [failed]
    bound = max((case.bound for case in asked_about), default=np.inf)
    best = max((case.best for case in asked_about), default=-np.inf)
    checked = max((case.certificate.checked for case in verdicts if case.certificate is not None), default=0.0)
    assumed = list(claim.assumed)
    if background_matters(task):
        assumed.append("what the knobs leave open stays as the given observation shows it")
    system = task.system
    if isinstance(system, LooseCells) and any(case.how == "bounds" for case in verdicts):
        assumed.append(system.loose_words)
    return Verdict(
        claim, verdict, bound, max(bound - best, 0.0) if np.isfinite(bound) else np.inf, None if failed is None else failed.witness, checked, seconds,
        tuple(verdicts), tuple(assumed), valid_states(task.system), _limit(task, verdicts),
    )  # fmt: skip


def _limit(task: ProofTask, verdicts: Sequence[CaseVerdict]) -> str:
    """Which limit left something unsettled: ``"seconds"``, ``"nodes"``, ``"cancelled"``; empty if none did."""
    unsettled = [case for case in verdicts if case.verdict == "open" and case.reason != NOT_ASKED]
    if unsettled or any(case.reason.startswith((TIME_UP, ENDED, LEFT_OPEN)) for case in verdicts):
        if task.stop.is_set():
            return "cancelled"
        if task.left() <= 0 or any(case.reason == LEFT_OPEN for case in verdicts):
            return "seconds"
    return "nodes" if any(case.verdict == "open" and case.reason == LIMIT for case in verdicts) else ""


def background_matters(task: ProofTask) -> bool:
    """Whether states were painted around an observation."""
    return task.background is not None


# --- one case ---


def _quick(task: ProofTask, case: Case, rng: np.random.Generator) -> CaseVerdict:
    """List the states where they are few; else look for a violation by search."""
    if not task.go_on():
        return CaseVerdict(case.name, "open", np.inf, -np.inf, reason=f"{_over(task)} before its turn")
    if case.change is None and case.then is None:
        seen = task.seen(case.states, "listed", lambda: listed(task.system, case.states, task.budget.listed))
        if seen is not None:
            return _by_list(task, case, seen)
        drawn = task.seen(
            case.states, "drawn", lambda: draw(task.system, case.states, task.budget.samples, rng, task.go_on)
        )
        if drawn:
            margins = under_masks(task, case, case.margin(drawn[1]), drawn[2])
            best = int(np.argmax(margins))
            if margins[best] > 0:
                return refuted(task, case, drawn[0][best], float(margins[best]), "found")
    witness = steepest(task, case, rng)
    if witness is None or witness[1] <= 0:
        ends = [item for item in (witness, _search(task, case, rng)) if item is not None]
        witness = max(ends, key=lambda item: item[1], default=None)
    if witness is None:
        return CaseVerdict(case.name, "open", np.inf, -np.inf)
    value = witness[1] if case.then is None or witness[1] <= 0 else replayed(task, case, witness[0])
    if value > 0:
        return refuted(task, case, witness[0], value, "found")
    return CaseVerdict(case.name, "open", np.inf, value)


def _over(task: ProofTask) -> str:
    """Why nothing goes on, in words."""
    return ENDED if task.stop.is_set() else TIME_UP


def _unknown(policy: Any) -> str:
    """Why nothing can be proved of a network, whatever is asked; empty if it can be."""
    module = private(network_of(policy))
    try:
        traced(module)
    except DnnExplainError as error:
        return str(error)
    return ""


def _slow(
    task: ProofTask, worst: float, unknown: str, item: tuple[int, Case, CaseVerdict], rng: np.random.Generator
) -> CaseVerdict:
    """Prove what neither list nor search has settled; bound what search has found, of several the worst violation."""
    place, case, quick = item
    settled = np.isfinite(worst)
    if quick.how == "found":
        if quick.best < worst:
            return replace(quick, reason="how large a violation can be is asked of the worst one that was found")
        return _bounded(task, case, quick, rng)
    if quick.verdict != "open":
        return quick
    if unknown:
        return replace(quick, reason=unknown)
    if settled or place > task.memo.get("refuted", place):
        return replace(quick, reason=NOT_ASKED)
    if not task.go_on():
        return replace(quick, reason=f"{_over(task)} before its turn")
    verdict = by_proof(task, case, quick.best, rng)
    if verdict.verdict == "fails" and not task.budget.every:
        task.memo["refuted"] = min(place, task.memo.get("refuted", place))
    return verdict


def _bounded(task: ProofTask, case: Case, verdict: CaseVerdict, rng: np.random.Generator) -> CaseVerdict:
    """A violation that a search has found, with a bound on how large one can be where there is time for one."""
    if not task.go_on():
        return replace(verdict, reason=f"{_over(task)} before it was known how large a violation can be")
    row = None if verdict.witness is None else verdict.witness.reshape(-1)
    whole, task = task, replace(task, until=min(task.until, time.monotonic() + SHARE * task.budget.seconds))
    bounded = bound_of(task, case) if task.budget.parts else None
    if bounded is None and not task.go_on():
        over = f"{_over(whole)} before it was known how large a violation can be"
        return replace(verdict, reason=LEFT_OPEN if whole.go_on() else over)
    if bounded is None:
        try:
            model: Any = _model(task, case)
        except (DnnExplainError, EmptySet):
            return verdict
        weights = case.rows @ model.forms.T
        top = float(model.program.interval(weights[:, 1:], weights[:, 0] + case.offset)[1].min())
    else:
        model, top = bounded
    bound = max(top, verdict.best)
    return replace(verdict, bound=bound, certificate=certify_case(task, case, model, bound, row, rng))


def _by_list(task: ProofTask, case: Case, seen: tuple[Any, ...]) -> CaseVerdict:
    if not seen:
        return CaseVerdict(case.name, "holds", -np.inf, -np.inf, how="listed")
    margins = under_masks(task, case, case.margin(seen[1]), seen[2])
    best = int(np.argmax(margins))
    top = float(margins[best])
    return CaseVerdict(
        case.name, "fails" if top > 0 else "holds", top, top, seen[0][best] if top > 0 else None, how="listed"
    )


def _search(task: ProofTask, case: Case, rng: np.random.Generator) -> tuple[Floats, float] | None:
    """A violation by sampling and climbing, on the network itself."""
    if case.change is None:
        drawn = task.memo.get((id(case.states), "drawn"))
        # Where states are hard to come by, those that were drawn for the first case of the set are used again.
        start = None if case.states.only is None or drawn is None else drawn[0] if drawn else np.empty((0, 0))
        return climb(
            task.system, case.states, lambda rows: margins(task, case, rows), rng,
            samples=task.budget.samples, rounds=task.budget.rounds, start=start, go_on=task.go_on,
        )  # fmt: skip
    change, place = case.change, place_of(task.system, case.change.knob)
    low = rng.uniform(max(change.low, 0.0) if change.high > 0 else change.low, change.high, size=65536)

    def both(rows: Floats) -> Floats:
        moved = rows.copy()
        moved[:, place] += low[np.arange(len(rows)) % len(low)]
        moved = np.asarray(task.system.repair(moved), dtype=float)
        return np.hstack([rows, moved])

    def score(rows: Floats) -> Floats:
        pairs = both(rows)
        margins = case.margin(task.outputs(case, pairs))
        return np.where(pairs_hold(task.system, case, pairs), margins, -np.inf)

    rows = draw(task.system, case.states, task.budget.samples, rng, task.go_on)
    if not len(rows):
        return None
    scores = score(rows)
    best = int(np.argmax(scores))
    return both(rows)[best], float(scores[best])


# --- the program ---


def by_proof(task: ProofTask, case: Case, best: float, rng: np.random.Generator) -> CaseVerdict:
    """Prove a case, or find a violation: by branching over bounds, and where that leaves it open by a program."""
    verdict = by_bounds(task, case, best, rng)
    if verdict.verdict != "open" or not task.go_on() or not task.budget.program:
        return verdict
    other = by_program(task, case, max(best, verdict.best), rng)
    if other.verdict != "open":
        return other
    return verdict if verdict.bound <= other.bound else other


def by_program(task: ProofTask, case: Case, best: float, rng: np.random.Generator) -> CaseVerdict:
    """Prove a case, or find a violation, by a mixed-integer program."""
    excluded, doubt = masks_of(task, case)
    if excluded:
        return CaseVerdict(case.name, "holds", -float("inf"), best, how="excluded")
    try:
        model = _model(task, case)
    except EmptySet:
        return CaseVerdict(case.name, "holds", -np.inf, best)
    except DnnExplainError as error:
        return CaseVerdict(case.name, "open", np.inf, best, reason=str(error))
    weights = case.rows @ model.forms.T
    scale = max(1.0, float(np.abs(weights[:, 0]).max()))
    solved = model.program.maximise(
        weights[:, 1:], weights[:, 0] + case.offset, enough=TOLERANCE * scale, below=-TOLERANCE * scale,
        nodes=task.budget.nodes,
    )  # fmt: skip
    row = None if solved.values is None else _row(task.system, model, solved.values)
    certificate = certify_case(task, case, model, solved.bound, row, rng)
    value = -np.inf if row is None else replayed(task, case, row)
    if row is not None and value > 0:
        verdict = refuted(task, case, row, value, "program")
        return replace(verdict, bound=max(solved.bound, value), certificate=certificate)
    if row is not None and value == -np.inf and not doubt:
        doubt = "the program found no state that is valid, with that action valid in it"
    return settled(case, solved, certificate, max(best, value), doubt)


def _model(task: ProofTask, case: Case) -> Model:
    """The program of a case; cases of one state that share their set share it, too, where they come one after another."""
    key = (id(case.states), "model")
    left = max(task.left(), 0.1)
    if case.change is not None or case.then is not None or task.budget.jobs != 1:
        return model_of(task.system, task.policy, case, task.background, left)
    if key not in task.memo:
        task.memo[key] = model_of(task.system, task.policy, case, task.background, left)
    return task.memo[key]  # type: ignore[no-any-return]


def _row(system: System, model: Model, values: Floats) -> Floats:
    """A solution's states as valid values ``[K]`` or ``[2K]``."""
    rows = np.stack([item.read(values) for item in model.inputs])
    return np.asarray(system.repair(rows), dtype=float).reshape(-1)
