"""``dnnexplain distill``: a network as a short list of rules, and where it is not a given rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.deeprm_options import SLOTS_HELP, find_policy, make_deeprm
from dnnexplain.cli.files import atomic_write, check_writable
from dnnexplain.cli.output import examples, print_json, print_table, progress_bar
from dnnexplain.contract import Choice

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.explain.distillation import Disagreement, Distillation

__all__ = ["register"]

SUFFIXES = {".txt": "text", ".py": "python", ".c": "c", ".js": "javascript", ".json": "json"}
DIFFERENCE_SETS, DIFFERENCE_SEED = 100, 77


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples(
        "dnnexplain distill deeprm --leaves 20 --seed 1 --json",
        "dnnexplain distill deeprm --leaves 10 --export rules.py",
        "dnnexplain distill deeprm --compare sjf",
        "dnnexplain distill routing --policy dote-current --weighting soft --leaves 30",
    )
    app.command("distill", epilog=shown)(distill)


def distill(
    system: str = typer.Argument("deeprm", help="deeprm or routing."),
    *,
    policy: str = typer.Option("default", help="A shipped network or a weights file."),
    leaves: int = typer.Option(20, help="Most rules (leaves of the tree)."),
    rounds: int = typer.Option(2, help="Rounds of learning on the tree's own states."),
    sets: int = typer.Option(40, help="Job sets per round."),
    unseen: int = typer.Option(200, help="Job sets for the figures, drawn for them alone."),
    seeds: int = typer.Option(3, help="Trees to compare."),
    seed: int = typer.Option(0, help="Of job sets and trees."),
    weighting: str = typer.Option("margin", help="How much a decision counts: gap, margin, none; or soft."),
    optimal_depth: int = typer.Option(0, help="Optimal small trees up to this depth, 2 or 3 (needs pystreed)."),
    workload: str = typer.Option("", help="Family of the workloads; default deeprm, for routing gravity."),
    rate: float = typer.Option(0.7, help="deeprm: arrivals per step."),
    steps: int = typer.Option(50, help="deeprm: time steps in which jobs may arrive."),
    slots: int = typer.Option(5, help=f"deeprm: {SLOTS_HELP[:1].lower()}{SLOTS_HELP[1:]}"),
    topology: str = typer.Option("abilene", help="routing: the network."),
    compare: str = typer.Option("", help="Also say where the network differs from this rule."),
    export_to: Path | None = typer.Option(None, "--export", help="Write the rules: .py, .c, .js, .json or .txt."),
    out: Path | None = typer.Option(None, help="Keep the whole result here (JSON)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """A network as a decision tree in domain words, with what the tree's episodes cost on unseen workloads.

    For deeprm the tree says which job comes next; for routing, which path carries most of a pair's demand.
    """
    from dnnexplain.explain.distillation import disagree, distil, export

    kind = _kind(export_to)
    for path in (export_to, out):
        if path is not None:
            check_writable(path)
    world, teacher, family, parameters = _asked(system, policy, workload, slots, topology, rate, steps)
    if compare and compare not in world.rules():
        raise Choice("rule", compare, tuple(world.rules())).error()

    def draw(count: int, drawn: int) -> Any:
        return world.workloads(family, count, drawn, **parameters)

    with progress_bar("Distilling", quiet=as_json) as show:
        found = distil(
            world,
            teacher,
            draw,
            leaves=leaves,
            rounds=rounds,
            sets=sets,
            unseen=unseen,
            seeds=seeds,
            seed=seed,
            weighting=weighting,
            optimal_depth=optimal_depth,
            progress=show,
        )
    apart = None
    if compare:
        apart = disagree(world, teacher, world.rules()[compare], draw(DIFFERENCE_SETS, DIFFERENCE_SEED), seed=seed)
    if out is not None:
        found.save(out)
    if export_to is not None:
        with atomic_write(export_to) as file:
            file.write(export(found.tree, kind, found.features, found.actions, found.units))
    if as_json:
        print_json(_as_json(found, apart))
    else:
        _show(found, apart)


def _asked(
    system: str, policy: str, workload: str, slots: int, topology: str, rate: float, steps: int
) -> tuple[Any, Policy, str, dict[str, Any]]:
    """The world, whom to follow, and the family of workloads with its parameters."""
    if system == "deeprm":
        world = make_deeprm(slots)
        return world, find_policy(policy, world), workload or "deeprm", {"rate": rate, "steps": steps}
    if system != "routing":
        raise Choice("system for this command", system, ("deeprm", "routing")).error()
    from dnnexplain.cli.worst_case_problem import load_routing_policy
    from dnnexplain.systems.routing.pairs import PairPolicy, PairRouting

    routing, router = load_routing_policy("dote-current" if policy == "default" else policy, topology)
    pairs = PairRouting(routing)
    return pairs, PairPolicy(router, pairs), workload or "gravity", {}


def _kind(path: Path | None) -> str:
    if path is None:
        return ""
    if path.suffix not in SUFFIXES:
        raise Choice("language for the file ending", path.suffix, tuple(SUFFIXES)).error()
    return SUFFIXES[path.suffix]


def _figure(found: Distillation, name: str) -> dict[str, float]:
    return {
        "mean": getattr(found, name),
        "low": getattr(found, f"{name}_low"),
        "high": getattr(found, f"{name}_high"),
    }


def _as_json(found: Distillation, apart: Disagreement | None) -> dict[str, Any]:
    plain = ("macro_f1", "fidelity_free", "fidelity_own", "leaves", "depth", "agreement", "decisions", "unseen")
    told: dict[str, Any] = {
        "policy": found.question.policy,
        "checkpoint": found.question.checkpoint,
        "seed": found.question.seed,
        "fidelity": found.fidelity,
        "fidelity_interval": [found.fidelity_low, found.fidelity_high],
        **{name: getattr(found, name) for name in plain},
        **{name: _figure(found, name) for name in ("slowdown", "teacher_slowdown", "relative")},
        "cpu_seconds": found.cpu_seconds,
        "path": [
            {
                "at_most": int(size),
                "leaves": found.path_leaves[:, place].tolist(),
                "fidelity": found.path_fidelity[:, place].tolist(),
                "slowdown": found.path_slowdown[:, place].tolist(),
            }
            for place, size in enumerate(found.sizes)
        ],
        "rules": found.text(),
        "words": found.words,
    }
    if apart is not None:
        told["compared"] = {
            "rule": apart.rule,
            "same": {"mean": apart.same, "low": apart.same_low, "high": apart.same_high},
            "same_free": apart.same_free,
            "recall": apart.recall,
            "precision": apart.precision,
            "where": apart.text(),
            "words": apart.words,
        }
    return told


def _show(found: Distillation, apart: Disagreement | None) -> None:
    typer.echo(found.text())
    seed = found.chosen
    rows = [
        [int(found.path_leaves[seed, k]), float(found.path_fidelity[seed, k]), float(found.path_slowdown[seed, k])]
        for k in range(len(found.sizes))
    ]
    unique = [row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]
    print_table(("leaves", "fidelity", found.cost_name), unique, "Size, fidelity and cost on validation job sets")
    typer.echo(found.words)
    if apart is not None:
        typer.echo(apart.words)
