"""``dnnexplain train``: a network by a recipe, with a live learning curve; it resumes after a stop."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.deeprm_options import ORIGINAL_HELP, SLOTS_HELP, make_deeprm
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.output import examples, print_json, progress_bar
from dnnexplain.cli.train_teacher import (
    TEACHER_HELP,
    begin_from,
    mix_figures,
    read_teacher,
    teacher_words,
    training_workload,
)
from dnnexplain.numbers import figure, interval, number

if TYPE_CHECKING:
    from dnnexplain.policies.training import Report, Trainer

__all__ = ["register"]

FIGURE_SETS = 200
MIX_SETS, MIX_SEED = 100, 50_000


def register(app: typer.Typer) -> None:
    """Add the command and one under it per system that can be trained."""
    from dnnexplain.cli.train_routing import train_routing

    shown = examples(
        "dnnexplain train deeprm --out mine.safetensors --iterations 60",
        "dnnexplain train deeprm --from default --teacher never-hold --workload mix --out hardened.safetensors",
        "dnnexplain train deeprm --recipe as-published --original --out published.safetensors",
        "dnnexplain train routing --kind dote-current --out router.safetensors",
    )
    group = typer.Typer(help="Train a network of a system; it resumes after a stop.", rich_markup_mode=None)
    group.command("deeprm", epilog=shown)(train)
    group.command("routing", epilog=shown)(train_routing)
    app.add_typer(group, name="train", epilog=shown)


def train(
    *,
    out: Path = typer.Option(..., help="Where to write the network (.safetensors); a model card goes beside it."),
    recipe: str = typer.Option("default", help="default, conv, hardened or as-published."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    rate: list[float] = typer.Option([], help="Arrivals per step of the training workload (0.7); repeat for a mix."),
    workload: list[str] = typer.Option([], help="Family of the training workload (deeprm); repeat, or mix: all."),
    home_share: float = typer.Option(0.25, help="Of a mix: the share that the cell at home has for itself."),
    teacher: list[str] = typer.Option([], help=TEACHER_HELP),
    teacher_weight: float | None = typer.Option(None, help="Weight of the teacher in the first iteration, 0 to 1 (1)."),
    teacher_decay: float | None = typer.Option(
        None, help="What that weight is multiplied by in each iteration (0.95)."
    ),
    teacher_least: float | None = typer.Option(None, help="What that weight does not fall below (0)."),
    begin: str = typer.Option("", "--from", help="Start from this network: a shipped one by name, or a file."),
    role: str = typer.Option("", help="What the network is called (the recipe's name if not given)."),
    iterations: int = typer.Option(0, help="Policy gradient steps (0: the recipe's)."),
    imitation_rounds: int = typer.Option(-1, help="Rounds of copying SJF first (-1: the recipe's; 0 with --from)."),
    learning_rate: float = typer.Option(0.0, help="Of the first iteration (0: the recipe's)."),
    seed: int = typer.Option(1, help="Of weights, workloads and actions."),
    threads: int = typer.Option(2, help="Processor cores to use."),
    original: bool = typer.Option(False, "--original", help=ORIGINAL_HELP),
    fresh: bool = typer.Option(False, "--fresh", help="Start again instead of resuming an unfinished run."),
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
) -> None:
    """Train a scheduler: it first imitates a rule, then follows the policy gradient.

    After every iteration the run is saved beside --out; the same command resumes it after Ctrl-C or a
    crash, and ends with the same weights as an uninterrupted run. The weights kept are those with the
    lowest slowdown on held-out job sets, all jobs counted.

    With --teacher it learns from rewards and from rules: a teacher is the network's own distribution, moved
    towards the actions that obey the rules, and the network imitates it with a weight that falls.
    """
    check_writable(out)
    import torch

    from dnnexplain.policies.training import Trainer, make_recipe

    torch.set_num_threads(threads)
    world = make_deeprm(slots, original=original)
    start, changes = begin_from(begin, world) if begin else (None, {})
    told, rules = read_teacher(teacher, world)
    given = {"role": role, "iterations": iterations, "learning_rate": learning_rate, "teacher": told}
    changes |= {key: value for key, value in given.items() if value}
    changes |= {"imitation_rounds": imitation_rounds} if imitation_rounds >= 0 else {}
    if workload or rate:
        changes["workload"] = training_workload(workload, rate, home_share)
        changes["even"] = changes["workload"]["name"] == "mix"
    shape = {"first": teacher_weight, "decay": teacher_decay, "least": teacher_least}
    known = make_recipe(recipe).imitation
    changes["imitation"] = {**known, **{key: value for key, value in shape.items() if value is not None}}
    settings = make_recipe(recipe, **changes)
    trainer = Trainer(world, settings, seed=seed, out=out, fresh=fresh, start=start, rules=rules)
    if trainer.progress.iteration or trainer.progress.imitated:
        typer.echo(f"Resuming at iteration {trainer.progress.iteration} of {settings.iterations}.", err=True)
    try:
        _run(trainer, settings.imitation_rounds + settings.iterations, quiet=as_json)
    except KeyboardInterrupt:
        typer.echo(f"Stopped; the run is kept in {trainer.path}. The same command goes on from there.", err=True)
        raise
    figures = _finish(trainer, out, threads)
    if as_json:
        print_json({"out": str(out), **figures})
    else:
        _show(figures, out)


def _run(trainer: Trainer, total: int, *, quiet: bool) -> None:
    with progress_bar("Training", total, quiet=quiet) as show:

        def report(said: Report) -> None:
            done = said.progress.imitated + said.progress.iteration
            show(done, total, f"{said.phase}{_curve(said)}")

        trainer.run(report)


def _curve(said: Report) -> str:
    """The learning curve as one line of blocks, lowest slowdown lowest."""
    curve = said.progress.curve
    scores = [entry["greedy"] for entry in curve][-24:]
    if not scores:
        return ""
    low, high = min(scores), max(scores)
    blocks = "▁▂▃▄▅▆▇█"
    bars = "".join(blocks[round((score - low) / (high - low or 1) * 7)] for score in scores)
    obeys = f", agreement {curve[-1]['agreement']:.0%}" if "agreement" in curve[-1] else ""
    return f" {bars} slowdown {scores[-1]:.2f}, best {min(scores):.2f}{obeys}"


def _finish(trainer: Trainer, out: Path, threads: int) -> dict[str, Any]:
    """Measure the best network on unseen job sets, write it with its story, drop the unfinished run."""
    from dnnexplain.policies import TorchPolicy, save, write_model_card
    from dnnexplain.policies.training.workload_mix import cells
    from dnnexplain.systems.deeprm import DeepRM
    from dnnexplain.systems.deeprm.figures import network_figures

    recipe, progress = trainer.recipe, trainer.progress
    fair = DeepRM(slots=trainer.system.params.slots)
    policy = trainer.best()
    home = cells(recipe.workload)[0]
    other = TorchPolicy(policy.module, fair, masked=not recipe.masked)
    both = {"": policy, f", {'without' if recipe.masked else 'with'} the mask": other}
    figures = network_figures(fair, both, home.family, home.settings, FIGURE_SETS)
    if recipe.workload["name"] == "mix":
        title = f"cells of the mix, {MIX_SETS} unseen job sets each"
        figures[title] = mix_figures(fair, policy, dict(recipe.workload), MIX_SETS, MIX_SEED)
    story = {
        "role": recipe.role,
        "command": shlex.join(["dnnexplain", *sys.argv[1:]]),
        "seed": trainer.seed,
        "workload": dict(recipe.workload),
        "recipe": recipe.to_dict(),
        "masked": recipe.masked,
        "training_time": f"{progress.seconds / 60:.3g} minutes on {_cores(threads)}, {progress.decisions:,} decisions",
        "figures": figures,
        **({"teacher": teacher_words(recipe)} if recipe.teacher else {}),
        **about(recipe.role, masked=recipe.masked, workload=dict(recipe.workload)),
        "curve": progress.curve,
    }
    save(out, policy, story, system=trainer.system)
    write_model_card(out)
    if trainer.path is not None:
        trainer.path.unlink(missing_ok=True)
    return figures


def _cores(threads: int) -> str:
    return f"{threads} core{'s' if threads > 1 else ''}"


def about(role: str, *, masked: bool, workload: dict[str, Any]) -> dict[str, str]:
    """What a model card says in words: ``description`` and ``limits``."""
    return {"description": _description(role), "limits": _limits(masked, workload)}


def _description(role: str) -> str:
    if role == "as-published":
        return (
            "Trained by the recipe of the published DeepRM: no mask, ten fixed job sets, a baseline per action index, "
            "episodes cut after 200 actions. An exhibit: it starves jobs that its training never charged for."
        )
    if role == "hardened":
        return (
            "Schedules jobs for low mean slowdown also where the workload is not the one at home: trained further on all "
            "cells of the transfer grid, with a rule as teacher at first; actions that do nothing are masked."
        )
    return "Schedules jobs for low mean slowdown, every job counted; actions that do nothing are masked."


def _limits(masked: bool, workload: dict[str, Any]) -> str:
    if workload["name"] == "mix":
        rates = ", ".join(f"{rate:g}" for rate in workload["rates"])
        trained = f"Trained on {', '.join(workload['families'])} at {rates} arrivals per step, and on nothing else."
    else:
        trained = f"Trained on the {workload['name']} workload at {workload['rate']:g} arrivals per step alone."
    if masked:
        return (
            f"{trained} That it starves no job follows from its mask (it may not wait in an idle cluster while a job "
            "fits), not from training."
        )
    return f"{trained} Nothing keeps it from waiting for ever, and it does."


def _show(figures: dict[str, Any], out: Path) -> None:
    title, brief = next(iter(figures.items()))
    typer.echo(f"Mean slowdown on {title} (95% interval):")
    for name, one in brief.items():
        slowdown = one["slowdown"]
        typer.echo(
            f"  {name}: {number(one['starved'])} starved, slowdown {figure(slowdown['mean'])} "
            f"({interval(slowdown['low'], slowdown['high'])})"
        )
    typer.echo(f"Written to {out}, with a model card beside it.")
