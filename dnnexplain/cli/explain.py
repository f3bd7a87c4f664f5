"""``dnnexplain explain``: why a network decides as it does in one state, and how far to trust the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.consequences import show_consequences
from dnnexplain.cli.files import atomic_write, check_writable
from dnnexplain.cli.layers_over_networks import networks_of, show_survey
from dnnexplain.cli.optional_values import SURVEYED
from dnnexplain.cli.output import examples, number, print_json, print_table
from dnnexplain.cli.prove import show_sufficient
from dnnexplain.cli.questions import question_of, refuse_others
from dnnexplain.cli.stages import show_stages
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.given_states import state_from_file

if TYPE_CHECKING:
    from dnnexplain.contract import Decision, Policy, State, System
    from dnnexplain.explain import Attribution, TrustBadge, UnitAttribution

__all__ = ["register"]

_SUFFIXES = (".json", ".npz")

_ROWS = 40
"""So many knob groups a terminal shows; a network of 200 nodes has 39,800."""

_QUESTIONS = ("--survey", "--stages", "--sufficient", "--consequences")
_MAP = "the map of one state"
_WHOSE = {
    "--state": (_MAP, "--sufficient", "--consequences"),
    "--workload": ("--survey", "--consequences", "--stages"),
    "--policy": (_MAP, "--survey", "--sufficient", "--consequences"),
    "--method": (_MAP, "--survey", "--sufficient"),
    **dict.fromkeys(("--target", "--baseline"), (_MAP, "--survey")),
    **dict.fromkeys(("--layer", "--neuron", "--badge", "--out"), (_MAP,)),
    **dict.fromkeys(("--minimum", "--seconds"), ("--sufficient",)),
}
"""Option -> the questions that use it; those that are not here are of use to all."""

BESIDE = "saliency"
"""The method of a survey, and beside a proof: one look at each state."""

_LONG = 3.0
"""Seconds from which what is to come is announced."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain explain {DEFAULT_SYSTEM} --state state.json",
        f"dnnexplain explain {DEFAULT_SYSTEM} --state state.json --method integrated-gradients --target 'TARGET' "
        "--baseline 'BASELINE' --json --out map.npz",
        f"dnnexplain explain {DEFAULT_SYSTEM} --state state.json --sufficient",
        f"dnnexplain explain {DEFAULT_SYSTEM} --survey 2000 --policy all",
    )
    app.system_command("explain", explain, epilog=shown)


def explain(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    state: Path | None = typer.Option(
        None, help="The state, a JSON file; without it one that the policy meets.", show_default=False
    ),
    survey: int = typer.Option(
        0,
        help="Instead of one state: so many states of the network's own episodes, summed up; "
        f"without a number {SURVEYED:,}.",
        show_default=False,
    ),
    workload: str = typer.Option(
        "", help="Of a survey or of consequences: the family of the episodes.", show_default=False
    ),
    policy: str = typer.Option(
        "default",
        help="A shipped network, untrained, or a weights file; of a survey also all.",
    ),
    method: str = typer.Option(
        "",
        help="An attribution method (integrated-gradients; of a survey and beside a proof saliency); an unknown name lists them.",
        show_default=False,
    ),
    target: str = typer.Option(
        "default",
        help="contrast (the default of a choice), logit, probability, 'job 1 minus wait', 'logit of job 1', ...",
    ),
    baseline: str = typer.Option("default", help="What is counted from; an unknown name lists them."),
    seed: int = typer.Option(0, help="Of methods that draw, and of the badge."),
    layer: str | None = typer.Option(None, help="For layer and neuron methods; the first if not given."),
    neuron: int | None = typer.Option(None, min=0, help="For neuron methods."),
    sufficient: bool = typer.Option(
        False, "--sufficient", help="Instead of a map: the knobs that alone force the decision, proved."
    ),
    minimum: bool = typer.Option(False, "--minimum", help="Of --sufficient: the smallest set of all."),
    seconds: float = typer.Option(30.0, min=0, help="Of --sufficient: seconds by the clock, at most."),
    badge: str = typer.Option("light", help="How thoroughly the map is checked: light, full or none."),
    consequences: bool = typer.Option(
        False, "--consequences", help="Instead of a map: what would follow each action, if the policy goes on."
    ),
    stages: Path | None = typer.Option(
        None, help="Instead of one network: the stages that a training kept beside this file, side by side."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    out: Path | None = typer.Option(None, help="Save the map: .json (readable again) or .npz (arrays)."),
) -> None:
    """Say which knob groups spoke for and against a decision, and how far that can be trusted."""
    from dnnexplain.explain import METHODS
    from dnnexplain.explain.attribution.methods import usual_method
    from dnnexplain.policies import named_policy

    del system
    question = question_of(options, _QUESTIONS, _MAP)
    refuse_others(options, question, _WHOSE)
    beside = method or BESIDE
    _check_options(beside, badge, out, tuple(METHODS))
    _check_units(METHODS[beside], layer, neuron)
    world: Any = options.make_for(policy)
    if question == "--survey":
        _check_survey(survey)
        show_survey(
            world, networks_of(policy, world), states=survey, method=beside, target=target, baseline=baseline,
            workload=workload, seed=seed, as_json=as_json,
        )  # fmt: skip
        return
    if stages is not None:
        show_stages(world, options, stages, workload=workload, seed=seed, as_json=as_json)
        return
    network = named_policy(world, policy)
    given = _given(world, network, state)
    if sufficient:
        _check_sufficient(seconds=seconds)
        show_sufficient(
            world, network, given, minimum=minimum, seconds=seconds, seed=seed, as_json=as_json, method=beside
        )
        return
    if consequences:
        show_consequences(world, network, given, options, workload=workload, seed=seed, as_json=as_json)
        return
    explained = _ask(world, network, given, method or usual_method(network), target, baseline, seed, layer, neuron)
    if out is not None:
        _save(explained, out)
    if not as_json:
        _show(world, explained)
    judged = _judge(world, network, explained, badge, seed)
    if as_json:
        print_json({**_report(world, explained, judged), "state": world.state_to_json(given)})
    elif judged is not None:
        _show_badge(judged)


def _given(world: Any, network: Any, state: Path | None) -> State:
    """The state of a file, or one that the network meets."""
    if state is not None:
        return state_from_file(world, state)
    from dnnexplain.assumptions import assume
    from dnnexplain.front import state_met

    assume("no state was given (--state FILE): one that the policy meets in its own episodes is explained")
    return state_met(world, network)


def _check_options(method: str, badge: str, out: Path | None, methods: tuple[str, ...]) -> None:
    if method not in methods:
        raise Choice("attribution method", method, methods).error()
    if badge not in {"light", "full", "none"}:
        raise Choice("badge", badge, ("light", "full", "none")).error()
    if out is not None:
        if out.suffix not in _SUFFIXES:
            msg = f"--out {out} must end in {' or '.join(_SUFFIXES)}"
            raise DnnExplainError(msg)
        check_writable(out)


def _check_units(method: Any, layer: str | None, neuron: int | None) -> None:
    for flag, given, used in (("--layer", layer, method.units or method.neuron), ("--neuron", neuron, method.neuron)):
        if given is not None and not used:
            kind = "layer and neuron methods" if flag == "--layer" else "neuron methods"
            msg = f"{flag} is of {kind}, and {method.title} is none of them: leave it out, or choose another --method"
            raise DnnExplainError(msg)


def _check_sufficient(*, seconds: float) -> None:
    if not seconds > 0:
        msg = f"--seconds must be above 0, not {seconds:g}"
        raise DnnExplainError(msg)


def _check_survey(states: int) -> None:
    if states < 1:
        msg = f"--survey needs at least 1 state, not {states}"
        raise DnnExplainError(msg)


def _ask(
    system: System,
    policy: Policy,
    state: State,
    method: str,
    target: str,
    baseline: str,
    seed: int,
    layer: str | None,
    neuron: int | None,
) -> Attribution | UnitAttribution:
    from dnnexplain.explain import METHODS, attribute, attribute_units
    from dnnexplain.explain.networks.hooks import layer_names, network_of

    options: dict[str, Any] = {"target": target, "baseline": baseline, "seed": seed}
    entry = METHODS[method]
    if not (entry.units or entry.neuron):
        return attribute(system, policy, state, method=method, **options)
    where = layer or layer_names(network_of(policy), system.observation_shape)[0]
    if entry.units:
        return attribute_units(system, policy, state, layer=where, **options)
    if neuron is None:
        msg = f"{entry.title} needs --neuron, the number of a neuron of layer {where!r}"
        raise DnnExplainError(msg)
    return attribute(system, policy, state, method=method, neuron=(where, neuron), **options)


def _judge(
    system: System, policy: Policy, attribution: Attribution | UnitAttribution, depth: str, seed: int
) -> TrustBadge | None:
    from dnnexplain.explain import METHODS, Attribution, trust
    from dnnexplain.explain.faithfulness.badge import expected_seconds

    if depth == "none" or not isinstance(attribution, Attribution) or METHODS[attribution.method].neuron:
        return None
    seconds = expected_seconds(system, policy, attribution, depth=depth)
    if seconds > _LONG:
        typer.echo(
            f"How far to trust it is measured now: about {seconds:.0f} s of computing; --badge none leaves it out.",
            err=True,
        )
    return trust(system, policy, attribution, seed=seed, depth=depth)


def _report(system: System, attribution: Attribution | UnitAttribution, badge: TrustBadge | None) -> dict[str, Any]:
    decision, question = attribution.decision, attribution.question
    report: dict[str, Any] = {
        "system": question.system,
        "policy": question.policy,
        "checkpoint": question.checkpoint,
        **_decision(system, decision),
        "method": question.method,
        "target": attribution.target,
        "target_kind": question.target_kind,
        "baseline": attribution.baseline,
        "explained": attribution.explained,
        "completeness_error": attribution.completeness_error,
        "sentence": attribution.sentence(),
        "steps": attribution.steps,
        "notes": attribution.notes,
        "seed": question.seed,
        "versions": question.versions,
    }
    report |= _parts(attribution)
    report["badge"] = None if badge is None else _badge(badge)
    return report


def _decision(system: System, decision: Decision) -> dict[str, Any]:
    names = system.output.names
    chances = decision.probabilities
    return {
        "decision": None if decision.action is None else names[decision.action],
        "action": decision.action,
        "probabilities": None if chances is None else dict(zip(names, chances.tolist(), strict=True)),
        "outputs": dict(zip(names, decision.outputs.tolist(), strict=True)),
    }


def _parts(attribution: Attribution | UnitAttribution) -> dict[str, Any]:
    from dnnexplain.explain import Attribution

    if not isinstance(attribution, Attribution):
        return {"layer": attribution.layer, "units": attribution.values}
    groups = {
        name: {"positive": part.positive, "negative": part.negative, "net": part.net}
        for name, part in attribution.groups.items()
    }
    return {"measure": attribution.measure, "relative_error": attribution.relative_error, "groups": groups}


def _badge(badge: TrustBadge) -> dict[str, Any]:
    figures = {
        figure.name: {
            "value": figure.value,
            "level": figure.level,
            "limits": figure.limits,
            "sentence": figure.sentence,
        }
        for figure in badge.figures
    }
    return {
        "overall": badge.overall,
        "reason": badge.reason,
        "depth": badge.depth,
        "figures": figures,
        "interventions": badge.interventions,
    }


def _save(attribution: Attribution | UnitAttribution, out: Path) -> None:
    from dnnexplain.explain import Attribution

    if out.suffix == ".json":
        attribution.save(out)
        return
    if isinstance(attribution, Attribution):
        arrays = {
            "map": attribution.map,
            "references": attribution.references,
            "group_names": np.array(attribution.group_names),
            "positive": attribution.positive,
            "negative": attribution.negative,
        }
    else:
        arrays = {"values": attribution.values}
    with atomic_write(out, "wb") as file:
        np.savez_compressed(file, **arrays, question=np.array(attribution.to_json()))


def _show(system: System, attribution: Attribution | UnitAttribution) -> None:
    from dnnexplain.explain import Attribution

    typer.echo(system.describe(attribution.decision.state))
    decision = attribution.decision
    if decision.action is not None and decision.probabilities is not None:
        chance = number(float(decision.probabilities[decision.action]))
        typer.echo(
            f"{attribution.question.policy} chooses {system.output.names[decision.action]} (probability {chance})."
        )
    typer.echo(attribution.sentence())
    rows = attribution.table()
    if isinstance(attribution, Attribution):
        rows = [row for row in rows if row["positive"] or row["negative"]]
        kind = f"{attribution.method}, {attribution.target}"
        kind += f", counted from {attribution.baseline}:" if attribution.measure == "share" else ":"
    else:
        rows = sorted(rows, key=lambda row: -abs(row["value"]))[:10]
        kind = f"{attribution.target} through layer {attribution.layer}, counted from {attribution.baseline}: the ten strongest units:"
    if rows:
        typer.echo(f"\n{kind}")
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows[:_ROWS]])
        if len(rows) > _ROWS:
            typer.echo(f"These are the {_ROWS} strongest of {len(rows):,}; --json and --out give them all.")
    for note in attribution.notes:
        typer.echo(f"Note: {note}.")


def _show_badge(badge: TrustBadge) -> None:
    typer.echo(f"\nTrust: {badge.overall}")
    rows = [(figure.title, figure.value, figure.level, figure.sentence) for figure in badge.figures]
    print_table(("figure", "value", "colour", "what it says"), rows)
