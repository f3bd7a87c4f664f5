"""Black-box searches to compare with: they see cost / optimum of an input and nothing else."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.component import Array
from dnnexplain.explain.gray_box.polish import NEIGHBOURS, near
from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["cma_es", "hill_climbing", "random_sparse", "random_uniform", "simulated_annealing"]

BATCH = 16
PATIENCE = 40
DIAGONAL_ABOVE = 200


def random_uniform(problem: Problem, run: Run) -> None:
    """Inputs drawn uniformly from the box: the paper's random search."""
    while run.going():
        _evaluate(problem, run, problem.domain.uniform(BATCH, run.random))


def random_sparse(problem: Problem, run: Run) -> None:
    """Inputs of which few are active, in each block a log-uniform number: a far better law for routing."""
    while run.going():
        _evaluate(problem, run, problem.domain.sparse(BATCH, run.random))


def hill_climbing(problem: Problem, run: Run) -> None:
    """Move to the best of ten neighbours while that helps; restart, in turn dense and sparse, when it does not."""
    domain, restart = problem.domain, 0
    while run.going():
        draw = domain.sparse if restart % 2 else domain.uniform
        here = draw(NEIGHBOURS, run.random)
        ratio = _evaluate(problem, run, here)
        x, height, failures = here[ratio.argmax()], float(ratio.max()), 0
        while failures < PATIENCE and run.going():
            tried = near(run, np.repeat(x[None], NEIGHBOURS, axis=0))
            ratio = _evaluate(problem, run, tried)
            failures = 0 if ratio.max() > height else failures + 1
            if ratio.max() > height:
                x, height = tried[ratio.argmax()], float(ratio.max())
        restart += 1


def simulated_annealing(problem: Problem, run: Run, *, hot: float = 1.0, cold: float = 1e-3) -> None:
    """One chain from a sparse start, cooled geometrically from ``hot`` to ``cold`` over the budget."""
    x = problem.domain.sparse(1, run.random)
    height = float(_evaluate(problem, run, x)[0])
    while run.going():
        tried = near(run, x)
        ratio = float(_evaluate(problem, run, tried)[0])
        temperature = hot * (cold / hot) ** run.fraction()
        if ratio >= height or run.random.random() < np.exp((ratio - height) / temperature):
            x, height = tried, ratio


def cma_es(problem: Problem, run: Run, *, spread: float = 0.3) -> None:
    """Covariance matrix adaptation (Hansen and Ostermeier 2001) by the package cma, restarted when it stalls.

    Above 200 inputs the covariance is diagonal (Ros and Hansen 2008): a full one would take the whole budget.
    """
    while run.going():
        strategy = _strategy(problem, run, spread)
        while run.going() and not strategy.stop():
            points = strategy.ask()
            x = problem.domain.valid(problem.domain.low + problem.domain.width * np.asarray(points))
            ratio = _evaluate(problem, run, x)
            if len(ratio) < len(x):
                return
            strategy.tell(points, list(-ratio))


def _strategy(problem: Problem, run: Run, spread: float) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cma warns that plotting needs matplotlib
            import cma  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        msg = "method 'cma-es' needs the package cma: pip install cma"
        raise DnnExplainError(msg) from None
    size = problem.domain.size
    start = problem.domain.mixed(1, run.random)[0]
    width = np.where(problem.domain.width > 0, problem.domain.width, 1.0)
    options = {
        "bounds": [0, 1],
        "seed": int(run.random.integers(1, 2**31)),
        "verbose": -9,
        "CMA_diagonal": size > DIAGONAL_ABOVE,
    }
    return cma.CMAEvolutionStrategy((start - problem.domain.low) / width, spread, options)


def _evaluate(problem: Problem, run: Run, x: Array) -> Array:
    """Ratios of the first inputs ``[<= B]``, as many as there is time for."""
    ratio = run.timed(x, problem.ratio)
    run.offer(x[: len(ratio)], ratio)
    return ratio
