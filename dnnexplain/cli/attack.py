"""``dnnexplain attack``: the smallest change that fools one decision, or the workload on which a network loses most."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import examples, number, print_table, progress_bar
from dnnexplain.cli.questions import question_of, refuse_others
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DecisionOracle, DnnExplainError, load_reference, need, outside_valid
from dnnexplain.explain.decisions.limits import numbers_of, spans_of
from dnnexplain.given_states import state_from_file

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.explain.adversarial.result import Adversarial, Flip
    from dnnexplain.explain.adversarial.verdicts import Verdict

__all__ = ["register"]

SECONDS = 30.0
"""To search, where no limit is given."""


_ONE, _MANY = ("--state", "--compare"), ("--workload",)
_WHOSE = {
    **dict.fromkeys(("--target", "--knob", "--cost", "--jobs", "--amount", "--appearance"), _ONE),
    "--bound": (*_ONE, *_MANY),
    **dict.fromkeys(("--rule", "--measure", "--oracle-seconds"), _MANY),
    **dict.fromkeys(("--method", "--resume"), ("--state", "--workload")),
    "--state": _ONE,
}
"""Option -> the questions that use it; those that are not here are of use to all."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain attack {DEFAULT_SYSTEM} --state state.json --method exhaustive --json",
        f"dnnexplain attack {DEFAULT_SYSTEM} --state state.json --knob 'KNOB' --cost 'COSTLY=2' --bound 'BOUND'",
        f"dnnexplain attack {DEFAULT_SYSTEM} --state state.json --compare --budget 5",
        f"dnnexplain attack {DEFAULT_SYSTEM} --state state.json --method local --rounds 200",
        f"dnnexplain attack {DEFAULT_SYSTEM} --pairs",
        f"dnnexplain attack {DEFAULT_SYSTEM} --workload FAMILY --rule best-rule --budget 60 --out worst.json",
    )
    app.system_command("attack", attack, epilog=shown, workload=True, guarded=True)


def attack(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    state: Path | None = typer.Option(None, help="A state (JSON): find the smallest change that fools its decision."),
    workload: str = typer.Option("", help="A family of workloads, or a file of them: find the worst one like it."),
    pairs: bool = typer.Option(False, "--pairs", help="List pairs of two-job states like the paper's Figure 4."),
    policy: str = typer.Option("default", help="A shipped network, a rule, or a weights file."),
    method: str = typer.Option("", help="State: exhaustive, gradient, local, random. Workload: evolve, random."),
    compare: bool = typer.Option(False, "--compare", help="All methods on the state, each with the whole budget."),
    target: str = typer.Option("", help="State: the action to flip to (job 2, wait); any if not given."),
    knob: list[str] = typer.Option([], help="What may change: length, 'job 2', 'job 2 memory'; repeat."),
    cost: list[str] = typer.Option([], help="Cost per unit: 'memory=2'; 1 if not given; repeat."),
    bound: list[str] = typer.Option([], help="Limits: 'length=1:5'; repeat."),
    jobs: int | None = typer.Option(None, help="State: how many jobs may change together; any number if not given."),
    amount: float | None = typer.Option(
        None, help="State: of a decision that is a number, by how much it must change; the system's word if not given."
    ),
    appearance: bool = typer.Option(False, "--appearance", help="State: jobs may also come or go."),
    rule: str = typer.Option(
        "",
        help="Workload: the rule to fall behind, best-rule (each time the best one), or optimum; the most telling rule if not given.",
        show_default=False,
    ),
    measure: str = typer.Option(
        "", help="Workload: ratio or difference of costs; ratio where the cost is a ratio scale."
    ),
    oracle_seconds: float = typer.Option(10.0, min=0, help="Workload: for the bounds on the optimum."),
    budget: float | None = typer.Option(None, help="CPU-seconds to search; 30, or no limit with --rounds."),
    rounds: int | None = typer.Option(
        None,
        help="End each search after so many batches (of states, or of workloads): the same answer on every machine.",
    ),
    seed: int = typer.Option(0, help="Of everything random."),
    out: Path | None = typer.Option(None, help="Keep the result here; Ctrl-C keeps what was found so far."),
    resume: Path | None = typer.Option(None, help="Go on from a result kept with --out."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Find where a network fails: one decision (--state), a whole workload (--workload), or known pairs (--pairs).

    A change of a state counts as adversarial only if the new decision is worse by the oracle, which
    solves for the best continuation exactly, before and after.
    """
    from dnnexplain.policies import named_policy

    del system
    question = question_of(options, ("--state", "--workload", "--pairs"), "")
    if compare and question != "--state":
        msg = "--compare runs all methods on one state: it needs --state FILE"
        raise DnnExplainError(msg)
    if not question or (question == "--workload" and not workload):
        msg = "say what to attack: --state FILE for one decision, --workload NAME for whole workloads, or --pairs"
        raise DnnExplainError(msg)
    refuse_others(options, "--compare" if compare else question, _WHOSE, drawn=("--workload",))
    if budget is not None and not budget > 0:
        msg = f"--budget must be a positive number of seconds, not {budget:g}"
        raise DnnExplainError(msg)
    if rounds is not None and (rounds < 1 or pairs):
        msg = "--rounds is a number of batches, at least 1, for --state and --workload; pairs are limited by --budget"
        raise DnnExplainError(msg)
    if out is not None:
        check_writable(out)
    world: Any = options.make_for(policy)
    network = options.guarded(named_policy(world, policy), world)
    if workload:
        from dnnexplain.cli.attack_sequence import attack_sequence

        usual = next(iter(options.spec.baselines), next(iter(options.spec.rules), "best rule"))
        against = (rule or usual).replace("best-rule", "best rule")
        targets = {"rule": against, "measure": measure, "oracle_seconds": oracle_seconds}
        limits = {name: (_plain(low), _plain(high)) for name, (low, high) in spans_of(bound, "--bound").items()}
        given = {
            **targets,
            "method": method or "evolve",
            "seconds": budget,
            "rounds": rounds,
            "seed": seed,
            "limits": limits,
        }
        attack_sequence(world, options, network, workload, given, out=out, resume=resume, as_json=as_json)
        return
    if pairs:
        need(world, DecisionOracle, "telling which pairs of states are mistaken for one another")
        _pairs(world, network, SECONDS if budget is None else budget, out, as_json=as_json)
        return
    assert state is not None
    targets = {
        "target": target or None,
        "knobs": knob or None,
        "costs": numbers_of(cost, "--cost"),
        "bounds": spans_of(bound, "--bound"),
        "objects": jobs,
        "amount": amount,
        "appearance": appearance,
        "seconds": budget,
        "rounds": rounds,
        "seed": seed,
    }
    if compare:
        targets["seconds"] = (SECONDS if rounds is None else float("inf")) if budget is None else budget
        _compare(world, network, state, targets, out, as_json=as_json)
    else:
        whole = {**targets, "method": method or "exhaustive"}
        _decision(world, network, state, whole, out, resume, likelihood=options.spec.likelihood, as_json=as_json)


def _plain(limit: float) -> float:
    """A whole number as such: what counts in units is kept and shown in them."""
    return int(limit) if limit.is_integer() else limit


# --- one decision -------------------------------------------------------------------------------


def _decision(
    world: Any,
    network: Policy,
    path: Path,
    options: dict[str, Any],
    out: Path | None,
    resume: Path | None,
    *,
    likelihood: str,
    as_json: bool,
) -> None:
    from dnnexplain.explain.adversarial import Adversarial
    from dnnexplain.explain.adversarial import attack as search

    start = state_from_file(world, path)
    any_world: Any = world
    earlier = None if resume is None else Adversarial.load(resume)
    with until_interrupted() as stop, progress_bar("Searching", 100, quiet=as_json) as show:
        attack = search(
            world,
            network,
            start,
            **options,
            likelihood=load_reference(likelihood)(world) if likelihood else None,
            resume=earlier,
            clock=process_time,
            keep=Keeper(out),
            cancel=stop,
            progress=lambda fraction, text: show(int(100 * (fraction or 0)), 100, text),
        )
    finish(
        attack,
        out=out,
        report=(lambda: _decision_json(attack, world, outside_valid(any_world, start))) if as_json else None,
        show=lambda: _show_decision(attack),
        stop=stop,
    )


def _decision_json(adversarial: Adversarial, world: Any, outside: str) -> dict[str, Any]:
    return {
        "found": adversarial.found,
        "distance": adversarial.distance,
        "proved_minimal": adversarial.proved_minimal,
        "changes": adversarial.changes,
        "before": _verdict_json(adversarial.before),
        "after": _verdict_json(adversarial.after),
        "state": None if adversarial.state is None else world.state_to_json(adversarial.state),
        "none_within": adversarial.radius,
        "none_within_single_job": adversarial.single_radius,
        "all_looked_at": adversarial.complete,
        "other_flips": [_flip_json(flip) for flip in adversarial.others],
        "log_likelihood": {name: {"before": a, "after": b} for name, (a, b) in adversarial.likelihood.items()},
        "method": adversarial.question.method,
        "policy": adversarial.question.policy,
        "checkpoint": adversarial.question.checkpoint,
        "seed": adversarial.question.seed,
        "evaluated": adversarial.evaluated,
        "judged": adversarial.judged,
        "seconds": adversarial.seconds,
        "clock": "processor",
        "ended_by": adversarial.ended_by,
        "rounds": adversarial.rounds,
        "certificate": adversarial.certificate,
        "state_outside_valid": outside,
        "words": adversarial.words,
    }


def _verdict_json(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "action": verdict.action,
        "action_name": verdict.name,
        "probability": verdict.probability,
        "best_actions": verdict.best_actions,
        "best_names": verdict.best_names,
        "loss": verdict.loss,
        "losses": verdict.losses,
        "exact": verdict.exact,
        "estimated": verdict.estimated,
        "unit": verdict.unit,
    }


def _flip_json(flip: Flip) -> dict[str, Any]:
    return {
        "kind": flip.kind,
        "distance": flip.distance,
        "changes": flip.changes,
        "after": _verdict_json(flip.after),
    }


def _show_decision(adversarial: Adversarial) -> None:
    typer.echo(adversarial.words)
    if adversarial.after is None:
        typer.echo(f"The decision: {adversarial.before.name}; best: {' or '.join(adversarial.before.best_names)}.")
        return
    columns = ("", "decision", "probability", "best by the oracle", "loss")
    rows = [
        (label, item.name, item.probability, " or ".join(item.best_names), item.loss)
        for label, item in (("before", adversarial.before), ("after", adversarial.after))
    ]
    print_table(columns, rows)
    for name, (before, after) in adversarial.likelihood.items():
        typer.echo(
            f"Log-likelihood of {name} under the training workload: {number(before)} before, {number(after)} after."
        )


# --- comparisons and pairs ----------------------------------------------------------------------


def _compare(
    world: Any, network: Policy, path: Path, options: dict[str, Any], out: Path | None, *, as_json: bool
) -> None:
    from dnnexplain.explain.adversarial import compare_methods

    start = state_from_file(world, path)
    with until_interrupted() as stop, progress_bar("Comparing", 4, quiet=as_json) as show:
        table = compare_methods(world, network, start, **options, cancel=stop, progress=show, keep=Keeper(out))
    rows = table.table()
    limits = {"seconds": options["seconds"] if options["rounds"] is None else None, "rounds": options["rounds"]}
    finish(
        table,
        out=out,
        report=(lambda: {**limits, "methods": rows, "words": table.words}) if as_json else None,
        show=lambda: print_table(tuple(rows[0]), [tuple(row.values()) for row in rows], table.words),
        stop=stop,
    )


def _pairs(world: Any, network: Policy, budget: float, out: Path | None, *, as_json: bool) -> None:
    from dnnexplain.explain.adversarial import order_pairs

    with until_interrupted() as stop, progress_bar("Searching", 100, quiet=as_json) as show:
        pairs = order_pairs(
            world,
            network,
            seconds=budget,
            clock=process_time,
            cancel=stop,
            progress=lambda fraction, text: show(int(100 * (fraction or 0)), 100, text),
            keep=Keeper(out),
        )
    rows = pairs.table()

    def tell() -> None:
        typer.echo(pairs.words)
        if rows:
            print_table(tuple(rows[0]), [tuple(row.values()) for row in rows[:20]])

    report = {"words": pairs.words, "searched": pairs.searched, "ended_by": pairs.ended_by, "pairs": rows}
    finish(pairs, out=out, report=(lambda: report) if as_json else None, show=tell, stop=stop)
