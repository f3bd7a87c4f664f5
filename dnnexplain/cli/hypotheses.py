"""``dnnexplain hypotheses``: a network in words, every statement tested."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import EpisodeSystem, need
from dnnexplain.counts import counted

if TYPE_CHECKING:
    from dnnexplain.explain.hypotheses import Hypotheses

__all__ = ["register"]

SHOWN = 12
"""Statements that a table shows; JSON has all."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain hypotheses {DEFAULT_SYSTEM} --policy default --json",
        f"dnnexplain hypotheses {DEFAULT_SYSTEM} --say 'SAYING' --say 'always: RULE'",
    )
    app.system_command("hypotheses", hypotheses, epilog=shown, workload=True, guarded=True)


def hypotheses(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, a rule, or a weights file."),
    say: list[str] = typer.Option(
        [], help="A statement of yours: 'QUANTITY > 3: DOES', 'always: DOES', 'ignores: GROUP'; repeat."
    ),
    workload: str = typer.Option("", help="Family of the workloads; the first if not given.", show_default=False),
    sets: int = typer.Option(40, help="Workloads in each half of the seeds."),
    states: int = typer.Option(2000, min=1, help="Met states of each half, at most."),
    pairs: int = typer.Option(100, min=1, help="States that are changed for each group of knobs."),
    most: int = typer.Option(5, min=1, help="Statements of the short list, at most."),
    seed: int = typer.Option(0, help="Of everything."),
    out: Path | None = typer.Option(None, help="Keep the result here (JSON)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """A network in words: statements from its rules, quantities and knobs, each tested on states it was not made from.

    A statement is tested on states that the network meets and by intervention; p is corrected for how many were tried.
    """
    from dnnexplain.explain.hypotheses import hypothesise
    from dnnexplain.policies import named_policy

    del system
    if out is not None:
        check_writable(out)
    world: Any = options.make_for(policy)
    need(world, EpisodeSystem, "telling a policy in words")
    network = options.guarded(named_policy(world, policy), world)
    family, parameters = options.spec.family(workload).name, options.family(workload)
    with progress_bar("Looking", 2, quiet=as_json) as show:
        tested = hypothesise(
            world,
            network,
            lambda count, drawn: world.workloads(family, count, drawn, **parameters),
            own=say,
            sets=sets,
            states=states,
            pairs=pairs,
            most=most,
            seed=seed,
            progress=show,
        )
    finish(
        tested,
        out=out,
        report=(lambda: _as_json(tested)) if as_json else None,
        show=lambda: _show(tested),
        counts={"sets": sets, "states": states, "pairs": pairs, "most": most},
    )


def _as_json(hypotheses: Hypotheses) -> dict[str, Any]:
    return {
        "policy": hypotheses.question.policy,
        "checkpoint": hypotheses.question.checkpoint,
        "seed": hypotheses.question.seed,
        "statements": [
            {
                **{key: value for key, value in asdict(statement).items() if key != "statement"},
                "kind": statement.statement.kind,
                "when": statement.statement.where.to_json(),
                "what": statement.statement.what,
            }
            for statement in hypotheses.statements
        ],
        "short": [hypotheses.statements[place].words for place in hypotheses.short],
        "explained": hypotheses.explained,
        "unexplained": hypotheses.unexplained,
        "tried": hypotheses.tried,
        "states": hypotheses.states,
        "assumed": [*hypotheses.question.assumed, *hypotheses.assumed],
        "words": hypotheses.words,
    }


def _show(hypotheses: Hypotheses) -> None:
    typer.echo(hypotheses.words)
    rows = [
        (
            statement.words,
            statement.verdict,
            statement.throughout.verdict,
            statement.applies,
            statement.agrees,
            statement.explains,
            statement.effect,
            statement.p,
        )
        for statement in hypotheses.statements[:SHOWN]
    ]
    columns = (
        "statement",
        "verdict",
        "in every valid state",
        "speaks in",
        "agrees",
        "explains",
        "by intervention",
        "p",
    )
    print_table(columns, rows, f"{len(rows)} of {counted(hypotheses.tried, 'statement')} tried")
    for sentence in hypotheses.assumed:
        typer.echo(sentence)
