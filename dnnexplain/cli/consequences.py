"""``dnnexplain explain --consequences``: what would follow each action of one decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import print_json, print_table, progress_bar
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import Continuing, need
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
    from dnnexplain.explain.decisions.consequences import consequences

    need(world, Continuing, "what follows a decision")
    futures = find_workloads(world, options, workload, FUTURES, seed)
    with progress_bar("Going on", len(world.output.names), quiet=as_json) as show:
        found = consequences(
            world, policy, state, futures, seed=seed, progress=lambda done, total: show(done, total, "")
        )
    family = workload or options.spec.family().name
    if as_json:
        print_json(_report(found, world, options, family, seed))
        return
    _print(found, family, seed)


def _report(found: Consequences, world: Any, options: SystemOptions, family: str, seed: int) -> dict[str, Any]:
    return {
        "system": options.spec.name,
        "policy": found.policy,
        "decision": world.output.names[found.chosen],
        "action": found.chosen,
        "workload": family,
        "futures": found.futures,
        "seed": seed,
        "cost": found.cost_name,
        "consequences": [
            {
                "action": one.action,
                "name": one.name,
                "metrics": {name: asdict(value) for name, value in one.figures.items()},
                "against_chosen": {name: asdict(value) for name, value in one.against.items()},
            }
            for one in found.actions
        ],
        "sentence": found.sentence(),
        "assumed": found.assumed,
    }


def _print(found: Consequences, family: str, seed: int) -> None:
    names = [name for name in found.actions[0].figures if name != "cost"]
    rows = [
        (
            f"{one.name}{' (chosen)' if one.action == found.chosen else ''}",
            *(number(one.figures[name].mean) for name in names),
            "-" if one.action == found.chosen else _span(one.against["cost"]),
        )
        for one in found.actions
    ]
    title = (
        f"What follows each action, {counted(found.futures, 'future')} of {family}, seed {seed}; {found.policy} goes on"
    )
    print_table(("action", *names, f"{found.cost_name}, against the chosen"), rows, title)
    typer.echo(found.sentence())
    typer.echo(found.assumed)


def _span(value: Interval) -> str:
    """A difference with its interval."""
    return f"{number(value.mean, sign=True)} ({interval(value.low, value.high)})"
