"""Find the smallest valid change that flips a decision and makes it worse (APNet 2018, Sections 4.1 to 4.3).

A change is adversarial only by an oracle: the best continuation of every action is solved before and
after it. A flip to what has become the best decision is the policy's merit, not its fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, Discrete, DnnExplainError, Policy, State, System
from dnnexplain.explain.adversarial.certificate import certify_decisions
from dnnexplain.explain.adversarial.guided import gradient
from dnnexplain.explain.adversarial.levels import width
from dnnexplain.explain.adversarial.methods import exhaustive, local, manipulate
from dnnexplain.explain.adversarial.moves import ROUNDING, Moves, make_moves
from dnnexplain.explain.adversarial.report import words
from dnnexplain.explain.adversarial.result import Adversarial, Flip
from dnnexplain.explain.adversarial.run import Enough, Progress, Run
from dnnexplain.explain.adversarial.verdicts import Examiner, Kind
from dnnexplain.parallel import child_seed
from dnnexplain.results import Question

__all__ = ["METHODS", "Likelihood", "attack"]

METHODS: dict[str, Callable[[Run, np.random.Generator], None]] = {
    "exhaustive": exhaustive,
    "gradient": gradient,
    "local": local,
    "random": manipulate,
}
"""Every way to search by name; the only list."""

SECONDS = 30.0
"""To search, where no limit is given."""

Likelihood = Callable[[State], Mapping[str, float]]
"""From a state to the log-probability of each of its objects under the training workload, by group."""


def attack(
    system: System,
    policy: Policy,
    state: State,
    *,
    method: str = "exhaustive",
    target: str | None = None,
    knobs: Sequence[str] | None = None,
    costs: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    objects: int | None = None,
    appearance: bool = False,
    amount: float | None = None,
    seconds: float | None = None,
    rounds: int | None = None,
    seed: int = 0,
    likelihood: Likelihood | None = None,
    resume: Adversarial | None = None,
    clock: Callable[[], float] = time.monotonic,
    cancel: Event | None = None,
    progress: Progress | None = None,
    judge_seconds: float = 2.0,
    on_found: Callable[[Flip], object] | None = None,
    keep: Callable[[Callable[[], Adversarial]], object] | None = None,
) -> Adversarial:
    """The smallest valid change of a state that makes a policy decide otherwise, and worse.

    The cost of a change is the sum over knobs of weight times the size of the change; by default each
    step of a knob costs 1. A change that cannot be asked for (no knob may move, empty bounds) gives a
    result with ``found`` false that says why.

    Args:
        system: a world with an oracle for decisions.
        policy: a network (or a rule).
        state: where the change starts; its background is kept.
        method: a name in :data:`METHODS`. ``"exhaustive"`` goes in order of cost and proves its answer;
            the others stop when time is up.
        target: the action to flip to; any other if ``None``.
        knobs, costs, bounds, appearance: see :func:`~dnnexplain.explain.adversarial.moves.make_moves`.
        objects: how many objects (jobs) may change together; any number if ``None``.
        amount: of decisions that are numbers: by how much one must change, in its unit (``Box.another`` if not given).
        seconds: time to search, by ``clock``; 30, or without limit where ``rounds`` is given.
        rounds: batches of states to decide at most: the same answer on every machine (as far as the oracle needs
            no more than ``judge_seconds`` for any state).
        seed: of the random methods.
        likelihood: see :data:`Likelihood`; reported for the objects that change.
        resume: an earlier answer to the same question, to be continued.
        clock: what ``seconds`` counts; ``time.process_time`` compares methods on a busy machine.
        cancel: once set, the search ends with what it has.
        progress: called now and then with the fraction of time used and what is being done.
        judge_seconds: for the oracle, per state.
        on_found: called with each flip that is the cheapest of its kind so far, as it is found.
        keep: called now and then with a function that makes the result so far.

    Raises:
        DnnExplainError: an unknown method, action or knob; a system without oracle; ``resume`` answers
            another question.
    """
    if method not in METHODS:
        raise Choice("method", method, tuple(METHODS)).error()
    if rounds is not None and rounds < 1:
        msg = f"rounds is a number of batches to decide, at least 1, not {rounds}"
        raise DnnExplainError(msg)
    limit = (SECONDS if rounds is None else np.inf) if seconds is None else seconds
    moves = make_moves(system, state, knobs=knobs, costs=costs, bounds=bounds, appearance=appearance)
    wished = None if target is None else _action(system, target)
    witness = Examiner(system, policy, state, wished, judge_seconds, amount)
    settings = {
        "target": target,
        "movable": [system.knobs[i].name for i in moves.movable],
        "costs": {system.knobs[i].name: float(moves.weight[i]) for i in moves.movable},
        "bounds": {system.knobs[i].name: [float(moves.low[i]), float(moves.high[i])] for i in moves.movable},
        "objects": objects,
        "appearance": appearance,
        **({} if amount is None else {"amount": amount}),
    }
    question = Question.about(system, policy, state, method=method, seed=seed, settings=settings)
    run = Run(
        system,
        witness,
        moves,
        seconds=limit,
        clock=clock,
        cancel=cancel,
        progress=progress,
        rounds=rounds,
        most=objects,
        on_found=on_found,
    )
    if resume is not None:
        _continue(run, resume, question)
    refusal = moves.refusal or _no_other(system, witness, wished, objects)
    if keep is not None:
        run.keep = lambda: keep(lambda: _answer(run, question, refusal, likelihood))
    if not refusal:
        with suppress(Enough):
            METHODS[method](run, np.random.default_rng(child_seed(seed, run.evaluated)))
    return _answer(run, question, refusal, likelihood)


def _action(system: System, name: str) -> Any:
    """The action that a name means, in the space's form."""
    names = system.output.names
    if isinstance(system.output, Discrete) and name not in names:
        raise Choice("action", name, names).error()
    return system.output.parse(name)


def _no_other(system: System, witness: Examiner, wished: Any, objects: int | None) -> str:
    if objects is not None and objects < 1:
        return "No object may change, so no change is possible; allow at least one."
    if wished is not None and system.output.same(wished, witness.action):
        return f"The policy {system.output.acts(witness.action)} already, so there is nothing to flip to."
    if not witness.before.exact and not witness.before.estimated:
        return "The oracle could not prove the best decision in this state in time, so no flip can be called worse; give it longer."
    return ""


def _continue(run: Run, earlier: Adversarial, question: Question) -> None:
    """Take over what an earlier run of the same question found and proved."""
    same = ("system", "parameters", "state", "policy", "checkpoint")
    other = next((name for name in same if getattr(earlier.question, name) != getattr(question, name)), None)
    if other is None and dict(earlier.question.settings) != dict(question.settings):
        other = "what may change"
    if other is not None:
        msg = f"the search to be resumed answered another question ({other} differs); start afresh, or ask the same"
        raise DnnExplainError(msg)
    run.evaluated, run.earlier_seconds = earlier.evaluated, earlier.seconds
    run.witness.judged += earlier.judged
    run.counts.update(dict(earlier.counts))
    run.trace.extend(earlier.trace)
    run.others.update({flip.kind: flip for flip in earlier.others})
    if "undecided" not in earlier.counts:
        run.radius, run.single_radius = earlier.radius, earlier.single_radius
    if earlier.found and earlier.state is not None and earlier.after is not None and earlier.distance is not None:
        unproved = run.witness.before.estimated or earlier.after.estimated
        kind = Kind.ESTIMATED if unproved else Kind.ADVERSARIAL
        run.best = run.flip(kind, earlier.state.values, earlier.distance, earlier.after)


def _answer(run: Run, question: Question, refusal: str, likelihood: Likelihood | None) -> Adversarial:
    best = run.best
    sure = run.undecided - ROUNDING
    radius, single = min(run.radius, run.single_radius, sure), min(run.single_radius, sure)
    complete = not refusal and radius == np.inf
    proved = best is not None and not complete and radius >= best.distance - 10 * ROUNDING
    proved = proved or (best is not None and complete)
    if run.witness.before.estimated or run.moves.notes:  # between the points of a grid nothing was looked at
        radius = single = 0.0
        complete = proved = False
    certificate = certify_decisions(run) if radius > 0 or single > 0 or proved else None
    void = certificate is not None and not certificate.holds
    if void:
        radius = single = 0.0
        complete = proved = False
    others = tuple(sorted(run.others.values(), key=lambda flip: flip.distance))
    return Adversarial(
        question=question,
        found=best is not None,
        distance=None if best is None else best.distance,
        proved_minimal=bool(proved),
        radius=_radius_said(radius, run),
        single_radius=_radius_said(single, run),
        complete=bool(complete),
        changes=() if best is None else best.changes,
        before=run.witness.before,
        after=None if best is None else best.after,
        state=None if best is None else best.state,
        others=others,
        likelihood={} if best is None or likelihood is None else _likelihood(run.moves, best.state, likelihood),
        counts=dict(run.counts),
        evaluated=run.evaluated,
        judged=run.witness.judged,
        seconds=run.earlier_seconds + run.spent,
        trace=tuple(run.trace),
        words=refusal or words(run, best, proved=bool(proved), radius=radius, single=single, certificate=certificate),
        ended_by=run.ended_by,
        rounds=run.rounds,
        certificate=certificate,
    )


def _radius_said(radius: float, run: Run) -> float:
    """A radius that lies clearly below the cost of what was found: by the smallest step."""
    if run.best is None or radius < run.best.distance - 10 * ROUNDING:
        return float(radius)
    return max(0.0, float(np.round(run.best.distance - width(run.moves), 9)))


def _likelihood(moves: Moves, after: State, likelihood: Likelihood) -> dict[str, tuple[float, float]]:
    before_of, after_of = likelihood(moves.base), likelihood(after)
    moved = np.abs(after.values - moves.base.values) > ROUNDING
    touched = [atom.name for atom in moves.atoms if moved[list(atom.knobs)].any()]
    return {
        name: (float(before_of[name]), float(after_of[name]))
        for name in touched
        if name in before_of and name in after_of
    }
