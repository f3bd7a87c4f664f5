"""Recipes that imitate a rule, then follow the policy gradient, with soft rules as teachers; see ``contract.Recipe.run``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.numbers import share
from dnnexplain.policies.training import Recipe, Report, Trainer, make_recipe
from dnnexplain.training.teachers import begin_from, read_teacher, teacher_words, training_workload

__all__ = ["run"]


def run(
    system: Any, options: Mapping[str, Any], out: Path, report: Callable[[int, int, str], Any]
) -> tuple[Any, dict[str, Any]]:
    """Imitate a rule, then follow the policy gradient; the weights kept are those of the lowest held-out cost.

    Args:
        system: one that can be stepped in batches.
        options: ``seed``, ``threads``, ``fresh``, ``recipe`` (its name), ``settings`` of ``policies.training.Recipe``,
            and what the command line said of teacher, workload, and numbers; see :func:`settled`.
        out: the unfinished run lies beside it.
        report: called after every round and iteration.
    """
    recipe, start, rules = settled(system, options)
    trainer = Trainer(
        system, recipe, seed=options["seed"], out=out, fresh=bool(options["fresh"]), start=start, rules=rules
    )
    total = recipe.imitation_rounds + recipe.iterations
    resumed = trainer.progress.imitated + trainer.progress.iteration
    if resumed:
        report(resumed, total, "resumed")

    def tell(said: Report) -> None:
        report(said.progress.imitated + said.progress.iteration, total, f"{said.phase}{_curve(said)}")

    trainer.run(tell)
    policy, progress = trainer.best(), trainer.progress
    return policy, {
        "role": recipe.role,
        "workload": dict(recipe.workload),
        "recipe": recipe.to_dict(),
        "masked": recipe.masked,
        "training_time": f"{progress.seconds / 60:.3g} minutes on {_cores(options['threads'])}, {counted(progress.decisions, 'decision')}",
        **({"teacher": teacher_words(recipe)} if recipe.teacher else {}),
        "curve": progress.curve,
    }


def settled(system: Any, options: Mapping[str, Any]) -> tuple[Recipe, Any, dict[str, Any]]:
    """The recipe with what was asked for, the network to begin from, and the soft rules by name.

    Args:
        system: to train on.
        options: ``recipe``; ``begin``, ``teacher``, ``teacher_weight``, ``teacher_decay``, ``teacher_least``,
            ``workload``, ``rate``, ``home_share``, ``role``, ``iterations``, ``imitation_rounds``, ``learning_rate``.
    """
    name = str(options["recipe"])
    start, changes = begin_from(options["begin"], system) if options.get("begin") else (None, {})
    teacher, rules = read_teacher(options.get("teacher", ()), system)
    given = {key: options.get(key) for key in ("role", "iterations", "learning_rate")} | {"teacher": teacher}
    changes |= {key: value for key, value in given.items() if value}
    if (rounds := options.get("imitation_rounds", -1)) >= 0:
        changes["imitation_rounds"] = rounds
    if options.get("workload") or options.get("rate"):
        changes["workload"] = training_workload(
            options["workload"], options["rate"], options.get("home_share", 0.25), system
        )
        changes["even"] = changes["workload"]["name"] == "mix"
    shape = {part: options.get(f"teacher_{kind}") for part, kind in _SHAPE.items()}
    known = make_recipe(name, system).imitation
    changes["imitation"] = {**known, **{key: value for key, value in shape.items() if value is not None}}
    return make_recipe(name, system, **changes), start, rules


_SHAPE = {"first": "weight", "decay": "decay", "least": "least"}


def _curve(said: Report) -> str:
    """The learning curve as one line of blocks, lowest cost lowest."""
    curve = said.progress.curve
    scores = [entry["greedy"] for entry in curve][-24:]
    if not scores:
        return ""
    low, high = min(scores), max(scores)
    blocks = "▁▂▃▄▅▆▇█"
    bars = "".join(blocks[round((score - low) / (high - low or 1) * 7)] for score in scores)
    obeys = f", agreement {share(curve[-1]['agreement'])}" if "agreement" in curve[-1] else ""
    return f" {bars} cost {scores[-1]:.2f}, best {min(scores):.2f}{obeys}"


def _cores(threads: int) -> str:
    return f"{threads} core{'s' if threads > 1 else ''}"
