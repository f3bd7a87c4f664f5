"""Changing links for searches: their throughput over stretches of time, within limits; their times stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Limits, change_stretch, draw_line, settled_limits
from dnnexplain.contract import table_from_json as read_table
from dnnexplain.systems.abr.records import RECORD_KNOBS, from_records, to_records
from dnnexplain.systems.abr.traces import Trace

__all__ = ["LIMITS", "change", "cross", "from_json", "redraw", "reshape", "to_json"]

LIMITS: Limits = {"throughput": (0.2, 6.0)}
"""What may be changed, within what, Mb/s: from less than the lowest bitrate to more than the highest needs."""
_WIDEST: Limits = {"throughput": (0.01, 1e4)}

LONGEST = 120
"""Samples that a change lasts at most."""
LARGE = 6
"""Most changes that make a start for searches far from the given link."""
KNOT = 8
"""Samples between the points through which a link that is drawn anew runs straight."""


def change(link: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
    """A link near the given one: over one to three stretches its throughput differs.

    Raises:
        DnnExplainError: an unknown name among the limits, or limits that leave nothing.
    """
    return _changed(link, rng, limits, min(3, int(rng.geometric(0.5))))


def reshape(link: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
    """A link far from the given one, by several changes."""
    return _changed(link, rng, limits, int(rng.integers(2, LARGE + 1)))


def redraw(link: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
    """A link that runs straight through points drawn uniformly within the limits, one every 8 samples."""
    low, high = _span(limits)
    return _made(link, draw_line(len(link.mbps), KNOT, low, high, rng))


def cross(trace: Trace, two: Trace, rng: np.random.Generator) -> Trace:
    """A link with a stretch of another one that has as many samples; the first one itself if it has not."""
    if len(trace.mbps) != len(two.mbps):
        return trace
    first, last = np.sort(rng.integers(0, len(trace.mbps) + 1, size=2))
    mbps = trace.mbps.copy()
    mbps[first:last] = two.mbps[first:last]
    return _made(trace, mbps)


def to_json(link: Trace) -> dict[str, Any]:
    """``{"link", "columns": [...], "samples": [[...], ...]}``: a row per sample."""
    columns = [knob.name for knob in RECORD_KNOBS]
    return {"link": link.name, "columns": columns, "samples": to_records(link).tolist()}


def from_json(data: Mapping[str, Any]) -> Trace:
    """The inverse of :func:`to_json`.

    Raises:
        DnnExplainError: something is missing, or rows are no times and rates.
    """
    return from_records(read_table(data, "samples", len(RECORD_KNOBS), "link"), str(data.get("link", "")))


def _span(limits: Limits) -> tuple[float, float]:
    return settled_limits(limits, LIMITS, _WIDEST, "a link")["throughput"]


def _changed(link: Trace, rng: np.random.Generator, limits: Limits, times: int) -> Trace:
    low, high = _span(limits)
    mbps = link.mbps.copy()
    for _ in range(times):
        change_stretch(mbps, rng, low, high, LONGEST)
    return _made(link, mbps)


def _made(link: Trace, mbps: NDArray[np.float64]) -> Trace:
    return Trace(link.name, link.seconds, mbps)
