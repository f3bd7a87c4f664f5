"""What the rules panel has computed beside the page: the work it runs on, states, costs, bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, Policy, Replayable
from dnnexplain.counts import counted
from dnnexplain.explain.distillation import (
    Decisions,
    Distillation,
    RuleComparison,
    Tree,
    TreePolicy,
    compare,
    distil,
    labelled,
)
from dnnexplain.parallel import child_seed
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.live import best_actions

__all__ = ["EDITED", "Ground", "bounded", "drawer", "ground", "learned", "policies_of", "settings_of", "simulated"]

EDITED = "rules with your changes"
_GROUND = 5_000
"""The place of this purpose among the seeds that come from the panel's; learning uses smaller ones."""

Draw = Callable[[int, int], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Ground:
    """The work that rules are compared on, and the states that the network meets there.

    Attributes:
        workloads: that nothing was learned from.
        observations: the states ``[N, *observation_shape]``; ``known``: what the network does in them.
        rules: what each hand-written rule does in them, by name ``[N]``.
        bounds: the optimum of the workloads, as far as it was looked for.
    """

    workloads: Sequence[Any]
    observations: NDArray[np.float32]
    known: Decisions
    rules: Mapping[str, NDArray[np.int64]]
    bounds: list[Bound] = field(default_factory=list)

    def decide(self, tree: Tree) -> NDArray[np.int64]:
        """What a tree does in the states ``[N]``."""
        return self.known.follow(tree.scores[tree.apply(self.known.features)])


def settings_of(system: Replayable, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the work as the controls are at, each on its grid."""
    settings: dict[str, Any] = {}
    for knob in system.workload_knobs:
        value = knob.snap(float(answers[f"knob {knob.name}"]))
        whole = knob.step is not None and float(knob.step).is_integer()
        settings[knob.name] = int(value) if whole else round(value, 9)
    return settings


def drawer(system: Replayable, answers: Mapping[str, Any]) -> Draw:
    """``draw(count, seed)`` for the family and the settings that the controls are at."""
    family, settings = str(answers["work"]), settings_of(system, answers)
    return lambda count, seed: system.workloads(family, count, seed, **settings)


def learned(task: Task, system: Any, policy: Policy, draw: Draw, options: Mapping[str, Any]) -> Distillation:
    """Distil; ``options`` are arguments of :func:`distil`."""

    def tell(done: int, total: int, note: str) -> None:
        task.progress(done / (total + 1), note[:1].upper() + note[1:])

    distillation = cast(
        "Distillation", distil(system, policy, draw, **options, progress=tell)
    )  # the panel is shown for a choice
    task.progress(None, "Visiting the network's states")
    return distillation


def ground(system: Any, policy: Policy, draw: Draw, seed: int, sets: int) -> Ground:
    """Draw the work and visit the network's states in it."""
    workloads = draw(sets, int(child_seed(seed, _GROUND).generate_state(1)[0]))
    observations, episode = system.visit(policy, workloads, seed=seed)
    known = labelled(system, policy, observations, episode)
    rules = {name: best_actions(system, rule, observations) for name, rule in system.rules().items()}
    return Ground(workloads, observations, known, rules)


def policies_of(system: Any, policy: Policy, base: Tree, tree: Tree, rule: str) -> dict[str, Policy]:
    """Whom to compare, the network first: the distilled rules, the changed ones if they differ, a rule."""
    count = len(system.output.names)
    policies: dict[str, Policy] = {policy.name: policy}
    name = counted(base.leaves, "rule")
    policies[name] = TreePolicy(base, system.features, count, name)
    if tree is not base:
        policies[EDITED] = TreePolicy(tree, system.features, count, EDITED)
    if rule:
        policies[rule] = system.rules()[rule]
    return policies


def simulated(
    task: Task, system: Any, policies: Mapping[str, Policy], on: Ground, seed: int, known: RuleComparison | None
) -> RuleComparison:
    """Run whoever was not run yet over the work; waits a moment first, for a newer wish may come."""
    task.stop.wait(0.15)
    task.progress(None, "Running the rules")
    kept = None if known is None else known.without(EDITED)
    return compare(system, policies, on.workloads, seed=seed, known=kept)


def bounded(task: Task, system: Any, on: Ground, seconds: float, comparison: RuleComparison) -> RuleComparison:
    """Look for the optimum of each workload; goes on where an earlier search was overtaken."""
    while len(on.bounds) < len(on.workloads):
        done = len(on.bounds)
        task.progress(done / len(on.workloads), f"Bounding the optimum, workload {done + 1} of {len(on.workloads)}")
        on.bounds.append(system.bound(on.workloads[done], seconds=seconds))
    return comparison.with_optimum(on.bounds)
