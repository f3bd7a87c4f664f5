"""What a page needs to evaluate a network by itself: its layers, and how the system paints its knobs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from dnnexplain.contract import Box, DnnExplainError, Flowing, Painted, Policy, Space, State, System
from dnnexplain.explain.decisions.sweeps import kind_of, kinds
from dnnexplain.explain.networks.painted import painting_of
from dnnexplain.explain.networks.plain import PlainLayer, plain_network
from dnnexplain_widgets.views import flow_graph

__all__ = ["MOST_BYTES", "in_page", "in_page_if_small"]

_AXES = (1, 2)
"""Of an observation that a page can paint: a row of numbers, or a picture."""

_SEED, _DRAWN, _MOST_REFERENCES, _MOST_BASELINES = 5, 8, 32, 4
"""Of drawn states: half say which cells of a baseline are the state's own, half check it."""

MOST_BYTES = 1_000_000
"""Weights that a dashboard sends to the page for quick answers; larger networks stay in the kernel."""


def in_page(system: System, policy: Policy) -> dict[str, Any]:
    """System and network as data for the page's own network (widgets/page/src/network); arrays as bytes.

    Raises:
        DnnExplainError: no painting says how the knobs become the input (see
            :func:`~dnnexplain.explain.networks.painted.painting_of`), or the network has parts that a page cannot run (see :mod:`dnnexplain.explain.networks.plain`).
    """
    painting = painting_of(system)
    if len(system.observation_shape) not in _AXES:
        msg = f"{system.name} shows its network more than a row or a picture of numbers, which no page can paint"
        raise DnnExplainError(msg)
    network = plain_network(system, policy)
    middles = [knob.start if knob.start > knob.low else knob.snap((knob.low + knob.high) / 2) for knob in system.knobs]
    return {
        "shape": list(network.shape),
        "layers": [_layer(layer) for layer in network.layers],
        "readable": [dataclasses.asdict(layer) for layer in network.readable],
        "masked": network.masked,
        "told": bool(painting.words),
        "alone": True,
        "painting": _plain(painting),
        "graph": flow_graph(system.graph) if isinstance(system, Flowing) else None,
        "output": _output(system.output),
        "cellGroup": system.cell_group.astype(np.int16).tobytes(),
        "middles": middles,
        "baselines": _baselines(system),
        "kinds": {kind: list(places) for kind, places in kinds(system).items()},
        "kindOf": [kind_of(knob) for knob in system.knobs],
    }


def in_page_if_small(system: System, policy: Policy) -> dict[str, Any]:
    """The same for a dashboard: nothing for what a page cannot run, or what is too large to send along.

    The state of a system whose input is no picture is told by the kernel alone, in ``describe``'s own words.
    """
    if not isinstance(system, Painted):
        return {}
    try:
        network = in_page(system, policy)
    except Exception:  # noqa: BLE001 - a network of the user's own may refuse in any way; the kernel runs it
        return {}
    size = sum(len(layer.get("weight", b"")) for layer in network["layers"])
    worded = network["told"] and len(system.observation_shape) == _AXES[-1]
    return network | {"told": worded, "alone": False, "baselines": []} if size <= MOST_BYTES else {}


def _baselines(system: System) -> list[dict[str, Any]]:
    """What integrated gradients may count from in a page, in the system's order.

    A reference's cells are the same numbers in every state, or the state's own; that is held against drawn states. A mean
    over references that differ from state to state is left out: a page would work on it for seconds at each step.
    """
    rng = np.random.default_rng(_SEED)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    drawn = system.repair(low + (high - low) * rng.random((2 * _DRAWN, len(low))))
    states = [State(row) for row in drawn]
    given = [system.baselines(state) for state in states]
    own = [system.encode(row[None])[0].ravel() for row in drawn]
    baselines: list[dict[str, Any]] = []
    for name in given[0]:
        rows = [np.asarray(item[name], np.float32) for item in given if name in item]
        alike = len(rows) == len(given) and len({row.shape for row in rows}) == 1 and len(rows[0]) <= _MOST_REFERENCES
        cells = np.stack(rows).reshape(len(rows), len(rows[0]), -1) if alike else None
        if len(baselines) == _MOST_BASELINES:
            break
        if cells is not None and (not baselines or cells.shape[1] == 1):
            kept = ~(cells[:_DRAWN] == cells[0]).all((0, 1)) | np.zeros(cells.shape[-1], bool)
            wanted = np.where(kept, np.stack(own)[:, None], cells[0])
            if np.array_equal(wanted, cells):
                parts = {"cells": cells[0].tobytes(), "own": kept.astype(np.uint8).tobytes()}
                baselines.append({"name": name, "count": cells.shape[1], **parts})
    return baselines


def _output(space: Space) -> dict[str, Any]:
    """What outputs become: a choice, numbers within bounds, or switches."""
    output: dict[str, Any] = {"kind": space.kind}
    if isinstance(space, Box):
        low, high = space.bounds
        finite = {"low": low.tolist(), "high": high.tolist()}
        output |= {side: [value if np.isfinite(value) else None for value in values] for side, values in finite.items()}
    return output


def _layer(layer: PlainLayer) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": layer.kind, "name": layer.name, "shape": list(layer.shape)}
    data |= {name: list(sizes) for name, sizes in layer.sizes.items()}
    if layer.weight is not None and layer.bias is not None:
        data |= {"weight": layer.weight.tobytes(), "bias": layer.bias.tobytes()}
    return data


def _plain(value: Any) -> Any:
    """A painting's dataclasses as objects that say their kind."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **parts}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
