"""Training from the command line: ``dnnexplain train abr``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.systems.abr.training import Recipe, Report, Trainer

if TYPE_CHECKING:
    from torch import nn

    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["MIXTURE", "run"]

MIXTURE = {"markov-3g": 0.8, "stable": 0.05, "bursty": 0.05, "outage": 0.05, "puffer-like": 0.05}
"""Shares of the families that the shipped network was trained on."""


def run(
    system: AdaptiveBitrate,
    options: Mapping[str, Any],
    out: Path,
    report: Callable[[int, int, str], Any],
) -> tuple[nn.Module, dict[str, Any]]:
    """Train by the recipe ``default``; see ``contract.Recipe``. It resumes from ``OUT.training.pt``."""
    traces, source = None, "generated links only"
    if options.get("links") is not None:
        traces, source = system.read_workloads(Path(options["links"]))
        source = f"links of {Path(options['links']).name}: {source}"
    recipe = Recipe(
        families=MIXTURE, iterations=int(options["iterations"]), sessions=int(options["sessions"]), qoe=system.qoe.name
    )
    trainer = Trainer(recipe, int(options.get("seed", 0)), traces=traces, video=system.video)
    saved = out.with_suffix(".training.pt")
    if options.get("fresh"):
        saved.unlink(missing_ok=True)

    def tell(state: Report) -> None:
        report(
            state.iteration, state.iterations,
            f"QoE {state.score:.2f} on held-out links (best {state.best:.2f}), entropy {state.entropy:.2f}",
        )  # fmt: skip

    module = trainer.run(tell, saved)
    story = {
        "training": {
            "recipe": recipe.to_dict(), "seed": trainer.seed, "links": source, "held_out_qoe": trainer.best,
            "curve": trainer.curve,
        }
    }  # fmt: skip
    return module, story
