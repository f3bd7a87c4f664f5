"""``dnnexplain transfer``: where a network stops winning, over a grid of workloads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.clusters import DASK, workers
from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import DnnExplainError
from dnnexplain.numbers import as_told, number, percent

if TYPE_CHECKING:
    from dnnexplain.contract import Shift
    from dnnexplain.explain.transfer.grid import Transfer

__all__ = ["register"]


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain transfer {DEFAULT_SYSTEM} --json",
        f"dnnexplain transfer {DEFAULT_SYSTEM} --policy default --policy mine.safetensors --log recorded-file",
        f"dnnexplain transfer {DEFAULT_SYSTEM} --vary PARAMETER=0.1,0.2,0.4",
        f"dnnexplain transfer {DEFAULT_SYSTEM} --dask tcp://10.0.0.1:8786",
    )
    app.system_command("transfer", transfer, epilog=shown, workload=True, many=True)


def transfer(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: list[str] = typer.Option(["default"], help="A shipped network or a weights file; repeat."),
    rule: list[str] = typer.Option([], help="A rule to compare with; repeat. All that are fair if none is named."),
    family: list[str] = typer.Option([], help="A row: a family of workloads; repeat.", show_default=False),
    grid: str = typer.Option("", help="Rows and columns of a named grid of the system.", show_default=False),
    vary: str = typer.Option(
        "", help="Rows instead of families: PARAMETER=V1,V2,... of the first family; a range is LOW-HIGH."
    ),
    log: list[Path] = typer.Option([], help="A row: recorded workloads, a file or a folder; repeat."),
    sets: int = typer.Option(50, help="Workloads per cell."),
    seed: int = typer.Option(0, help="Of the workloads."),
    jobs: int | None = typer.Option(None, help="Processes; one per core if not given."),
    dask: str = DASK,
    out: Path | None = typer.Option(None, help="Keep the result here, also while it runs and after Ctrl-C."),
    resume: Path | None = typer.Option(None, help="Run the missing cells of a result kept with --out."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Networks and rules over a grid of workloads: cost with 95% intervals, and who wins where.

    Rows are families (or --vary, or recorded workloads), columns the system's shifts; a parameter of the workloads
    that is given several times makes a column of each value, one that is given once holds everywhere.
    """
    from dnnexplain.contract import Shift
    from dnnexplain.explain.transfer.grid import Transfer
    from dnnexplain.explain.transfer.grid import transfer as run
    from dnnexplain.policies import named_policy

    del system
    if out is not None:
        check_writable(out)
    spec = options.spec
    world: Any = options.make(spec.compared)
    networks = {name: named_policy(world, name) for name in policy}
    rules = rule or [
        name for name in (spec.baselines or tuple(world.rules())) if name in world.rules() and name not in spec.apart
    ]
    given, columns = _logs(world, options, log, sets), _columns(options, grid)
    rows = _rows(options, family, vary, grid) if family or vary or grid or not log else []
    rows += [Shift(label) for label in given]
    earlier, keep = None if resume is None else Transfer.load(resume), Keeper(out)
    with (
        workers(dask) as where,
        until_interrupted() as stop,
        progress_bar("Running", len(rows) * len(columns), quiet=as_json) as show,
    ):
        result = run(
            world,
            networks,
            rows,
            columns,
            rules=rules,
            sets=sets,
            seed=seed,
            given=given,
            jobs=jobs,
            resume=earlier,
            progress=show,
            cancel=stop,
            on_cell=None if out is None else lambda grid: keep(lambda: grid),
            **where,
        )
    finish(
        result,
        out=out,
        report=(lambda: _as_json(result)) if as_json else None,
        show=lambda: _show(result),
        stop=stop,
        counts={"sets": sets},
    )


def _rows(options: SystemOptions, family: Sequence[str], vary: str, grid: str) -> list[Shift]:
    """Families, the values of a parameter, or the rows of the system's grid."""
    from dnnexplain.app.options import grid_settings
    from dnnexplain.contract import Shift

    spec = options.spec
    names = [spec.family(name).name for name in family]
    if not vary:
        return [Shift(name, name) for name in names] if names else grid_settings(spec.grid(grid))[0]
    parameter, _, text = vary.partition("=")
    first = names[0] if names else spec.family().name
    return [
        Shift(f"{parameter} {part.strip()}", first, {parameter: value}, float(np.mean(value)))
        for part in text.split(",")
        for value in [_value(part, vary)]
    ]


def _columns(options: SystemOptions, grid: str) -> list[Shift]:
    """The values of a parameter that was given several times, else the columns of the system's grid, else one."""
    from dnnexplain.app.options import grid_settings
    from dnnexplain.contract import Shift

    several = {key: values for key, values in options.workload.items() if len(values) > 1}
    fixed = {key: values[0] for key, values in options.workload.items() if len(values) == 1}
    if len(several) > 1:
        msg = f"one parameter makes the columns, but {' and '.join(several)} were given several times"
        raise DnnExplainError(msg)
    for key, values in several.items():
        return [Shift(f"{key} {value:g}", "", {**fixed, key: value}, float(value)) for value in values]
    known = grid_settings(options.spec.grid(grid))[1] or [Shift(options.spec.workloads)]
    if len(fixed) == 1 and set(fixed) <= {key for column in known for key in column.parameters}:
        return [Shift(f"{key} {value:g}", "", fixed, float(value)) for key, value in fixed.items()]
    shifts = [Shift(item.label, item.family, {**item.parameters, **fixed}, item.value) for item in known]
    return shifts if set(fixed).isdisjoint(key for item in known for key in item.parameters) else shifts[:1]


def _value(part: str, vary: str) -> float | list[int]:
    """A number, or a range of whole numbers: ``"0.4"``, ``"10-15"``."""
    match = re.fullmatch(r"\s*(\d+)-(\d+)\s*", part)
    if match:
        return [int(match[1]), int(match[2])]
    try:
        return float(part)
    except ValueError:
        msg = (
            f"--vary takes PARAMETER=V1,V2,..., such as long_share=0.1,0.2,0.4 or long_lengths=4-6,10-15, not {vary!r}"
        )
        raise DnnExplainError(msg) from None


def _logs(world: Any, options: SystemOptions, paths: Sequence[Path], sets: int) -> dict[str, list[Any]]:
    """Recorded workloads by the label of their row."""
    first = {key: values[0] for key, values in options.workload.items()}
    once = SystemOptions(options.spec, options.system, first)
    return {f"log {path.name}": find_workloads(world, once, str(path), sets, 0) for path in paths}


def _as_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "policies": transfer.policies,
        "networks": transfer.policies[: transfer.networks],
        "cost": transfer.cost_name,
        "gap": "ratio minus 1" if transfer.ratio else "difference",
        "sets": transfer.question.settings["sets"],
        "seed": transfer.question.seed,
        "cells": [
            _cell(transfer, row, column)
            for row in range(len(transfer.rows))
            for column in range(len(transfer.columns))
            if transfer.done[row, column]
        ],
        "boundaries": transfer.boundaries,
        "words": transfer.words,
    }


def _cell(transfer: Transfer, row: int, column: int) -> dict[str, Any]:
    row_shift, two = transfer.rows[row], transfer.columns[column]
    return {
        "row": row_shift.label,
        "column": two.label,
        "family": row_shift.family or two.family,
        "parameters": {**two.parameters, **row_shift.parameters},
        "results": [
            {
                "policy": name,
                "mean": transfer.cost[row, column, place],
                "low": transfer.low[row, column, place],
                "high": transfer.high[row, column, place],
                "median": transfer.median[row, column, place],
                **{item.name: transfer.figures[row, column, place, m] for m, item in enumerate(transfer.metrics)},
                "actions": dict(zip(transfer.actions, transfer.shares[row, column, place], strict=True)),
            }
            for place, name in enumerate(transfer.policies)
        ],
        "best_rule": transfer.policies[int(transfer.best_rule[row, column])],
        "against_best_rule": [
            {
                "policy": transfer.policies[network],
                "mean": transfer.relative[row, column, network],
                "low": transfer.relative_low[row, column, network],
                "high": transfer.relative_high[row, column, network],
                "verdict": transfer.verdict(row, column, network),
            }
            for network in range(transfer.networks)
        ],
    }


def _show(transfer: Transfer) -> None:
    columns = ("workload", *(column.label for column in transfer.columns))
    measure = as_told(transfer.cost_name)[0]
    for network, name in enumerate(transfer.policies[: transfer.networks]):
        rows = [
            [row.label, *(_cell_words(transfer, r, c, network) for c in range(len(transfer.columns)))]
            for r, row in enumerate(transfer.rows)
        ]
        print_table(columns, rows, f"{measure} of {name} / of the best rule")
    for network, name in enumerate(transfer.policies[: transfer.networks]):
        if np.isfinite(transfer.shares[:, :, network]).any():
            title = f"Mean and median {measure} of {name}, and the share of each action"
            print_table(("workload", "", "mean", "median", *transfer.actions), _actions(transfer, network), title)
    for boundary in transfer.boundaries:
        typer.echo(f"{boundary.policy}, {boundary.words}")
    typer.echo(transfer.words)


def _actions(transfer: Transfer, network: int) -> list[list[Any]]:
    """A row a cell that was run: what a network does there."""
    return [
        [
            row.label,
            column.label,
            *map(number, as_told(transfer.cost_name, transfer.cost[r, c, network], transfer.median[r, c, network])[1]),
            *(percent(share) for share in transfer.shares[r, c, network]),
        ]
        for r, row in enumerate(transfer.rows)
        for c, column in enumerate(transfer.columns)
        if transfer.done[r, c]
    ]


def _cell_words(transfer: Transfer, row: int, column: int, network: int) -> str:
    """A cell in a table: both means, the rule, who wins by the interval; what went wrong comes first."""
    if not transfer.done[row, column]:
        return "-"
    rule, wrong = int(transfer.best_rule[row, column]), transfer.went_wrong(row, column, network)
    head = f"{wrong}; " if wrong else ""
    costs = (transfer.cost[row, column, item] for item in (network, rule))
    mine, best = as_told(transfer.cost_name, *costs)[1]
    return f"{head}{number(mine)} / {number(best)} {transfer.policies[rule]}, {transfer.verdict(row, column, network)}"
