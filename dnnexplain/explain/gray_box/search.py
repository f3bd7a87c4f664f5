"""Gray-box search: gradients through the pipeline, the optimum in the denominator, many starts at once."""

from __future__ import annotations

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.ascent import Adam, Climb
from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.comparators import hill_climbing
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.denominators import AlternativeWay, EnvelopeWay, Way, WitnessWay
from dnnexplain.explain.gray_box.polish import polish
from dnnexplain.explain.gray_box.problem import Problem
from dnnexplain.explain.gray_box.starts import Starts, inner_starts, piecewise_starts

__all__ = ["envelope", "exact_inner", "gray_box", "lagrangian", "witness"]

STEPS = 240
FINISHERS = 6
INNER_EVERY = 15
WHOLE_STEPS, WHOLE_PACE = 8, 4.0


def gray_box(problem: Problem, run: Run) -> None:
    """Everything that the problem allows, in turns, until the budget ends.

    Where a part of the input can be maximised exactly, that alternates with gradients of the rest; else
    climbs by witness (no solver in the loop) are finished by climbs with the solved optimum. One round in
    four starts the other way, so that no single idea decides alone. Whole numbers leave no slope to
    follow to the end: there inputs are hill-climbed, every other round after a short climb. Of a black box
    there is no slope at all: it is hill-climbed, from dense and sparse inputs in turn.
    """
    if problem.black_box:
        hill_climbing(problem, run)
        return
    turn = 0
    while run.going():
        near = turn % 2 == 1
        if problem.domain.whole:
            _climb_and_polish(problem, run, piecewise_starts(run, near=near), climb=near)
        elif problem.inner is None:
            climbed = _climb(_first_way(problem), run, piecewise_starts(run, near=near))
            _climb(EnvelopeWay(problem), run, Starts(climbed, np.full(len(climbed), -1), np.full(len(climbed), 0.01)))
        elif turn % 4 < 3:
            _alternate(problem, run, inner_starts(run, near=near))
        else:
            climbed = _climb(_first_way(problem), run, piecewise_starts(run, near=near))
            piece = problem.pipeline.pieces(climbed).argmax(axis=1)
            _alternate(problem, run, Starts(climbed, piece, np.full(len(climbed), 0.01)))
        turn += 1


def envelope(problem: Problem, run: Run) -> None:
    """Climb the input with the optimum solved at every step and differentiated by its duals."""
    while run.going():
        _climb(EnvelopeWay(problem), run, piecewise_starts(run))


def witness(problem: Problem, run: Run) -> None:
    """Climb feasible solutions (flows), whose inputs follow; no solver in the loop."""
    while run.going():
        _climb(WitnessWay(problem), run, piecewise_starts(run))


def exact_inner(problem: Problem, run: Run) -> None:
    """Alternate exact maximisation of the free part of the input with gradients of the network's part."""
    if problem.inner is None:
        msg = f"{problem.name} has no part of its input that can be maximised exactly; use method 'gray-box'"
        raise DnnExplainError(msg)
    while run.going():
        _alternate(problem, run, inner_starts(run))


def lagrangian(problem: Problem, run: Run, *, rate: float = 0.01, batch: int = 8, steps: int = 1000) -> None:
    """Gradient descent-ascent on ``cost(x) + l (second(x, w) - 1)``, as Namyar et al. publish it (eq. 4-5).

    One step up for the input and the second solution, one step down for the multiplier, all by ``rate``;
    restarted after ``steps`` steps. Ratios are taken with the second solution (a sound lower bound), and
    every 25 steps with the optimum.
    """
    way = AlternativeWay(problem)
    while run.going():
        p = way.start(problem.domain.mixed(batch, run.random))
        p[:, way.inputs :] = run.random.standard_normal((batch, way.alternative.size))
        adam, price = Adam(p.shape, way.scale, rate), np.zeros(batch)
        for step in range(steps):
            if not run.going():
                return
            cost, _, rise, value, fall = way.parts(p)
            x = p[:, : way.inputs]
            run.offer(x, problem.ratio(x) if step % 25 == 24 else problem.over(cost, value))
            p = way.valid(p + adam.step(rise + price[:, None] * fall))
            price = price - rate * (value - 1.0)


def _first_way(problem: Problem) -> Way:
    """The cheapest way to climb: without a solver, if the problem has a witness."""
    return EnvelopeWay(problem) if problem.witness is None else WitnessWay(problem)


def _climb(way: Way, run: Run, starts: Starts, steps: int = STEPS) -> Array:
    """Climb all starts, drop the worse ones on the way, and return the best inputs ``[<= 6, n]``."""
    climb = Climb(way, run, starts.x, starts.piece, starts.rate)
    for step in range(steps):
        if not run.going():
            break
        if step in {steps // 4, steps // 2}:
            climb.keep(max(FINISHERS, len(climb.best) // 2))
        climb.step()
    climb.keep(FINISHERS)
    return climb.best_x


def _climb_and_polish(problem: Problem, run: Run, starts: Starts, *, climb: bool) -> None:
    """Hill climbing of the best starts; if asked, after a short climb between the whole numbers."""
    x = starts.x[:FINISHERS]
    if climb:
        rates = starts.rate[:FINISHERS] * WHOLE_PACE
        x = _climb(EnvelopeWay(problem), run, Starts(x, starts.piece[:FINISHERS], rates), WHOLE_STEPS)
    polish(problem, run, problem.domain.valid(x))


def _alternate(problem: Problem, run: Run, starts: Starts, steps: int = STEPS) -> None:
    """Gradient steps of the network's input for one piece each; every 15th the free part at its exact best."""
    inner = problem.inner
    assert inner is not None
    x, piece = starts.x.copy(), starts.piece
    adam = Adam(x.shape, problem.domain.width, starts.rate)
    best = np.zeros(len(x))
    for step in range(steps):
        if not run.going():
            return
        if step % INNER_EVERY == 0 and step:
            done: list[Array] = []
            for row, p in zip(x, piece, strict=True):
                if done and not run.going():
                    break
                done.append(inner.maximise(row, int(p)))
            x = np.concatenate([np.stack(done), x[len(done) :]])
            ratio = problem.ratio(x)
            run.offer(x, ratio)
            best = np.maximum(best, ratio)
            if step in {INNER_EVERY * 2, INNER_EVERY * 5}:
                rows = np.sort(np.argsort(-best, kind="stable")[: max(FINISHERS, len(x) // 2)])
                x, piece, best = x[rows], piece[rows], best[rows]
                adam.keep(rows)
        _, pieces, rise = problem.pipeline.value_and_gradient(x, piece)
        height = np.maximum(pieces[np.arange(len(x)), piece], 1e-300)
        move = adam.step(rise / height[:, None])
        move[:, inner.free] = 0.0
        x = problem.domain.valid(x + move)
