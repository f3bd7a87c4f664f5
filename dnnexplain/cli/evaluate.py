"""``dnnexplain evaluate``: networks and rules on the same workloads, every job counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.deeprm_options import (
    ORIGINAL_HELP,
    SLOTS_HELP,
    find_policy,
    find_workloads,
    make_deeprm,
    only_deeprm,
)
from dnnexplain.cli.output import examples, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.systems.deeprm import DeepRM, JobSet

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples(
        "dnnexplain evaluate deeprm --policy default --policy sjf --sets 200 --seed 1",
        "dnnexplain evaluate deeprm --policy mine.safetensors --workload jobs.json --json",
    )
    app.command("evaluate", epilog=shown)(evaluate)


def evaluate(
    system: str = typer.Argument("deeprm", help="The system."),
    *,
    policy: list[str] = typer.Option(
        ["default", "sjf", "tetris"],
        help="A rule, a shipped network (default, conv, hardened, as-published) or a file; repeat.",
    ),
    workload: str = typer.Option("deeprm", help="A family of random job sets, or a file of jobs or a .swf log."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    rate: float = typer.Option(0.7, help="Arrivals per step of a random family."),
    steps: int = typer.Option(50, help="Time steps in which jobs may arrive."),
    sets: int = typer.Option(100, help="Job sets (of a log: windows at most)."),
    seed: int = typer.Option(0, help="Of the job sets and of drawn actions."),
    original: bool = typer.Option(False, "--original", help=ORIGINAL_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Compare policies: mean slowdown with 95% intervals, starved jobs, and the published metric.

    A network is run twice: taking its most probable action, and drawing actions ("sampled").
    """
    only_deeprm(system)
    world = make_deeprm(slots, original=original)
    policies = [find_policy(name, world) for name in policy]
    job_sets = find_workloads(workload, world, sets=sets, seed=seed, rate=rate, steps=steps)
    results = []
    costs: dict[str, Any] = {}
    with progress_bar("Evaluating", len(policies), quiet=as_json) as show:
        for done, (name, one) in enumerate(zip(policy, policies, strict=True), start=1):
            results.append(_result(name, one, world, job_sets, seed, costs))
            show(done, len(policies), name)
    report = {"results": results, **_against_best_rule(costs, world, seed)}
    if as_json:
        print_json({"workload": workload, "slots": slots, "seed": seed, **report})
    else:
        _show(report, f"{len(job_sets)} job sets of {workload}, {slots} slots, seed {seed}")


def _result(
    name: str, policy: Policy, world: DeepRM, job_sets: list[JobSet], seed: int, costs: dict[str, Any]
) -> dict[str, Any]:
    from dnnexplain.systems.deeprm.summary import summarise

    rule = name in world.rules()
    episodes = world.run(policy, job_sets, seed=seed)
    costs[name] = episodes.cost
    result = {"policy": name, "mode": "rule" if rule else "best", **summarise(episodes.detail, world.params, seed)}
    if not rule:
        drawn = world.run(policy, job_sets, seed=seed, sample=True)
        costs[f"{name}, sampled"] = drawn.cost
        result["sampled"] = summarise(drawn.detail, world.params, seed)
    return result


def _against_best_rule(costs: dict[str, Any], world: DeepRM, seed: int) -> dict[str, Any]:
    from dnnexplain.systems.deeprm.summary import compare

    return compare(costs, tuple(world.rules()), seed)


def _show(report: dict[str, Any], title: str) -> None:
    rows = []
    for result in report["results"]:
        rows.append(_row(result["policy"], result))
        if "sampled" in result:
            rows.append(_row(f"{result['policy']}, sampled", result["sampled"]))
    columns = ("policy", "slowdown, all jobs", "95% interval", "starved", "turned away", "original metric", "left out")
    print_table(columns, rows, title)
    for name, figure in report.get("relative_to_best_rule", {}).items():
        low, high = figure["low"], figure["high"]
        typer.echo(f"{name}: {figure['mean']:+.1%} against {report['best_rule']} ({low:+.1%} to {high:+.1%})")


def _row(name: str, result: dict[str, Any]) -> tuple[Any, ...]:
    every, published = result["metrics"]["all_jobs"], result["metrics"]["original"]
    interval = f"{every['low']:.2f} to {every['high']:.2f}"
    return (
        name,
        every["mean"],
        interval,
        result["starved"],
        result["turned_away"],
        published["mean"],
        published["left_out"],
    )
