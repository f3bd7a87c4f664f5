"""The searches by name: a new one is one entry."""

from __future__ import annotations

from collections.abc import Callable

from dnnexplain.explain.gray_box import comparators, search
from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.problem import Problem

__all__ = ["BLACK_BOX", "METHODS", "Search"]

Search = Callable[[Problem, Run], None]

METHODS: dict[str, Search] = {
    "gray-box": search.gray_box,
    "envelope": search.envelope,
    "witness": search.witness,
    "exact-inner": search.exact_inner,
    "lagrangian": search.lagrangian,
    "random": comparators.random_uniform,
    "random-sparse": comparators.random_sparse,
    "hill-climbing": comparators.hill_climbing,
    "simulated-annealing": comparators.simulated_annealing,
    "cma-es": comparators.cma_es,
}
"""Name -> search. The white-box program is asked on its own: it answers another kind of question."""

BLACK_BOX = ("random", "random-sparse", "hill-climbing", "simulated-annealing", "cma-es")
"""Those that see nothing but the ratio."""
