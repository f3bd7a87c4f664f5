"""``dnnexplain prove``: what a network never does, proved or refuted over all valid states of a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_folder, read_json
from dnnexplain.cli.first_time import said_when_compiled
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.output import examples, print_json, print_table, progress_bar
from dnnexplain.cli.prove_export import exported, told_of, writable
from dnnexplain.cli.questions import refuse_others
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.given_states import state_from_file
from dnnexplain.numbers import number

if TYPE_CHECKING:
    from dnnexplain.contract import State
    from dnnexplain.explain.proofs.verdicts import Verdict

__all__ = ["register", "show_sufficient"]

_OF_PROPERTIES = ("--state", "--within", "--seconds", "--nodes", "--every", "--jobs", "--seed", "--export")
SHOWN = 20
_ORDER = ("fails", "open", "holds")
_COUNTED = {"fails": "refuted", "open": "open", "holds": "proved"}
_ENDED = {
    "seconds": "the limit of --seconds was reached",
    "nodes": "the limit of --nodes was reached",
    "cancelled": "it was asked to end",
}


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain prove {DEFAULT_SYSTEM}",
        f"dnnexplain prove {DEFAULT_SYSTEM} --property PROPERTY --json",
        f"dnnexplain prove {DEFAULT_SYSTEM} --property robust --state state.json --within 3",
    )
    app.system_command("prove", prove, epilog=shown)


def prove(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, untrained, or a weights file."),
    prop: str = typer.Option(
        "",
        "--property",
        help="By name, a JSON file, or an expression: 'not (knob > 3 and out.a > out.b)'; without it the names are listed.",
        show_default=False,
    ),
    state: Path | None = typer.Option(
        None, help="A state, a JSON file: the property is asked around it.", show_default=False
    ),
    within: float = typer.Option(3.0, help="So many steps of the knobs' grids around the state."),
    seconds: float = typer.Option(60.0, help="Seconds by the clock, at most; what is not settled then is open."),
    nodes: int = typer.Option(200_000, help="At most so many nodes of the search tree for each case."),
    every: bool = typer.Option(False, "--every", help="Settle every case, even where one is refuted already."),
    jobs: int = typer.Option(1, help="Cases at a time."),
    seed: int = typer.Option(0, help="Of the search for witnesses."),
    export: Path | None = typer.Option(
        None,
        help="Also write the network (ONNX) and each case (VNN-LIB) into this folder, for others' verifiers.",
        show_default=False,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Prove or refute that a network never does something, over all valid states of a set."""
    from dnnexplain.policies import named_policy

    del system
    if not prop:
        _list_only(options, policy)
        _list(options, as_json=as_json)
        return
    _check(seconds, nodes, within, jobs)
    if export is not None:  # before a proof is worked out that could not be written
        check_folder(export, "--export")
    from dnnexplain.explain.proofs.expressions import is_expression, property_of
    from dnnexplain.explain.proofs.prover import prove as settle
    from dnnexplain.explain.proofs.ready import around, described, named_property
    from dnnexplain.explain.proofs.users import property_from
    from dnnexplain.explain.proofs.verdicts import ProofBudget

    world: Any = options.make_for(policy)
    network = named_policy(world, policy)
    given: State | None = None if state is None else state_from_file(world, state)
    if prop.endswith(".json"):
        claim = property_from(world, read_json(Path(prop), "the property"), given, within)
    elif is_expression(prop):
        claim = property_of(world, prop)
        claim = claim if given is None else around(world, claim, given, within)
    else:
        claim = named_property(options.spec, world, network, prop, given, within)
    background = None if given is None else given.background
    if export is not None:
        writable(claim)
    written = None if export is None else exported(export, world, network, claim, background)
    limits = ProofBudget(nodes=nodes, parts=min(nodes, ProofBudget().parts), seconds=seconds, every=every, jobs=jobs)
    with (
        until_interrupted() as stop,
        said_when_compiled(),
        progress_bar("proving", len(claim.cases), quiet=as_json) as show,
    ):
        verdict = settle(
            world, network, claim, background=background, budget=limits, seed=seed, progress=show, cancel=stop
        )
    report = {"system": world.name, "policy": network.name, **described(verdict, world), "ended_by": verdict.limit}
    if written is not None:
        report["exported"] = written
    finish(
        None,
        out=None,
        report=(lambda: report) if as_json else None,
        show=lambda: _show(verdict, world, report),
        stop=stop,
    )


def _check(seconds: float, nodes: int, within: float, jobs: int) -> None:
    for name, value in (("--seconds", seconds), ("--nodes", nodes), ("--within", within), ("--jobs", jobs)):
        if not value > 0:
            msg = f"{name} must be above 0, not {value:g}"
            raise DnnExplainError(msg)


def _list_only(options: SystemOptions, policy: str) -> None:
    """Refuse what would be wrong with a property, too: a listing that took it in silence would say that it is right."""
    from dnnexplain.policies import named_policy

    refuse_others(options, "a list of the properties", dict.fromkeys(_OF_PROPERTIES, ("--property",)))
    world = options.make_for(policy)  # reads the files that say what the system is
    if policy != "default":
        named_policy(world, policy)


def _list(options: SystemOptions, *, as_json: bool) -> None:
    from dnnexplain.explain.proofs.ready import property_names

    names = property_names(options.spec)
    if as_json:
        print_json({"properties": names})
    else:
        print_table(("property", "what it claims"), list(names.items()))


def _show(verdict: Verdict, world: Any, report: dict[str, Any]) -> None:
    from dnnexplain.contract import State

    typer.echo(verdict.sentence())
    if verdict.witness is not None:
        rows = verdict.witness.reshape(-1, len(world.knobs))
        for word, row in zip(("Witness", "Then"), rows, strict=False):
            typer.echo(f"{word}: {world.describe(State(row))}")
        if verdict.after is not None:
            typer.echo(f"After the first decision: {world.describe(State(verdict.after))}")
    _show_cases(report["cases"])
    for sentence in verdict.assumed:
        typer.echo(f"Assumed: {sentence}.")
    typer.echo(f"Program and network differ by at most {verdict.checked:.2g}; {verdict.seconds:.1f} s.")
    if verdict.limit:
        stopped = verdict.failed.reason if verdict.failed is not None and verdict.failed.reason else ""
        typer.echo(f"Not all is settled: {stopped or _ENDED[verdict.limit]}.")
    if "exported" in report:
        typer.echo(told_of(report["exported"]))


def _show_cases(cases: Sequence[dict[str, Any]]) -> None:
    """The refuted first, then the open: a table of thousands of rows nobody reads, and it takes seconds to print."""
    first = sorted(cases, key=lambda case: _ORDER.index(case["verdict"]))
    rows = [(case["verdict"], case["how"], case["bound"], case["case"]) for case in first[:SHOWN]]
    print_table(("verdict", "how", "bound", "case"), rows)
    if left := Counter(case["verdict"] for case in first[SHOWN:]):
        words = ", ".join(f"{number(count)} {_COUNTED[verdict]}" for verdict, count in left.items())
        typer.echo(f"... and {counted(sum(left.values()), 'more case', 'more cases')} ({words}); --json lists all.")


def show_sufficient(
    world: Any, policy: Any, state: State, *, minimum: bool, seconds: float, seed: int, as_json: bool, method: str
) -> None:
    """Print what alone forces a decision."""
    from dataclasses import asdict, replace

    from dnnexplain.explain.proofs.beside import beside_attribution
    from dnnexplain.explain.proofs.sufficient import LIMITS, sufficient_reason

    with said_when_compiled():
        reason = sufficient_reason(
            world, policy, state, minimum=minimum, budget=replace(LIMITS, seconds=seconds), seed=seed
        )
    beside = beside_attribution(world, policy, state, reason.fixed, method=method) if reason.proved else None
    if as_json:
        print_json(
            {
                "system": world.name,
                "policy": policy.name,
                "decision": reason.decision,
                "fixed": reason.fixed,
                "free": list(reason.free),
                "proved": reason.proved,
                "minimal": reason.minimal,
                "minimum": reason.minimum,
                "flips": list(reason.flips),
                "flipped": None if reason.flipped is None else world.state_to_json(reason.flipped),
                "checked": reason.checked,
                "seconds": reason.seconds,
                "clock": "wall",
                "sentence": reason.sentence(),
                "quantifies": reason.quantifies,
                "reason": reason.reason,
                "attribution": None if beside is None else {**asdict(beside), "words": beside.words},
            }
        )
        return
    typer.echo(world.describe(state))
    typer.echo(reason.sentence())
    if reason.flips:
        typer.echo(f"Changing {', '.join(reason.flips)} alone can flip it.")
    if beside is not None:
        typer.echo(beside.words)
