"""``dnnexplain probe --census`` and ``dnnexplain explain --survey``: what holds over networks and thousands of states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.output import number, print_json, print_table, progress_bar
from dnnexplain.contract import DnnExplainError, state_from_values

if TYPE_CHECKING:
    from dnnexplain.contract import Policy, State
    from dnnexplain.explain.attribution.many_states import Survey
    from dnnexplain.explain.attribution.reliance import Reliance
    from dnnexplain.explain.probing.threshold_maps import Census

__all__ = ["ALL", "networks_of", "show_census", "show_survey"]

ALL = "all"
"""As a policy: every network that ships for the system."""


def networks_of(name: str, world: Any) -> list[Policy]:
    """The networks that are meant: one by name or file, or ``all`` that ship for this system.

    Raises:
        DnnExplainError: none ships, or the policy is a rule without a network.
    """
    from dnnexplain.policies import named_policy, shipped_roles

    names = list(shipped_roles(world)) if name == ALL else [name]
    if not names:
        msg = f"no network ships for this {world.name}; give one with --policy"
        raise DnnExplainError(msg)
    networks = [named_policy(world, name) for name in names]
    for policy in networks:
        if not hasattr(policy, "module"):
            msg = f"{policy.name} is a rule without a network inside; give a network with --policy"
            raise DnnExplainError(msg)
    return networks


def show_census(
    world: Any, networks: list[Policy], *, kind: str, layer: str, others: str, state: State | None, as_json: bool
) -> None:
    """Print how many neurons show thresholds in a kind of knob, network by network."""
    from dnnexplain.explain.decisions.sweeps import kinds
    from dnnexplain.explain.probing.threshold_maps import census

    shared = kinds(world)
    if not kind and not shared:
        msg = f"no kind of knob of {world.name} is shared by several objects; name a knob with --by"
        raise DnnExplainError(msg)
    reference = world.baselines(state or state_from_values(world, {})).get("reachable states")
    counted = census(
        world, networks, kind or next(iter(shared)), state=state, layer=layer or None,
        others=others.replace("-", " ") or "empty", reference=reference,
    )  # fmt: skip
    if as_json:
        print_json(_census_report(counted))
        return
    columns = ("network", "neurons", "threshold", "off below", "half at", "no difference above", "half from", "both", "always off", "never react")  # fmt: skip
    rows = [
        (network.policy, network.neurons, network.threshold, network.off_below, number(network.median_on), network.settles_above,
         number(network.median_settles), network.both, network.dead, network.flat)
        for network in counted.networks
    ]  # fmt: skip
    others_told = counted.question.settings["others"]
    print_table(
        columns, rows, f"Neurons with thresholds in {counted.kind} ({counted.unit}), other objects {others_told}"
    )
    typer.echo(counted.sentence())
    typer.echo("The paper's Figure 3b shows a neuron that is off below length 5 and sees no difference above 15.")


def _census_report(census: Census) -> dict[str, Any]:
    return {
        "system": census.question.system,
        "kind": census.kind,
        "unit": census.unit,
        "others": census.question.settings["others"],
        "networks": census.table(),
        "sentence": census.sentence(),
        "versions": census.question.versions,
    }


def show_survey(
    world: Any,
    networks: list[Policy],
    *,
    states: int,
    method: str,
    target: str,
    baseline: str,
    workload: str,
    seed: int,
    as_json: bool,
) -> None:
    """Print what a method gives each knob group over states of each network's own episodes."""
    from dnnexplain.explain.attribution.many_states import survey
    from dnnexplain.explain.attribution.reliance import reliance
    from dnnexplain.explain.probing.states_met import visited

    reports = []
    for policy in networks:
        seen = visited(world, policy, states, workload=workload, seed=seed)
        with progress_bar(f"{policy.name}", len(seen.observations), quiet=as_json) as show:
            result = survey(
                world, policy, seen.observations, method=method, target=target, baseline=baseline, seed=seed, progress=show
            )  # fmt: skip
        reports.append((result, reliance(world, policy, seen.observations, seed=seed), seen.source))
    if as_json:
        lines = [_survey_report(world, *report) for report in reports]
        print_json({**(lines[0] if len(lines) == 1 else {}), "networks": lines})
        return
    for result, rests, source in reports:
        _print_survey(result, rests, source)


def _survey_report(world: Any, survey: Survey, rests: Reliance, source: str) -> dict[str, Any]:
    question = survey.question
    return {
        "policy": question.policy,
        "checkpoint": question.checkpoint,
        "method": survey.method,
        "target": survey.target,
        "baseline": survey.baseline,
        "states": survey.states,
        "source": source,
        "seed": question.seed,
        "groups": [{**row, "changed": float(share)} for row, share in zip(survey.table(), rests.changed, strict=True)],
        "dead_cells": rests.dead_cells,
        "never_wired_cells": rests.never_wired_cells,
        "wired_dead_cells": rests.wired_dead_cells,
        "constant_cells": np.argwhere(rests.constant).tolist(),
        "changed_when_permuted": dict(zip(rests.group_names, rests.changed.tolist(), strict=True)),
        "shuffles": rests.shuffles,
        "rests_on": rests.sentence(),
        "actions": survey.actions,
        "action_names": list(world.output.names),
        "sentence": survey.sentence(),
        "notes": survey.notes,
        "versions": question.versions,
    }


def _print_survey(survey: Survey, rests: Reliance, source: str) -> None:
    columns = ("group", "positive", "negative", "net", "remains", "says something in", "leads in", "changes")
    rows = [
        (row["group"], row["positive"], row["negative"], row["net"],
         *(_share(row[name]) for name in ("cancellation", "present", "top")), _share(share))
        for row, share in zip(survey.table(), rests.changed, strict=True)
    ]  # fmt: skip
    counted = "" if survey.method == "saliency" else f", counted from {survey.baseline}"
    title = f"{survey.question.policy}: {survey.method} of {survey.target}{counted}, {survey.states:,} {source}"
    print_table(columns, rows, title)
    typer.echo(survey.sentence())
    typer.echo(
        "Remains: the size of the sum of positive and negative in a state, as a share of both (0%: they cancel). "
        "Changes: decisions that change when the group is exchanged for that of another state."
    )
    typer.echo(rests.sentence())
    for note in survey.notes:
        typer.echo(f"Note: {note}.")
    typer.echo("")


def _share(value: float) -> str:
    return "-" if value != value else f"{100 * value:.3g}%"  # noqa: PLR0124 - NaN
