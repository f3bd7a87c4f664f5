"""The card of a generator: what it writes, what it was fitted to, how real that is, and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dnnexplain.numbers import number

__all__ = ["MEANINGS", "generator_card"]

MEANINGS = {
    "auc": "whole workloads told from real ones by a forest (area under the curve; .5: not told apart, at most .7 to be shipped)",
    "record_auc": "the same of single records",
    "marginal": "largest Kolmogorov-Smirnov distance of a column",
    "dependence": "largest difference of two columns' correlations",
    "nearest": "median distance of a generated record to the nearest fitted one, in standard deviations",
    "nearest_real": "the same of real, held-out records",
    "copied": "share of generated records that are equal to a fitted one",
    "copied_real": "the same of real, held-out records",
}
"""What the figures of :class:`~dnnexplain.explain.generate.realism.Realism` are, in words."""
LIMITS = (
    "It writes what is usual: what it was not fitted to (other families, loads, sizes) it does not write, and rare events are as rare as they "
    "were there. Levels of whole workloads are those of fitted ones, moved at random by a quarter of their spread; no workload itself is in the file."
)


def generator_card(story: Mapping[str, Any], name: str) -> str:
    """A card in Markdown: what a generator writes, what it was fitted to, how real it was, and its limits."""
    rows = [
        ("System", story.get("system")),
        ("Kind", story.get("generator")),
        ("Fitted to", story.get("fitted")),
        ("Held out", story.get("held_out")),
        ("Seed", story.get("seed")),
        ("Training time", story.get("training_time")),
        ("Columns", ", ".join(map(str, _shortened(story.get("columns") or [])))),
        ("Command", f"`{story['command']}`" if story.get("command") else None),
    ]
    lines = [f"# {name}", "", f"Writes new {story.get('workloads', 'workloads')} like those that it was fitted to.", "", "| | |", "|-|-|"]  # fmt: skip
    lines += [f"| {title} | {value} |" for title, value in rows if value not in (None, "")]
    figures = story.get("figures") or {}
    if figures:
        lines += [
            "",
            "## How real it is",
            "",
            "On workloads that it was not fitted to.",
            "",
            "| figure | value |",
            "|-|-|",
        ]
        lines += [f"| {MEANINGS.get(key, key)} | {number(value)} |" for key, value in figures.items()]
    lines += ["", "## Limits", "", LIMITS]
    return "\n".join(lines) + "\n"


def _shortened(columns: Sequence[Any]) -> list[Any]:
    few = 8
    return list(columns) if len(columns) <= few else [*columns[:few], f"... ({len(columns)} in all)"]
