"""Runs as a schedule chart for the page: bars on tracks, objects in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Metric, Replay
from dnnexplain.numbers import went_wrong
from dnnexplain_widgets.words import label, number, with_unit

__all__ = ["schedule_figure"]


def schedule_figure(
    runs: Sequence[Replay],
    marks: NDArray[np.int64],
    flags: Sequence[tuple[int, str]] = (),
    metrics: Sequence[Metric] = (),
) -> dict[str, Any]:
    """Runs over the same work, the first of which is stepped through.

    Args:
        runs: from top to bottom.
        marks: decisions of the first run to be marked.
        flags: decisions of the first run that get a line through all runs, and its words.
        metrics: of the system; what went wrong is told.
    """
    first = runs[0]
    ends = [float(run.bars[:, 1].max()) for run in runs if len(run.bars)]
    end = max([*ends, *(float(run.times.max()) for run in runs if len(run.times))], default=1.0)
    return {
        "runs": [_run(run, metrics) for run in runs],
        "objects": [
            {"colour": int(colour) if colour >= 0 else index, "words": _object_words(runs, index)}
            for index, colour in enumerate(first.colours)
        ],
        "end": end,
        "unit": first.time_unit,
        "times": first.times.tolist(),
        "marks": [int(mark) for mark in marks],
        "flags": [[int(at), text] for at, text in flags],
        "words": "; ".join(f"{label(run.policy)}: {_summary(run, metrics)}" for run in runs),
    }


def _run(run: Replay, metrics: Sequence[Metric]) -> dict[str, Any]:
    bars = np.column_stack([run.bar_object, run.bar_track, run.bars]) if len(run.bars) else np.zeros((0, 6))
    return {
        "name": label(run.policy),
        "summary": _summary(run, metrics),
        "tracks": [{"name": track.name, "unit": track.unit, "capacity": track.capacity} for track in run.tracks],
        "bars": [[int(bar[0]), int(bar[1]), *(float(value) for value in bar[2:])] for bar in bars],
    }


def _summary(run: Replay, metrics: Sequence[Metric]) -> str:
    parts = [f"{run.cost_name} {number(run.cost)}"]
    first = next((one for one in metrics if one.wrong and one.name in run.metrics), None)
    if first is not None and not run.metrics[first.name] > 0:
        parts.append(f"0 {first.words or first.title}")
    return ", ".join(filter(None, [*parts, went_wrong(metrics, run.metrics)]))


def _object_words(runs: Sequence[Replay], index: int) -> str:
    unit = runs[0].time_unit
    parts = []
    for run in runs:
        start, finish = run.start[index], run.finish[index]
        when = f"{number(start)} to {number(finish)}" if np.isfinite(finish) else "never done"
        parts.append(f"{label(run.policy)} {when}")
    arrived = with_unit(float(runs[0].arrival[index]), unit)
    return f"{runs[0].objects[index]}, came at {arrived}: {'; '.join(parts)}"
