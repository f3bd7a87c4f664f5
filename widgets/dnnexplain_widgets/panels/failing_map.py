"""What is lost over two quantities: the map of a failure region, drawn from the half that it was not found in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.regions import FailureProfile, Region

__all__ = ["loss_map"]

Floats = NDArray[np.float64]
CELLS = 16


def loss_map(profile: FailureProfile, region: Region, units: Mapping[str, str]) -> dict[str, Any]:
    """The figure of the map part: mean loss in each cell that was met, and the region's outline.

    Args:
        profile: the profile; its ``values`` ``[S, F]`` and ``losses`` ``[S]`` are of the half that nothing was found in.
        region: whose two quantities the axes are; of a region with one bound the other axis is the quantity that goes
            most with the loss.
        units: of quantities, by name.
    """
    names = list(profile.names)
    bounded = [names.index(span.feature) for span in region.where.spans][:2]
    columns = [*bounded, *(place for place in _telling(profile) if place not in bounded)][:2]
    edges = [_edges(profile.values[:, column]) for column in columns]
    shape = tuple(len(edge) - 1 for edge in edges)
    places = [
        np.clip(np.searchsorted(edge, profile.values[:, column], side="right") - 1, 0, size - 1)
        for edge, column, size in zip(edges, columns, shape, strict=True)
    ]
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, tuple(places), profile.losses)
    np.add.at(count, tuple(places), 1.0)
    mean = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0).T
    across, down = (
        {"name": names[column], "unit": units.get(names[column], ""), "values": ((edge[:-1] + edge[1:]) / 2).tolist(), "knobs": []}
        for column, edge in zip(columns, edges, strict=True)
    )  # fmt: skip
    spans = {span.feature: (span.low, span.high) for span in region.where.spans}
    box = [_shares(edge, spans.get(names[column])) for column, edge in zip(columns, edges, strict=True)]
    unit = profile.unit or "per cent of the best rule's cost"
    mean = mean if profile.unit else 100.0 * mean
    top = float(np.nanmax(mean)) if count.any() else 0.0
    return {
        "across": across, "down": down, "kind": "amount", "names": [unit], "ordered": True, "low": 0.0, "high": top or 1.0,
        "sides": [{"name": "Mean loss", "action": mean.astype(np.float32).tobytes()}],
        "still": f"Point at the map for what is lost there; grey was not met. The frame is where {region.rule}.",
        "box": [value for pair in box for value in pair],
    }  # fmt: skip


def _telling(profile: FailureProfile) -> list[int]:
    """Quantities by how strongly they go with the loss, ranks against ranks."""
    ranks = np.argsort(np.argsort(profile.values, axis=0), axis=0).astype(np.float64)
    loss = np.argsort(np.argsort(profile.losses)).astype(np.float64)
    varies = np.ptp(profile.values, axis=0) > 0
    with np.errstate(invalid="ignore"):
        strength = np.abs(((ranks - ranks.mean(axis=0)) * (loss - loss.mean())[:, None]).mean(axis=0))
    return [int(place) for place in np.argsort(np.where(varies, -strength, 0.0), kind="stable")]


def _edges(values: Floats) -> Floats:
    """Ends of cells: one for each value where they are few, else even ones."""
    known = np.unique(values)
    if len(known) == 1:
        return np.array([known[0] - 0.5, known[0] + 0.5])
    if len(known) > CELLS:
        return np.linspace(known[0], known[-1], CELLS + 1)
    middles = (known[:-1] + known[1:]) / 2
    first, last = known[1] - known[0], known[-1] - known[-2]
    return np.concatenate([[known[0] - first / 2], middles, [known[-1] + last / 2]])


def _shares(edges: Floats, span: tuple[float, float] | None) -> tuple[float, float]:
    """How far along the cells (all drawn alike wide) a span's ends lie, 0 to 1."""
    if span is None:
        return 0.0, 1.0
    even = np.linspace(0.0, 1.0, len(edges))
    low, high = (float(np.interp(end, edges, even)) for end in np.clip(span, edges[0], edges[-1]))
    return low, high
