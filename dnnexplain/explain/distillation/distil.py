"""From a network to a tree: visit, label, weigh, grow, prune, and choose by what episodes cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Discrete, DnnExplainError, Policy, cost_is_ratio, need
from dnnexplain.explain.distillation.choosing import Progress, cheapest, near, teller, three
from dnnexplain.explain.distillation.decisions import Decisions, decisions
from dnnexplain.explain.distillation.figures import macro_f1
from dnnexplain.explain.distillation.optimal import check_installed, grow_optimal
from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.polishing import polish as polished
from dnnexplain.explain.distillation.result import Distillation, in_words
from dnnexplain.explain.distillation.tree import Tree, grow, snapped
from dnnexplain.explain.distillation.world import Distillable, absent_of
from dnnexplain.intervals import compared_interval, mean_interval, share_interval
from dnnexplain.parallel import child_seed
from dnnexplain.results import Question

__all__ = ["SIZES", "distil"]

SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100)
LARGEST = 200
VALIDATION, UNSEEN, SAMPLING = 1_000, 2_000, 3_000

Draw = Callable[[int, int], Sequence[Any]]


@dataclass(frozen=True)
class _Settings:
    leaves: int
    rounds: int
    sets: int
    unseen: int
    seeds: int
    seed: int
    weighting: str
    optimal_depth: int
    polish: int = 0

    def child(self, place: int) -> int:
        """An independent seed for one purpose."""
        return int(child_seed(self.seed, place).generate_state(1)[0])


def distil(
    system: Distillable,
    teacher: Policy,
    draw: Draw,
    *,
    leaves: int = 20,
    rounds: int = 2,
    sets: int = 40,
    unseen: int = 200,
    seeds: int = 3,
    seed: int = 0,
    weighting: str = "margin",
    optimal_depth: int = 0,
    polish: int = 0,
    figures_on: Sequence[Any] | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Distillation:
    """Distil a policy into a tree of domain rules.

    The first states are the teacher's, those of every further round the tree's own (DAgger); the teacher
    labels all. Each seed resamples the decisions by how much they matter, grows a tree and prunes it back
    along the whole cost-complexity path. Of the seeds' trees with at most ``leaves`` leaves the one with
    the lowest cost on validation workloads is taken; between those that cost at most 2% more than the
    teacher there, fidelity decides. All figures are
    from workloads drawn afresh.

    Args:
        system: a system that can tell features and visited states.
        teacher: whom to follow.
        draw: ``draw(count, seed)`` gives workloads.
        leaves: most leaves of the chosen tree.
        rounds: rounds of the student's own states.
        sets: workloads per round, and for validation.
        unseen: workloads for the figures.
        seeds: trees to compare.
        seed: of everything.
        weighting: ``gap``, ``margin`` or ``none``; see :func:`decisions.importance`. ``soft``: the tree learns
            the teacher's probabilities instead of its best action (Hinton et al., arXiv 1503.02531), for
            systems in which they are drawn from or are shares.
        optimal_depth: if positive, trees of up to ``2**optimal_depth`` leaves are the optimal ones of this depth
            (:func:`optimal.grow_optimal`; needs pystreed), larger ones greedy.
        polish: if positive, the tree with the lowest cost on validation workloads is taken, and so many changes of
            its thresholds and leaves are tried there (:func:`polishing.polish`): it is then tuned by what its
            episodes cost, not by what the teacher says.
        figures_on: workloads for the figures, instead of ``unseen`` drawn ones.
        progress: called with (done, total, note).
        cancel: once set, the search stops between steps with an error.

    Raises:
        DnnExplainError: the system gives no features, its output is no choice, a number is out of range.
    """
    began = time.process_time()
    _check(system, leaves, sets, unseen, seeds, rounds, polish)
    if optimal_depth:
        check_installed()
    settings = _Settings(leaves, rounds, sets, unseen, seeds, seed, weighting, optimal_depth, polish)
    total = rounds + 1 + seeds + 1
    told = teller(progress, cancel, total)
    known = _collect(system, teacher, draw, settings, told)
    sizes = np.array(sorted({*(size for size in SIZES if size != leaves), leaves}), dtype=np.int64)
    paths = [
        _snapped(system, trees, known) for trees in _grow_paths(known, sizes, len(system.features.moves), settings)
    ]
    validation = draw(sets, settings.child(VALIDATION))
    checks = decisions(system, teacher, teacher, validation, weighting, seed)
    costs = np.empty((seeds, len(sizes)))
    fidelity = np.empty((seeds, len(sizes)))
    for one, trees in enumerate(paths):
        told(f"validating tree {one + 1} of {seeds}")
        costs[one] = _costs(system, trees, validation, seed)
        fidelity[one] = [_follows(tree, checks).mean() for tree in trees]
    place = int(np.flatnonzero(sizes == leaves)[0])
    reference = float(checks.cost.mean())
    enough = -np.inf if polish else near(reference)
    chosen = cheapest(costs[:, : place + 1], fidelity[:, : place + 1], enough)
    if polish:
        tuned = paths[chosen[0]][chosen[1]]
        tuned, costs[chosen] = polished(system, tuned, known.features, validation, trials=polish, seed=seed)
        paths[chosen[0]][chosen[1]], fidelity[chosen] = tuned, _follows(tuned, checks).mean()
    told("measuring on unseen workloads")
    final = draw(unseen, settings.child(UNSEEN)) if figures_on is None else figures_on
    fields = _measure(system, teacher, paths, chosen, final, settings)
    picked = paths[chosen[0]][chosen[1]]
    return Distillation(
        question=Question.about(system, teacher, method="tree", seed=seed, settings=_told(settings)),
        tree=picked,
        features=tuple(system.features.names),
        units=dict(system.features.units),
        absent=absent_of(system),
        actions=tuple(system.features.moves),
        leaves=picked.leaves,
        depth=picked.depth,
        decisions=int(np.sum(known.weight > 0)),
        cost_name=system.cost_name,
        sizes=sizes,
        path_leaves=np.array([[tree.leaves for tree in trees] for trees in paths], dtype=np.int64),
        path_fidelity=fidelity,
        path_cost=costs,
        path_trees=tuple(paths[chosen[0]]),
        path_teacher=reference,
        chosen=chosen[0],
        words=in_words(teacher.name, picked, fields, system.cost_name),
        cpu_seconds=time.process_time() - began,
        **fields,
    )


def _check(system: Distillable, leaves: int, sets: int, unseen: int, seeds: int, rounds: int, polish: int) -> None:
    need(system, Distillable, "distillation")
    if not isinstance(system.output, Discrete):
        msg = f"{system.name} takes no choice among actions (dnnexplain.contract.Discrete): write distil_outputs, for numbers and switches"
        raise DnnExplainError(msg)
    least = {
        "leaves": (leaves, 2),
        "sets": (sets, 2),
        "unseen": (unseen, 2),
        "seeds": (seeds, 1),
        "rounds": (rounds, 0),
        "polish": (polish, 0),
    }
    for name, (given, low) in least.items():
        if given < low:
            msg = f"{name} must be at least {low}, not {given}"
            raise DnnExplainError(msg)


def _told(settings: _Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__ if name != "seed"}


# --- learning -----------------------------------------------------------------------------------


def _collect(
    system: Distillable, teacher: Policy, draw: Draw, settings: _Settings, told: Callable[[str], None]
) -> Decisions:
    """The teacher's states, then those of each round's tree, all labelled by the teacher."""
    told("visiting the network's states")
    known = decisions(system, teacher, teacher, draw(settings.sets, settings.child(0)), settings.weighting)
    for turn in range(1, settings.rounds + 1):
        told(f"visiting the tree's states, round {turn}")
        tree = _tree(known, known.weight, settings.leaves, len(system.features.moves), settings.child(turn))
        student = TreePolicy(tree, system.features, len(system.output.names))
        workloads = draw(settings.sets, settings.child(turn))
        known += decisions(system, teacher, student, workloads, settings.weighting)
    return known


def _tree(known: Decisions, weight: NDArray[np.float64], leaves: int, count: int, seed: int) -> Tree:
    features, moves, weights = known.lessons(weight)
    return grow(features, moves, weights, count=count, leaves=leaves, seed=seed % 2**32)


def _grow_paths(known: Decisions, sizes: NDArray[np.int64], count: int, settings: _Settings) -> list[list[Tree]]:
    """Per seed and size: the largest tree of the pruning path with at most so many leaves."""
    paths = []
    for one in range(settings.seeds):
        seed = settings.child(SAMPLING + one)
        drawn = _resampled(known.weight, seed)
        full = _tree(known, drawn, max(LARGEST, settings.leaves), count, seed)
        trees, depth = full.along(sizes.tolist()), settings.optimal_depth
        for place in np.flatnonzero(sizes <= 2**depth) if depth else ():
            found = grow_optimal(*known.lessons(drawn), count=count, leaves=int(sizes[place]), depth=depth, seed=seed)
            trees[place] = found.simplified()
        paths.append(trees)
    return paths


def _resampled(weight: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """How often each decision is drawn when as many as there are are drawn by their weight ``[N]``."""
    if not weight.sum():
        return weight
    drawn = np.random.default_rng(seed).choice(len(weight), len(weight), p=weight / weight.sum())
    return np.bincount(drawn, minlength=len(weight)).astype(np.float64)


def _snapped(system: Distillable, trees: Sequence[Tree], known: Decisions) -> list[Tree]:
    """Trees whose questions for what is absent say so; a tree that comes several times stays one."""
    done = {id(tree): snapped(tree, known.features, system.features.names, absent_of(system)) for tree in trees}
    return [done[id(tree)] for tree in trees]


# --- choosing and measuring ---------------------------------------------------------------------


def _decide(tree: Tree, known: Decisions) -> NDArray[np.int64]:
    return known.follow(tree.scores[tree.apply(known.features)])


def _follows(tree: Tree, known: Decisions) -> NDArray[np.bool_]:
    return np.asarray(_decide(tree, known) == known.action)


def _costs(system: Distillable, trees: Sequence[Tree], workloads: Sequence[Any], seed: int) -> list[float]:
    """The mean cost of every tree, equal trees run once."""
    found: dict[int, float] = {}
    for tree in trees:
        if id(tree) not in found:
            run = system.run(TreePolicy(tree, system.features, len(system.output.names)), workloads, seed=seed)
            found[id(tree)] = float(run.cost.mean())
    return [found[id(tree)] for tree in trees]


def _measure(
    system: Distillable,
    teacher: Policy,
    paths: list[list[Tree]],
    chosen: tuple[int, int],
    workloads: Sequence[Any],
    settings: _Settings,
) -> dict[str, Any]:
    """Every figure of the chosen tree, on workloads drawn for this alone."""
    tree = paths[chosen[0]][chosen[1]]
    student = TreePolicy(tree, system.features, len(system.output.names))
    seen = decisions(system, teacher, teacher, workloads, settings.weighting)
    own = decisions(system, teacher, student, workloads, settings.weighting)
    right = _follows(tree, seen)
    count = len(workloads)
    per_set = np.bincount(seen.episode, right, minlength=count)
    fidelity = share_interval(per_set, np.bincount(seen.episode, minlength=count))
    ratio = cost_is_ratio(system)
    said = [_decide(trees[chosen[1]], seen) for trees in paths]
    pairs = [np.mean(one == two) for i, one in enumerate(said) for two in said[i + 1 :]]
    return {
        **three("fidelity", fidelity),
        "fidelity_free": float(right[seen.free].mean()) if seen.free.any() else 1.0,
        "fidelity_own": float(_follows(tree, own).mean()),
        "macro_f1": macro_f1(seen.action, said[chosen[0]]),
        **three("cost", mean_interval(own.cost)),
        **three("teacher_cost", mean_interval(seen.cost)),
        **three("relative", compared_interval(own.cost, seen.cost, ratio=ratio)),
        "ratio": ratio,
        "agreement": float(np.mean(pairs)) if pairs else 1.0,
        "unseen": count,
        "unseen_states": len(seen.action),
    }
