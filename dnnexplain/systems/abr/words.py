"""A state in words, in JSON, and beside what: the references of an attribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.numbers import number
from dnnexplain.systems.abr.codec import Codec
from dnnexplain.systems.abr.features import BitrateFeatures

__all__ = ["baselines_of", "describe", "from_json", "to_json"]

_KEYS = {
    "last_bitrate_kbps": "last bitrate", "buffer_s": "buffer", "throughput_mbps": "throughput",
    "download_s": "download time", "next_sizes_mb": "next sizes", "chunks_remaining": "chunks remaining",
}  # fmt: skip


def describe(codec: Codec, state: State) -> str:
    """The state in one sentence."""
    row = state.values[None]
    observation = codec.encode(row, state.background)
    quantities = dict(zip(BitrateFeatures(codec).names, BitrateFeatures(codec)(observation)[0], strict=True))
    sizes = row[0, codec.sizes]
    rate = f"{row[0, 0]:,.0f}" if float(row[0, 0]).is_integer() else number(row[0, 0])
    return (
        f"The buffer holds {row[0, 1]:.1f} s after a chunk at {rate} kbps that came at "
        f"{quantities['throughput 1']:.2f} Mb/s (last five: {quantities['throughput of the last 5']:.2f}); the next "
        f"chunk has {sizes[0]:.2f} to {sizes[-1]:.2f} MB, and {row[0, codec.remaining]:.0f} remain."
    )


def _slices(codec: Codec) -> dict[str, slice]:
    return {
        "last_bitrate_kbps": slice(0, 1), "buffer_s": slice(1, 2), "throughput_mbps": codec.throughput,
        "download_s": codec.download, "next_sizes_mb": codec.sizes,
        "chunks_remaining": slice(codec.remaining, codec.remaining + 1),
    }  # fmt: skip


def to_json(codec: Codec, state: State) -> dict[str, Any]:
    """Named quantities, past samples oldest first."""
    data: dict[str, Any] = {}
    for key, place in _slices(codec).items():
        values = [float(value) for value in state.values[place]]
        data[key] = values if len(values) > 1 or key.endswith(("mbps", "mb")) else values[0]
    return data


def from_json(codec: Codec, data: Mapping[str, Any]) -> State:
    """The inverse; what is not named keeps its default, and what is not valid together is brought to it.

    Raises:
        DnnExplainError: an unknown field, or one that is not as many numbers as it should be.
    """
    row = np.array([knob.start for knob in codec.knobs])
    places = _slices(codec)
    for key, value in data.items():
        if key not in places:
            msg = f"a state has no field {key!r}; there are: {', '.join(places)}"
            raise DnnExplainError(msg)
        wanted = places[key].stop - places[key].start
        try:
            numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape != (wanted,) or not np.isfinite(numbers).all():
            msg = f"{key} must be {wanted} finite number{'s' if wanted > 1 else ''}, not {str(value)[:80]}"
            raise DnnExplainError(msg)
        row[places[key]] = numbers
    return State(codec.repair(row[None])[0])


def baselines_of(codec: Codec, state: State) -> dict[str, NDArray[np.float32]]:
    """Reference observations, each ``[n, 6, L]``: what an attribution compares a state with."""
    default = np.array([knob.start for knob in codec.knobs])
    steady = state.values.copy()
    rates = steady[codec.throughput]
    there = rates > 0
    if there.any():
        steady[codec.throughput] = np.where(there, there.sum() / (1.0 / rates[there]).sum(), 0.0)
    begin = default.copy()
    begin[codec.remaining] = codec.high[codec.remaining]
    begin[0], begin[1] = codec.video.bitrates[min(codec.params.first, codec.rates - 1)], codec.video.seconds
    rows = codec.repair(np.stack([default, steady, begin]))
    pictures = codec.encode(rows)
    return {
        "an ordinary state": pictures[:1],
        "this state on a steady link": pictures[1:2],
        "the session's beginning": pictures[2:3],
        "nothing at all (zeros)": np.zeros_like(pictures[:1]),
    }
