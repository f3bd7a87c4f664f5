"""What ``dnnexplain distill`` says of the rules of a policy that sets numbers or switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import print_table

if TYPE_CHECKING:
    from dnnexplain.explain.distillation import Distillation, OutputRules

__all__ = ["parts_as_json", "path_told", "show_parts"]


def parts_as_json(rules: OutputRules) -> dict[str, Any]:
    """A result as the command prints it; the names are those of rules of a choice where both have a figure."""
    from dnnexplain.explain.distillation.result import FORMER

    def figure(name: str) -> dict[str, float]:
        ends = zip(("mean", "low", "high"), ("", "_low", "_high"), strict=True)
        return {key: getattr(rules, f"{name}{end}") for key, end in ends}

    plain = ("fidelity_own", "leaves", "depth", "agreement", "decisions", "unseen")
    numbers = rules.trees.kind == "values"
    return {
        "policy": rules.question.policy,
        "checkpoint": rules.question.checkpoint,
        "seed": rules.question.seed,
        "output": rules.trees.kind,
        "fidelity": rules.fidelity,
        "fidelity_interval": [rules.fidelity_low, rules.fidelity_high],
        "fidelity_each": dict(zip(rules.outputs, rules.fidelity_each.tolist(), strict=True)),
        **{name: getattr(rules, name) for name in plain},
        "leaves_of_each": list(rules.trees.leaves_of_each),
        "tolerance": rules.tolerance if numbers else None,
        "unit": rules.unit,
        "mean_absolute_error": rules.error if numbers else None,
        "mean_absolute_error_each": (
            dict(zip(rules.outputs, rules.error_each.tolist(), strict=True)) if numbers else None
        ),
        **{name: figure(name) for name in ("cost", "teacher_cost", "relative")},
        **{name.replace("cost", FORMER): figure(name) for name in ("cost", "teacher_cost")},
        "cpu_seconds": rules.cpu_seconds,
        "path": path_told(rules),
        "rules": rules.text(),
        "words": rules.words,
        "stopped": rules.stopped,
    }


def path_told(distillation: Distillation | OutputRules) -> list[dict[str, Any]]:
    """Leaves, fidelity and cost at each size that was asked about, of every seed; the cost under its former name, too."""
    from dnnexplain.explain.distillation.result import FORMER

    return [
        {
            "at_most": int(size),
            "leaves": distillation.path_leaves[:, place].tolist(),
            "fidelity": distillation.path_fidelity[:, place].tolist(),
            **dict.fromkeys(("cost", FORMER), distillation.path_cost[:, place].tolist()),
        }
        for place, size in enumerate(distillation.sizes)
    ]


def show_parts(rules: OutputRules) -> None:
    """The trees, their sizes on validation workloads, and the sentence."""
    typer.echo(rules.text())
    seed = rules.chosen
    rows = [
        [int(rules.path_leaves[seed, k]), float(rules.path_fidelity[seed, k]), float(rules.path_cost[seed, k])]
        for k in range(len(rules.sizes))
    ]
    unique = [row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]
    print_table(("leaves", "fidelity", rules.cost_name), unique, "Size, fidelity and cost on validation workloads")
    typer.echo(rules.words)
