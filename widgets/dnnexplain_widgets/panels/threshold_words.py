"""What the threshold map says and draws: its cells, a curve and a surface close up, the count over networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import State, System
from dnnexplain.explain.decisions.sweeps import kind_of, knob_index
from dnnexplain.explain.probing.responses import Response
from dnnexplain.explain.probing.threshold_maps import Census, Surface
from dnnexplain.explain.probing.thresholds import Curves, ThresholdCurve
from dnnexplain_widgets.words import joined, number, with_unit

__all__ = ["cell_of", "census_cells", "close_up", "held_note", "surface_figure"]

_SHORT = {"turns on": "on {}", "turns off": "off {}", "stops changing": "same {}", "starts changing": "moves {}"}


def cell_of(curve: ThresholdCurve) -> dict[str, Any]:
    """A cell of the map: its thresholds in short and in full, and where they lie between 0 and 1."""
    span = float(curve.values[-1] - curve.values[0]) or 1.0
    marks = [(0.5 * (step.before + step.after) - float(curve.values[0])) / span for step in curve.thresholds]
    text = " ".join(_SHORT[step.kind].format(number(step.after)) for step in curve.thresholds)
    if not text:
        codes = set(curve.labels.tolist())
        text = "off" if codes == {Response.DEAD} else "flat" if codes == {Response.FLAT} else "no step"
    return {"text": text, "words": curve.sentence(), "marks": marks}


def held_note(curves: Curves, system: System) -> str:
    """What objects were given so that they can be swept, in one sentence; true whatever the present state has."""
    given: dict[str, set[str]] = {}
    groups: dict[str, None] = {}
    for held in curves.held:
        for name, value in held.items():
            knob = system.knobs[knob_index(system, name)]
            given.setdefault(kind_of(knob), set()).add(with_unit(value, knob.unit))
            groups[knob.group or name] = None
    if not given:
        return ""
    if any(len(values) > 1 for values in given.values()):
        return " ".join(dict.fromkeys(note for note in curves.notes if note))
    words = joined(f"{kind} {next(iter(values))}" for kind, values in given.items())
    each = "each of " if len(groups) > 1 else ""
    return f"For its own curve {each}{joined(groups)} was given {words}."


def close_up(curve: ThresholdCurve, colour: int | None) -> dict[str, Any]:
    """A curve with its ranges."""
    return {
        "title": f"Neuron {curve.neuron}, {curve.knob}",
        "knob": curve.knob,
        "unit": curve.unit,
        "colour": colour,
        "values": curve.values.tolist(),
        "activation": curve.activation.tolist(),
        "ranges": [{"response": item.response, "low": item.low, "high": item.high} for item in curve.ranges],
        "current": curve.current,
        "words": curve.sentence(),
    }


def surface_figure(surface: Surface, system: System, state: State | None) -> dict[str, Any]:
    """A surface, with the present state's cell if it belongs to one."""
    axes = [
        {"name": name, "unit": unit, "values": values.tolist()}
        for name, unit, values in zip(surface.knobs, surface.units, (surface.first, surface.second), strict=True)
    ]
    here = None
    if state is not None:
        own = [float(state.values[knob_index(system, name)]) for name in surface.knobs]
        here = [
            int(np.abs(grid - value).argmin()) for grid, value in zip((surface.first, surface.second), own, strict=True)
        ]
    return {
        "title": f"Neuron {surface.neuron}, {surface.knobs[0]} and {surface.knobs[1]}",
        "first": axes[0],
        "second": axes[1],
        "activation": np.ascontiguousarray(surface.activation, np.float32).tobytes(),
        "current": here,
        "words": surface.sentence(),
    }


def census_cells(census: Census) -> dict[str, Any]:
    """The count as a table, one row per network."""
    columns = [
        "neurons",
        "show a threshold",
        "off below a value",
        "no difference above one",
        "both",
        "always off",
        "never react",
    ]
    rows = []
    for network in census.networks:
        below = (
            f"half of them at {number(network.median_on)} {census.unit}".strip()
            if np.isfinite(network.median_on)
            else ""
        )
        above = (
            f"half from {number(network.median_settles)} {census.unit}".strip()
            if np.isfinite(network.median_settles)
            else ""
        )
        cells = [
            {"text": str(network.neurons)},
            {"text": str(network.threshold)},
            {"text": str(network.off_below), "note": below},
            {"text": str(network.settles_above), "note": above},
            {"text": str(network.both)},
            {"text": str(network.dead)},
            {"text": str(network.flat)},
        ]
        rows.append({"label": network.policy, "cells": cells})
    caption = f"Neurons that show thresholds in {census.kind}, by network"
    return {"caption": caption, "corner": f"Thresholds in {census.kind}", "columns": columns, "rows": rows}
