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
    options: SearchOptions,
    world: World,
    seed: int,
    restarts: int,
    *,
    refused: Mapping[str, Any],
    out: Path | None,
    workload_out: Path | None = None,
    as_json: bool,
) -> None:
    """Search in the world that the options make, keep, print; ``workload_out``: where the workload that was found is written."""
    from dnnexplain.explain.gray_box import ENDLESS, Budget, worst_regret
    from dnnexplain.results import Question

    name = options.options.spec.name
    for flag in (flag for flag, value in refused.items() if value):
        msg = f"{name} is searched by differences of costs, for which there is no {flag}; leave it out"
        raise DnnExplainError(msg)
    if options.method not in METHODS:
        msg = f"the method {options.method} needs a cost that is a ratio scale, and workloads as numbers; {name} is searched with --method cma-es"
        raise DnnExplainError(msg)
    assert world.box is not None
    budget = Budget(options.budget) if options.rounds is None else Budget(ENDLESS, options.rounds)
    regrets: list[WorstRegret] = []
    keep = Keeper(out)
    with until_interrupted() as stop, progress_bar("Searching", 100, quiet=as_json) as show:
        for each in range(seed, seed + restarts):
            question = Question.about(
                world.system,
                world.policy,
                target=f"{world.system.cost_name} less its optimum",
                seed=each,
                settings={"policy": options.policy, **world.settings},
            )
            regrets.append(
                worst_regret(
                    world.system,
                    world.policy,
                    world.box,
                    budget=budget,
                    seed=each,
                    question=question,
                    cancel=stop,
                    progress=lambda share, best: show(int(100 * share), 100, f"loses {number(best)}"),
                    keep=lambda make: keep(lambda: _worst([*regrets, make()])),
                )
            )
            if stop.is_set():
                break
    worst = _worst(regrets)
    written: dict[str, Any] = {}
    if workload_out is not None:
        world.system.write_workload(world.box.workload(worst.x), workload_out)
        written["workload_file"] = str(workload_out)

    def show_all() -> None:
        _show(worst, regrets)
        if workload_out is not None:
            typer.echo(f"Wrote {workload_out}; dnnexplain evaluate {name} --workload {workload_out} runs it again.")

    finish(
        worst,
        out=out,
        report=(lambda: {**_report(options, worst, regrets, world), **written}) if as_json else None,
        show=show_all,
        stop=stop,
    )


def _report(options: SearchOptions, worst: WorstRegret, regrets: Sequence[WorstRegret], world: World) -> dict[str, Any]:
    """What ``--json`` prints."""
    figures = (
        "regret", "lower", "upper", "cost", "optimum", "rule", "rule_regret", "cpu_seconds", "evaluations", "stopped",
        "method", "ended_by", "rounds", "certificate",
    )  # fmt: skip
    return {
        "system": options.options.spec.name,
        "policy": options.policy,
        "checkpoint": worst.question.checkpoint,
        "seed": worst.question.seed,
        "budget": options.budget,
        **world.facts,
        "ratio": worst.cost / worst.optimum if options.options.spec.ratio and worst.optimum > 0 else None,
        **{key: getattr(worst, key) for key in figures},
        "input": world.tell(worst.x),
        "limits": _limits(worst),
        "trace": worst.trace,
        "searches": [_seed_json(each, world) for each in regrets],
    }


def _show(worst: WorstRegret, regrets: Sequence[WorstRegret]) -> None:
    """The same for people."""
    for each in regrets if len(regrets) > 1 else ():
        typer.echo(f"Seed {each.question.seed}: {each.sentence()}")
    if len(regrets) > 1:
        typer.echo(f"The worst of them, of seed {worst.question.seed}:")
    typer.echo(worst.sentence())
    for limit in worst.limits:
        typer.echo(
            f"{limit.name.capitalize()}: {number(limit.reached)} {limit.unit}".rstrip()
            + f", {'at most' if limit.at_most else 'at least'} {number(limit.limit)} allowed"
        )
    print_table(["input", "value", "unit"], [list(row.values()) for row in worst.table()])


def _limits(regret: WorstRegret) -> list[dict[str, Any]]:
    return [{**asdict(limit), "holds": limit.holds} for limit in regret.limits]


def _seed_json(regret: WorstRegret, world: World) -> dict[str, Any]:
    """One seed's search, with its own certificate."""
    figures = ("regret", "lower", "upper", "cost", "optimum", "rule", "rule_regret", "rounds", "certificate")
    data = {key: getattr(regret, key) for key in figures}
    return {"seed": regret.question.seed, **data, "limits": _limits(regret), "input": world.tell(regret.x)}


def _worst(regrets: Sequence[WorstRegret]) -> WorstRegret:
    return max(regrets, key=lambda item: item.regret)
