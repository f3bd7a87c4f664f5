"""``dnnexplain explain --consequences``: what would follow each action of one decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import print_json, print_table, progress_bar
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.counts import counted
from dnnexplain.numbers import interval, number

if TYPE_CHECKING:
    from dnnexplain.contract import Policy, State
    from dnnexplain.explain.decisions.consequences import Consequences
    from dnnexplain.intervals import Interval

__all__ = ["FUTURES", "show_consequences"]

FUTURES = 200


def show_consequences(
    world: Any, policy: Policy, state: State, options: SystemOptions, *, workload: str, seed: int, as_json: bool
) -> None:
    """Print what would follow each action, over the same futures."""
    from dnnexplain.explain.decisions.consequences import check_future, consequences

    check_future(world)
    futures = find_workloads(world, options, workload, FUTURES, seed)
    with progress_bar("Going on", len(world.output.names), quiet=as_json) as show:
        report = consequences(
            world, policy, state, futures, seed=seed, progress=lambda done, total: show(done, total, "")
        )
    family = workload or options.spec.family().name
    if as_json:
        print_json(_report(report, world, options, family, seed))
        return
    _print(report, family, seed)


def _report(consequences: Consequences, world: Any, options: SystemOptions, family: str, seed: int) -> dict[str, Any]:
    return {
        "system": options.spec.name,
        "policy": consequences.policy,
        "decision": world.output.names[consequences.chosen],
        "action": consequences.chosen,
        "workload": family,
        "futures": consequences.futures,
        "seed": seed,
        "cost": consequences.cost_name,
        "consequences": [
            {
                "action": action.action,
                "name": action.name,
                "metrics": {name: asdict(value) for name, value in action.figures.items()},
                "against_chosen": {name: asdict(value) for name, value in action.against.items()},
            }
            for action in consequences.actions
        ],
        "sentence": consequences.sentence(),
        "assumed": consequences.assumed,
    }


def _print(consequences: Consequences, family: str, seed: int) -> None:
    names = [name for name in consequences.actions[0].figures if name != "cost"]
    rows = [
        (
            f"{action.name}{' (chosen)' if action.action == consequences.chosen else ''}",
            *(number(action.figures[name].mean) for name in names),
            "-" if action.action == consequences.chosen else _span(action.against["cost"]),
        )
        for action in consequences.actions
    ]
    title = f"What follows each action, {counted(consequences.futures, 'future')} of {family}, seed {seed}; {consequences.policy} goes on"
    print_table(("action", *names, f"{consequences.cost_name}, against the chosen"), rows, title)
    typer.echo(consequences.sentence())
    typer.echo(consequences.assumed)


def _span(value: Interval) -> str:
    """A difference with its interval."""
    return f"{number(value.mean, sign=True)} ({interval(value.low, value.high)})"
