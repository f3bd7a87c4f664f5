"""``dnnexplain worst-case`` where there are no ratios to climb: the workload on which a policy loses most, by difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import print_table, progress_bar
from dnnexplain.contract import DnnExplainError
from dnnexplain.numbers import number

if TYPE_CHECKING:
    from dnnexplain.cli.worst_case_world import SearchOptions, World
    from dnnexplain.explain.gray_box import WorstRegret

__all__ = ["by_difference"]

METHODS = {"gray-box", "cma-es"}
"""What may be asked for: a system without gradients of whole workloads is searched by evolution either way."""


def by_difference(
    asked: SearchOptions,
    seed: int,
    restarts: int,
    *,
    refused: Mapping[str, Any],
    out: Path | None,
    workload_out: Path | None = None,
    as_json: bool,
) -> None:
    """Search, keep, print; ``workload_out``: where the workload that was found is written."""
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.explain.gray_box import Budget, worst_regret
    from dnnexplain.results import Question

    name = asked.options.spec.name
    for flag in (flag for flag, value in refused.items() if value):
        msg = f"{name} is searched by differences of costs, for which there is no {flag}; leave it out"
        raise DnnExplainError(msg)
    if asked.method not in METHODS:
        msg = f"the method {asked.method} needs a cost that is a ratio scale, and workloads as numbers; {name} is searched with --method cma-es"
        raise DnnExplainError(msg)
    world = make_world(asked)
    assert world.box is not None
    budget = Budget(asked.budget) if asked.rounds is None else Budget(1e6, asked.rounds)
    found: list[WorstRegret] = []
    keep = Keeper(out)
    with until_interrupted() as stop, progress_bar("Searching", 100, quiet=as_json) as show:
        for each in range(seed, seed + restarts):
            question = Question.about(
                world.system,
                world.policy,
                target=f"{world.system.cost_name} less its optimum",
                seed=each,
                settings={"policy": asked.policy, **world.settings},
            )
            found.append(
                worst_regret(
                    world.system,
                    world.policy,
                    world.box,
                    budget=budget,
                    seed=each,
                    question=question,
                    cancel=stop,
                    progress=lambda share, best: show(int(100 * share), 100, f"loses {number(best)}"),
                    keep=lambda make: keep(lambda: _worst([*found, make()])),
                )
            )
            if stop.is_set():
                break
    worst = _worst(found)
    written: dict[str, Any] = {}
    if workload_out is not None:
        world.system.write_workload(world.box.workload(worst.x), workload_out)
        written["workload_file"] = str(workload_out)

    def show_all() -> None:
        _show(worst, found)
        if workload_out is not None:
            typer.echo(f"Wrote {workload_out}; dnnexplain evaluate {name} --workload {workload_out} runs it again.")

    finish(
        worst,
        out=out,
        report=(lambda: {**_report(asked, worst, found, world), **written}) if as_json else None,
        show=show_all,
        stop=stop,
    )


def _report(asked: SearchOptions, worst: WorstRegret, found: Sequence[WorstRegret], world: World) -> dict[str, Any]:
    """What ``--json`` prints."""
    figures = (
        "regret", "lower", "upper", "cost", "optimum", "rule", "rule_regret", "cpu_seconds", "evaluations", "stopped",
        "method", "ended_by", "rounds", "certificate",
    )  # fmt: skip
    return {
        "system": asked.options.spec.name,
        "policy": asked.policy,
        "checkpoint": worst.question.checkpoint,
        "seed": worst.question.seed,
        "budget": asked.budget,
        **world.facts,
        "ratio": worst.cost / worst.optimum if asked.options.spec.ratio and worst.optimum > 0 else None,
        **{key: getattr(worst, key) for key in figures},
        "input": world.tell(worst.x),
        "limits": _limits(worst),
        "trace": worst.trace,
        "searches": [_one(each, world) for each in found],
    }


def _show(worst: WorstRegret, found: Sequence[WorstRegret]) -> None:
    """The same for people."""
    for each in found if len(found) > 1 else ():
        typer.echo(f"Seed {each.question.seed}: {each.sentence()}")
    if len(found) > 1:
        typer.echo(f"The worst of them, of seed {worst.question.seed}:")
    typer.echo(worst.sentence())
    for limit in worst.limits:
        typer.echo(
            f"{limit.name.capitalize()}: {number(limit.reached)} {limit.unit}".rstrip()
            + f", {'at most' if limit.at_most else 'at least'} {number(limit.limit)} allowed"
        )
    print_table(["input", "value", "unit"], [list(row.values()) for row in worst.table()])


def _limits(one: WorstRegret) -> list[dict[str, Any]]:
    return [{**asdict(limit), "holds": limit.holds} for limit in one.limits]


def _one(one: WorstRegret, world: World) -> dict[str, Any]:
    """One seed's search, with its own certificate."""
    figures = ("regret", "lower", "upper", "cost", "optimum", "rule", "rule_regret", "rounds", "certificate")
    told = {key: getattr(one, key) for key in figures}
    return {"seed": one.question.seed, **told, "limits": _limits(one), "input": world.tell(one.x)}


def _worst(found: Sequence[WorstRegret]) -> WorstRegret:
    return max(found, key=lambda one: one.regret)
