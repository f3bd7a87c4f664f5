"""``dnnexplain transfer``: where a network stops winning, over a grid of workloads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.deeprm_options import ORIGINAL_HELP, SLOTS_HELP, find_policy, make_deeprm, only_deeprm
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import examples, print_json, print_table, progress_bar
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.numbers import number

if TYPE_CHECKING:
    from dnnexplain.explain.transfer import Setting, Transfer
    from dnnexplain.systems.deeprm import DeepRM

__all__ = ["register"]

RATES = [0.4, 0.55, 0.7, 0.85]
FAMILIES = ["deeprm", "uniform", "long-heavy", "cpu-bound", "memory-bound", "bursty", "small-jobs", "heavy-tailed"]
RULES = ["sjf", "tetris", "packer", "fcfs", "hold"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples(
        "dnnexplain transfer deeprm --json",
        "dnnexplain transfer deeprm --family deeprm --vary long_share=0.1,0.2,0.4,0.6 --rate 0.7",
        "dnnexplain transfer deeprm --vary long_lengths=4-6,7-9,10-15",
        "dnnexplain transfer deeprm --log trace.swf --dask tcp://10.0.0.1:8786",
    )
    app.command("transfer", epilog=shown)(transfer)


def transfer(
    system: str = typer.Argument("deeprm", help="The system."),
    *,
    policy: list[str] = typer.Option(["default"], help="A shipped network or a weights file; repeat."),
    rule: list[str] = typer.Option(RULES, help="A rule to compare with; repeat."),
    family: list[str] = typer.Option(FAMILIES, help="A row: a family of job sets; repeat."),
    vary: str = typer.Option(
        "", help="Rows instead of families: PARAMETER=V1,V2,... of the first family; a range is LOW-HIGH."
    ),
    rate: list[float] = typer.Option(RATES, help="A column: arrivals per step; repeat."),
    log: list[Path] = typer.Option([], help="A row: a cluster log (.swf); repeat."),
    steps: int = typer.Option(50, help="Time steps in which jobs may arrive."),
    sets: int = typer.Option(50, help="Job sets per cell."),
    seed: int = typer.Option(0, help="Of the job sets."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    original: bool = typer.Option(False, "--original", help=ORIGINAL_HELP),
    jobs: int | None = typer.Option(None, help="Processes; one per core if not given."),
    dask: str = typer.Option("", help="Run on a Dask cluster: its scheduler's address, or 'local'."),
    out: Path | None = typer.Option(None, help="Keep the result here, also while it runs and after Ctrl-C."),
    resume: Path | None = typer.Option(None, help="Run the missing cells of a result kept with --out."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Networks and rules over a grid of workloads: mean slowdown with 95% intervals, and who wins where."""
    from dnnexplain.explain.transfer import Setting, Transfer
    from dnnexplain.explain.transfer import transfer as run

    only_deeprm(system)
    if out is not None:
        check_writable(out)
    world: Any = make_deeprm(slots, original=original)
    networks = {name: find_policy(name, world) for name in policy}
    given, rows = _logs(world, log, sets, steps), _rows(family, vary)
    rows += [Setting(label) for label in given]
    columns = [Setting(f"rate {value:g}", "", {"rate": value, "steps": steps}, value) for value in rate]
    earlier, keep = None if resume is None else Transfer.load(resume), Keeper(out)
    cluster = _cluster(dask)
    try:
        with until_interrupted() as stop, progress_bar("Running", len(rows) * len(columns), quiet=as_json) as show:
            found = run(
                world,
                networks,
                rows,
                columns,
                rules=rule,
                sets=sets,
                seed=seed,
                given=given,
                jobs=jobs,
                backend="dask" if dask else "loky",
                client=cluster,
                resume=earlier,
                progress=show,
                cancel=stop,
                on_cell=None if out is None else lambda found: keep(lambda: found),
            )
    finally:
        if cluster is not None:
            cluster.close()
    if out is not None:
        found.save(out)
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)
    if stop.is_set():
        raise typer.Exit(stop.code)


def _rows(family: Sequence[str], vary: str) -> list[Setting]:
    from dnnexplain.explain.transfer import Setting
    from dnnexplain.systems.deeprm.workloads import FAMILIES as KNOWN
    from dnnexplain.systems.deeprm.workloads import family_parameters

    for name in family:
        if name not in KNOWN:
            raise Choice("workload family", name, tuple(KNOWN)).error()
    if not vary:
        return [Setting(name, name) for name in family]
    parameter, _, text = vary.partition("=")
    known = family_parameters(family[0])
    if parameter not in known:
        raise Choice(f"parameter of {family[0]}", parameter, tuple(known)).error()
    return [
        Setting(f"{parameter} {part.strip()}", family[0], {parameter: value}, float(np.mean(value)))
        for part in text.split(",")
        for value in [_value(part, vary)]
    ]


def _value(part: str, vary: str) -> float | list[int]:
    """A number, or a range of whole numbers: ``"0.4"``, ``"10-15"``."""
    found = re.fullmatch(r"\s*(\d+)-(\d+)\s*", part)
    if found:
        return [int(found[1]), int(found[2])]
    try:
        return float(part)
    except ValueError:
        msg = (
            f"--vary takes PARAMETER=V1,V2,..., such as long_share=0.1,0.2,0.4 or long_lengths=4-6,10-15, not {vary!r}"
        )
        raise DnnExplainError(msg) from None


def _logs(world: DeepRM, paths: Sequence[Path], sets: int, steps: int) -> dict[str, list[Any]]:
    found = {}
    for path in paths:
        windows, said = world.log_windows(path, steps=steps)
        typer.echo(said, err=True)
        found[f"log {path.name}"] = list(windows)[:sets]
    return found


def _cluster(address: str) -> Any:
    """A client of the cluster at an address, or of one made here; ``None`` if none is wanted."""
    if not address:
        return None
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        msg = "--dask needs Dask: pip install 'dnnexplain[dask]'"
        raise DnnExplainError(msg) from None
    if address == "local":
        return Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0"))
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address} ({error}); give its address, or 'local'"
        raise DnnExplainError(msg) from None


def _as_json(found: Transfer) -> dict[str, Any]:
    return {
        "policies": found.policies,
        "networks": found.policies[: found.networks],
        "cost": found.cost_name,
        "gap": "ratio minus 1" if found.ratio else "difference",
        "sets": found.question.settings["sets"],
        "seed": found.question.seed,
        "cells": [
            _cell(found, row, column)
            for row in range(len(found.rows))
            for column in range(len(found.columns))
            if found.done[row, column]
        ],
        "boundaries": found.boundaries,
        "words": found.words,
    }


def _cell(found: Transfer, row: int, column: int) -> dict[str, Any]:
    one, two = found.rows[row], found.columns[column]
    return {
        "row": one.label,
        "column": two.label,
        "family": one.family or two.family,
        "parameters": {**two.parameters, **one.parameters},
        "results": [
            {
                "policy": name,
                "mean": found.cost[row, column, place],
                "low": found.low[row, column, place],
                "high": found.high[row, column, place],
                "starved": found.starved[row, column, place],
                "turned_away": found.turned_away[row, column, place],
            }
            for place, name in enumerate(found.policies)
        ],
        "best_rule": found.policies[int(found.best_rule[row, column])],
        "against_best_rule": [
            {
                "policy": found.policies[network],
                "mean": found.relative[row, column, network],
                "low": found.relative_low[row, column, network],
                "high": found.relative_high[row, column, network],
                "verdict": found.verdict(row, column, network),
            }
            for network in range(found.networks)
        ],
    }


def _show(found: Transfer) -> None:
    columns = ("workload", *(column.label for column in found.columns))
    for network, name in enumerate(found.policies[: found.networks]):
        rows = [
            [row.label, *(_told(found, r, c, network) for c in range(len(found.columns)))]
            for r, row in enumerate(found.rows)
        ]
        print_table(columns, rows, f"{found.cost_name} of {name} / of the best rule")
    for one in found.boundaries:
        where = "" if one.value is None else f" (at about {number(one.value)})"
        verb = "stops" if one.wins_before else "starts"
        typer.echo(f"{one.policy}, {one.row}: {verb} winning between {one.before} and {one.after}{where}")
    typer.echo(found.words)


def _told(found: Transfer, row: int, column: int, network: int) -> str:
    """A cell in a table: both means, the rule, who wins by the interval, jobs starved."""
    if not found.done[row, column]:
        return "-"
    rule, starved = int(found.best_rule[row, column]), found.starved[row, column, network]
    head = f"{number(int(starved))} starved; " if starved > 0 else ""
    return (
        f"{head}{number(found.cost[row, column, network])} / {number(found.cost[row, column, rule])} "
        f"{found.policies[rule]}, {found.verdict(row, column, network)}"
    )
