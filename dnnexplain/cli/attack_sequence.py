"""The part of ``dnnexplain attack`` that searches whole workloads."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.assumptions import assume
from dnnexplain.cli.ending import SECONDS, finish
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
        attack = search(
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
            clock=process_time,
            keep=Keeper(out),
            cancel=stop,
            progress=lambda fraction, text: show(int(100 * (fraction or 0)), 100, text),
        )
    if attack.optimum_ended_by == SECONDS:
        assume(
            f"the optimum was not proved within {given['oracle_seconds']:g} s (--oracle-seconds): its bounds depend on the machine's speed"
        )
    finish(
        attack, out=out, report=(lambda: _as_json(attack)) if as_json else None, show=lambda: _show(attack), stop=stop
    )


def _as_json(attack: SequenceAttack) -> dict[str, Any]:
    return {
        "found": attack.found,
        "network": attack.network,
        "rule": attack.rule,
        "rule_name": attack.rule_name,
        "optimum_lower": attack.optimum_lower,
        "optimum_upper": attack.optimum_upper,
        "optimum_proved": attack.proved_optimum,
        "optimum_ended_by": attack.optimum_ended_by,
        "gap": attack.gap,
        "measure": attack.question.settings["measure"],
        "cost": attack.cost_name,
        "start": {"network": attack.start_network, "rule": attack.start_rule, "gap": attack.start_gap},
        **attack.workload,
        "method": attack.question.method,
        "policy": attack.question.policy,
        "checkpoint": attack.question.checkpoint,
        "seed": attack.question.seed,
        "evaluated": attack.evaluated,
        "seconds": attack.seconds,
        "clock": "processor",
        "stopped": attack.stopped,
        "ended_by": attack.ended_by,
        "words": attack.words,
    }


def _show(attack: SequenceAttack) -> None:
    typer.echo(attack.sentence())
    rows = [
        ("worst found", attack.network, attack.rule, attack.optimum_lower, attack.optimum_upper),
        ("start", attack.start_network, attack.start_rule, None, None),
    ]
    print_table((attack.cost_name, "network", attack.rule_name, "optimum, at least", "at most"), rows)
