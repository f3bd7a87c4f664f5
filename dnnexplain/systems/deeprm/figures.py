"""What a network's model card says of it: networks and all rules on the same unseen job sets, every job counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dnnexplain.contract import Policy
from dnnexplain.systems.deeprm.summary import compare, summarise

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["FIGURE_SEEDS", "FIGURE_SETS", "network_figures", "title"]

FIGURE_SEEDS = (1, 2, 3, 4, 5)
FIGURE_SETS = 200
"""Job sets of each seed; one seed alone may be a hard or an easy draw."""


def title(sets: int = FIGURE_SETS) -> str:
    """What the figures are of."""
    return f"{sets * len(FIGURE_SEEDS):,} unseen job sets, {sets} of each of the seeds {FIGURE_SEEDS[0]} to {FIGURE_SEEDS[-1]}"


def network_figures(
    world: DeepRM, networks: Mapping[str, Policy], family: str, settings: Mapping[str, Any], sets: int = FIGURE_SETS
) -> dict[str, Any]:
    """Starved jobs and mean slowdown with its interval, of networks and of every rule, and all against the best rule.

    Args:
        world: the system.
        networks: by what is said of them (``""``, ``", without the mask"``); each takes its most probable action, and
            draws its actions.
        family, settings: of the job sets.
        sets: job sets of each seed.
    """
    work = [workload for seed in FIGURE_SEEDS for workload in world.workloads(family, sets, seed, **settings)]
    runs = {name: world.run(rule, work) for name, rule in world.rules().items() if name != "random"}
    rules = {name: run.cost for name, run in runs.items()}
    for label, policy in networks.items():
        runs[f"most probable action{label}"] = world.run(policy, work)
        runs[f"drawn action{label}"] = world.run(policy, work, seed=FIGURE_SEEDS[0], sample=True)
    data = {name: summarise(run.detail, world.params) for name, run in runs.items()}
    brief = {
        name: {"starved": item["starved"], "turned_away": item["turned_away"], "slowdown": item["metrics"]["all_jobs"]}
        for name, item in data.items()
    }
    against = compare({name: run.cost for name, run in runs.items()}, rules)
    return {title(sets): brief, "against rules": against}
