"""Run one search on one problem, keep what it found, and certify it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.gray_box.budget import Budget, Progress, Run
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.methods import METHODS
from dnnexplain.explain.gray_box.problem import Problem
from dnnexplain.explain.gray_box.result import WorstCase
from dnnexplain.explain.proofs import Certificate, Claim, certify
from dnnexplain.results import Question
from dnnexplain.threads import torch_threads

__all__ = ["certified", "worst_case"]

MOST_RESERVED = 0.5
"""Of the budget: kept back for certificates at most."""


def worst_case(
    problem: Problem,
    method: str = "gray-box",
    *,
    budget: Budget | float = 10.0,
    seed: int = 0,
    question: Question | None = None,
    cancel: Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    resume: WorstCase | None = None,
    keep: Callable[[Callable[[], WorstCase]], object] | None = None,
) -> WorstCase:
    """Search for the input with the largest cost / optimum, and certify what is found.

    Args:
        problem: pipeline, domain, optimum.
        method: a name in ``METHODS``.
        budget: CPU-seconds, or a :class:`Budget`; for repeatable answers ``Budget(3600, rounds=200)``.
        seed: of every random choice.
        question: what is asked, for the result; method, seed and budget are filled in.
        cancel: set it from another thread to stop; what was found so far is returned.
        progress: called about ten times per CPU-second with a :class:`Progress`.
        resume: an earlier result on the same problem, whose case and time count as this search's start.
        keep: called like ``progress`` once something was found, with a function that makes and certifies the
            result so far; what that takes is part of the budget in CPU-seconds.

    Returns:
        The best case found, with the interval in which its ratio certainly lies.

    Raises:
        DnnExplainError: for an unknown method, a problem that it does not fit, a component that returns
            numbers that are not finite; and if the search ends without any case. An error after
            something was found ends the search and is told in ``stopped``.
    """
    if method not in METHODS:
        raise Choice("method", method, tuple(METHODS)).error()
    limit = budget if isinstance(budget, Budget) else Budget(float(budget))
    run = Run(problem, limit, seed, cancel, progress)
    if limit.rounds is None:
        run.reserve = min(problem.certify_seconds, MOST_RESERVED * limit.cpu_seconds)
    if resume is not None:
        _resume(run, resume)
    about = _filled(question or Question(system=problem.name), method, seed, limit)
    if keep is not None:
        run.keep = lambda: keep(lambda: certified(run.copy(), method, "running", about))
    with torch_threads(1):  # two spin against each other on small networks, and blur CPU time
        stopped = _search(method, run)
        return certified(run, method, stopped, about)


def _search(method: str, run: Run) -> str:
    """Run the search to its end, and say why it ended; errors before the first case are raised."""
    try:
        METHODS[method](run.problem, run)
    except DnnExplainError as error:
        if not run.kept:
            raise
        return f"error: {error}"
    except KeyboardInterrupt:
        if not run.kept:
            raise
        return "interrupted"
    if run.cancelled:
        return "cancelled"
    return "budget" if run.fraction() >= 1.0 else "finished"


def _resume(run: Run, earlier: WorstCase) -> None:
    if len(earlier.x) != run.problem.domain.size:
        msg = (
            f"the case to resume from has {counted(len(earlier.x), 'input')}, {run.problem.name} has {run.problem.domain.size}; "
            "resume from a result of the same problem"
        )
        raise DnnExplainError(msg)
    run.kept = [(earlier.lower, np.array(earlier.x))]
    run.trace = [(float(t), float(r)) for t, r in earlier.trace]
    run.spent_before = earlier.cpu_seconds


def _filled(question: Question, method: str, seed: int, limit: Budget) -> Question:
    from dataclasses import replace  # noqa: PLC0415 - only here

    settings = {**question.settings, "cpu_seconds": limit.cpu_seconds, "rounds": limit.rounds}
    return replace(question, method=method, seed=seed, settings=settings)


def certified(run: Run, method: str, stopped: str, question: Question) -> WorstCase:
    """The best of the kept cases by its certified lower end, as a result.

    Raises:
        DnnExplainError: if nothing was found.
    """
    problem = run.problem
    if not run.kept:
        msg = f"{method} found no valid input of {problem.name} with a positive optimum before it ended ({stopped})"
        raise DnnExplainError(msg)
    ended_by, searched = run.ended_by if stopped == "budget" else "", run.cpu_seconds
    judged = _judged(run)
    (cost, optimum, lower, upper), x = max(judged, key=lambda case: case[0][2])
    if lower > run.best or not run.trace:
        run.trace.append((run.cpu_seconds, lower))
    trace: Array = np.array(run.trace, dtype=np.float64).reshape(-1, 2)
    trace[:, 1] = np.minimum(trace[:, 1], lower)
    return WorstCase(
        question=question,
        method=method,
        ratio=lower,
        lower=lower,
        upper=upper,
        cost=cost,
        optimum=optimum,
        cost_name=problem.cost_name,
        names=problem.domain.names,
        unit=problem.domain.unit,
        stopped=stopped,
        notes=dict(run.notes),
        cpu_seconds=run.cpu_seconds,
        reached=_reached(trace),
        rounds=run.rounds,
        evaluations=run.evaluations,
        x=x,
        trace=trace,
        ended_by=ended_by,
        certifying_seconds=run.cpu_seconds - searched,
        remarks=() if problem.remarks is None else problem.remarks(x),
        certificate=_run_again(problem, judged, x),
    )


def _judged(run: Run) -> list[tuple[tuple[float, float, float, float], Array]]:
    """The kept cases with their certificates, best first; under a limit in CPU-seconds as many as it leaves room for.

    A search divides by what is never below the optimum, so a case's certified ratio is never below the one it
    was kept with, and the first is a good guess at the best.
    """
    problem, judged = run.problem, []
    for _, x in run.kept:
        began = run.own_seconds
        valid = problem.domain.valid(x[None])[0]
        judged.append((problem.certify(valid), valid))
        took = run.own_seconds - began
        if run.budget.rounds is None and run.own_seconds + took > run.budget.cpu_seconds:
            break
    return judged


def _run_again(
    problem: Problem, judged: list[tuple[tuple[float, float, float, float], Array]], x: Array
) -> Certificate:
    """Whether the policy, deployed, gives all these cases the costs that were divided, in one batch as one by one."""
    costs = {case.tobytes(): figures[0] for figures, case in judged}
    rows = np.stack([case for _, case in judged])
    text = f"on this input the {problem.cost_name} of the policy as it runs is {costs[x.tobytes()]:.6g}"
    return certify(
        Claim(text),
        lambda cases: np.array([costs[case.tobytes()] for case in cases]),
        problem.deployed or problem.pipeline.value,
        rows,
        x,
        quantifies="this input alone",
    )


def _reached(trace: Array) -> float:
    """When the best ratio (to a part in a thousand) was first seen, in CPU-seconds."""
    return float(trace[np.argmax(trace[:, 1] >= 0.999 * trace[-1, 1]), 0])
