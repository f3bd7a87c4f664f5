"""``dnnexplain guard``: rules that keep a network from its failures, compiled, measured, written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.output import examples, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import Choice, EpisodeSystem, need
from dnnexplain.numbers import number

if TYPE_CHECKING:
    from dnnexplain.explain.guards import Guard, GuardReport

__all__ = ["register"]

SUFFIXES = {".txt": "text", ".py": "python", ".c": "c", ".js": "javascript", ".json": "json"}


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain guard {DEFAULT_SYSTEM} --policy default --out guard.json",
        f"dnnexplain guard {DEFAULT_SYSTEM} --guard guard.json --export guard.c --json",
        f"dnnexplain evaluate {DEFAULT_SYSTEM} --policy default --guard guard.json",
    )
    app.system_command("guard", guard, epilog=shown, workload=True, guarded=True)


def guard(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, a rule, or a weights file."),
    rule: list[str] = typer.Option([], help="Rules to fall back on, and to be held against; all if not given; repeat."),
    workload: str = typer.Option("", help="Family of the workloads; the first if not given.", show_default=False),
    regions: Path | None = typer.Option(None, help="A failure profile (dnnexplain regions --out) to begin with."),
    sets: int = typer.Option(100, help="Usual workloads in each half of the seeds."),
    rounds: int = typer.Option(6, help="Batches of 96 workloads of the largest attacks."),
    cycles: int = typer.Option(2, min=0, help="Tournaments of guards while one is made, at most."),
    most: int = typer.Option(3, min=1, help="Rules of the guard, at most."),
    tries: int = typer.Option(20, min=0, help="Three times so many rules of one bound enter a tournament of guards."),
    allowed: float = typer.Option(0.01, min=0, help="By what share the nominal cost may rise while it is made."),
    runs: int = typer.Option(60_000, min=1, help="Of guards on workloads to choose among them, at most."),
    seconds: float | None = typer.Option(
        None,
        min=0,
        help="A second limit on making it, not on measuring it after, which is told; then the best attacked by then.",
    ),
    seed: int = typer.Option(0, help="Of everything."),
    out: Path | None = typer.Option(None, help="Write the guard here (JSON, which may be edited)."),
    export: Path | None = typer.Option(None, help="Write it as a program: .py, .c, .js, .json or .txt."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Make a guard for a network on one half of the seeds, and measure it on the other; --guard measures one that is there.

    The worst gap to the best rule on the same workload is searched with and without the guard; the attack on the guarded
    network knows the guard.
    """
    from dnnexplain.explain.guards import Guard, compile_guard, evaluate_guard, export_guard
    from dnnexplain.explain.regions import FailureProfile
    from dnnexplain.policies import named_policy

    del system
    for path in (out, export):
        if path is not None:
            check_writable(path)
    kind = "" if export is None else SUFFIXES.get(export.suffix, "")
    if export is not None and not kind:
        raise Choice("language for the file ending", export.suffix, tuple(SUFFIXES)).error()
    world: Any = options.make_for(policy)
    need(world, EpisodeSystem, "guarding a policy")
    network: Any = named_policy(world, policy)
    rules = _rules(world, rule, options)
    family, parameters = options.spec.family(workload).name, options.family(workload)

    def draw(count: int, drawn: int) -> Any:
        return world.workloads(family, count, drawn, **parameters)

    with until_interrupted() as stop, progress_bar("Making the guard", quiet=as_json) as show:
        began = time.monotonic()
        if options.guard is None:
            where = () if regions is None else [region.where for region in FailureProfile.load(regions).regions]
            made = compile_guard(
                world,
                network,
                draw,
                rules=rules,
                regions=where,
                sets=sets,
                rounds=rounds,
                cycles=cycles,
                most=most,
                tries=tries,
                allowed=allowed,
                runs=runs,
                seconds=float("inf") if seconds is None else seconds,
                seed=seed,
                stop=stop,
                progress=show,
            )
        else:
            made = Guard.load(options.guard)
        done = time.monotonic()
        report = evaluate_guard(
            world, network, made, draw, rules=rules, sets=sets, rounds=rounds, seed=seed, stop=stop, progress=show
        )
        took = {"making": 0.0 if options.guard else done - began, "measuring": time.monotonic() - done}
    finish(
        made,
        out=out,
        report=(lambda: _as_json(made, report) | {"seconds": took}) if as_json else None,
        show=lambda: _show(report, took),
        stop=stop,
        export=(export, lambda: export_guard(made, kind, world)),
        counts={
            "sets": sets,
            "rounds": rounds,
            **({} if options.guard else {"cycles": cycles, "most": most, "tries": tries, "runs": runs}),
        },
        timed=made.ended_by == "seconds",
    )


def _rules(world: Any, named: list[str], options: SystemOptions) -> dict[str, Any]:
    known = world.rules()
    for name in named:
        if name not in known:
            raise Choice("rule", name, tuple(known)).error()
    return {name: known[name] for name in named or known if named or name not in options.spec.apart}


def _as_json(made: Guard, report: GuardReport) -> dict[str, Any]:
    plain = ("gap_without", "gap_with", "reduction", "moved", "stepped_in", "changed", "stepped_in_worst")
    return {
        "policy": report.question.policy,
        "checkpoint": report.question.checkpoint,
        "seed": report.question.seed,
        "rules": [
            {"when": rule.when.to_json(), "do": rule.do, "why": rule.why, "words": words}
            for rule, words in zip(made.rules, report.guard, strict=True)
        ],
        **{name: getattr(report, name) for name in plain},
        "worst_without": {"network": report.network_without, "rule": report.rule_without},
        "worst_with": {"network": report.network_with, "rule": report.rule_with},
        "nominal": {
            "without": report.nominal_without,
            "with": report.nominal_with,
            "change": {"mean": report.change, "low": report.change_low, "high": report.change_high},
        },
        "assumed": report.assumed,
        "notes": list(made.notes),
        "words": report.words,
    }


def _show(report: GuardReport, took: dict[str, float]) -> None:
    for place, rule in enumerate(report.guard, start=1):
        typer.echo(f"{place}. {rule}")
    if not report.guard:
        typer.echo("No rule makes the worst gap smaller at the nominal cost that is allowed: the guard is empty.")
    typer.echo(report.words)
    for sentence in report.assumed:
        typer.echo(sentence)
    making = f"Making it took {number(took['making'])} s, " if took["making"] else ""
    typer.echo(f"{making}{'measuring' if making else 'Measuring'} it {number(took['measuring'])} s.")
