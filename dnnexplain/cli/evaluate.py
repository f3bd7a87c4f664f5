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
from dnnexplain.cli.output import examples, number, print_json, print_table, progress_bar
from dnnexplain.numbers import interval, percent

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
        ["default", "untrained", "hold", "tetris", "sjf"],
        help="A rule, a shipped network (default, conv, hardened, as-published), untrained, or a file; repeat.",
    ),
    workload: str = typer.Option("deeprm", help="A family of random job sets, or a file of jobs or a .swf log."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    rate: float = typer.Option(0.7, help="Arrivals per step of a random family."),
    steps: int = typer.Option(50, help="Time steps in which jobs may arrive."),
    sets: int = typer.Option(100, help="Job sets (of a log: windows at most)."),
    seed: int = typer.Option(0, help="Of the job sets and of drawn actions."),
    unmasked: bool = typer.Option(False, "--unmasked", help="Run each network without its mask, too."),
    original: bool = typer.Option(False, "--original", help=ORIGINAL_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Compare policies: mean slowdown with 95% intervals, starved jobs, and the published metric.

    A network is run twice: taking its most probable action, and drawing actions ("sampled"). Actions that do nothing
    are left out (a mask) as the network's file says, for one that was not trained here by default. The best rule is the
    best of all rules of the system, whether named or not.
    """
    only_deeprm(system)
    world = make_deeprm(slots, original=original)
    policies = _asked(policy, world, unmasked=unmasked)
    job_sets = find_workloads(workload, world, sets=sets, seed=seed, rate=rate, steps=steps)
    results = []
    costs: dict[str, Any] = {}
    with progress_bar("Evaluating", len(policies), quiet=as_json) as show:
        for done, (name, one) in enumerate(policies.items(), start=1):
            results.append(_result(name, one, world, job_sets, seed, costs))
            show(done, len(policies), name)
    report = {"results": results, **_against_best_rule(costs, world, job_sets)}
    if as_json:
        print_json({"workload": workload, "slots": slots, "seed": seed, **report})
    else:
        _show(report, f"{len(job_sets)} job sets of {workload}, {slots} slots, seed {seed}")


def _asked(names: list[str], world: Any, *, unmasked: bool) -> dict[str, Policy]:
    """The policies by name; with ``unmasked`` each masked network is followed by itself without the mask."""
    from dnnexplain.policies import load_any

    found: dict[str, Policy] = {}
    for name in names:
        found[name] = find_policy(name, world)
        if unmasked and name not in world.rules() and getattr(found[name], "masked", True):
            found[f"{name}, unmasked"] = load_any(name, world, masked=False)
    return found


def _result(
    name: str, policy: Policy, world: DeepRM, job_sets: list[JobSet], seed: int, costs: dict[str, Any]
) -> dict[str, Any]:
    from dnnexplain.systems.deeprm.summary import summarise

    rule = name in world.rules()
    episodes = world.run(policy, job_sets, seed=seed)
    costs[name] = episodes.cost
    told: dict[str, Any] = {"policy": name, "mode": "rule" if rule else "best"}
    result = {**told, "masked": None if rule else policy.masked, **summarise(episodes.detail, world.params)}  # type: ignore[attr-defined]
    if not rule:
        drawn = world.run(policy, job_sets, seed=seed, sample=True)
        costs[f"{name}, sampled"] = drawn.cost
        result["sampled"] = summarise(drawn.detail, world.params)
    return result


def _against_best_rule(costs: dict[str, Any], world: DeepRM, job_sets: list[JobSet]) -> dict[str, Any]:
    from dnnexplain.systems.deeprm.summary import compare

    rules = {name: rule for name, rule in world.rules().items() if name != "random"}
    others = {name: world.run(rule, job_sets).cost for name, rule in rules.items() if name not in costs}
    return compare(costs, {**{name: costs[name] for name in rules if name in costs}, **others})


def _show(report: dict[str, Any], title: str) -> None:
    rows = []
    for result in report["results"]:
        rows.append(_row(result["policy"], result, result["masked"]))
        if "sampled" in result:
            rows.append(_row(f"{result['policy']}, sampled", result["sampled"], result["masked"]))
    columns = (
        "policy",
        "mask",
        "starved",
        "turned away",
        "slowdown, all jobs",
        "95% interval",
        "original metric",
        "left out",
    )
    print_table(columns, rows, title)
    starved = {row[0]: row[2] for row in rows if row[2]}
    for name, one in report["relative_to_best_rule"].items():
        head = f"{number(starved[name])} jobs starved; " if name in starved else ""
        span = interval(one["low"], one["high"], ratio=True)
        typer.echo(f"{name}: {head}{percent(one['mean'], sign=True)} against {report['best_rule']} ({span})")
    if starved:
        typer.echo(
            "A starved job is one that the policy never places; it is charged as though it ran alone, one such job after "
            "another, from when nothing could change any more. Its true cost has no bound."
        )


def _row(name: str, result: dict[str, Any], masked: bool | None) -> tuple[Any, ...]:
    every, published = result["metrics"]["all_jobs"], result["metrics"]["original"]
    return (
        name,
        None if masked is None else "on" if masked else "off",
        result["starved"],
        result["turned_away"],
        every["mean"],
        interval(every["low"], every["high"]),
        published["mean"],
        published["left_out"],
    )
