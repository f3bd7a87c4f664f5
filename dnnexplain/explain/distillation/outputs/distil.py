"""From a policy of numbers or switches to trees: visit, label, grow, and choose by what episodes cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, DnnExplainError, Policy, cost_is_ratio, need
from dnnexplain.explain.distillation.choosing import INTERRUPTED, RUNNING, Keep, Progress, Teller, cheapest, near, three
from dnnexplain.explain.distillation.growing import Settings
from dnnexplain.explain.distillation.outputs.lessons import Lessons, lessons, weighting_for
from dnnexplain.explain.distillation.outputs.policy import OutputPolicy
from dnnexplain.explain.distillation.outputs.result import OutputRules, in_words
from dnnexplain.explain.distillation.outputs.trees import OutputTrees, grow_numbers, grow_switches
from dnnexplain.explain.distillation.world import Distillable, absent_of, whole_of
from dnnexplain.intervals import compared_interval, mean_interval, share_interval
from dnnexplain.registry import cost_range
from dnnexplain.results import Question

__all__ = ["SIZES", "distil_parts"]

SIZES = (2, 3, 5, 8, 12, 20, 30, 50, 100)
KEPT_SETTINGS = ("leaves", "rounds", "sets", "unseen", "seeds")
"""What the result says of the settings."""
VALIDATION, UNSEEN, SAMPLING = 1_000, 2_000, 3_000

Draw = Callable[[int, int], Sequence[Any]]


def distil_parts(
    system: Distillable,
    teacher: Policy,
    draw: Draw,
    settings: Settings,
    *,
    figures_on: Sequence[Any] | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
    keep: Keep | None = None,
) -> OutputRules:
    """Distil a policy that sets numbers (``Box``) or switches (``MultiBinary``): what :func:`distil` does with these.

    Each seed draws the decisions anew, with replacement, and grows trees of every size. The trees with the lowest cost
    on validation workloads are taken; between those that cost at most 2% more than the teacher there, fidelity decides.

    Args:
        system: a system that can tell features and visited states.
        teacher: whom to follow.
        draw: ``draw(count, seed)`` gives workloads.
        settings: as of :func:`distil`; what only a choice has is zero.
        figures_on, progress, cancel, keep: as of :func:`distil`.

    Raises:
        DnnExplainError: a number is out of range, or is for a choice alone; or stopped before there was a tree.
    """
    began = time.process_time()
    _check(system, settings)
    search = _Search(system, teacher, settings, weighting_for(system.output, settings.weighting))
    teller = Teller(progress, cancel, settings.rounds + 1 + settings.seeds + 1)

    known = search.collect(draw, teller)
    sizes = np.array(sorted({*(size for size in SIZES if size < settings.leaves), settings.leaves}), dtype=np.int64)
    validation = draw(settings.sets, settings.child(VALIDATION))
    checks = lessons(system, teacher, teacher, validation, search.weighting, settings.seed)
    grown = _Grown(search, known, sizes, float(checks.cost.mean()), began)
    for turn in range(settings.seeds):
        if not teller(f"growing and validating trees {turn + 1} of {settings.seeds}", kept=turn > 0):
            break
        grown.add(search.path(known, sizes, settings.child(SAMPLING + turn)), validation, checks)
        if keep is not None:
            keep(lambda: grown.result(validation, RUNNING))

    stopped = INTERRUPTED if teller.stopped else ""
    teller("measuring on unseen workloads", kept=True)
    final = draw(settings.unseen, settings.child(UNSEEN)) if figures_on is None else figures_on
    return grown.result(final, stopped)


def _check(system: Distillable, settings: Settings) -> None:
    need(system, Distillable, "distillation")
    given = [name for name in ("optimal_depth", "polish", "polish_sets") if getattr(settings, name)]
    if given:
        what = "numbers" if isinstance(system.output, Box) else "switches"
        msg = f"{given[0]} works on a choice among actions (dnnexplain.contract.Discrete); {system.name} sets {what}: leave it out"
        raise DnnExplainError(msg)
    settings.check()


class _Search:
    """One policy on its way to trees.

    Args:
        system, teacher, settings: as of :func:`distil_parts`.
        weighting: one that the system's space has.
    """

    def __init__(self, system: Distillable, teacher: Policy, settings: Settings, weighting: str) -> None:
        self.system, self.teacher, self.settings, self.weighting = system, teacher, settings, weighting
        self.seed, self.child = settings.seed, settings.child

    # --- learning

    def collect(self, draw: Draw, tell: Callable[[str], object]) -> Lessons:
        """The teacher's states, then those of each round's trees, all labelled by the teacher."""
        settings = self.settings
        tell("visiting the network's states")
        known = lessons(self.system, self.teacher, self.teacher, draw(settings.sets, self.child(0)), self.weighting)
        if not len(known.features):
            msg = "there is no decision to learn from: the workloads have no state"
            raise DnnExplainError(msg)
        for turn in range(1, settings.rounds + 1):
            tell(f"visiting the tree's states, round {turn}")
            student = self.policy(self.grow(known, known.weight, settings.leaves, self.child(turn)))
            known += lessons(self.system, self.teacher, student, draw(settings.sets, self.child(turn)), self.weighting)
        return known

    def grow(self, known: Lessons, weight: NDArray[np.float64], leaves: int, seed: int) -> OutputTrees:
        """Trees of at most so many leaves each, from decisions of a weight ``[N, A]``."""
        if isinstance(self.system.output, Box):
            alike = weight.max(axis=1)
            return grow_numbers(known.features, known.taken, alike, leaves=leaves, seed=seed % 2**32)
        return grow_switches(known.features, known.taken, weight, leaves=leaves, seed=seed % 2**32)

    def path(self, known: Lessons, sizes: NDArray[np.int64], seed: int) -> list[OutputTrees]:
        """Trees of each size from decisions drawn with replacement; a size that adds no leaf repeats the last trees."""
        count = len(known.features)
        drawn = np.bincount(np.random.default_rng(seed).integers(count, size=count), minlength=count)
        grown: list[OutputTrees] = []
        for size in sizes.tolist():
            trees = self.grow(known, known.weight * drawn[:, None], size, seed)
            repeats = grown and trees.leaves_of_each == grown[-1].leaves_of_each
            grown.append(grown[-1] if repeats else trees)
        return grown

    # --- choosing and measuring

    def policy(self, trees: OutputTrees) -> OutputPolicy:
        """Trees as a policy."""
        return OutputPolicy(trees, self.system.features)

    def decide(self, trees: OutputTrees, known: Lessons) -> NDArray[Any]:
        """What trees set in given states ``[N, A]``."""
        return self.system.output.decide(trees.outputs(known.features), known.valid)

    def follows(self, trees: OutputTrees, known: Lessons) -> NDArray[np.bool_]:
        """Where trees do the same as the teacher ``[N]``."""
        return self.system.output.same(self.decide(trees, known), known.taken)

    def costs(self, path: Sequence[OutputTrees], workloads: Sequence[Any]) -> list[float]:
        """The mean cost of every size, the same trees run once."""
        by_leaves: dict[int, float] = {}
        for trees in path:
            if id(trees) not in by_leaves:
                run = self.system.run(self.policy(trees), workloads, seed=self.seed)
                by_leaves[id(trees)] = float(run.cost.mean())
        return [by_leaves[id(trees)] for trees in path]

    def measure(
        self, paths: list[list[OutputTrees]], chosen: tuple[int, int], workloads: Sequence[Any]
    ) -> dict[str, Any]:
        """Every figure of the chosen trees, on workloads drawn for this alone."""
        system, trees, count = self.system, paths[chosen[0]][chosen[1]], len(workloads)
        seen = lessons(system, self.teacher, self.teacher, workloads, self.weighting)
        own = lessons(system, self.teacher, self.policy(trees), workloads, self.weighting)
        right, ratio = self.follows(trees, seen), cost_is_ratio(system)
        per_set = np.bincount(seen.episode, right, minlength=count)
        said = [self.decide(path[chosen[1]], seen) for path in paths]
        pairs = [np.mean(system.output.same(item, two)) for i, item in enumerate(said) for two in said[i + 1 :]]
        apart = np.abs(said[chosen[0]].astype(np.float64) - seen.taken)
        space, numbers = system.output, isinstance(system.output, Box)
        alike = space.another * (1 + 1e-12) if isinstance(space, Box) else 0.0
        return {
            **three("fidelity", share_interval(per_set, np.bincount(seen.episode, minlength=count))),
            "fidelity_own": float(self.follows(trees, own).mean()),
            "fidelity_each": np.mean(apart <= alike, axis=0),
            "error": float(apart.mean()) if numbers else float("nan"),
            "error_each": apart.mean(axis=0) if numbers else np.full(apart.shape[1], np.nan),
            **three("cost", mean_interval(own.cost, within=cost_range(system))),
            **three("teacher_cost", mean_interval(seen.cost, within=cost_range(system))),
            **three("relative", compared_interval(own.cost, seen.cost, ratio=ratio)),
            "ratio": ratio,
            "agreement": float(np.mean(pairs)) if pairs else 1.0,
            "unseen": count,
            "unseen_states": len(right),
        }


class _Grown:
    """Trees of one seed after another, and the best of them.

    Args:
        search: how trees are grown and measured.
        known: the labelled decisions.
        sizes: most leaves of each tree.
        reference: the teacher's cost on validation workloads.
        began: process time at the beginning, s.
    """

    def __init__(
        self,
        search: _Search,
        known: Lessons,
        sizes: NDArray[np.int64],
        reference: float,
        began: float,
    ) -> None:
        self.search, self.known = search, known
        self.sizes, self.reference, self.began = sizes, reference, began
        self.paths: list[list[OutputTrees]] = []
        self.costs: list[list[float]] = []
        self.fidelity: list[list[float]] = []

    def add(self, path: list[OutputTrees], validation: Sequence[Any], checks: Lessons) -> None:
        """Validate one seed's trees."""
        self.costs.append(self.search.costs(path, validation))
        self.fidelity.append([float(self.search.follows(trees, checks).mean()) for trees in path])
        self.paths.append(path)

    def result(self, workloads: Sequence[Any], stopped: str) -> OutputRules:
        """The best trees so far, with their figures on given workloads."""
        search, system, teacher = self.search, self.search.system, self.search.teacher
        costs, fidelity = np.array(self.costs), np.array(self.fidelity)
        chosen = cheapest(costs, fidelity, near(self.reference))
        figures = search.measure(self.paths, chosen, workloads)
        picked, space = self.paths[chosen[0]][chosen[1]], system.output
        options = {name: getattr(search.settings, name) for name in KEPT_SETTINGS}
        settings = {**options, "weighting": search.weighting}
        return OutputRules(
            question=Question.about(system, teacher, method="tree", seed=search.seed, settings=settings),
            trees=picked,
            features=tuple(system.features.names),
            units=dict(system.features.units),
            absent=absent_of(system),
            whole=whole_of(system),
            outputs=tuple(space.names),
            unit=space.unit,
            tolerance=space.another if isinstance(space, Box) else float("nan"),
            leaves=picked.leaves,
            depth=picked.depth,
            decisions=len(self.known.features),
            cost_name=system.cost_name,
            sizes=self.sizes,
            path_leaves=np.array([[trees.leaves for trees in path] for path in self.paths], dtype=np.int64),
            path_fidelity=fidelity,
            path_cost=costs,
            path_teacher=self.reference,
            chosen=chosen[0],
            words=in_words(teacher.name, picked, figures, system.cost_name, space, stopped),
            cpu_seconds=time.process_time() - self.began,
            stopped=stopped,
            **figures,
        )
