"""The part of ``dnnexplain attack`` that searches whole workloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import print_table, progress_bar
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.cli.workloads import find_workloads

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.explain.sequence.result import SequenceAttack

__all__ = ["attack_sequence"]

STARTS = 24
"""Workloads of a family that a search starts from."""


def attack_sequence(
    world: Any,
    options: SystemOptions,
    network: Policy,
    workload: str,
    given: dict[str, Any],
    *,
    out: Path | None,
    resume: Path | None,
    as_json: bool,
) -> None:
    """Search, keep, print."""
    from dnnexplain.explain.sequence import SequenceAttack
    from dnnexplain.explain.sequence import attack_sequence as search

    starts = find_workloads(world, options, workload, STARTS, given["seed"])
    earlier = None if resume is None else SequenceAttack.load(resume)
    with until_interrupted() as stop, progress_bar("Searching", 100, quiet=as_json) as show:
        found = search(
            world,
            network,
            starts,
            against=given["rule"],
            measure=given["measure"],
            limits=given["limits"],
            method=given["method"],
            seconds=given["seconds"],
            rounds=given["rounds"],
            oracle_seconds=given["oracle_seconds"],
            seed=given["seed"],
            resume=earlier,
            keep=Keeper(out),
            cancel=stop,
            progress=lambda fraction, text: show(int(100 * (fraction or 0)), 100, text),
        )
    finish(found, out=out, report=(lambda: _as_json(found)) if as_json else None, show=lambda: _show(found), stop=stop)


def _as_json(found: SequenceAttack) -> dict[str, Any]:
    return {
        "found": found.found,
        "network": found.network,
        "rule": found.rule,
        "rule_name": found.rule_name,
        "optimum_lower": found.optimum_lower,
        "optimum_upper": found.optimum_upper,
        "optimum_proved": found.proved_optimum,
        "gap": found.gap,
        "measure": found.question.settings["measure"],
        "cost": found.cost_name,
        "start": {"network": found.start_network, "rule": found.start_rule, "gap": found.start_gap},
        **found.workload,
        "method": found.question.method,
        "policy": found.question.policy,
        "checkpoint": found.question.checkpoint,
        "seed": found.question.seed,
        "evaluated": found.evaluated,
        "seconds": found.seconds,
        "stopped": found.stopped,
        "ended_by": found.ended_by,
        "words": found.words,
    }


def _show(found: SequenceAttack) -> None:
    typer.echo(found.sentence())
    rows = [
        ("worst found", found.network, found.rule, found.optimum_lower, found.optimum_upper),
        ("start", found.start_network, found.start_rule, None, None),
    ]
    print_table((found.cost_name, "network", found.rule_name, "optimum, at least", "at most"), rows)
