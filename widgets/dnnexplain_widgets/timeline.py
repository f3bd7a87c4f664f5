"""Runs as a timeline for the page: bars and curves on lanes, objects in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Metric, Replay, System, Track
from dnnexplain.numbers import as_told, went_wrong
from dnnexplain_widgets.words import label, number, with_unit

__all__ = ["dragged", "timeline_figure"]


def timeline_figure(
    runs: Sequence[Replay],
    marks: NDArray[np.int64],
    flags: Sequence[tuple[int, str]] = (),
    metrics: Sequence[Metric] = (),
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Runs over the same work, the first of which is stepped through.

    Args:
        runs: from top to bottom.
        marks: decisions of the first run to be marked.
        flags: decisions of the first run that get a line through all runs, and its words.
        metrics: of the system; what went wrong is told.
        names: of the runs, for people; those of their policies as menus call rules where none are given.
    """
    first, names = runs[0], names or [label(run.policy) for run in runs]
    times = [run.bars[:, :2] for run in runs] + [run.times for run in runs]
    times += [curve.times for run in runs for curve in run.curves]
    spans = [(float(time.min()), float(time.max())) for time in times if time.size]
    begin, end = min((low for low, _ in spans), default=0.0), max((high for _, high in spans), default=1.0)
    return {
        "runs": [_run(run, runs, metrics, names) for run in runs],
        "begin": begin if begin < 0 or begin > 0.2 * end else 0.0,
        "end": end,
        "unit": first.time_unit,
        "times": first.times.tolist(),
        "marks": [int(mark) for mark in marks],
        "flags": [
            [int(at), text] for at, text in sorted(flags)
        ],  # the first on top: no line crosses the next one's words
        "words": "; ".join(f"{name}: {_summary(run, metrics)}" for name, run in zip(names, runs, strict=True)),
    }


def dragged(system: System, run: Replay) -> dict[str, Any]:
    """What of a run's decisions can be dragged in its timeline: the knobs, every decision's state, what was done; or nothing."""
    if not run.grips:
        return {}
    places = {knob.name: place for place, knob in enumerate(system.knobs)}
    return {
        "grips": [
            {"knobs": [places[name] for name in grip.knobs], "track": grip.track, "times": grip.times.tolist()}
            for grip in run.grips
        ],
        "states": np.asarray(system.decode(run.observations), dtype=np.float64).tobytes(),
        "did": [system.output.tell(action) for action in run.actions],
    }


def _run(run: Replay, runs: Sequence[Replay], metrics: Sequence[Metric], names: Sequence[str]) -> dict[str, Any]:
    bars = np.column_stack([run.bar_object, run.bar_track, run.bars]) if len(run.bars) else np.zeros((0, 6))
    named = list(zip(names, runs, strict=True))
    beside = [
        (name, item) for name, item in named if item.objects == run.objects
    ]  # elsewhere other things may happen at all
    return {
        "name": next(name for name, item in named if item is run),
        "summary": _summary(run, metrics, wrong=False),
        "wrong": went_wrong(metrics, run.metrics),
        "tracks": [
            {"name": track.name, "unit": track.unit, "capacity": _capacity(track, runs), **_drawn(run, at)}
            for at, track in enumerate(run.tracks)
        ],
        "curves": [
            {
                "name": curve.name,
                "track": curve.track,
                "steps": curve.steps,
                "quiet": curve.quiet,
                "points": np.stack([curve.times, curve.values]).astype(np.float32).tobytes(),
            }
            for curve in run.curves
        ],
        "objects": [
            {"colour": int(colour) if colour >= 0 else index, "words": _object_words(beside, index)}
            for index, colour in enumerate(beside[0][1].colours)
        ],
        "bars": [[int(bar[0]), int(bar[1]), *(float(value) for value in bar[2:])] for bar in bars],
    }


def _drawn(run: Replay, at: int) -> dict[str, bool]:
    """A lane of what must not happen is as tall as others once it did, and marked."""
    track = run.tracks[at]
    happened = track.wrong and bool((run.bar_track == at).any())
    return {"thin": track.thin or (track.wrong and not happened), "wrong": happened}


def _capacity(track: Track, runs: Sequence[Replay]) -> float:
    """The largest of the lane's in all runs: what is as high is as much."""
    return max(item.capacity for run in runs for item in run.tracks if item.name == track.name)


def _summary(run: Replay, metrics: Sequence[Metric], *, wrong: bool = True) -> str:
    name, (cost,) = as_told(run.cost_name, run.cost)
    parts = [f"{name} {number(cost)}"]
    first = next((metric for metric in metrics if metric.wrong and metric.name in run.metrics), None)
    if first is not None and not run.metrics[first.name] > 0:
        parts.append(f"0 {first.words or first.title}")
    return ", ".join(filter(None, [*parts, went_wrong(metrics, run.metrics) if wrong else ""]))


def _object_words(named: Sequence[tuple[str, Replay]], index: int) -> str:
    first = named[0][1]
    unit = first.time_unit
    parts = []
    for name, run in named:
        start, finish = run.start[index], run.finish[index]
        when = f"{number(start)} to {number(finish)}" if np.isfinite(finish) else "never done"
        parts.append(f"{name} {when}")
    came = float(first.arrival[index])
    arrived = f", came at {with_unit(came, unit)}" if np.isfinite(came) else ""
    return f"{first.objects[index]}{arrived}: {'; '.join(parts)}"
