"""What travels to the page: a scene (rarely) and one live message per step, arrays as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, Discrete, Pane, Pictured, Policy, System
from dnnexplain.explain.attribution.methods import METHODS, Measure
from dnnexplain.results import versions
from dnnexplain_widgets.live import Live
from dnnexplain_widgets.sentences import FEW_OUTPUTS
from dnnexplain_widgets.words import label

__all__ = ["about", "live_message", "scene"]

_MOST_UNITS = 256  # bars that a page can still show side by side


def about(policy: Policy) -> dict[str, str]:
    """Where a saved picture says that it comes from: the network's name, the hash of its weights, the version."""
    weights = str(getattr(policy, "checkpoint", "") or "")[:12]
    return {"network": str(policy.name), "weights": weights, "version": versions().get("dnnexplain", "")}


def scene(system: System) -> dict[str, Any]:
    """What the page must know of a system: knobs, panes, outputs, groups, and who has which colour."""
    positions = {knob.name: index for index, knob in enumerate(system.knobs)}
    colours = _colours(system)
    return {
        "system": system.name,
        "knobs": [
            {name: getattr(knob, name) for name in ("name", "unit", "low", "high", "step", "group")}
            for knob in system.knobs
        ],
        "picture": _picture(system, positions),
        "output": {
            "kind": str(system.output.kind),
            "names": list(system.output.names),
            "unit": system.output.unit,
            **_verbs(system),
            **_bounds(system),
        },
        "outputColours": [colours.get(name) for name in system.output.names],
        "groups": [{"name": name, "colour": _colour_of(name, colours)} for name in system.groups],
        "colours": colours,
    }


def _verbs(system: System) -> dict[str, dict[str, str]]:
    """How actions are told that are done, not picked."""
    space = system.output
    return {"verbs": dict(space.verbs)} if isinstance(space, Discrete) and space.verbs else {}


def _bounds(system: System) -> dict[str, Any]:
    """The largest number that can be set, and the ends of each where they are shown one by one; where numbers have bounds."""
    space = system.output
    if not isinstance(space, Box) or not np.isfinite(space.bounds).all():
        return {}
    most = {"most": float(np.abs(space.bounds).max())}
    if len(space.names) > FEW_OUTPUTS:
        return most
    low, high = space.bounds
    return {**most, "low": low.tolist(), "high": high.tolist()}


def _picture(system: System, positions: Mapping[str, int]) -> dict[str, Any] | None:
    if not isinstance(system, Pictured) or len(system.observation_shape) != 2:
        return None
    rows, columns = system.observation_shape
    panes = []
    for pane in system.panes:
        handles = [{"knob": positions[handle.knob], "axis": handle.axis} for handle in pane.handles]
        panes.append(
            {
                "title": pane.title, "first": pane.first, "width": pane.width, "row": pane.row, "column": pane.column,
                "colour": pane.colour, "note": pane.note, "handles": handles, "group": _group_of(system, pane, positions),
            }
        )  # fmt: skip
    return {"rows": rows, "columns": columns, "panes": panes}


def _group_of(system: System, pane: Pane, positions: Mapping[str, int]) -> str | None:
    """The knob group that a pane shows: its handles', else the one named like its cells."""
    if pane.handles:
        return system.knobs[positions[pane.handles[0].knob]].group
    cells = system.groups[int(system.cell_group[0, pane.first])]
    known = {knob.group for knob in system.knobs}
    return cells if cells in known else None


def _colours(system: System) -> dict[str, int]:
    """Colour index per knob group, from the panes; groups without a pane of their own have none."""
    if not isinstance(system, Pictured):
        return {}
    positions = {knob.name: index for index, knob in enumerate(system.knobs)}
    pairs = ((_group_of(system, pane, positions), pane.colour) for pane in system.panes)
    return {group: colour for group, colour in pairs if group is not None and colour is not None}


def _colour_of(name: str, colours: Mapping[str, int]) -> int | None:
    """``"job 2 cpu"`` has the colour of ``"job 2"``."""
    for group, colour in colours.items():
        if name == group or name.startswith(f"{group} "):
            return colour
    return None


def live_message(live: Live, unit: int, stamp: int, words: Mapping[str, Any]) -> dict[str, Any]:
    """One step for the page.

    Args:
        live: the explanations of the present state.
        unit: the neuron whose curves are shown.
        stamp: the newest wish of the page that this answers.
        words: sentences by part.
    """
    message: dict[str, Any] = {
        "stamp": stamp,
        "values": live.state.values.astype(np.float64).tobytes(),
        "picture": _levels(live.observation),
        "words": dict(words),
        "failures": dict(live.failures),
        "unit": unit,
    }
    if live.decision is not None:
        message |= {
            "outputs": _floats(live.decision.outputs),
            "valid": live.decision.valid.astype(np.uint8).tobytes(),
            "action": live.decision.action,
            "rules": {label(name): action for name, action in live.rules.items()},
        }
        if live.decision.probabilities is not None:
            message["probabilities"] = _floats(live.decision.probabilities)
    if live.attribution is not None:
        message |= _overlay(live.attribution.map)
        message["groups"] = _floats(np.stack([live.attribution.positive, live.attribution.negative], axis=1))
        message["overlayUnit"] = _unit_of_map(live)
    if live.activations.size:
        message["units"] = _floats(live.activations[:_MOST_UNITS])
        message["unitsOn"] = [int((live.activations > 0).sum()), int(live.activations.size)]
    if live.curves is not None:
        own = [curve[unit] for curve in live.curves.activation]
        positions = {name: index for index, name in enumerate(live.curves.knobs)}
        message["curves"] = _floats(np.concatenate(own))
        message["sweptKnobs"] = list(positions)
    return message


def _floats(values: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(values, dtype=np.float32).tobytes()


def _levels(observation: NDArray[np.float32]) -> bytes:
    """Cells as bytes: 0 is free, 255 is 1."""
    levels: NDArray[np.uint8] = np.clip(np.rint(observation * 255.0), 0, 255).astype(np.uint8)
    return levels.tobytes()


def _overlay(values: NDArray[np.float64]) -> dict[str, Any]:
    """A signed map as int8 of its largest size: a cell's colour needs no more, and it is a byte each."""
    scale = float(np.abs(values).max())
    scaled = np.rint(values * (127.0 / scale)) if scale > 0 else np.zeros_like(values)
    return {"overlay": scaled.astype(np.int8).tobytes(), "scale": scale}


def _unit_of_map(live: Live) -> str:
    assert live.attribution is not None
    measure = METHODS[live.attribution.method].measure
    kind = "logit" if live.decision is not None and live.decision.probabilities is not None else live.attribution.unit
    if live.attribution.target_kind == "probability":
        kind = "probability"
    cell = "full cell" if live.observation.ndim > 1 else "unit of the input"
    return {Measure.SLOPE: f"{kind} per {cell}".strip(), Measure.SHARE: kind, Measure.SCORE: "score"}[measure]
