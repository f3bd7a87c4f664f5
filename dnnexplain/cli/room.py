"""``dnnexplain room``: where is the room to improve? The gap to the optimum, split."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import atomic_write, check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import DnnExplainError
from dnnexplain.numbers import interval, percent

if TYPE_CHECKING:
    from dnnexplain.explain.room import Room

__all__ = ["register"]


QUICK = 5.0
"""Seconds of the processor that need no word beforehand."""
_STOPPING = "Stopping. Ctrl-C again ends it at once."


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain room {DEFAULT_SYSTEM} --policy default",
        f"dnnexplain room {DEFAULT_SYSTEM} --sets 20 --futures 16 --chart room.svg --json",
    )
    app.system_command("room", room, epilog=shown, workload=True, guarded=True)


def room(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, a weights file, or a rule."),
    workload: str = typer.Option("", help="Family of the workloads, or a file or folder.", show_default=False),
    sets: int = typer.Option(
        10, help="Workloads on which everybody is run; intervals shrink with their number, and time grows."
    ),
    futures: int = typer.Option(8, help="Sampled futures that each action is tried on."),
    oracle_seconds: float = typer.Option(10.0, min=0, help="For the optimum of each workload."),
    seed: int = typer.Option(1, help="Of all that is drawn."),
    jobs: int | None = typer.Option(None, min=1, help="Processes; one per core if not given."),
    chart: Path | None = typer.Option(None, help="Draw the levels here (SVG)."),
    out: Path | None = typer.Option(None, help="Keep the result here (JSON)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Where is the room to improve? Split what a policy costs above the optimum.

    Into what a better policy could reach with the same information (here: looking ahead over sampled futures), what
    seeing all that waits would bring, and what is due to knowing the future. The optimum is that of each workload,
    known beforehand.
    """
    from dnnexplain.explain.room import forecast
    from dnnexplain.explain.room import room as split
    from dnnexplain.policies import named_policy

    del system
    for path in (out, chart):
        if path is not None:
            check_writable(path)
    if futures < 1:
        msg = f"--futures must be a count of at least 1, not {futures}"
        raise DnnExplainError(msg)
    world: Any = options.make(options.spec.compared)
    rules = world.rules()
    question: Any = rules[policy] if policy in rules else options.guarded(named_policy(world, policy), world)
    workloads = find_workloads(world, options, workload, sets, seed)
    name = workload if any(family.name == workload for family in options.spec.families) else ""
    ahead = find_workloads(world, options, name, futures, seed + 1_000_003)
    expected = forecast(world, options.spec, question, workloads, ahead, seed=seed, jobs=jobs)
    if expected is not None and expected.seconds > QUICK:
        typer.echo(expected.words, err=True)
    with until_interrupted(_STOPPING) as stop, progress_bar("Running", quiet=as_json) as show:
        parts = split(
            world, options.spec, question, workloads, ahead, oracle_seconds=oracle_seconds, seed=seed, jobs=jobs,
            progress=show, cancel=stop,
        )  # fmt: skip
    if chart is not None:
        with atomic_write(chart) as stream:
            stream.write(parts.plot(backend="svg"))
    finish(
        parts,
        out=out,
        report=(lambda: _as_json(parts)) if as_json else None,
        show=lambda: _show(parts),
        stop=stop,
        counts={"sets": sets, "futures": futures},
        timed=parts.timed > 0,
    )


def _as_json(room: Room) -> dict[str, Any]:
    return {
        "system": room.question.system,
        "policy": room.question.policy,
        "seed": room.question.seed,
        "workloads": room.workloads,
        "futures": room.futures,
        "cost": room.cost_name,
        "levels": [asdict(level) for level in room.levels],
        "parts": [asdict(part) for part in room.parts],
        "gap": room.gap,
        "optimum_at_least": room.lower,
        "left_out": list(room.left_out),
        "assumed": [*room.question.assumed, *room.assumed],
        "sentence": room.sentence(),
    }


def _show(room: Room) -> None:
    rows = [(level.words, level.cost, interval(level.low, level.high)) for level in room.levels]
    print_table(("who", room.cost_name, "95% interval"), rows, "Where is the room to improve?")
    split = not any(part.name == "gap" for part in room.parts)
    parts = [(part.words, part.size, interval(part.low, part.high), percent(part.share)) for part in room.parts]
    if split:
        print_table(("it would take", "size", "95% interval", "share of the gap"), parts, "What the gap is made of")
    typer.echo(room.sentence())
    for sentence in (*room.left_out, *room.assumed):
        typer.echo(sentence)
