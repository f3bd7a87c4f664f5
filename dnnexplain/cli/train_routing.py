"""``dnnexplain train routing``: a router by gradient, with a live learning curve; it resumes after a stop."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.files import check_writable
from dnnexplain.cli.output import print_json, print_table, progress_bar

if TYPE_CHECKING:
    from dnnexplain.policies.routing_training import RoutingTrainer
    from dnnexplain.policies.training.store import Progress

__all__ = ["train_routing"]

UNSEEN, UNSEEN_SEED, BURSTS = 1000, 1, 200


def train_routing(
    *,
    out: Path = typer.Option(..., help="Where to write the network (.safetensors); a model card goes beside it."),
    kind: str = typer.Option("dote-current", help="dote-current, dote-history or learning-to-route."),
    topology: str = typer.Option("abilene", help="abilene, abilene-12, a name of topohub, or a GraphML file."),
    paths: int = typer.Option(4, help="Paths per pair of nodes."),
    seed: int = typer.Option(1, help="Of weights and traffic."),
    steps: int = typer.Option(0, help="Gradient steps (0: the recipe's)."),
    minutes: float = typer.Option(5.0, help="Stop after this many minutes of processor time even if steps are left."),
    threads: int = typer.Option(1, help="Processor cores to use."),
    fresh: bool = typer.Option(False, "--fresh", help="Start again instead of resuming an unfinished run."),
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
) -> None:
    """Train a router on generated gravity traffic by the gradient of MLU over the optimum.

    The run is saved beside --out at every look at held-out matrices; the same command resumes it after
    Ctrl-C or a crash. The weights kept are those with the lowest mean MLU / optimum on those matrices.
    """
    check_writable(out)
    import torch

    from dnnexplain.systems.routing.kinds import POLICY_KINDS

    torch.set_num_threads(threads)
    trainer = _trainer(kind, topology, paths, steps, minutes, seed, out, fresh=fresh)
    try:
        _run(trainer, quiet=as_json)
    except KeyboardInterrupt:
        typer.echo(f"Stopped; the run is kept in {trainer.path}. The same command goes on from there.", err=True)
        raise
    figures = _finish(trainer, out, threads, POLICY_KINDS[kind].description)
    if as_json:
        print_json({"out": str(out), "figures": figures})
    else:
        _show(figures, out)


def _trainer(
    kind: str, topology: str, paths: int, steps: int, minutes: float, seed: int, out: Path, *, fresh: bool
) -> RoutingTrainer:
    from dataclasses import replace

    from dnnexplain.contract import Choice
    from dnnexplain.policies.routing_training import RECIPES, RoutingTrainer
    from dnnexplain.systems.routing import RoutingSystem
    from dnnexplain.systems.routing.kinds import POLICY_KINDS

    if kind not in POLICY_KINDS:
        raise Choice("routing policy", kind, tuple(POLICY_KINDS)).error()
    system = RoutingSystem(topology, paths, POLICY_KINDS[kind].history)
    recipe = replace(RECIPES[kind], minutes=minutes, steps=steps or RECIPES[kind].steps)
    trainer = RoutingTrainer(system, kind, recipe, seed=seed, out=out, fresh=fresh)
    if trainer.progress.iteration:
        typer.echo(f"Resuming at step {trainer.progress.iteration} of {recipe.steps}.", err=True)
    return trainer


def _run(trainer: RoutingTrainer, *, quiet: bool) -> None:
    total = trainer.recipe.steps
    with progress_bar("Training", total, quiet=quiet) as show:

        def report(progress: Progress) -> None:
            now = progress.curve[-1]
            show(progress.iteration, total, f"MLU / optimum {now['mean']:.4f}, best {progress.best:.4f}")

        trainer.run(report)


def _finish(trainer: RoutingTrainer, out: Path, threads: int, description: str) -> dict[str, Any]:
    """Measure the best network on unseen matrices, write it with its story, drop the unfinished run."""
    from dnnexplain.policies import save, write_model_card

    system, progress = trainer.system, trainer.progress
    policy = trainer.best()
    unseen = system.workloads("gravity", UNSEEN, UNSEEN_SEED)
    bursts = system.workloads("bursts", BURSTS, UNSEEN_SEED)
    ours = f"{UNSEEN} unseen gravity matrices, seed {UNSEEN_SEED}"
    figures = {ours: {trainer.kind: _ratios(system, policy, unseen)}}
    figures[ours] |= {name: _ratios(system, rule, unseen) for name, rule in system.rules().items()}
    figures[f"{BURSTS} matrices with bursts, never trained on, seed {UNSEEN_SEED}"] = {
        trainer.kind: _ratios(system, policy, bursts)
    }
    save(
        out,
        policy,
        {
            "role": trainer.kind,
            "description": description,
            "command": _command(trainer, out),
            "seed": trainer.seed,
            "workload": dict(trainer.recipe.workload),
            "recipe": trainer._story()["recipe"],  # noqa: SLF001 - the same words in file and card
            "training_time": f"{progress.seconds:.3g} s of processor time on {threads} core(s), {progress.decisions:,} matrices",
            "figures": {"percent above the optimal MLU": _percent(figures)},
            "limits": "Trained on one topology and on gravity traffic alone; far from it, in particular where a few "
            "pairs carry most traffic, it can be several times worse than the optimum.",
            "curve": progress.curve,
        },
        system=system,
    )
    write_model_card(out)
    if trainer.path is not None:
        trainer.path.unlink(missing_ok=True)
    return figures


def _command(trainer: RoutingTrainer, out: Path) -> str:
    """The command line that trains this network again."""
    parameters, recipe = trainer.system.parameters, trainer.recipe
    words: list[Any] = ["dnnexplain", "train", "routing", "--kind", trainer.kind]
    words += ["--topology", parameters["topology"], "--paths", parameters["k"], "--seed", trainer.seed]
    words += ["--steps", recipe.steps, "--minutes", f"{recipe.minutes:g}", "--out", out.name]
    return shlex.join(map(str, words))


def _ratios(system: Any, policy: Any, workloads: Any) -> dict[str, Any]:
    """Mean with a 95% interval, 95th percentile and maximum of MLU over optimum."""
    import numpy as np

    from dnnexplain.intervals import mean_interval

    ratio = system.run(policy, workloads).metrics["MLU over optimum"]
    mean = mean_interval(ratio)
    return {
        "mean": {key: mean.to_json()[key] for key in ("mean", "low", "high")},
        "p95": float(np.quantile(ratio, 0.95)),
        "max": float(ratio.max()),
    }


def _percent(ratios: Any) -> Any:
    """Ratios to the optimum as per cent above it, so that three digits tell routers apart."""
    if isinstance(ratios, dict):
        return {key: _percent(value) for key, value in ratios.items()}
    return None if ratios is None else 100 * (ratios - 1)


def _show(figures: dict[str, Any], out: Path) -> None:
    for title, results in figures.items():
        rows = []
        for name, one in results.items():
            mean = one["mean"]
            row = (mean["mean"], mean["low"], mean["high"], one["p95"], one["max"])
            rows.append((name, *(f"{value:.4f}" for value in row)))
        print_table(("policy", "mean", "low", "high", "95th percentile", "maximum"), rows, f"MLU / optimum, {title}")
    typer.echo(f"Written to {out}, with a model card beside it.")
