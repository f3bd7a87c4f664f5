"""What ``dnnexplain distill`` says of the rules of a policy that sets numbers or switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import print_table

if TYPE_CHECKING:
    from dnnexplain.explain.distillation import Distillation, OutputRules

__all__ = ["parts_as_json", "path_told", "show_parts"]


def parts_as_json(found: OutputRules) -> dict[str, Any]:
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
        "path": path_told(found),
        "rules": found.text(),
        "words": found.words,
        "stopped": found.stopped,
    }


def path_told(found: Distillation | OutputRules) -> list[dict[str, Any]]:
    """Leaves, fidelity and cost at each size that was asked about, of every seed; the cost under its former name, too."""
    from dnnexplain.explain.distillation.result import FORMER

    return [
        {
            "at_most": int(size),
            "leaves": found.path_leaves[:, place].tolist(),
            "fidelity": found.path_fidelity[:, place].tolist(),
            **dict.fromkeys(("cost", FORMER), found.path_cost[:, place].tolist()),
        }
        for place, size in enumerate(found.sizes)
    ]


def show_parts(found: OutputRules) -> None:
    """The trees, their sizes on validation workloads, and the sentence."""
    typer.echo(found.text())
    seed = found.chosen
    rows = [
        [int(found.path_leaves[seed, k]), float(found.path_fidelity[seed, k]), float(found.path_cost[seed, k])]
        for k in range(len(found.sizes))
    ]
    unique = [row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]
    print_table(("leaves", "fidelity", found.cost_name), unique, "Size, fidelity and cost on validation workloads")
    typer.echo(found.words)
