"""Recipes that follow the gradient of a differentiable cost; see ``contract.Recipe.run``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Differentiable, need
from dnnexplain.counts import counted
from dnnexplain.policies.training import GradientRecipe, GradientTrainer, Progress, family_workload
from dnnexplain.registry import spec_of

__all__ = ["run"]


def run(
    system: Any, options: Mapping[str, Any], out: Path, report: Callable[[int, int, str], Any]
) -> tuple[Any, dict[str, Any]]:
    """Train by the gradient of the system's own cost.

    Args:
        system: one whose cost has a gradient (``contract.Differentiable``).
        options: ``seed``, ``threads``, ``fresh``; ``steps`` (0: the recipe's) and ``minutes``; ``settings`` of
            :class:`GradientRecipe`; ``recipe``, which names the network.
        out: the unfinished run lies beside it.
        report: called at every look at the held-out samples.
    """
    need(system, Differentiable, "training by the gradient of the cost")
    given = {key: options[key] for key in ("steps", "minutes", "batch", "learning_rate") if options.get(key)}
    given |= {"minutes": options["minutes"]} if "minutes" in options else {}
    recipe = GradientRecipe(**{"workload": family_workload(spec_of(system)), **options["settings"], **given})
    trainer = GradientTrainer(
        system, options["recipe"], recipe, seed=options["seed"], out=out, fresh=bool(options["fresh"])
    )

    def tell(progress: Progress) -> None:
        now = progress.curve[-1]
        report(progress.iteration, recipe.steps, f"held-out cost {now['mean']:.4f}, best {progress.best:.4f}")

    if trainer.progress.iteration:
        report(trainer.progress.iteration, recipe.steps, "resumed")
    trainer.run(tell)
    progress = trainer.progress
    story = trainer.story()
    return trainer.best(), {
        "workload": dict(recipe.workload),
        "recipe": story["recipe"],
        "training_time": f"{progress.seconds:.3g} s of processor time on {options['threads']} core(s), {counted(progress.decisions, 'sample')}",
        "curve": progress.curve,
    }
