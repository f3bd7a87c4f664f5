"""``dnnexplain distill`` of a policy that sets numbers or switches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import print_table, progress_bar
from dnnexplain.contract import DnnExplainError

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.explain.distillation import OutputRules

__all__ = ["OutputsAsked", "distill_outputs", "rules_as_json"]


@dataclass(frozen=True)
class OutputsAsked:
    """What the command line asks for; see :func:`dnnexplain.explain.distillation.distil_outputs`."""

    leaves: int
    rounds: int
    sets: int
    unseen: int
    seeds: int
    seed: int
    weighting: str


def distill_outputs(
    world: Any,
    teacher: Policy,
    draw: Callable[[int, int], Sequence[Any]],
    asked: OutputsAsked,
    figures: Sequence[Any] | None,
    beside: Mapping[str, bool],
    kind: str,
    export_to: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Find the trees, write and print them.

    Args:
        world, teacher, draw, figures: what is learned from, and workloads for the figures where they are given.
        asked: how.
        beside: options that only rules of a choice have, and whether they are asked for.
        kind, export_to: language of the exported rules, and where to.
        out: file of the whole result.
        as_json: print JSON.

    Raises:
        DnnExplainError: an option that only rules of a choice have.
    """
    from dnnexplain.explain.distillation import distil_outputs
    from dnnexplain.explain.distillation.certificate import checked_export

    given = [option for option, used in beside.items() if used]
    if given:
        msg = (
            f"{given[0]} works on a choice among actions (dnnexplain.contract.Discrete); {world.name} sets "
            f"{'numbers' if world.output.kind == 'values' else 'switches'}: leave it out"
        )
        raise DnnExplainError(msg)
    with until_interrupted() as stop, progress_bar("Distilling", quiet=as_json) as show:
        keep = Keeper(out)
        found = distil_outputs(
            world, teacher, draw, **asdict(asked), figures_on=figures, progress=show, cancel=stop, keep=keep
        )
    checked = None if export_to is None else checked_export(found.export(kind), kind, found.trees)

    def show_all() -> None:
        _show(found)
        if checked is not None and checked.comparison:
            typer.echo(f"{export_to}: {checked.comparison}")

    told = {"export_certificate": checked and checked.certificate, "export_check": checked and checked.comparison}
    finish(
        found,
        out=out,
        report=(lambda: {**rules_as_json(found), **told}) if as_json else None,
        show=show_all,
        stop=stop,
        export=(export_to, lambda: "" if checked is None else checked.text),
    )


def rules_as_json(found: OutputRules) -> dict[str, Any]:
    """A result as the command prints it; the names are those of rules of a choice where both have a figure."""
    from dnnexplain.explain.distillation.result import FORMER

    def figure(name: str) -> dict[str, float]:
        ends = zip(("mean", "low", "high"), ("", "_low", "_high"), strict=True)
        return {key: getattr(found, f"{name}{end}") for key, end in ends}

    plain = ("fidelity_own", "leaves", "depth", "agreement", "decisions", "unseen")
    numbers = found.trees.kind == "values"
    return {
        "policy": found.question.policy,
        "checkpoint": found.question.checkpoint,
        "seed": found.question.seed,
        "output": found.trees.kind,
        "fidelity": found.fidelity,
        "fidelity_interval": [found.fidelity_low, found.fidelity_high],
        "fidelity_each": dict(zip(found.outputs, found.fidelity_each.tolist(), strict=True)),
        **{name: getattr(found, name) for name in plain},
        "leaves_of_each": list(found.trees.leaves_of_each),
        "tolerance": found.tolerance if numbers else None,
        "unit": found.unit,
        "mean_absolute_error": found.error if numbers else None,
        "mean_absolute_error_each": (
            dict(zip(found.outputs, found.error_each.tolist(), strict=True)) if numbers else None
        ),
        **{name: figure(name) for name in ("cost", "teacher_cost", "relative")},
        **{name.replace("cost", FORMER): figure(name) for name in ("cost", "teacher_cost")},
        "cpu_seconds": found.cpu_seconds,
        "path": [
            {
                "at_most": int(size),
                "leaves": found.path_leaves[:, place].tolist(),
                "fidelity": found.path_fidelity[:, place].tolist(),
                **dict.fromkeys(("cost", FORMER), found.path_cost[:, place].tolist()),
            }
            for place, size in enumerate(found.sizes)
        ],
        "rules": found.text(),
        "words": found.words,
        "stopped": found.stopped,
    }


def _show(found: OutputRules) -> None:
    typer.echo(found.text())
    seed = found.chosen
    rows = [
        [int(found.path_leaves[seed, k]), float(found.path_fidelity[seed, k]), float(found.path_cost[seed, k])]
        for k in range(len(found.sizes))
    ]
    unique = [row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]
    print_table(("leaves", "fidelity", found.cost_name), unique, "Size, fidelity and cost on validation workloads")
    typer.echo(found.words)
