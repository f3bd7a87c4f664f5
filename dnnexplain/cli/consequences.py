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
        print_json(_report(report, options, family, seed))
        return
    _print(report, family, seed)


def _report(consequences: Consequences, options: SystemOptions, family: str, seed: int) -> dict[str, Any]:
    return {
        "system": options.spec.name,
        "policy": consequences.policy,
        "decision": consequences.decision,
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
    """A row for each figure: what follows the decision, and how much more or less it is after each other action."""
    mine = consequences.of(consequences.chosen)
    others = [action for action in consequences.actions if action is not mine]
    names = {"cost": consequences.cost_title} | {name: name for name in mine.figures if name != "cost"}
    rows = [
        (
            words,
            number(consequences.as_read(mine.figures[name], name).mean),
            *(
                (_span if name == "cost" else _more)(consequences.as_read(action.against[name], name))
                for action in others
            ),
        )
        for name, words in names.items()
    ]
    title = f"What follows {mine.name}, and by how much other actions differ: {counted(consequences.futures, 'future')} of {family}, seed {seed}; {consequences.policy} goes on"
    print_table(("figure", f"{mine.name} (chosen)", *(action.name for action in others)), rows, title)
    typer.echo(consequences.sentence())
    if any(cell.startswith("(") for row in rows for cell in row[2:]):
        typer.echo("In brackets: differences that cannot be told from none.")
    typer.echo(consequences.assumed)


def _more(value: Interval) -> str:
    """A difference; in brackets where it cannot be told from none."""
    shown = number(value.mean, sign=True)
    return f"({shown})" if value.low <= 0 <= value.high and value.mean else shown


def _span(value: Interval) -> str:
    """A difference with its interval."""
    return f"{number(value.mean, sign=True)} ({interval(value.low, value.high)})"
