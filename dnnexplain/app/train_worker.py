"""The process that trains for the dashboard: ``python -m dnnexplain.app.train_worker FOLDER``.

It reads ``course.json`` and ``start.safetensors``, prints one JSON object per line, and leaves the present
network in ``taught.safetensors`` whenever it has measured it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.registry import fair_rules, spec_of

__all__ = ["CHECKS", "lesson_recipe", "main"]

CHECKS = {"home": 60, "mix": 4}
"""Held-out workloads; on the mix, in each cell."""

_CHECK_EVERY = 2


YARDSTICKS = 2
"""Rules that a network in training is held against: those of the least cost on the same workloads."""


def main(folder: Path) -> int:
    """Train to the end, or until the process is ended; returns the exit code."""
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    try:
        _train(folder)
    except (DnnExplainError, ValueError) as error:
        _say(kind="error", text=str(error))
    except BrokenPipeError:
        return 1  # whoever listened is gone
    return 0


def _train(folder: Path) -> None:
    import torch  # noqa: PLC0415 - slow

    from dnnexplain.policies import TorchPolicy, load, save  # noqa: PLC0415
    from dnnexplain.policies.training import Report, Trainer  # noqa: PLC0415
    from dnnexplain.systems import make_system  # noqa: PLC0415

    torch.set_num_threads(1)
    data = json.loads((folder / "course.json").read_text())
    lesson = data["lesson"]
    world: Any = make_system(data["system"]["name"], **data["system"]["parameters"])
    start = load(folder / "start.safetensors", world)
    recipe, rules = lesson_recipe(lesson, world, start)
    checks = CHECKS[lesson["workload"]]
    trainer = Trainer(
        world, recipe, seed=int(lesson["seed"]), out=folder / "run", start=start, rules=rules, checks=checks
    )
    before = folder / "before.json"
    if not before.exists():
        before.write_text(json.dumps(trainer.survey()))
    first = json.loads(before.read_text())
    costs = {
        name: float(world.run(rule, trainer.checks.workloads).cost.mean()) for name, rule in fair_rules(world).items()
    }
    yardsticks = {name: costs[name] for name in sorted(costs, key=lambda name: costs[name])[:YARDSTICKS]}
    points = [first, *trainer.progress.curve]
    _say(
        kind="begin",
        points=points,
        yardsticks=yardsticks,
        beside=recipe.imitate,
        sets=len(trainer.checks.workloads),
        cost=world.cost_name,
    )

    def report(said: Report) -> None:
        point = said.progress.curve[-1] if said.progress.curve else None
        if point is not None and point["iteration"] == said.done:
            policy = TorchPolicy(trainer.module, world, name=recipe.role, masked=recipe.masked)
            save(folder / "taught.safetensors", policy, {"role": recipe.role, "recipe": recipe.to_dict()})
            _say(kind="point", point=point)
        _say(kind="step", iteration=said.done, total=said.total, seconds=said.progress.seconds)

    trainer.run(report)
    _say(kind="end")


def lesson_recipe(lesson: Mapping[str, Any], world: Any, start: Any) -> tuple[Any, dict[str, Any]]:
    """The recipe of a short run, and the rules that a name alone does not give.

    Args:
        lesson: see :meth:`dnnexplain.app.training.School.course`.
        world: the system.
        start: the network to begin from.
    """
    from dnnexplain.explain.distillation.export import tree_from_json  # noqa: PLC0415
    from dnnexplain.explain.distillation.policy import TreePolicy  # noqa: PLC0415
    from dnnexplain.policies.training import PolicyRule, family_workload, grid_axes, make_recipe, mix  # noqa: PLC0415

    rules: dict[str, Any] = {}
    name = str(lesson["teacher"])
    if lesson.get("tree"):
        name = "tree"
        rules[name] = PolicyRule(
            name, TreePolicy(tree_from_json(lesson["tree"]), world.features, len(world.output.names))
        )
    mixed = lesson["workload"] == "mix"
    usual = family_workload(spec_of(world))
    home = (usual["name"], usual["rate"]) if mixed else None
    changes: dict[str, Any] = {"workload": mix(*grid_axes(world), home=home), "even": True} if mixed else {}
    recipe = make_recipe(
        "default",
        world,
        role="taught",
        architecture=start.metadata.get("architecture") or {"name": "given"},
        start=start.checkpoint,
        masked=start.masked,
        imitation_rounds=0,
        iterations=int(lesson["iterations"]),
        job_sets=24 if mixed else 10,
        episodes=10,
        learning_rate=1e-3,
        check_every=_CHECK_EVERY,
        teacher=({"rule": name, "strength": float(lesson["strength"]), "source": ""},),
        imitation={"first": float(lesson["weight"]), "decay": float(lesson["decay"]), "least": 0.0},
        **changes,
    )
    return recipe, rules


def _say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
