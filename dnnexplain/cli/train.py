"""``dnnexplain train``: a network by a recipe of its system, with a live learning curve; it resumes after a stop."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DnnExplainError, NetworkFigures

__all__ = ["register"]


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain train {DEFAULT_SYSTEM} --out mine.safetensors",
        f"dnnexplain train {DEFAULT_SYSTEM} --seed 2 --fresh --json --out mine.safetensors",
    )
    app.system_command("train", train, epilog=shown, recipe=True)


def train(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    out: Path = typer.Option(..., help="Where to write the network (.safetensors); a model card goes beside it."),
    recipe: str = typer.Option("", "--recipe", "--kind", help="How it is trained: a recipe of the system, by name."),
    seed: int = typer.Option(1, help="Of weights, workloads and actions."),
    threads: int = typer.Option(0, min=0, help="Processor cores to use (0: as many as the recipe says)."),
    fresh: bool = typer.Option(False, "--fresh", help="Start again instead of resuming an unfinished run."),
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
    options: SystemOptions,
) -> None:
    """Train a network of a system by one of its recipes.

    The run is saved beside --out as it goes; the same command resumes it after Ctrl-C or a crash, and ends
    with the same weights as an uninterrupted run. The weights kept are those with the lowest cost on
    workloads held out from training.
    """
    del system
    check_writable(out)
    if out.suffix != ".safetensors":
        msg = f"--out {out} must end in .safetensors: by that it is read again as a network"
        raise DnnExplainError(msg)
    if not options.spec.recipes:
        msg = f"{options.spec.name} names no recipe in its spec (Spec.recipes), so there is nothing to train it by"
        raise DnnExplainError(msg)
    chosen = options.spec.recipe(recipe)
    given = options.trained(chosen)
    from dnnexplain.policies.training import progress_path
    from dnnexplain.training import train as run

    world = options.make(chosen.system)
    given |= {"seed": seed, "threads": threads or None, "fresh": fresh}
    try:
        with progress_bar("Training", None, quiet=as_json) as show:

            def report(done: int, total: int, text: str) -> None:
                if text == "resumed":
                    typer.echo(f"Resuming at {done} of {total}.", err=True)
                else:
                    show(done, total, text)

            line = shlex.join(["dnnexplain", *options.line])
            measured = run(world, chosen.name, out=out, report=report, command=line, **given)
    except KeyboardInterrupt:
        if progress_path(out).exists():
            typer.echo(f"Stopped; the run is kept beside {out}. The same command goes on from there.", err=True)
        raise
    data = {"out": str(out), "recipe": chosen.name, "figures": measured.figures, **measured.figures}
    finish(None, out=None, report=(lambda: data) if as_json else None, show=lambda: _show(measured, out))


def _show(measured: NetworkFigures, out: Path) -> None:
    for line in measured.lines:
        typer.echo(line)
    for title, columns, rows in measured.tables:
        print_table(columns, rows, title)
    typer.echo(f"Written to {out}, with a model card beside it.")
