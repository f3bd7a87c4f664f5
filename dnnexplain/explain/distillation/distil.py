"""From a network to a tree: visit, label, weigh, grow, prune, and choose by what episodes cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Discrete, Policy, cost_is_ratio, need
from dnnexplain.explain.distillation.choosing import (
    INTERRUPTED,
    LABELLED,
    RUNNING,
    VALUED,
    Keep,
    Progress,
    Teller,
    cheapest,
    near,
    three,
)
from dnnexplain.explain.distillation.cost_trees import capped
from dnnexplain.explain.distillation.decisions import Decisions, decisions
from dnnexplain.explain.distillation.figures import best_sentence, macro_f1
from dnnexplain.explain.distillation.growing import Settings, all_snapped, grow_path, student_tree
from dnnexplain.explain.distillation.near_equal import cost_of, near_equal
from dnnexplain.explain.distillation.optimal import check_installed
from dnnexplain.explain.distillation.outputs.distil import distil_parts
from dnnexplain.explain.distillation.outputs.result import OutputRules
from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.polishing import polish as polished
from dnnexplain.explain.distillation.refining import Refiner, refining_weight
from dnnexplain.explain.distillation.result import Distillation, in_words
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.distillation.world import Distillable, absent_of, whole_of
from dnnexplain.intervals import compared_interval, mean_interval, share_interval
from dnnexplain.registry import cost_range
from dnnexplain.results import Question

__all__ = ["SIZES", "distil"]

SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100)
TUNED = 4
"""So many times the workloads of validation tune a tree, if not said."""
VALIDATION, UNSEEN = 1_000, 2_000

Draw = Callable[[int, int], Sequence[Any]]


def distil(
    system: Distillable,
    teacher: Policy,
    draw: Draw,
    *,
    leaves: int = 20,
    rounds: int = 2,
    sets: int = 0,
    unseen: int = 200,
    seeds: int = 3,
    seed: int = 0,
    weighting: str = "margin",
    optimal_depth: int = 0,
    polish: int = 0,
    polish_sets: int = 0,
    figures_on: Sequence[Any] | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
    keep: Keep | None = None,
) -> Distillation | OutputRules:
    """Distil a policy into domain rules: one tree for a choice (``Discrete``) or numbers (``Box``), one for each switch.

    The first states are the teacher's, those of every further round the tree's own (DAgger); the teacher
    labels all. Each seed resamples the decisions by how much they matter, grows a tree and prunes it back
    along the whole cost-complexity path; each tree that is small enough is also refined (:mod:`refining`), which stays
    where it agrees better on validation workloads and costs no more (or at most 2% more than the teacher). Of the seeds' trees with at most ``leaves`` leaves the one with
    the lowest cost on validation workloads is taken; between those that cost at most 2% more than the
    teacher there, fidelity decides. All figures are
    from workloads drawn afresh.

    Args:
        system: a system that can tell features and visited states.
        teacher: whom to follow.
        draw: ``draw(count, seed)`` gives workloads.
        leaves: most leaves of the chosen tree; of each switch's tree.
        rounds: rounds of the student's own states.
        sets: workloads per round, and for validation; 0: :data:`choosing.LABELLED`, or :data:`choosing.VALUED` where costs
            are learned, and for numbers and switches.
        unseen: workloads for the figures.
        seeds: trees to compare.
        seed: of everything.
        weighting: ``gap``, ``margin`` or ``none``; see :func:`decisions.importance`. ``soft``: the tree learns
            the teacher's probabilities instead of its best action (Hinton et al., arXiv 1503.02531), for
            systems in which they are drawn from or are shares. ``cost``: it learns what each move costs if the teacher
            goes on from there, for systems that tell (:mod:`cost_trees`, ``contract.Valued``).
        optimal_depth: if positive, trees of up to ``2**optimal_depth`` leaves are the optimal ones of this depth
            (:func:`optimal.grow_optimal`; needs pystreed), which are not refined; larger ones are greedy.
        polish: if positive, each seed's cheapest tree on validation workloads is changed, so many changes being
            tried in all (:func:`polishing.polish`): it is then tuned by what its episodes cost, not by what the
            teacher says, and agrees less with it. Of the trees that then cost as good as the same (:mod:`near_equal`)
            the one with the fewest rules is shown; the others are ``alike``.
        polish_sets: workloads by which a tree is tuned, apart from those of validation, which end it; 0: four times ``sets``.
        figures_on: workloads for the figures, instead of ``unseen`` drawn ones.
        progress: called with (done, total, note).
        cancel: once set, the best of the trees so far is measured and returned.
        keep: called after each seed's trees with a function that makes the result so far, with figures on the
            workloads by which trees are chosen.

    Raises:
        DnnExplainError: the system gives no features, a number is out of range or an option is for a choice alone; or
            stopped before there was a tree.
    """
    need(system, Distillable, "distillation")
    choice = isinstance(system.output, Discrete)
    sets = sets or (LABELLED if choice and weighting != "cost" else VALUED)
    settings = Settings(leaves, rounds, sets, unseen, seeds, seed, weighting, optimal_depth, polish, polish_sets)
    if not choice:
        return distil_parts(
            system, teacher, draw, settings, figures_on=figures_on, progress=progress, cancel=cancel, keep=keep
        )
    began = time.process_time()
    settings.check()
    if optimal_depth:
        check_installed()
    teller = Teller(progress, cancel, rounds + 1 + seeds + 1 + (seeds + 2 if polish else 0))
    known = _collect(system, teacher, draw, settings, teller)
    sizes = np.array(sorted({*(size for size in SIZES if size != leaves), leaves}), dtype=np.int64)
    validation, tuning = _apart(draw, settings)
    checks = decisions(system, teacher, teacher, validation, settings.plain, seed)
    search = _Search(system, teacher, settings, known, sizes, float(checks.cost.mean()), began)
    for turn in range(seeds):
        if not teller(f"growing and validating tree {turn + 1} of {seeds}", kept=turn > 0):
            break
        search.add(search.grown(turn), validation, checks)
        if keep is not None:
            keep(lambda: search.result(validation, RUNNING))
    if polish and not teller.stopped:
        search.polish(tuning, validation, checks, teller)
    stopped = INTERRUPTED if teller.stopped else ""
    teller("measuring on unseen workloads", kept=True)
    final = draw(unseen, settings.child(UNSEEN)) if figures_on is None else figures_on
    return search.result(final, stopped)


class _Search:
    """Trees of one seed after another, and the best of them.

    Args:
        system, teacher, settings: what is asked.
        known: the labelled decisions.
        sizes: most leaves, along the path.
        reference: the teacher's cost on validation workloads.
        began: process time at the beginning, s.
    """

    def __init__(
        self,
        system: Distillable,
        teacher: Policy,
        settings: Settings,
        known: Decisions,
        sizes: NDArray[np.int64],
        reference: float,
        began: float,
    ) -> None:
        self.system, self.teacher, self.settings, self.known = system, teacher, settings, known
        self.sizes, self.reference, self.began = sizes, reference, began
        self.paths: list[list[Tree]] = []
        self.costs: list[list[float]] = []
        self.fidelity: list[list[float]] = []
        labelled = not known.chances.size and not known.losses.size and known.weight.any()
        self.refiner = Refiner(known, refining_weight(known, settings.sets)) if labelled else None
        self.picked: tuple[int, int] | None = None
        self.alike: list[tuple[Tree, float]] = []

    def grown(self, turn: int) -> list[Tree]:
        """Per size: the largest tree of one seed's pruning path with at most so many leaves."""
        trees = grow_path(self.known, self.sizes, len(self.system.features.moves), self.settings, turn)
        return all_snapped(self.system, trees, self.known)

    def add(self, trees: list[Tree], validation: Sequence[Any], checks: Decisions) -> None:
        """Validate one seed's trees, and each that is small enough as refined; of the two the better stays."""
        both = [*trees, *(trees if self.refiner is None else self._refined(trees))]
        costs = _costs(self.system, both, validation, self.settings.seed)
        followed = {
            id(tree): float(_follows(tree, checks).mean()) for tree in {id(item): item for item in both}.values()
        }
        fidelity = [followed[id(tree)] for tree in both]
        enough, count = near(self.reference), len(trees)
        kept = [
            at + count * (fidelity[at + count] > fidelity[at] and costs[at + count] <= max(enough, costs[at]))
            for at in range(count)
        ]
        self.paths.append([both[at] for at in kept])
        self.costs.append([costs[at] for at in kept])
        self.fidelity.append([fidelity[at] for at in kept])

    def _refined(self, trees: list[Tree]) -> list[Tree]:
        assert self.refiner is not None
        proved = 2**self.settings.optimal_depth if self.settings.optimal_depth else 0
        sizes = zip(self.sizes.tolist(), trees[: self.end], strict=False)
        done = {id(tree): tree if size <= proved else self.refiner.refined(tree) for size, tree in sizes}
        new = [done[id(tree)] for tree in trees[: self.end]]
        return [*all_snapped(self.system, new, self.known), *trees[self.end :]]

    @property
    def chosen(self) -> tuple[int, int]:
        """Seed and size of the best tree so far, or of the one that was picked among those alike."""
        if self.picked is not None:
            return self.picked
        end = self.end
        enough = -np.inf if self.settings.polish else near(self.reference)
        return cheapest(np.array(self.costs)[:, :end], np.array(self.fidelity)[:, :end], enough)

    @property
    def end(self) -> int:
        """Sizes before this place are small enough."""
        return int(np.flatnonzero(self.sizes == self.settings.leaves)[0]) + 1

    def polish(self, tuning: Sequence[Any], validation: Sequence[Any], checks: Decisions, teller: Teller) -> None:
        """Make each seed's cheapest tree better by what its episodes cost; of trees that are alike take the shortest."""
        settings, seeds = self.settings, len(self.paths)
        best = 0
        for turn in range(seeds + 1):  # half of the trials are for the tree that is best after the other half
            start, trials = (turn, -(-settings.polish // (2 * seeds))) if turn < seeds else (best, settings.polish // 2)
            if not teller(f"changing tree {start + 1} of {seeds}", kept=True):
                return
            size = int(np.argmin(self.costs[start][: self.end]))
            tuned, cost = polished(
                self.system,
                self.paths[start][size],
                self.known.features,
                tuning,
                trials=trials,
                seed=settings.seed + turn,
                leaves=settings.leaves,
                held=validation,
                losses=capped(self.known.losses) if self.known.losses.size else None,
                over=lambda: teller.stopped,
            )
            self._put(start, size, tuned, cost, checks)
            best = int(np.argmin([min(costs[: self.end]) for costs in self.costs]))
        if teller("looking for shorter trees that cost as good as the same", kept=True):
            every = [*validation, *tuning]
            trees = [tree for row in self.paths for tree in row[: self.end]]
            scored = list(zip(trees, _costs(self.system, trees, every, settings.seed), strict=True))
            self.alike = near_equal(self.system, scored, every, settings.seed)
            self.picked, shown = self.chosen, self.alike[0][0]
            self._put(*self.picked, shown, cost_of(self.system, shown, validation, settings.seed), checks)

    def _put(self, seed: int, size: int, tree: Tree, cost: float, checks: Decisions) -> None:
        self.paths[seed][size], self.costs[seed][size] = tree, cost
        self.fidelity[seed][size] = float(_follows(tree, checks).mean())

    def result(self, workloads: Sequence[Any], stopped: str) -> Distillation:
        """The best tree so far, with its figures on given workloads."""
        system, teacher, chosen = self.system, self.teacher, self.chosen
        picked = self.paths[chosen[0]][chosen[1]]
        fields = _measure(system, teacher, self.paths, chosen, workloads, self.settings, self.known)
        return Distillation(
            question=Question.about(
                system, teacher, method="tree", seed=self.settings.seed, settings=_settings_said(self.settings)
            ),
            tree=picked,
            features=tuple(system.features.names),
            units=dict(system.features.units),
            absent=absent_of(system),
            whole=whole_of(system),
            actions=tuple(system.features.moves),
            leaves=picked.leaves,
            depth=picked.depth,
            decisions=int(np.sum(self.known.weight > 0)),
            cost_name=system.cost_name,
            sizes=self.sizes,
            path_leaves=np.array([[tree.leaves for tree in trees] for trees in self.paths], dtype=np.int64),
            path_fidelity=np.array(self.fidelity),
            path_cost=np.array(self.costs),
            path_trees=tuple(self.paths[chosen[0]]),
            path_teacher=self.reference,
            chosen=chosen[0],
            words=in_words(teacher.name, picked, fields, system.cost_name, stopped),
            cpu_seconds=time.process_time() - self.began,
            stopped=stopped,
            alike=tuple(tree for tree, _ in self.alike),
            alike_cost=tuple(float(cost) for _, cost in self.alike),
            **fields,
        )


def _settings_said(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__ if name != "seed"}


def _apart(draw: Draw, settings: Settings) -> tuple[Sequence[Any], Sequence[Any]]:
    """Workloads for validation, and others by which trees are tuned (none if they are not), four times as many at most."""
    if not settings.polish:
        return draw(settings.sets, settings.child(VALIDATION)), ()
    more = settings.polish_sets or TUNED * settings.sets
    most = max(settings.sets, more // TUNED)
    drawn = draw(most + more, settings.child(VALIDATION))
    count = max(1, round(len(drawn) * most / (most + more)))
    held = set(
        np.linspace(0, len(drawn) - 1, count).round().astype(int).tolist()
    )  # of every source, if there are several
    return [drawn[place] for place in sorted(held)], [item for place, item in enumerate(drawn) if place not in held]


# --- learning -----------------------------------------------------------------------------------


def _collect(
    system: Distillable, teacher: Policy, draw: Draw, settings: Settings, tell: Callable[[str], object]
) -> Decisions:
    """The teacher's states, then those of each round's tree, all labelled by the teacher."""
    tell("visiting the network's states")
    known = decisions(system, teacher, teacher, draw(settings.sets, settings.child(0)), settings.weighting)
    for turn in range(1, settings.rounds + 1):
        tell(f"visiting the tree's states, round {turn}")
        tree = student_tree(known, len(system.features.moves), settings, settings.child(turn))
        student = TreePolicy(tree, system.features, len(system.output.names))
        workloads = draw(settings.sets, settings.child(turn))
        known += decisions(system, teacher, student, workloads, settings.weighting)
    return known


# --- choosing and measuring ---------------------------------------------------------------------


def _decide(tree: Tree, known: Decisions) -> NDArray[np.int64]:
    return known.follow(tree.scores[tree.apply(known.features)])


def _follows(tree: Tree, known: Decisions) -> NDArray[np.bool_]:
    return np.asarray(_decide(tree, known) == known.action)


def _costs(system: Distillable, trees: Sequence[Tree], workloads: Sequence[Any], seed: int) -> list[float]:
    """The mean cost of every tree, equal trees run once."""
    costs: dict[int, float] = {}
    for tree in trees:
        if id(tree) not in costs:
            run = system.run(TreePolicy(tree, system.features, len(system.output.names)), workloads, seed=seed)
            costs[id(tree)] = float(run.cost.mean())
    return [costs[id(tree)] for tree in trees]


def _measure(
    system: Distillable,
    teacher: Policy,
    paths: list[list[Tree]],
    chosen: tuple[int, int],
    workloads: Sequence[Any],
    settings: Settings,
    known: Decisions,
) -> dict[str, Any]:
    """Every figure of the chosen tree, on workloads drawn for this alone."""
    tree = paths[chosen[0]][chosen[1]]
    student = TreePolicy(tree, system.features, len(system.output.names))
    seen = decisions(system, teacher, teacher, workloads, settings.plain)
    own = decisions(system, teacher, student, workloads, settings.plain)
    right = _follows(tree, seen)
    count = len(workloads)
    per_set = np.bincount(seen.episode, right, minlength=count)
    fidelity = share_interval(per_set, np.bincount(seen.episode, minlength=count))
    ratio = cost_is_ratio(system)
    said = [_decide(trees[chosen[1]], seen) for trees in paths]
    single = best_sentence(known, seen)
    pairs = [np.mean(item == two) for i, item in enumerate(said) for two in said[i + 1 :]]
    return {
        **three("fidelity", fidelity),
        "fidelity_free": float(right[seen.free].mean()) if seen.free.any() else 1.0,
        **single,
        "single": system.features.moves[int(single["single"])],
        "fidelity_own": float(_follows(tree, own).mean()),
        "macro_f1": macro_f1(seen.action, said[chosen[0]]),
        **three("cost", mean_interval(own.cost, within=cost_range(system))),
        **three("teacher_cost", mean_interval(seen.cost, within=cost_range(system))),
        **three("relative", compared_interval(own.cost, seen.cost, ratio=ratio)),
        "ratio": ratio,
        "agreement": float(np.mean(pairs)) if pairs else 1.0,
        "unseen": count,
        "unseen_states": len(seen.action),
    }
