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
from dnnexplain.explain.proofs.by_bounds import bound_of, by_bounds
from dnnexplain.explain.proofs.case_network import (
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
from dnnexplain.explain.proofs.network import traced
from dnnexplain.explain.proofs.verdicts import CaseVerdict, ProofBudget, Verdict
from dnnexplain.parallel import Progress, seeded_map

__all__ = ["CaseVerdict", "ProofBudget", "Verdict", "prove"]

Floats = NDArray[np.float64]


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
            that is no sum over knobs.
    """
    start = time.monotonic()
    limits = budget or ProofBudget()
    asked = ProofTask(
        system, policy, limits, start + limits.seconds, background, claim.kept, claim.decided, cancel or Event()
    )

    quick = seeded_map(partial(_quick, asked), claim.cases, seed=seed, jobs=1, backend="inline")
    failed = [case for case in quick if case.verdict == "fails"]
    worst = max((case.best for case in failed), default=np.inf)
    slow = partial(_slow, asked, worst if failed and not limits.every else -np.inf, _unknown(policy))
    found = seeded_map(
        slow,
        list(zip(claim.cases, quick, strict=True)),
        seed=seed,
        jobs=limits.jobs,
        backend="threading",
        progress=progress,
    )
    return _joined(asked, claim, found, time.monotonic() - start)


def _joined(asked: ProofTask, claim: Property, found: Sequence[CaseVerdict], seconds: float) -> Verdict:
    kinds = {case.verdict for case in found}
    verdict = "fails" if "fails" in kinds else "open" if "open" in kinds or not found else "holds"
    failed = max((case for case in found if case.verdict == "fails"), key=lambda case: case.best, default=None)
    asked_about = found if failed is None else [failed]
    bound = max((case.bound for case in asked_about), default=np.inf)
    best = max((case.best for case in asked_about), default=-np.inf)
    checked = max((case.certificate.checked for case in found if case.certificate is not None), default=0.0)
    assumed = list(claim.assumed)
    if background_matters(asked):
        assumed.append("what the knobs leave open stays as the given observation shows it")
    system = asked.system
    if isinstance(system, LooseCells) and any(case.how == "bounds" for case in found):
        assumed.append(system.loose_words)
    return Verdict(
        claim, verdict, bound, max(bound - best, 0.0) if np.isfinite(bound) else np.inf, None if failed is None else failed.witness, checked, seconds,
        tuple(found), tuple(assumed), valid_states(asked.system),
    )  # fmt: skip


def background_matters(asked: ProofTask) -> bool:
    """Whether states were painted around an observation."""
    return asked.background is not None


# --- one case ---


def _quick(asked: ProofTask, case: Case, rng: np.random.Generator) -> CaseVerdict:
    """List the states where they are few; else look for a violation by search."""
    if not asked.go_on():
        return CaseVerdict(case.name, "open", np.inf, -np.inf, reason="the time was up before its turn")
    if case.change is None and case.then is None:
        seen = asked.seen(case.states, "listed", lambda: listed(asked.system, case.states, asked.budget.listed))
        if seen is not None:
            return _by_list(asked, case, seen)
        drawn = asked.seen(case.states, "drawn", lambda: draw(asked.system, case.states, asked.budget.samples, rng))
        if drawn:
            margins = under_masks(asked, case, case.margin(drawn[1]), drawn[2])
            best = int(np.argmax(margins))
            if margins[best] > 0:
                return refuted(asked, case, drawn[0][best], float(margins[best]), "found")
    witness = _search(asked, case, rng)
    if witness is None:
        return CaseVerdict(case.name, "open", np.inf, -np.inf)
    value = witness[1] if case.then is None or witness[1] <= 0 else replayed(asked, case, witness[0])
    if value > 0:
        return refuted(asked, case, witness[0], value, "found")
    return CaseVerdict(case.name, "open", np.inf, value)


def _unknown(policy: Any) -> str:
    """Why nothing can be proved of a network, whatever is asked; empty if it can be."""
    module = private(network_of(policy))
    try:
        traced(module)
    except DnnExplainError as error:
        return str(error)
    return ""


def _slow(
    asked: ProofTask, worst: float, unknown: str, item: tuple[Case, CaseVerdict], rng: np.random.Generator
) -> CaseVerdict:
    """Prove what neither list nor search has settled; bound what search has found, of several the worst violation."""
    case, quick = item
    settled = np.isfinite(worst)
    if quick.how == "found":
        if quick.best < worst:
            return replace(quick, reason="how large a violation can be is asked of the worst one that was found")
        return _bounded(asked, case, quick, rng)
    if quick.verdict != "open":
        return quick
    if unknown:
        return replace(quick, reason=unknown)
    if settled:
        return replace(quick, reason="not asked, for another case is refuted")
    if not asked.go_on():
        return replace(quick, reason="the time was up before its turn")
    return by_proof(asked, case, quick.best, rng)


def _bounded(asked: ProofTask, case: Case, found: CaseVerdict, rng: np.random.Generator) -> CaseVerdict:
    """A violation that a search has found, with a bound on how large one can be where there is time for one."""
    if not asked.go_on():
        return replace(found, reason="the time was up before it was known how large a violation can be")
    row = None if found.witness is None else found.witness.reshape(-1)
    bounded = bound_of(asked, case) if asked.budget.parts else None
    if bounded is None:
        try:
            model: Any = _model(asked, case)
        except (DnnExplainError, EmptySet):
            return found
        weights = case.rows @ model.forms.T
        top = float(model.program.interval(weights[:, 1:], weights[:, 0] + case.offset)[1].min())
    else:
        model, top = bounded
    bound = max(top, found.best)
    return replace(found, bound=bound, certificate=certify_case(asked, case, model, bound, row, rng))


def _by_list(asked: ProofTask, case: Case, seen: tuple[Any, ...]) -> CaseVerdict:
    if not seen:
        return CaseVerdict(case.name, "holds", -np.inf, -np.inf, how="listed")
    margins = under_masks(asked, case, case.margin(seen[1]), seen[2])
    best = int(np.argmax(margins))
    top = float(margins[best])
    return CaseVerdict(
        case.name, "fails" if top > 0 else "holds", top, top, seen[0][best] if top > 0 else None, how="listed"
    )


def _search(asked: ProofTask, case: Case, rng: np.random.Generator) -> tuple[Floats, float] | None:
    """A violation by sampling and climbing, on the network itself."""
    if case.change is None:
        drawn = asked.memo.get((id(case.states), "drawn"))
        # Where states are hard to come by, those that were drawn for the first case of the set are used again.
        start = None if case.states.only is None or drawn is None else drawn[0] if drawn else np.empty((0, 0))
        return climb(
            asked.system, case.states, lambda rows: margins(asked, case, rows), rng,
            samples=asked.budget.samples, rounds=asked.budget.rounds, start=start,
        )  # fmt: skip
    change, place = case.change, place_of(asked.system, case.change.knob)
    low = rng.uniform(max(change.low, 0.0) if change.high > 0 else change.low, change.high, size=65536)

    def both(rows: Floats) -> Floats:
        moved = rows.copy()
        moved[:, place] += low[np.arange(len(rows)) % len(low)]
        moved = np.asarray(asked.system.repair(moved), dtype=float)
        return np.hstack([rows, moved])

    def score(rows: Floats) -> Floats:
        pairs = both(rows)
        margins = case.margin(asked.outputs(case, pairs))
        return np.where(pairs_hold(asked.system, case, pairs), margins, -np.inf)

    rows = draw(asked.system, case.states, asked.budget.samples, rng)
    if not len(rows):
        return None
    scores = score(rows)
    best = int(np.argmax(scores))
    return both(rows)[best], float(scores[best])


# --- the program ---


def by_proof(asked: ProofTask, case: Case, best: float, rng: np.random.Generator) -> CaseVerdict:
    """Prove a case, or find a violation: by branching over bounds, and where that leaves it open by a program."""
    found = by_bounds(asked, case, best, rng)
    if found.verdict != "open" or not asked.go_on() or not asked.budget.program:
        return found
    other = by_program(asked, case, max(best, found.best), rng)
    if other.verdict != "open":
        return other
    return found if found.bound <= other.bound else other


def by_program(asked: ProofTask, case: Case, best: float, rng: np.random.Generator) -> CaseVerdict:
    """Prove a case, or find a violation, by a mixed-integer program."""
    excluded, doubt = masks_of(asked, case)
    if excluded:
        return CaseVerdict(case.name, "holds", -float("inf"), best, how="excluded")
    try:
        model = _model(asked, case)
    except EmptySet:
        return CaseVerdict(case.name, "holds", -np.inf, best)
    except DnnExplainError as error:
        return CaseVerdict(case.name, "open", np.inf, best, reason=str(error))
    weights = case.rows @ model.forms.T
    scale = max(1.0, float(np.abs(weights[:, 0]).max()))
    solved = model.program.maximise(
        weights[:, 1:], weights[:, 0] + case.offset, enough=TOLERANCE * scale, below=-TOLERANCE * scale,
        nodes=asked.budget.nodes,
    )  # fmt: skip
    row = None if solved.values is None else _row(asked.system, model, solved.values)
    certificate = certify_case(asked, case, model, solved.bound, row, rng)
    value = -np.inf if row is None else replayed(asked, case, row)
    if row is not None and value > 0:
        found = refuted(asked, case, row, value, "program")
        return replace(found, bound=max(solved.bound, value), certificate=certificate)
    if row is not None and value == -np.inf and not doubt:
        doubt = "the program found no state that is valid, with that action valid in it"
    return settled(case, solved, certificate, max(best, value), doubt)


def _model(asked: ProofTask, case: Case) -> Model:
    """The program of a case; cases of one state that share their set share it, too, where they come one after another."""
    key = (id(case.states), "model")
    left = max(asked.left(), 0.1)
    if case.change is not None or case.then is not None or asked.budget.jobs != 1:
        return model_of(asked.system, asked.policy, case, asked.background, left)
    if key not in asked.memo:
        asked.memo[key] = model_of(asked.system, asked.policy, case, asked.background, left)
    return asked.memo[key]  # type: ignore[no-any-return]


def _row(system: System, model: Model, values: Floats) -> Floats:
    """A solution's states as valid values ``[K]`` or ``[2K]``."""
    rows = np.stack([one.read(values) for one in model.inputs])
    return np.asarray(system.repair(rows), dtype=float).reshape(-1)
